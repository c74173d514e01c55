//! Figures of merit of a reconstructed volume against its truth on the same grid, and of nodules put into it.
//!
//! ```text
//! output → Affine: a·x + b, in HU → psnr, ssim of planes, discontinuity between slices         of the whole body
//! output and truth, each with and without a nodule → mass recovery, artefact spread, contrast   of a nodule
//! output and truth without nodules → false mass
//! one number for each body → Bootstrap::compare: difference, interval, verdict
//! ```
//!
//! - A mask is a volume on the truth's grid, above 0.5 inside; that of a body is made by
//!   [`Cleaning::body_mask`](crate::body::Cleaning::body_mask).
//! - Axes are those of the voxels, `[z][y][x]`. On a grid along the world axes, z runs to the head and y, the depth of a
//!   tomosynthesis, to the front. Positions are world positions in millimetres.
//! - Volumes that are compared have one unit, here HU; the range R of values is given in it, such as 1400 HU from −1000 to 400.
//! - Sums are taken in `f64`, slice by slice and then over the slices from the first on: the same bits for any number of threads.
//!
//! Formulas: `docs/methods/metrics.md`.

mod calibration;
mod contrast;
mod false_mass;
mod fidelity;
mod inside;
mod nodule;
mod planes;
mod spread;

pub use calibration::{Affine, AffineSums};
pub use contrast::{NoduleContrast, nodule_contrast};
pub use false_mass::{FalseMass, FalseMassLimits, false_mass};
pub use fidelity::{discontinuity, psnr, ssim};
pub use nodule::{Paired, Sphere, mass_recovery};
pub use planes::Plane;
pub use spread::{ArtefactSpread, artefact_spread};
