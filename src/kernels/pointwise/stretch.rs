//! Table that stretches the values between two ranks over the whole range of grey levels.
//!
//! ```text
//! y = 0                                                      x < low
//! y = M                                                      x ≥ high
//! y = ⌊((x − low)·M + ⌊(high − low)/2⌋) / (high − low)⌋      otherwise
//! ```
//! with M = 2^bits_out − 1: the nearest whole number, halves rounded up. Where low = high there is no range to stretch:
//! [`NoRange`] says whether low = 0 and high = 2^bits_in − 1 take their place, which for as many bits changes nothing,
//! or the table is a step.
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

/// What becomes of values where low = high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRange {
    /// They keep their place among the grey levels.
    Keep,
    /// 0 below, the largest from there on: scikit-image clips an image of one value to 0..1, where 1 is white.
    Step,
}

/// Records the table for pixels of `bits_in` from the first two words of `ranks`, low and high; for
/// [`super::lookup`].
pub fn record(
    graph: &mut Graph<'_>,
    ranks: Buffer<u32>,
    bits_in: u8,
    bits_out: u8,
    no_range: NoRange,
) -> Buffer<[u16; 2]> {
    let extent = Extent { slices: 1, rows: 1, columns: (1 << bits_in) / 2 };
    let table = graph.buffer("stretch.table", extent);
    let largest = |bits: u8| (1_u32 << bits) - 1;
    let steps = u32::from(no_range == NoRange::Step);
    let kernel = Packed {
        shader: &SHADER,
        params: PointwiseParams {
            size: [extent.columns, largest(bits_out), largest(bits_in), steps],
            constants: [0.0; 4],
        },
        extent,
        shapes: vec![[1, graph.extent(ranks).columns], [1, extent.columns]],
        twin,
    };
    graph.compute("stretch", kernel, [ranks.rows()], [table.replace()]);
    table
}

fn twin(params: &PointwiseParams, reads: &[&[u32]], out: &mut [u32]) {
    let [_, largest, largest_in, steps] = params.size;
    let ends = ends([reads[0][0], reads[0][1]], largest_in, steps);
    let out: &mut [u16] = bytemuck::cast_slice_mut(out);
    for (x, out) in (0..).zip(out) {
        *out = stretched(x, ends, largest) as u16;
    }
}

fn ends([low, high]: [u32; 2], largest_in: u32, steps: u32) -> [u32; 2] {
    if low == high && steps == 0 { [0, largest_in] } else { [low, high] }
}

/// All are below 2¹⁶, so the product stays below 2³² − 2¹⁷ + 2 and the sum below 2³².
fn stretched(x: u32, [low, high]: [u32; 2], largest: u32) -> u32 {
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
                assert_eq!(f64::from(stretched(x, [low, high], largest)), (exact + 0.5).floor(), "{x} {low} {high}");
            }
            assert_eq!([0, 65_535].map(|x| stretched(x, [low.max(1), high], largest)), [0, largest]);
        }
    }

    #[test]
    fn equal_ranks_change_nothing_or_make_a_step() {
        let table = |rank, steps, [largest_in, largest]: [u32; 2]| {
            let ends = ends([rank; 2], largest_in, steps);
            (0..=largest_in).map(|x| stretched(x, ends, largest)).collect::<Vec<_>>()
        };
        for largest in [1, 255, 1023, 65_535] {
            for rank in [0, 1, largest] {
                assert!(table(rank, 0, [largest; 2]).into_iter().eq(0..=largest), "{rank} of {largest}");
            }
        }
        assert_eq!(table(9, 0, [15, 255])[7], 119);
        assert_eq!(table(7, 1, [255; 2])[6..9], [0, 255, 255]);
    }
}
