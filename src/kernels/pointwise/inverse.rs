//! Inverse of what is large enough.
//!
//! ```text
//! r = 1/x where x ≥ least, else 0
//! ```
//! For weights that divide by sums over rays or voxels, where a sum of next to nothing must count for nothing. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Inverse of what is large enough: values per row, and the least that is divided by, a normal number.
    struct Inverse { columns: u32, least: f32 }
    shader pointwise/inverse, Pinned, [64, 4];
    reads values[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records 1/x, or 0 where x is below `least`, which is above 0.
pub fn record(graph: &mut Graph<'_>, least: f32, values: Buffer<f32>) -> Buffer<f32> {
    let kernel = Inverse { columns: graph.extent(values).columns, least: least.max(f32::MIN_POSITIVE) };
    kernel.compute(graph, "inverse", values, "inverse.results")
}

vectorised! {
    fn twin(kernel: &Inverse, _block: &Block, values: &[f32], results: &mut [f32]) {
        for (result, value) in results.iter_mut().zip(values) {
            let inverse = reciprocal(*value);
            *result = if *value >= kernel.least { inverse } else { 0.0 };
        }
    }
}
