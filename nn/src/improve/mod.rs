//! Reconstructions made more like the body: volume to volume, slice by slice or in patches.
//!
//! ```text
//! u = (a·v + b + 1000) / 1400        v: voxel; a, b: least squares on the training bodies, in HU
//! out = u + network(u)
//! ```

mod blocks;
mod data;
pub mod evaluation;
mod network;
mod recipe;
mod run;

pub use blocks::{Block, Pieces};
pub use data::{Pair, Pairs};
pub use network::{Network, NetworkOptions};
pub use recipe::{DataOptions, Fitted, LossOptions, Recipe};
pub use run::Improver;

/// A network that improves reconstructions.
pub type Model = crate::Model<Recipe>;

/// What 0 and 1 stand for, in HU: air, and bone of 400 HU.
const SCALE_HU: [f64; 2] = [-1000.0, 400.0];
