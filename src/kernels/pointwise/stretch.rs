//! Table that stretches the values between two ranks over the whole range of grey levels.
//!
//! ```text
//! y = 0                                                      x < low
//! y = M                                                      x ≥ high
//! y = ⌊((x − low)·M + ⌊(high − low)/2⌋) / (high − low)⌋      otherwise
//! ```
//! with M = 2^bits_out − 1: the nearest whole number, halves rounded up. Where low = high, the table is a step.
//!
//! Shapes: a row of 2^bits_in entries, packed ← a row that begins with low and high, as [`crate::kernels::threshold::rank`]
//! leaves it. Tier E.

use super::{
    map::{PointwiseParams, WORKGROUP},
    packed::Packed,
};
use crate::engine::{Buffer, Extent, Graph, Shader, StructText, Tier};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.stretch",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/pointwise/stretch.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records the table for pixels of `bits_in` from the first two words of `ranks`, low and high; for
/// [`super::lookup`].
pub fn record(graph: &mut Graph<'_>, ranks: Buffer<u32>, bits_in: u8, bits_out: u8) -> Buffer<[u16; 2]> {
    let extent = Extent { slices: 1, rows: 1, columns: (1 << bits_in) / 2 };
    let table = graph.buffer("stretch.table", extent);
    let kernel = Packed {
        shader: &SHADER,
        params: PointwiseParams { size: [extent.columns, (1 << bits_out) - 1, 0, 0], constants: [0.0; 4] },
        extent,
        shapes: vec![[1, graph.extent(ranks).columns], [1, extent.columns]],
        twin,
    };
    graph.compute("stretch", kernel, [ranks.rows()], [table.replace()]);
    table
}

fn twin(params: &PointwiseParams, reads: &[&[u32]], out: &mut [u32]) {
    let (low, high) = (reads[0][0], reads[0][1]);
    let out: &mut [u16] = bytemuck::cast_slice_mut(out);
    for (x, out) in (0..).zip(out) {
        *out = stretched(x, low, high, params.size[1]) as u16;
    }
}

/// All are below 2¹⁶, so the product stays below 2³² − 2¹⁷ + 2 and the sum below 2³².
fn stretched(x: u32, low: u32, high: u32, largest: u32) -> u32 {
    match x {
        x if x < low => 0,
        x if x >= high => largest,
        x => ((x - low) * largest + (high - low) / 2) / (high - low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_rounds_to_the_nearest_and_holds_the_largest_values() {
        for (low, high, largest) in [(0, 255, 65_535), (0, 65_535, 65_535), (3, 10, 255), (100, 4001, 1023)] {
            for x in low..=high {
                let exact = f64::from(x - low) * f64::from(largest) / f64::from(high - low);
                assert_eq!(f64::from(stretched(x, low, high, largest)), (exact + 0.5).floor(), "{x} {low} {high}");
            }
            assert_eq!([stretched(0, low.max(1), high, largest), stretched(65_535, low, high, largest)], [0, largest]);
        }
    }

    #[test]
    fn equal_ranks_make_a_step() {
        assert_eq!([6, 7, 8].map(|x| stretched(x, 7, 7, 255)), [0, 255, 255]);
    }
}
