//! Product of two buffers.
//!
//! ```text
//! r = x·y
//! ```
//! With [`crate::kernels::statistics`], whose sums it feeds, a scalar product that stays on the device. Tier P.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.multiply",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/multiply.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 2,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records x·y.
pub fn record(graph: &mut Graph<'_>, x: Buffer<f32>, y: Buffer<f32>) -> Buffer<f32> {
    let extent = graph.extent(x);
    let product = graph.buffer("multiply.product", extent);
    graph.compute("multiply", Map::new(&SHADER, extent, [0.0; 4], twin), [x.rows(), y.rows()], [product.replace()]);
    product
}

vectorised! {
    fn twin(_constants: &[f32; 4], reads: &[&[u32]], out: &mut [u32]) {
        for ((out, x), y) in out.iter_mut().zip(reads[0]).zip(reads[1]) {
            *out = (f32::from_bits(*x) * f32::from_bits(*y)).to_bits();
        }
    }
}
