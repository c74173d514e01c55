//! Product of two buffers.
//!
//! ```text
//! r = x·y
//! ```
//! With [`crate::kernels::statistics`], whose sums it feeds, a scalar product that stays on the device. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Product of two buffers, with so many values per row.
    struct Multiply { columns: u32 }
    shader pointwise/multiply, Pinned, [64, 4];
    reads first[_, columns]: rows of f32, second[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records x·y.
pub fn record(graph: &mut Graph<'_>, x: Buffer<f32>, y: Buffer<f32>) -> Buffer<f32> {
    Multiply { columns: graph.extent(x).columns }.compute(graph, "multiply", x, y, "multiply.product")
}

vectorised! {
    fn twin(_kernel: &Multiply, _block: &Block, first: &[f32], second: &[f32], results: &mut [f32]) {
        for ((result, x), y) in results.iter_mut().zip(first).zip(second) {
            *result = x * y;
        }
    }
}
