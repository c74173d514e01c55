//! What denoisers learn from: a recipe, radiographs drawn by the engine, noise, and a loss for each method.

mod data;
mod noise;
mod objective;
mod recipe;

pub use data::{Batch, Pool};
pub use noise::{EVEN_SIGNAL, NoiseKind, NoiseOptions};
pub use recipe::{DataOptions, DiffusionOptions, LeavesOptions, Method, Recipe};
