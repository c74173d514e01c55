//! Projections to slices by networks that are told what the scan sees: Learned Primal-Dual.
//!
//! ```text
//! Bodies       chests with ellipses in them, their exact line integrals, and noise
//! Physics      the scan's operators in the network's units
//! PrimalDual   small networks between projection and back-projection, in turn
//! evaluation   beside filtered back-projection and total variation
//! ```
//! J. Adler and O. Öktem, Learned Primal-Dual Reconstruction, IEEE Trans. Med. Imaging 37:1322, 2018.

mod data;
pub mod evaluation;
mod network;
mod physics;
mod recipe;
mod run;

pub use data::{Bodies, Body};
pub use network::{PrimalDual, PrimalDualOptions};
pub use physics::Physics;
pub use recipe::{DataOptions, Recipe};
pub use run::Reconstructor;

/// A network that reconstructs.
pub type Model = crate::Model<Recipe>;
