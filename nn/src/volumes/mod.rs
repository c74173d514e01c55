//! Volumes as networks see them: cases on disk, values and voxels, and the pieces into which they are divided.
//!
//! ```text
//! u = (a·v + b + 1000) / 1400        v: voxel; a, b: to HU, of the training bodies
//! ```

mod blocks;
mod cases;
mod fitted;
mod region;

pub use blocks::{Block, Pieces};
pub use cases::Input;
pub use fitted::Fitted;
pub use region::Within;

pub(crate) use blocks::at_once;
pub(crate) use cases::{Source, check_nodules, nodules};
pub(crate) use fitted::{admit, dims, scaled, unscaled};
pub(crate) use region::Region;

/// What 0 and 1 stand for, in HU: air, and bone of 400 HU.
const SCALE_HU: [f64; 2] = [-1000.0, 400.0];
