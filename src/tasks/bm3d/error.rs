use thiserror::Error;

use crate::data::DataError;

/// Why an image cannot be filtered.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Bm3dError {
    /// The noise is not a standard deviation.
    #[error("standard deviation of the noise must be finite and not negative, got {got}")]
    Sigma {
        /// Value given.
        got: f32,
    },
    /// The range is not a span of grey values.
    #[error("range of grey values must be finite and positive, got {got}")]
    Range {
        /// Value given.
        got: f32,
    },
    /// The image is smaller than a block.
    #[error("image must have at least {side}x{side} pixels, one block, got {}x{}", got[0], got[1])]
    Small {
        /// Side of a block.
        side: usize,
        /// Columns and rows of the image.
        got: [usize; 2],
    },
    /// The image holds NaN or infinite values.
    #[error(transparent)]
    Data(#[from] DataError),
}
