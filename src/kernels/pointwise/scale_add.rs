//! Weighted sum of two buffers.
//!
//! ```text
//! r = a·x + b·y
//! ```
//! Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Weighted sum of two buffers: values per row, and their weights.
    struct ScaleAdd { columns: u32, a, b: f32 }
    shader pointwise/scale_add, Pinned, [64, 4];
    reads first[_, columns]: rows of f32, second[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records a·x + b·y.
pub fn record(graph: &mut Graph<'_>, a: f32, x: Buffer<f32>, b: f32, y: Buffer<f32>) -> Buffer<f32> {
    let columns = graph.extent(x).columns;
    ScaleAdd { columns, a, b }.compute(graph, "scale and add", x, y, "scale_add.sum")
}

vectorised! {
    fn twin(kernel: &ScaleAdd, _block: &Block, first: &[f32], second: &[f32], results: &mut [f32]) {
        for ((result, x), y) in results.iter_mut().zip(first).zip(second) {
            *result = kernel.a * x + kernel.b * y;
        }
    }
}
