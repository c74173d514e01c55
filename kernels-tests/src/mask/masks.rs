//! Masks and pictures that the cases share.

use kerma::{
    engine::Graph,
    kernels::{Mask, Pixels},
};

use crate::Seeded;

/// Sizes that end before, at and after the ends of words, and lines of one pixel.
pub(super) const SIZES: [[u32; 2]; 12] =
    [[1, 1], [1, 77], [131, 1], [31, 5], [32, 9], [33, 7], [64, 3], [65, 40], [95, 33], [257, 130], [2, 2], [1000, 3]];

/// Patterns that masks are filled with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pattern {
    Empty,
    Full,
    /// Set with so many percent of chance.
    Random(u32),
    /// One winding line of set pixels, one pixel apart: the longest chain of parents.
    Spiral,
    /// Teeth that hang from one bar: many components that become one at the end.
    Comb,
    /// Rings within rings.
    Rings,
    /// Set pixels that touch by corners only.
    Chequered,
    /// A disc with noise, as a thresholded field is.
    Disc,
}

pub(super) const PATTERNS: [Pattern; 10] = [
    Pattern::Empty,
    Pattern::Full,
    Pattern::Random(40),
    Pattern::Random(50),
    Pattern::Random(60),
    Pattern::Spiral,
    Pattern::Comb,
    Pattern::Rings,
    Pattern::Chequered,
    Pattern::Disc,
];

pub(super) struct Bits {
    pub(super) size: [u32; 2],
    words: Vec<u32>,
}

impl Bits {
    pub(super) fn new(size: [u32; 2], pattern: Pattern) -> Self {
        let [columns, rows] = size.map(i64::from);
        let mut seeded = Seeded::new(u64::from(size[0]) << 32 | u64::from(size[1]));
        let depth = |x: i64, y: i64| x.min(y).min(columns - 1 - x).min(rows - 1 - y);
        let mut is_set = |x: i64, y: i64| match pattern {
            Pattern::Empty => false,
            Pattern::Full => true,
            Pattern::Random(percent) => seeded.between(0.0, 100.0) < f64::from(percent),
            // Rings, cut open on the way inwards at their upper left corner and joined there.
            Pattern::Spiral if x + 1 == y && x < columns / 2 && y < rows / 2 => depth(x, y) % 2 == 1,
            Pattern::Spiral | Pattern::Rings => depth(x, y) % 2 == 0,
            Pattern::Comb => x % 2 == 0 || y + 1 == rows,
            Pattern::Chequered => (x + y) % 2 == 0,
            Pattern::Disc => {
                let (dx, dy) = ((2 * x - columns) as f64 / columns as f64, (2 * y - rows) as f64 / rows as f64);
                (dx * dx + dy * dy < 0.6) != (seeded.between(0.0, 1.0) < 0.03)
            }
        };
        let row_words = Mask::row_words(size) as usize;
        let mut words = vec![0; row_words * size[1] as usize];
        for y in 0..rows {
            for x in 0..columns {
                words[y as usize * row_words + x as usize / 32] |= u32::from(is_set(x, y)) << (x % 32);
            }
        }
        Self { size, words }
    }

    pub(super) fn upload<'a>(&'a self, graph: &mut Graph<'a>) -> Mask {
        Mask { buffer: graph.upload("case.mask", Mask::extent(self.size), &self.words), size: self.size }
    }
}

pub(super) struct Picture {
    pub(super) size: [u32; 2],
    bits: u8,
    words: Vec<[u16; 2]>,
}

impl Picture {
    /// Picture of `bits` bits from a function of column, row and a random number between 0 and 1.
    pub(super) fn new(size: [u32; 2], bits: u8, value: impl Fn(u32, u32, f64) -> u16) -> Self {
        let mut seeded = Seeded::new(u64::from(size[0]) << 32 | u64::from(size[1]));
        let row_words = Pixels::row_words(size);
        let mut words = Vec::new();
        for y in 0..size[1] {
            for pair in 0..row_words {
                let mut at = |x: u32| if x < size[0] { value(x, y, seeded.between(0.0, 1.0)) } else { 0 };
                words.push([at(2 * pair), at(2 * pair + 1)]);
            }
        }
        Self { size, bits, words }
    }

    pub(super) fn upload<'a>(&'a self, graph: &mut Graph<'a>) -> Pixels {
        let buffer = graph.upload("case.pixels", Pixels::extent(self.size), &self.words);
        Pixels::of(graph, buffer, self.size, self.bits)
    }
}

/// Name of a size.
pub(super) fn name([columns, rows]: [u32; 2]) -> String {
    format!("{columns}x{rows}")
}
