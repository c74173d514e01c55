//! CT numbers to attenuation coefficients.
//!
//! ```text
//! µ = max(0, µ_w + HU · µ_w / 1000)
//! ```
//! with µ_w the attenuation coefficient of water in 1/mm at the effective energy; the definition of the Hounsfield unit
//! solved for µ. Padding values below −1000 HU become 0, as air does. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// CT numbers to attenuation coefficients.
    struct Attenuation {
        /// Values per row.
        columns: u32,
        /// Coefficient of water, and coefficient per Hounsfield unit.
        water, per_hounsfield: f32,
    }
    shader pointwise/attenuation, Pinned, [64, 4];
    reads hounsfield[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records µ of `hounsfield` in the unit of `water_per_mm`.
pub fn record(graph: &mut Graph<'_>, water_per_mm: f32, hounsfield: Buffer<f32>) -> Buffer<f32> {
    let attenuation = graph.buffer("attenuation.mu", graph.extent(hounsfield));
    let columns = graph.extent(hounsfield).columns;
    let kernel = Attenuation { columns, water: water_per_mm, per_hounsfield: water_per_mm / 1000.0 };
    kernel.compute(graph, "attenuation", hounsfield, attenuation);
    attenuation
}

vectorised! {
    fn twin(kernel: &Attenuation, _block: &Block, hounsfield: &[f32], results: &mut [f32]) {
        for (result, hu) in results.iter_mut().zip(hounsfield) {
            *result = (hu * kernel.per_hounsfield + kernel.water).max(0.0);
        }
    }
}
