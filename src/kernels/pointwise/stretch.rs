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

use crate::kernels::prelude::*;

kernel! {
    /// Table between two ranks: its words, the largest values out and in; 1 for [`NoRange::Step`].
    struct Stretch { words, largest, largest_in, steps: u32 }
    shader pointwise/stretch, Exact, [64, 4];
    reads ranks[1, _]: rows of u32;
    writes entries[1, words]: [u16; 2];
    operations 10.0;
}

/// What becomes of values where low = high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRange {
    /// They keep their place among the grey levels.
    Keep,
    /// 0 below, the largest from there on: scikit-image clips an image of one value to 0..1, where 1 is white.
    Step,
}

/// Records the table for [`super::lookup`] from the first two words of `ranks`, low and high; `bits` are those of the pixels
/// in and out.
pub fn record(graph: &mut Graph<'_>, ranks: Buffer<u32>, bits: [u8; 2], no_range: NoRange) -> Buffer<[u16; 2]> {
    let [largest_in, largest] = bits.map(|bits| (1_u32 << bits) - 1);
    let words = largest_in.div_ceil(2);
    let table = graph.buffer("stretch.table", Extent { slices: 1, rows: 1, columns: words });
    let kernel = Stretch { words, largest, largest_in, steps: (no_range == NoRange::Step).into() };
    kernel.compute(graph, "stretch", ranks, table)
}

fn twin(kernel: &Stretch, _: &Block, ranks: &[u32], entries: &mut [[u16; 2]]) {
    let ends = ends([ranks[0], ranks[1]], kernel.largest_in, kernel.steps);
    for (x, entry) in (0..).zip(entries.as_flattened_mut()) {
        *entry = stretched(x, ends, kernel.largest) as u16;
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
