//! Quality of radiographs: noise, contrast and rotation, each told by a small network.
//!
//! ```text
//! ln µ    = mean of network(crop) over 8 crops of 64² native pixels, beside what a fit of the noise tells where it is told
//! g       = network(overview)                         overview of 128² pixels, −1 to 1
//! angle   = (network(overview) − network(mirrored)) / 2
//! ```
//! Networks answer with a value, or with classes that limits divide ([`Quantity::limits`]).

mod calibration;
mod data;
pub mod evaluation;
mod exposure;
mod quantity;
mod recipe;
mod run;
mod seen;
mod view;

pub use data::{Radiograph, Radiographs};
pub use exposure::Exposure;
pub use quantity::{LARGEST_ANGLE_DEG, LARGEST_EXPONENT, LEAST_QUANTA, Quantity};
pub use recipe::{Answer, DataOptions, Recipe};
pub use run::{Assessment, Assessor};
pub use seen::Seen;
pub use view::{CROP, CROPS, SIDE, Scale};

/// A network that assesses radiographs.
pub type Model = crate::Model<Recipe>;
