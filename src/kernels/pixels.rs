//! How kernels keep images of whole numbers and masks: packed, so that a pass moves no more bytes than it must.

use crate::engine::{Buffer, Extent, Graph};

/// Grey image of whole numbers of up to 16 bits: two pixels per word, the left one in the low half.
///
/// Pixel x of row y is half-word `x % 2` of word `y·row_words + x/2`. Where the number of columns is odd, the last
/// half-word of a row is 0. Twins see rows of `u16`, `2·row_words` apart.
#[derive(Clone, Copy, Debug)]
pub struct Pixels {
    /// The packed pixels: one slice, a row of words per row of pixels.
    pub buffer: Buffer<[u16; 2]>,
    /// Columns and rows, in pixels.
    pub size: [u32; 2],
    /// Significant bits, 1 to 16: values are below 2^bits.
    pub bits: u8,
}

impl Pixels {
    /// New image; `label` names its buffer.
    pub fn new(graph: &mut Graph<'_>, label: impl Into<String>, size: [u32; 2], bits: u8) -> Self {
        let buffer = graph.buffer(label, Self::extent(size));
        Self { buffer, size, bits }
    }

    /// Extent of the buffer of an image of `size` pixels.
    #[must_use]
    pub fn extent(size: [u32; 2]) -> Extent {
        Extent { slices: 1, rows: size[1], columns: Self::row_words(size) }
    }

    /// Words of one row.
    #[must_use]
    pub fn row_words([columns, _]: [u32; 2]) -> u32 {
        columns.div_ceil(2)
    }

    /// Number of grey levels.
    #[must_use]
    pub fn levels(&self) -> u32 {
        1 << self.bits
    }
}

/// Set of pixels: 32 per word, the leftmost in the lowest bit.
///
/// Pixel x of row y is bit `x % 32` of word `y·row_words + x/32`. Bits beyond the last column are 0.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    /// The bits: one slice, a row of words per row of pixels.
    pub buffer: Buffer<u32>,
    /// Columns and rows, in pixels.
    pub size: [u32; 2],
}

impl Mask {
    /// New mask; `label` names its buffer.
    pub fn new(graph: &mut Graph<'_>, label: impl Into<String>, size: [u32; 2]) -> Self {
        let buffer = graph.buffer(label, Self::extent(size));
        Self { buffer, size }
    }

    /// Extent of the buffer of a mask of `size` pixels.
    #[must_use]
    pub fn extent(size: [u32; 2]) -> Extent {
        Extent { slices: 1, rows: size[1], columns: Self::row_words(size) }
    }

    /// Words of one row.
    #[must_use]
    pub fn row_words([columns, _]: [u32; 2]) -> u32 {
        columns.div_ceil(32)
    }
}
