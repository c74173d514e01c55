//! What the blending kernels share: parameters, shapes, and the walk over pixels with the same four tiles.
//!
//! On the CPU the tables of four tiles are laid side by side, over the range of grey values that the pixels at hand
//! have, so that one access finds what would take four, mostly beyond the first-level cache. Where the range is wide
//! for the number of pixels, this does not pay and the four tables are read where they are.

use std::ops::Range;

use super::axes::Layout;
use crate::kernels::prelude::*;

shader_struct! {
    /// Sizes of an image and of its tiles.
    pub(super) struct Quads {
        /// Columns and rows of the image; grey levels; tiles across and down.
        pub width, height, levels, across, down: u32,
        /// Width of a tile, where all are equal; height of `tiles` tiles, of one where all are equal.
        pub tile_width, tile_height, tiles: u32,
    }
}

impl Quads {
    pub(super) fn of(pixels: Pixels, layout: &Layout) -> Self {
        let ([width, height], [x, y]) = (pixels.size, layout.tiles.axes);
        let (levels, tile_width, tile_height) = (pixels.levels(), x.numerator, y.numerator);
        Self { width, height, levels, across: x.count, down: y.count, tile_width, tile_height, tiles: y.denominator }
    }

    /// Words of a row of pixels.
    pub(super) fn words(self) -> u32 {
        Pixels::row_words([self.width, self.height])
    }

    /// Words of a row of tables.
    pub(super) fn lut_words(self) -> u32 {
        self.across * (self.levels / 2)
    }

    /// Rows of tiles that a row of pixels is blended from: its own, one above and one below; one more on either side
    /// since floors and roundings may put a row at a boundary into the neighbouring tile.
    pub(super) fn window(self) -> Window {
        Window { numerator: self.tiles, denominator: self.tile_height, first: -2, last: 2 }
    }

    /// Operations of a row of words.
    pub(super) fn operations(self) -> f64 {
        30.0 * f64::from(self.width)
    }
}

/// Tables of all tiles, packed: a row for each row of tiles.
pub(super) type Luts = Buffer<[u16; 2]>;

/// What a blend of `pixels` into an image of `bits` begins with: that image, the places of columns and rows, the sizes.
pub(super) fn begun(
    graph: &mut Graph<'_>,
    pixels: Pixels,
    layout: &Layout,
    bits: u8,
) -> (Pixels, [Buffer<u32>; 2], Quads) {
    let blended = Pixels::new(graph, "clahe.pixels", pixels.size, bits);
    (blended, layout.record_places(graph), Quads::of(pixels, layout))
}

/// Pixels whose values are found before they are blended.
const STRETCH: usize = 128;

/// Values of four tables, the weights of a column and of a row; the pixel.
pub(super) trait Arithmetic {
    /// Blends the values `[upper left, upper right, lower left, lower right]`.
    fn blend(values: [u32; 4], across: u32, down: u32, quads: &Quads) -> u32;
}

/// The buffers of a blend: the rows of pixels that are computed, all tables, pairs and weights of columns and rows.
pub(super) struct Inputs<'a> {
    pixels: &'a [u16],
    luts: &'a [u16],
    columns: &'a [u32],
    rows: &'a [u32],
}

impl<'a> Inputs<'a> {
    pub(super) fn of(pixels: &'a [[u16; 2]], luts: &'a [[u16; 2]], columns: &'a [u32], rows: &'a [u32]) -> Self {
        Self { pixels: pixels.as_flattened(), luts: luts.as_flattened(), columns, rows }
    }
}

/// Runs of equal words.
fn runs(words: &[u32]) -> impl Iterator<Item = (Range<usize>, [usize; 2])> {
    let mut first = 0;
    words.chunk_by(|a, b| a == b).map(move |run| {
        let range = first..first + run.len();
        first = range.end;
        (range, [run[0] as usize & 0xffff, run[0] as usize >> 16])
    })
}

/// Computes rows with the arithmetic `A`; to be inlined into a vectorised function.
#[inline(always)]
pub(super) fn rows<A: Arithmetic>(quads: &Quads, rows: Range<usize>, inputs: &Inputs<'_>, out: &mut [u16]) {
    let [width, height, words, levels, across] =
        [quads.width, quads.height, quads.words(), quads.levels, quads.across].map(|n| n as usize);
    let stride = 2 * words;
    let (columns, weights) = inputs.columns.split_at(width);
    let (down, down_weights) = inputs.rows.split_at(height);
    let mut table = Vec::new();
    for (band, [upper, lower]) in runs(&down[rows.clone()]) {
        for (segment, [left, right]) in runs(columns) {
            let lut = |row: usize, column: usize| &inputs.luts[(row * across + column) * levels..][..levels];
            let luts = [lut(upper, left), lut(upper, right), lut(lower, left), lut(lower, right)];
            let weights = &weights[segment.clone()];
            let lines = || {
                let segment = segment.clone();
                band.clone().map(move |row| {
                    let pixels = &inputs.pixels[row * stride..][segment.clone()];
                    (row, pixels, down_weights[rows.start + row])
                })
            };
            let mut range = [u16::MAX, 0];
            for (_, pixels, _) in lines() {
                range = spread(pixels, range);
            }
            let first = range[0];
            let count = usize::from(range[1]).wrapping_sub(first.into()).wrapping_add(1);
            if count <= segment.len() * band.len() / 2 && usize::from(range[1]) < levels {
                interleave(luts, first.into()..usize::from(range[1]) + 1, &mut table);
                // Where the entry of 0 would stand, so that a pixel is a place without a subtraction.
                let entries = table.as_ptr().wrapping_sub(first.into());
                // SAFETY: `range` holds every pixel of these lines, and the table every value of the range.
                let find = |pixel: u16| unsafe { *entries.wrapping_add(pixel.into()) };
                for (row, pixels, weight) in lines() {
                    line::<A>(quads, find, pixels, weights, weight, &mut out[row * stride..][segment.clone()]);
                }
            } else {
                let find = |pixel: u16| {
                    let value = usize::from(pixel) & (levels - 1);
                    // SAFETY: the tables have `levels` entries, a power of two.
                    luts.map(|l| u64::from(unsafe { *l.get_unchecked(value) }))
                };
                let find = |pixel: u16| {
                    let [a, b, c, d] = find(pixel);
                    a | b << 16 | c << 32 | d << 48
                };
                for (row, pixels, weight) in lines() {
                    line::<A>(quads, find, pixels, weights, weight, &mut out[row * stride..][segment.clone()]);
                }
            }
        }
    }
    if width % 2 == 1 {
        out.iter_mut().skip(width).step_by(stride).for_each(|spare| *spare = 0);
    }
}

/// Smallest and largest value so far, and of a line.
#[inline(always)]
fn spread(pixels: &[u16], [mut low, mut high]: [u16; 2]) -> [u16; 2] {
    const SIDE_BY_SIDE: usize = 2 * LANES;
    let Some(last) = pixels.last_chunk::<SIDE_BY_SIDE>() else {
        return pixels.iter().fold([low, high], |[low, high], pixel| [low.min(*pixel), high.max(*pixel)]);
    };
    // What a line has beyond whole groups is looked at together with some of what was before.
    let (mut lows, mut highs) = (*last, *last);
    for group in pixels.as_chunks::<SIDE_BY_SIDE>().0 {
        for l in 0..SIDE_BY_SIDE {
            lows[l] = lows[l].min(group[l]);
            highs[l] = highs[l].max(group[l]);
        }
    }
    for l in 0..SIDE_BY_SIDE {
        low = low.min(lows[l]);
        high = high.max(highs[l]);
    }
    [low, high]
}

/// Four values per entry, the first in the lowest half-word.
#[inline(always)]
fn interleave(luts: [&[u16]; 4], range: Range<usize>, table: &mut Vec<u64>) {
    let [a, b, c, d] = luts.map(|l| &l[range.clone()]);
    table.clear();
    let upper = a.iter().zip(b).map(|(a, b)| u64::from(*a) | u64::from(*b) << 16);
    let lower = c.iter().zip(d).map(|(c, d)| u64::from(*c) << 32 | u64::from(*d) << 48);
    table.extend(upper.zip(lower).map(|(upper, lower)| upper | lower));
}

/// One line of pixels between the same four tiles.
///
/// Values are found one by one and blended many at a time. What was just stored piece by piece cannot be loaded at once
/// without waiting for the stores to reach the cache, so as many are found first as make that wait go unnoticed.
#[inline(always)]
fn line<A: Arithmetic>(
    quads: &Quads,
    find: impl Fn(u16) -> u64,
    pixels: &[u16],
    across: &[u32],
    down: u32,
    out: &mut [u16],
) {
    let mut found = [0_u64; STRETCH];
    let stretches = pixels.chunks(STRETCH).zip(across.chunks(STRETCH)).zip(out.chunks_mut(STRETCH));
    for ((pixels, across), out) in stretches {
        for (pixel, values) in pixels.iter().zip(&mut found) {
            *values = find(*pixel);
        }
        let found: &[[u32; 2]] = bytemuck::cast_slice(&found);
        for (([upper, lower], weight), out) in found.iter().zip(across).zip(out) {
            let values = [upper & 0xffff, upper >> 16, lower & 0xffff, lower >> 16];
            *out = A::blend(values, *weight, down, quads) as u16;
        }
    }
}
