//! Factors of the pixels from a dark and a flat image.
//!
//! ```text
//! c = 1/(flat − dark)          0 of a bad pixel, and where flat − dark is below the least that tells anything
//! ```
//! Bad pixels are those of the pattern, as a site's own map of them has them.
//!
//! Shapes: `[1][row][column]` ← three times the same. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Factors of pixels: columns, and the least difference of flat and dark.
    struct Calibrate { columns: u32, least: f32 }
    shader detector/calibrate, Pinned, [64, 4];
    reads gains[_, columns]: rows of f32, dark[_, columns]: rows of f32, flat[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 20.0;
}

/// Records the factors from images of the pixels' gains, without and with the open beam; `least` is a positive normal number.
pub fn record(graph: &mut Graph<'_>, gains: Buffer<f32>, [dark, flat]: [Buffer<f32>; 2], least: f32) -> Buffer<f32> {
    let kernel = Calibrate { columns: graph.extent(gains).columns, least };
    kernel.compute(graph, "calibrate", gains, dark, flat, "calibrate.factors")
}

vectorised! {
    fn twin(kernel: &Calibrate, _block: &Block, gains: &[f32], dark: &[f32], flat: &[f32], results: &mut [f32]) {
        for (((result, gain), dark), flat) in results.iter_mut().zip(gains).zip(dark).zip(flat) {
            let open = flat - dark;
            let factor = reciprocal(open.max(kernel.least));
            *result = if (*gain > 0.0) & (open >= kernel.least) { factor } else { 0.0 };
        }
    }
}
