use thiserror::Error;

use crate::data::DataError;

/// Why an image's noise cannot be told or transformed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum NoiseError {
    /// Values are not finite.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The image is too small to tell noise from structure.
    #[error("image must have at least {min} pixels along each side to tell its noise, got {columns}x{rows}")]
    TooSmall {
        /// Smallest allowed side.
        min: usize,
        /// Columns given.
        columns: usize,
        /// Rows given.
        rows: usize,
    },
    /// The mask does not belong to the image.
    #[error("mask must have one value per pixel, {expected}, got {got}")]
    Mask {
        /// Number of pixels.
        expected: usize,
        /// Length of the mask.
        got: usize,
    },
    /// Clipping and mask leave too little of the image.
    #[error("at least {min} wavelet windows of 4x4 unclipped pixels are needed to tell the noise, got {got}")]
    TooFewWindows {
        /// Smallest number that will do.
        min: usize,
        /// Windows left.
        got: usize,
    },
    /// A number of a noise model is outside its range.
    #[error("noise {field} must be {allowed}, got {got}")]
    Range {
        /// Name of the parameter.
        field: &'static str,
        /// Range in words.
        allowed: &'static str,
        /// Value given.
        got: f64,
    },
}
