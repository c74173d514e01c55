//! Training of any learned system: its recipe as a trait, steps, and checkpoints that resume to the bit.

mod adversarial;
mod cases;
mod checkpoint;
mod draws;
mod learning_rate;
mod options;
mod system;
mod trainer;
mod weights;

pub use adversarial::Judges;
pub use cases::{Cases, Kept, cases};
pub use draws::Draws;
pub use learning_rate::{LearningRate, Shape};
pub use options::TrainingOptions;
pub use system::{Loss, SlowParts, System, Task};
pub use trainer::{Progress, Trainer};

pub(crate) use options::check_name;
pub(crate) use system::{check_task, of_cases};
