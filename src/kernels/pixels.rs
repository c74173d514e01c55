//! How kernels keep images of whole numbers and masks: packed, so that a pass moves no more bytes than it must.

use crate::engine::{Buffer, Extent, Graph, Write};

/// Grey image of whole numbers of up to 16 bits: two pixels per word, the left one in the low half.
///
/// Pixel x of row y is half-word `x % 2` of word `y·row_words + x/2`. Where the number of columns is odd, the last
/// half-word of a row is 0. Twins see rows of `u16`, `2·row_words` apart.
#[derive(Clone, Copy, Debug)]
pub struct Pixels {
    pub(crate) buffer: Buffer<[u16; 2]>,
    pub(crate) size: [u32; 2],
    pub(crate) bits: u8,
}

impl Pixels {
    /// Significant bits at the most.
    pub const MAX_BITS: u8 = 16;

    /// New image; `label` names its buffer.
    pub fn new(graph: &mut Graph<'_>, label: impl Into<String>, size: [u32; 2], bits: u8) -> Self {
        let buffer = graph.buffer(label, Self::extent(size));
        Self::of(graph, buffer, size, bits)
    }

    /// Image of `size` columns and rows whose packed pixels are in a buffer.
    ///
    /// The graph is refused ([`Graph::refuse`]) when `bits` is not 1 to 16, or the buffer not as large as the image.
    pub fn of(graph: &mut Graph<'_>, buffer: Buffer<[u16; 2]>, size: [u32; 2], bits: u8) -> Self {
        if !(1..=Self::MAX_BITS).contains(&bits) {
            graph.refuse("pixels", format!("pixels must have 1 to {} bits, got {bits}", Self::MAX_BITS));
        }
        if graph.extent(buffer) != Self::extent(size) {
            let Extent { slices, rows, columns } = graph.extent(buffer);
            let [width, height] = size;
            let reason = format!("{width} × {height} pixels cannot be in {slices} × {rows} × {columns} words");
            graph.refuse("pixels", reason);
        }
        Self { buffer, size, bits: bits.clamp(1, Self::MAX_BITS) }
    }

    /// The packed pixels: one slice, a row of words per row of pixels.
    #[must_use]
    pub fn buffer(&self) -> Buffer<[u16; 2]> {
        self.buffer
    }

    /// Columns and rows, in pixels.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Significant bits, 1 to 16: values are below 2^bits.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.bits
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

    /// Columns, rows, and words of one row.
    pub(crate) fn shape(&self) -> [u32; 3] {
        let [columns, rows] = self.size;
        [columns, rows, Self::row_words(self.size)]
    }

    /// Number of grey levels.
    #[must_use]
    pub fn levels(&self) -> u32 {
        1 << self.bits
    }
}

impl From<Pixels> for Buffer<[u16; 2]> {
    fn from(pixels: Pixels) -> Self {
        pixels.buffer
    }
}

impl From<Pixels> for Write {
    fn from(pixels: Pixels) -> Self {
        pixels.buffer.replace()
    }
}

/// Pixels of one word of a [`Mask`].
pub(crate) const WORD_PIXELS: usize = 32;

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

    /// Columns, rows, and words of one row.
    pub(crate) fn shape(&self) -> [u32; 3] {
        let [columns, rows] = self.size;
        [columns, rows, Self::row_words(self.size)]
    }

    /// Refuses the graph when this mask and another, which a pass takes together, differ in size.
    pub(crate) fn check_size(&self, graph: &mut Graph<'_>, pass: &str, other: &Self) {
        if self.size != other.size {
            let ([a, b], [c, d]) = (self.size, other.size);
            graph.refuse(pass, format!("masks must have one size, got {a} × {b} and {c} × {d} pixels"));
        }
    }

    /// Bits of the last word of a row that lie in the image.
    pub(crate) fn last_valid(columns: u32) -> u32 {
        u32::MAX >> (columns.wrapping_neg() % u32::BITS)
    }
}

impl From<Mask> for Buffer<u32> {
    fn from(mask: Mask) -> Self {
        mask.buffer
    }
}

impl From<Mask> for Write {
    fn from(mask: Mask) -> Self {
        mask.buffer.replace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_full_only_at_multiples_of_its_length() {
        assert_eq!([1, 2, 31, 32, 33, 64].map(Mask::last_valid), [1, 3, u32::MAX >> 1, u32::MAX, 1, u32::MAX]);
    }
}
