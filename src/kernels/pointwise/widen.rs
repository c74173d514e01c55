//! Grey values as real numbers, exactly.
//!
//! Shapes: `[row][column]` ← the same, packed. Tier E: every whole number below 2¹⁶ is a single-precision number.

use crate::kernels::prelude::*;

kernel! {
    /// Grey values as real numbers: pixels per row, words per row of the pixels.
    struct Widen { columns, words: u32 }
    shader pointwise/widen, Exact, [64, 4];
    reads pixels[_, words]: rows of [u16; 2];
    writes results[_, columns]: f32;
    operations 10.0;
}

/// Records the values of `pixels`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels) -> Buffer<f32> {
    let [columns, _, words] = pixels.shape();
    Widen { columns, words }.compute(graph, "widen", pixels, "widen.values")
}

vectorised! {
    fn twin(kernel: &Widen, _block: &Block, pixels: &[[u16; 2]], results: &mut [f32]) {
        let [columns, words] = [kernel.columns, kernel.words].map(|n| n as usize);
        for (results, pixels) in results.chunks_exact_mut(columns).zip(pixels.chunks_exact(words)) {
            for (result, pixel) in results.iter_mut().zip(pixels.as_flattened()) {
                *result = f32::from(*pixel);
            }
        }
    }
}
