//! Nodules found in volumes: slice by slice, from a slice and its neighbours to the probability of each voxel.
//!
//! ```text
//! u = (a·v + b + 1000) / 1400        v: voxel; a, b: to HU, of the training bodies
//! p[i] = σ(s·network(u[i − k], …, u[i], …, u[i + k]) + b)        s, b: slope and offset of the card
//! ```
//! where `u[i]` is the i-th slice and 2k + 1 the network's inputs; beyond the outermost slices these go on.

mod data;
pub mod evaluation;
mod recipe;
mod run;

pub use data::Slices;
pub use recipe::{DataOptions, LossOptions, Recipe, StartOptions};
pub use run::{Calibration, OFFSET, SLOPE, Segmenter, THRESHOLD};

/// A network that finds nodules.
pub type Model = crate::Model<Recipe>;
