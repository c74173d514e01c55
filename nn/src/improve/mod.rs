//! Reconstructions made more like the body: volume to volume, slice by slice or in patches.
//!
//! ```text
//! u = (a·v + b + 1000) / 1400        v: voxel; a, b: least squares on the training bodies, in HU
//! out = u + network(u)
//! ```

mod data;
pub mod evaluation;
mod network;
mod recipe;
mod run;

pub use data::{Pair, Pairs};
pub use network::{Network, NetworkOptions};
pub use recipe::{DataOptions, ErrorKind, LossOptions, Recipe};
pub use run::Improver;

/// A network that improves reconstructions.
pub type Model = crate::Model<Recipe>;
