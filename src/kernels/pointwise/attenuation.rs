//! CT numbers to attenuation coefficients.
//!
//! ```text
//! µ = max(0, µ_w + HU · µ_w / 1000)
//! ```
//! with µ_w the attenuation coefficient of water in 1/mm at the effective energy; the definition of the Hounsfield unit
//! solved for µ. Padding values below −1000 HU become 0, as air does. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// CT numbers to attenuation coefficients: values per row; coefficient of water, coefficient per Hounsfield unit.
    struct Attenuation { columns: u32, water, per_hounsfield: f32 }
    shader pointwise/attenuation, Pinned, [64, 4];
    reads hounsfield[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records µ of `hounsfield` in the unit of `water_per_mm`.
pub fn record(graph: &mut Graph<'_>, water_per_mm: f32, hounsfield: Buffer<f32>) -> Buffer<f32> {
    let columns = graph.extent(hounsfield).columns;
    let kernel = Attenuation { columns, water: water_per_mm, per_hounsfield: water_per_mm / 1000.0 };
    kernel.compute(graph, "attenuation", hounsfield, "attenuation.mu")
}

vectorised! {
    fn twin(kernel: &Attenuation, _block: &Block, hounsfield: &[f32], results: &mut [f32]) {
        for (result, hu) in results.iter_mut().zip(hounsfield) {
            *result = (hu * kernel.per_hounsfield + kernel.water).max(0.0);
        }
    }
}
