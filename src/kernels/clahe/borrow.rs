//! Lets tiles with few pixels in the mask borrow the histograms around them. Tier E.
//!
//! ```text
//! h'_t = Σ h_u over the tiles u at Chebyshev distance ≤ d from t
//! ```
//! where d is the smallest distance at which 16·Σ h'_t reaches the tile's number of pixels, or else the largest there
//! is. A tile whose pixels are all in the mask keeps its histogram. A table made from a handful of pixels at the rim of
//! the anatomy would be noise.
//!
//! Shapes: `[tile row][tile column · levels + g]` ← the same.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    kernels::{histogram::Tiles, vectorised::vectorised},
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
    reads: 1,
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
    let enough = graph.buffer("clahe.counts", extent);
    graph.compute("borrow histograms", Borrow { params }, [counts.whole()], [enough.replace()]);
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
        let [levels, across, down, _] = self.params.size;
        let extent = Extent { slices: 1, rows: down, columns: across * SHADER.workgroup[0] };
        // Most tiles need themselves and the ring around them at the most.
        Domain::rows(extent, 10.0 * f64::from(across) * f64::from(levels))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [levels, across, down, _] = self.params.size;
        vec![[down, across * levels]; 2]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [levels, across, ..] = self.params.size.map(|n| n as usize);
        let places = block.rows.clone().flat_map(|row| (0..across).map(move |column| [column, row]));
        for (place, out) in places.zip(writes[0].chunks_exact_mut(levels)) {
            self.tile(place, reads[0], out);
        }
    }
}

impl Borrow {
    fn tile(&self, [column, row]: [usize; 2], counts: &[u32], out: &mut [u32]) {
        let [levels, across, down, _] = self.params.size.map(|n| n as usize);
        let [x_numerator, x_denominator, y_numerator, y_denominator] = self.params.bounds.map(|n| n as usize);
        let length = |i: usize, n: usize, d: usize| ((i + 1) * n / d - i * n / d) as u32;
        let area = length(column, x_numerator, x_denominator) * length(row, y_numerator, y_denominator);
        let wanted = area.div_ceil(ENOUGH);
        out.fill(0);
        let mut total = 0;
        for distance in 0..across.max(down) {
            if total >= wanted {
                break;
            }
            for y in row.saturating_sub(distance)..(row + distance + 1).min(down) {
                for x in column.saturating_sub(distance)..(column + distance + 1).min(across) {
                    if x.abs_diff(column).max(y.abs_diff(row)) == distance {
                        add(&counts[(y * across + x) * levels..][..levels], out);
                    }
                }
            }
            total = out.iter().fold(0_u32, |sum, n| sum.wrapping_add(*n));
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
