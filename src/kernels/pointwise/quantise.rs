//! Real values to grey values.
//!
//! ```text
//! y = ⌊clamp(x·scale + offset, 0, 2^bits − 1) + ½⌋
//! ```
//! in single precision, so halves are rounded up. Values that are not numbers give 0 on the CPU and anything on a
//! device.
//!
//! Shapes: `[row][column]`, packed ← `[row][column]`. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Real values to grey values: values per row, words per row of the pixels; factor of the values, what is added to
    /// the products, largest grey value.
    struct Quantise { columns, words: u32, scale, offset, largest: f32 }
    shader pointwise/quantise, Pinned, [64, 4];
    reads values[_, columns]: rows of f32;
    writes results[_, words]: [u16; 2];
    operations 10.0;
}

/// Records `values·scale + offset` as pixels of so many `bits`, 1 to 16; `values` have one slice.
pub fn record(graph: &mut Graph<'_>, values: Buffer<f32>, scale: f32, offset: f32, bits: u8) -> Pixels {
    let Extent { rows, columns, .. } = graph.extent(values);
    let results = Pixels::new(graph, "quantise.pixels", [columns, rows], bits);
    let ([.., words], largest) = (results.shape(), (results.levels() - 1) as f32);
    Quantise { columns, words, scale, offset, largest }.compute(graph, "quantise", values, results)
}

vectorised! {
    fn twin(kernel: &Quantise, _block: &Block, values: &[f32], results: &mut [[u16; 2]]) {
        let Quantise { scale, offset, largest, .. } = *kernel;
        let [columns, words] = [kernel.columns, kernel.words].map(|n| n as usize);
        let rows = results.chunks_exact_mut(words).zip(values.chunks_exact(columns));
        for (results, values) in rows.map(|(results, values)| (results.as_flattened_mut(), values)) {
            for (result, value) in results.iter_mut().zip(values) {
                *result = quantised(value * scale + offset, largest);
            }
            results[columns..].fill(0);
        }
    }
}

/// The grey value of a number; `largest` is at most 65,535.
#[inline(always)]
pub(crate) fn quantised(value: f32, largest: f32) -> u16 {
    // `max` before `min`: what is not a number becomes 0.
    let y = value.max(0.0).min(largest) + 0.5;
    // SAFETY: between ½ and 65,535½, which truncates to a whole number that an `i32` holds.
    unsafe { y.to_int_unchecked::<i32>() as u16 }
}
