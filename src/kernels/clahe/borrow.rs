//! Lets tiles with few pixels in the mask borrow the histograms around them. Tier E.
//!
//! ```text
//! h'_t = Σ h_u over the tiles u at Chebyshev distance ≤ d from t
//! ```
//! where d is the smallest distance at which 16·Σ h'_t reaches the tile's number of pixels, or else the largest there
//! is. A tile whose pixels are all in the mask keeps its histogram. A table made from a handful of pixels at the rim of
//! the anatomy would be noise.
//!
//! d is found from numbers of pixels alone ([`super::totals`]) by bisection, since these grow with it, and tiles without
//! pixels are passed over: a tile far from the anatomy costs little more than those it borrows from.
//!
//! Shapes: `[tile row][tile column · levels + g]` ← the same.

use std::ops::Range;

use crate::kernels::histogram::{Axis, Tiles};
use crate::kernels::prelude::*;

/// A tile has enough pixels when so many times their number is its size.
const ENOUGH: u32 = 16;

kernel! {
    /// Histograms of tiles with what those of few pixels borrow.
    struct Borrow {
        /// Grey levels; tiles across and down.
        levels, across, down: u32,
        /// Pixels across of `across_denominator` tiles, pixels down of `down_denominator` tiles.
        across_numerator, across_denominator, down_numerator, down_denominator: u32,
    }
    shader clahe/borrow, Exact, [256, 1];
    reads counts[down, (across * levels)]: whole of u32, totals[down, across]: whole of u32;
    writes results[down, (across * levels)]: u32;
    domain |_| {
        let tile = [[across_numerator, across_denominator], [down_numerator, down_denominator]];
        Domain::groups(down, across, SHADER.workgroup[0], row_operations([levels, across, down], tile))
    };
}

/// Records the borrowing among the histograms of `tiles`, of `levels` bins each.
pub fn record(graph: &mut Graph<'_>, counts: Buffer<u32>, levels: u32, tiles: &Tiles) -> Buffer<u32> {
    let Axis { count: across, numerator: across_numerator, denominator: across_denominator, .. } = tiles.axes[0];
    let Axis { count: down, numerator: down_numerator, denominator: down_denominator, .. } = tiles.axes[1];
    let totals = super::totals::record(graph, counts, levels, [across, down]);
    let kernel =
        Borrow { levels, across, down, across_numerator, across_denominator, down_numerator, down_denominator };
    kernel.compute(graph, "borrow histograms", counts, totals, "clahe.counts")
}

/// Operations of a row of tiles whose sides are quotients.
fn row_operations(sizes: [u32; 3], tile: [[u32; 2]; 2]) -> f64 {
    let sizes = sizes.map(f64::from);
    let [width, height] = tile.map(|[numerator, denominator]| f64::from(numerator) / f64::from(denominator));
    sizes[1] * tile_operations(sizes, width * height)
}

/// Operations of one tile at the most: each step of the bisection adds up the rows around it, and a tile has enough
/// once every sixteenth of its pixels has come from a tile of its own, after which a ring of tiles may be added.
fn tile_operations([levels, across, down]: [f64; 3], area: f64) -> f64 {
    let (side, tiles) = (across.max(down), across * down);
    let borrowed = (area / f64::from(ENOUGH) + 8.0 * side + 1.0).min(tiles);
    4.0 * side * (side.log2() + 2.0) + 2.0 * borrowed * levels
}

fn twin(kernel: &Borrow, block: &Block, counts: &[u32], totals: &[u32], results: &mut [u32]) {
    let [levels, across] = [kernel.levels, kernel.across].map(|n| n as usize);
    let places = block.rows.clone().flat_map(|row| (0..across).map(move |column| [column, row]));
    for (place, out) in places.zip(results.chunks_exact_mut(levels)) {
        kernel.tile(place, counts, totals, out);
    }
}

impl Borrow {
    fn tile(&self, [column, row]: [usize; 2], counts: &[u32], totals: &[u32], out: &mut [u32]) {
        let [levels, across, down] = [self.levels, self.across, self.down].map(|n| n as usize);
        let length = |i: usize, numerator: u32, denominator: u32| {
            let [n, d] = [numerator, denominator].map(|n| n as usize);
            ((i + 1) * n / d - i * n / d) as u32
        };
        let width = length(column, self.across_numerator, self.across_denominator);
        let area = width * length(row, self.down_numerator, self.down_denominator);
        let wanted = area.div_ceil(ENOUGH);
        let around = |at: usize, reach: usize, count: usize| at.saturating_sub(reach)..(at + reach + 1).min(count);
        let pixels = |y: usize, tiles: &Range<usize>| {
            let before = if tiles.start > 0 { totals[y * across + tiles.start - 1] } else { 0 };
            totals[y * across + tiles.end - 1].wrapping_sub(before)
        };
        let pixels_within = |reach: usize| {
            let tiles = around(column, reach, across);
            around(row, reach, down).fold(0_u32, |sum, y| sum.wrapping_add(pixels(y, &tiles)))
        };
        let (mut reach, mut largest) = (0, across.max(down) - 1);
        while reach < largest {
            let middle = (reach + largest) / 2;
            if pixels_within(middle) >= wanted {
                largest = middle;
            } else {
                reach = middle + 1;
            }
        }
        out.fill(0);
        let tiles = around(column, reach, across);
        for y in around(row, reach, down).filter(|y| pixels(*y, &tiles) > 0) {
            for x in tiles.clone().filter(|x| pixels(y, &(*x..*x + 1)) > 0) {
                add(&counts[(y * across + x) * levels..][..levels], out);
            }
        }
    }
}

vectorised! {
    fn add(counts: &[u32], sums: &mut [u32]) {
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum = sum.wrapping_add(*count);
        }
    }
}
