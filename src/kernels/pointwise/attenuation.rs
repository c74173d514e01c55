//! CT numbers to attenuation coefficients.
//!
//! ```text
//! µ = max(0, µ_w + HU · µ_w / 1000)
//! ```
//! with µ_w the attenuation coefficient of water in 1/mm at the effective energy; the definition of the Hounsfield unit
//! solved for µ. Padding values below −1000 HU become 0, as air does. Tier P.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.attenuation",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/attenuation.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records µ of `hounsfield` in the unit of `water_per_mm`.
pub fn record(graph: &mut Graph<'_>, water_per_mm: f32, hounsfield: Buffer<f32>) -> Buffer<f32> {
    let extent = graph.extent(hounsfield);
    let attenuation = graph.buffer("attenuation.mu", extent);
    let map = Map::new(&SHADER, extent, [water_per_mm, water_per_mm / 1000.0, 0.0, 0.0], twin);
    graph.compute("attenuation", map, [hounsfield.rows()], [attenuation.replace()]);
    attenuation
}

vectorised! {
    fn twin(constants: &[f32; 4], reads: &[&[u32]], out: &mut [u32]) {
        for (out, hu) in out.iter_mut().zip(reads[0]) {
            let mu = f32::from_bits(*hu) * constants[1] + constants[0];
            *out = mu.max(0.0).to_bits();
        }
    }
}
