//! Training from simulated radiographs: a recipe, the images it describes, steps, and checkpoints that resume to the bit.

mod adversarial;
mod checkpoint;
mod data;
mod draws;
mod learning_rate;
mod noise;
mod objective;
mod recipe;
mod trainer;
mod weights;

pub use data::{Batch, Pool};
pub use learning_rate::{LearningRate, Shape};
pub use noise::{EVEN_SIGNAL, NoiseKind, NoiseOptions};
pub use recipe::{DataOptions, DiffusionOptions, Method, Recipe, TrainingOptions};
pub use trainer::{Progress, Trainer};
