//! Transmission to line integrals.
//!
//! ```text
//! p = −ln(max(I/I₀, floor))
//! ```
//! The floor keeps pixels that received nothing finite; it must be a positive normal number. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Negative logarithm: values per row, and the least transmission, a positive normal number.
    struct LineIntegral { columns: u32, floor: f32 }
    shader pointwise/line_integral, Pinned, [64, 4];
    reads transmission[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records −ln of `transmission`, taken as at least `floor`.
pub fn record(graph: &mut Graph<'_>, floor: f32, transmission: Buffer<f32>) -> Buffer<f32> {
    let kernel = LineIntegral { columns: graph.extent(transmission).columns, floor: floor.max(f32::MIN_POSITIVE) };
    kernel.compute(graph, "line integral", transmission, "line_integral.integrals")
}

vectorised! {
    fn twin(kernel: &LineIntegral, _block: &Block, transmission: &[f32], results: &mut [f32]) {
        for (result, signal) in results.iter_mut().zip(transmission) {
            *result = -log(signal.max(kernel.floor));
        }
    }
}
