//! Line integrals to transmission, the inverse of [`super::line_integral`].
//!
//! ```text
//! I/I₀ = exp(−p)
//! ```
//! Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Share of the quanta that pass, with so many values per row.
    struct Transmission { columns: u32 }
    shader pointwise/transmission, Pinned, [64, 4];
    reads integrals[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records exp(−p) of `integrals`.
pub fn record(graph: &mut Graph<'_>, integrals: Buffer<f32>) -> Buffer<f32> {
    let columns = graph.extent(integrals).columns;
    Transmission { columns }.compute(graph, "transmission", integrals, "transmission.signal")
}

vectorised! {
    fn twin(_kernel: &Transmission, _block: &Block, integrals: &[f32], results: &mut [f32]) {
        for (result, p) in results.iter_mut().zip(integrals) {
            *result = exp(-p);
        }
    }
}
