//! What can be wrong with the parameters.

use super::{MAX_TILES, MAX_UNIFORM};

/// Longest side of an image, in pixels: sizes of tiles and counts of pixels stay within 32 bits.
pub(super) const MAX_SIDE: u32 = 32_768;
/// The same in scikit-image's convention, whose blend is exact for tiles of fewer than 2^28 pixels.
pub(super) const MAX_SIDE_SKIMAGE: u32 = (1 << 14) - 1;

/// Parameter of a contrast-limited equalisation that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaheError {
    /// No image, or one that is too large.
    #[error("image must be 1 to {max} pixels wide and high, got {columns} × {rows}")]
    Size {
        /// Longest side.
        max: u32,
        /// Columns of the image.
        columns: u32,
        /// Rows of the image.
        rows: u32,
    },
    /// Number of bits that pixels cannot have.
    #[error("pixels must have 1 to 16 bits, got {0}")]
    Bits(u8),
    /// Number of tiles.
    #[error("number of tiles must be 1 to {MAX_TILES} across and down, got {across} × {down}")]
    Tiles {
        /// Tiles across.
        across: u32,
        /// Tiles down.
        down: u32,
    },
    /// Clip limit in OpenCV's unit.
    #[error("clip limit must be above 0 and at most {MAX_UNIFORM} uniform bins, got {0}; for no limit, switch it off")]
    Uniform(f64),
    /// Clip limit in scikit-image's unit.
    #[error(
        "clip limit must be a share above 0 and at most 1 of a tile's pixels, got {0}; for no limit, switch it off"
    )]
    Share(f64),
}
