//! The same value everywhere. Tier E.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Extent, Graph, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.fill",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/pointwise/fill.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 0,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records a buffer filled with `value`.
pub fn record(graph: &mut Graph<'_>, extent: Extent, value: f32) -> Buffer<f32> {
    let filled = graph.buffer("fill.filled", extent);
    graph.compute("fill", Map::new(&SHADER, extent, [value, 0.0, 0.0, 0.0], twin), [], [filled.replace()]);
    filled
}

vectorised! {
    fn twin(constants: &[f32; 4], _reads: &[&[u32]], out: &mut [u32]) {
        out.fill(constants[0].to_bits());
    }
}
