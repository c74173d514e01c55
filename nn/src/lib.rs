//! Learned systems of kerma: networks, diffusion, training and denoising with burn on the engine's device.
//!
//! ```text
//! denoise      an image in tiles through a trained network; what denoisers learn from
//! improve      a reconstruction made more like the body, in slices or patches
//! reconstruct  projections to slices by networks and the scan's operators in turn
//! segment      nodules found in a volume, slice by slice
//! quality      noise, contrast and rotation of radiographs
//! volumes      what networks of volumes share: cases, units, grids, pieces
//! training     any system's recipe, steps, checkpoints, cases on disk
//! diffusion    levels of noise, predictions, steps down the chain
//! perceptual   how far two images differ to a network's eyes
//! losses       what networks are trained against beyond the mean square
//! networks     residual UNets, a transformer, a classifier, and their parts
//! operators    projection and back-projection, differentiable
//! ops          operations that decide the speed on the CPU
//! ```

mod error;

pub mod denoise;
pub mod diffusion;
pub mod improve;
pub mod losses;
mod model;
pub mod networks;
pub mod operators;
pub mod ops;
pub mod perceptual;
pub mod quality;
mod recipe;
pub mod reconstruct;
pub mod segment;
mod shipped;
mod statement;
mod tensors;
pub mod training;
pub mod volumes;

pub use error::Error;
pub use model::{Card, Model, Precision, Start, task_of_model};
pub use recipe::evaluation_kind;
pub use shipped::{SHIPPED, feature_distance, shipped, shipped_assessor, shipped_improver, shipped_segmenter};
pub use statement::Statement;
pub use tensors::{beside, filled, values};
