//! Nodules in a volume, as marks that [`crate::metrics::froc`] counts.
//!
//! ```text
//! a network's probabilities → candidates: connected voxels, each a mark
//! a CT and its lungs        → blobs: differences of Gaussians, the baseline that a network must beat
//! ```
//!
//! Plain functions on the host, with the same bits for any number of threads. Formulas: `docs/methods/detection.md`.

mod blobs;
mod candidates;
mod smooth;

pub use blobs::{BlobOptions, blobs};
pub use candidates::{Candidates, candidates};
