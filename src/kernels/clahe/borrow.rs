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

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    kernels::{clahe::totals, histogram::Tiles, vectorised::vectorised},
    shader_struct,
};

shader_struct! {
    /// Parameters of the borrowing.
    pub struct BorrowParams {
        /// Grey levels, tiles across and down; a spare number.
        pub size: [u32; 4],
        /// Numerator and denominator of the tiles' bounds across, then down.
        pub bounds: [u32; 4],
    }
}

/// A tile has enough pixels when so many times their number is its size.
const ENOUGH: u32 = 16;

/// The shader.
pub static SHADER: Shader = Shader {
    name: "clahe.borrow",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/clahe/borrow.wgsl"),
    structs: &[StructText::of::<BorrowParams>()],
    reads: 2,
    writes: 1,
    workgroup: [256, 1],
};

/// Records the borrowing among the histograms of `tiles`, of `levels` bins each.
pub fn record(graph: &mut Graph<'_>, counts: Buffer<u32>, levels: u32, tiles: &Tiles) -> Buffer<u32> {
    let [x, y] = tiles.axes;
    let params = BorrowParams {
        size: [levels, x.count, y.count, 0],
        bounds: [x.numerator, x.denominator, y.numerator, y.denominator],
    };
    let extent = Extent { slices: 1, rows: y.count, columns: x.count * levels };
    let totals = totals::record(graph, counts, levels, [x.count, y.count]);
    let enough = graph.buffer("clahe.counts", extent);
    graph.compute("borrow histograms", Borrow { params }, [counts.whole(), totals.whole()], [enough.replace()]);
    enough
}

struct Borrow {
    params: BorrowParams,
}

impl Kernel for Borrow {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [_, across, down, _] = self.params.size;
        let extent = Extent { slices: 1, rows: down, columns: across * SHADER.workgroup[0] };
        Domain::rows(extent, f64::from(across) * self.tile_operations())
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [levels, across, down, _] = self.params.size;
        vec![[down, across * levels], [down, across], [down, across * levels]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [levels, across, ..] = self.params.size.map(|n| n as usize);
        let places = block.rows.clone().flat_map(|row| (0..across).map(move |column| [column, row]));
        for (place, out) in places.zip(writes[0].chunks_exact_mut(levels)) {
            self.tile(place, reads[0], reads[1], out);
        }
    }
}

impl Borrow {
    /// Operations of one tile at the most: each step of the bisection adds up the rows around it, and a tile has enough
    /// once every sixteenth of its pixels has come from a tile of its own, after which a ring of tiles may be added.
    fn tile_operations(&self) -> f64 {
        let [levels, across, down, _] = self.params.size.map(f64::from);
        let [x_numerator, x_denominator, y_numerator, y_denominator] = self.params.bounds.map(f64::from);
        let (side, tiles) = (across.max(down), across * down);
        let area = (x_numerator / x_denominator) * (y_numerator / y_denominator);
        let borrowed = (area / f64::from(ENOUGH) + 8.0 * side + 1.0).min(tiles);
        4.0 * side * (side.log2() + 2.0) + 2.0 * borrowed * levels
    }

    fn tile(&self, [column, row]: [usize; 2], counts: &[u32], totals: &[u32], out: &mut [u32]) {
        let [levels, across, down, _] = self.params.size.map(|n| n as usize);
        let [x_numerator, x_denominator, y_numerator, y_denominator] = self.params.bounds.map(|n| n as usize);
        let length = |i: usize, n: usize, d: usize| ((i + 1) * n / d - i * n / d) as u32;
        let area = length(column, x_numerator, x_denominator) * length(row, y_numerator, y_denominator);
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
