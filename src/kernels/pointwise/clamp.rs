//! Values held between two bounds.
//!
//! ```text
//! r = low where x < low, high where x > high, else x
//! ```
//! What is not a number stays so. Tier E.

use crate::kernels::prelude::*;

kernel! {
    /// Values held between two bounds: values per row, and the bounds.
    struct Clamp { columns: u32, low, high: f32 }
    shader pointwise/clamp, Exact, [64, 4];
    reads values[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records x held between `low` and `high`, both finite.
pub fn record(graph: &mut Graph<'_>, [low, high]: [f32; 2], values: Buffer<f32>) -> Buffer<f32> {
    Clamp { columns: graph.extent(values).columns, low, high }.compute(graph, "clamp", values, "clamp.results")
}

vectorised! {
    fn twin(kernel: &Clamp, _block: &Block, values: &[f32], results: &mut [f32]) {
        for (result, value) in results.iter_mut().zip(values) {
            let raised = if *value < kernel.low { kernel.low } else { *value };
            *result = if raised > kernel.high { kernel.high } else { raised };
        }
    }
}
