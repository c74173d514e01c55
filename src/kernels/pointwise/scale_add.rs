//! Weighted sum of two buffers.
//!
//! ```text
//! r = a·x + b·y
//! ```
//! Tier P.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.scale_add",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/scale_add.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 2,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records a·x + b·y.
pub fn record(graph: &mut Graph<'_>, a: f32, x: Buffer<f32>, b: f32, y: Buffer<f32>) -> Buffer<f32> {
    let extent = graph.extent(x);
    let sum = graph.buffer("scale_add.sum", extent);
    graph.compute(
        "scale and add",
        Map::new(&SHADER, extent, [a, b, 0.0, 0.0], twin),
        [x.rows(), y.rows()],
        [sum.replace()],
    );
    sum
}

vectorised! {
    fn twin(constants: &[f32; 4], reads: &[&[u32]], out: &mut [u32]) {
        for ((out, x), y) in out.iter_mut().zip(reads[0]).zip(reads[1]) {
            *out = (constants[0] * f32::from_bits(*x) + constants[1] * f32::from_bits(*y)).to_bits();
        }
    }
}
