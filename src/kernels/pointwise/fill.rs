//! The same value everywhere. Tier E.

use crate::kernels::prelude::*;

kernel! {
    /// The same value everywhere: values per row, and the value.
    struct Fill { columns: u32, value: f32 }
    shader pointwise/fill, Exact, [64, 4];
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records a buffer filled with `value`.
pub fn record(graph: &mut Graph<'_>, extent: Extent, value: f32) -> Buffer<f32> {
    let filled = graph.buffer("fill.filled", extent);
    Fill { columns: extent.columns, value }.compute(graph, "fill", filled)
}

vectorised! {
    fn twin(kernel: &Fill, _block: &Block, results: &mut [f32]) {
        results.fill(kernel.value);
    }
}
