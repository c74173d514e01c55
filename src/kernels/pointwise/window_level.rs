//! Values to grey levels for a picture.
//!
//! ```text
//! g = ⌊m · clamp((x − b)/(w − b), 0, 1) + ½⌋
//! ```
//! with b the value shown black, w the value shown white (w < b inverts the picture) and m the highest grey level.
//! Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Values to grey levels: values per row; value shown black, share of the range per unit of value,
    /// highest grey level.
    struct WindowLevel { columns: u32, black, scale, levels: f32 }
    shader pointwise/window_level, Pinned, [64, 4];
    reads values[_, columns]: rows of f32;
    writes results[_, columns]: u32;
    operations 30.0;
}

/// Records the grey levels of `values`; `white` differs from `black`.
pub fn record(graph: &mut Graph<'_>, black: f32, white: f32, levels: u16, values: Buffer<f32>) -> Buffer<u32> {
    let (columns, scale) = (graph.extent(values).columns, 1.0 / (white - black));
    let kernel = WindowLevel { columns, black, scale, levels: levels.into() };
    kernel.compute(graph, "window and level", values, "window_level.grey")
}

vectorised! {
    fn twin(kernel: &WindowLevel, _block: &Block, values: &[f32], results: &mut [u32]) {
        let WindowLevel { black, scale, levels, .. } = *kernel;
        for (result, value) in results.iter_mut().zip(values) {
            let share = (value - black) * scale;
            let grey = (share.clamp(0.0, 1.0) * levels + 0.5).floor();
            *result = grey as u32;
        }
    }
}
