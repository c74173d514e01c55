use thiserror::Error;

use crate::parallel::*;

/// A value that cannot describe data; always the caller's parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum DataError {
    /// The number of values does not match the declared shape.
    #[error("{what} of {shape} must have {expected} values, got {got}")]
    Length {
        /// What is being built, for instance "volume".
        what: &'static str,
        /// The declared shape, in words.
        shape: String,
        /// Number of values the shape asks for.
        expected: usize,
        /// Number of values given.
        got: usize,
    },
    /// A size is zero or too large to address.
    #[error("{what} size must be 1 to {max} along {axis}, got {got}")]
    Size {
        /// What is being built.
        what: &'static str,
        /// Name of the offending axis.
        axis: char,
        /// Size given.
        got: usize,
        /// Largest allowed size.
        max: usize,
    },
    /// The product of the sizes is beyond what one object may hold.
    #[error("{what} of {shape} has more than {max} values")]
    TooLarge {
        /// What is being built.
        what: &'static str,
        /// The declared shape, in words.
        shape: String,
        /// Largest allowed number of values.
        max: u64,
    },
    /// A spacing is zero, negative or not finite.
    #[error("{what} spacing must be positive, got {got} mm along {axis}")]
    Spacing {
        /// What is being built.
        what: &'static str,
        /// Name of the offending axis.
        axis: char,
        /// Spacing given, in millimetres.
        got: f64,
    },
    /// The direction cosines are not an orthonormal frame.
    #[error("{what} orientation must be three orthogonal unit vectors")]
    Orientation {
        /// What is being built.
        what: &'static str,
    },
    /// A position is not finite.
    #[error("{what} origin must be finite, got {got} mm along {axis}")]
    Origin {
        /// What is being built.
        what: &'static str,
        /// Name of the offending axis.
        axis: char,
        /// Position given, in millimetres.
        got: f64,
    },
    /// A text does not follow the grid notation.
    #[error("grid must read NXxNYxNZ@SXxSYxSZ[+OX,OY,OZ], got \"{got}\"")]
    GridText {
        /// The text given.
        got: String,
    },
    /// A number of a grid's text is beyond what files can hold.
    #[error("grid {what} must be {min:e} to {max:e} mm, got {got:e} mm along {axis}")]
    GridRange {
        /// What the number is: spacing or centre.
        what: &'static str,
        /// Name of the offending axis.
        axis: char,
        /// Number given, in millimetres.
        got: f64,
        /// Smallest allowed number.
        min: f64,
        /// Largest allowed number.
        max: f64,
    },
    /// Values that are not finite where numbers are needed.
    #[error("{count} of the values of the {what} are not finite, the first at index {first}")]
    NotFinite {
        /// What was checked.
        what: &'static str,
        /// How many values are NaN or infinite.
        count: usize,
        /// Index of the first of them.
        first: usize,
    },
}

impl DataError {
    pub(crate) fn check_finite(what: &'static str, values: &[f32]) -> Result<(), Self> {
        const CHUNK: usize = 1 << 16;
        // Without a branch per value, so that memory alone sets the pace.
        let is_finite = |chunk: &[f32]| chunk.iter().fold(true, |all, v| all & v.is_finite());
        if values.par_chunks(CHUNK).all(is_finite) {
            return Ok(());
        }
        let count = values.iter().filter(|v| !v.is_finite()).count();
        let first = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
        Err(Self::NotFinite { what, count, first })
    }
}
