//! Line integrals to transmission, the inverse of [`super::line_integral`].
//!
//! ```text
//! I/I₀ = exp(−p)
//! ```
//! Tier P.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier, arithmetic},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.transmission",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/transmission.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records exp(−p) of `integrals`.
pub fn record(graph: &mut Graph<'_>, integrals: Buffer<f32>) -> Buffer<f32> {
    let extent = graph.extent(integrals);
    let transmission = graph.buffer("transmission.signal", extent);
    let map = Map::new(&SHADER, extent, [0.0; 4], twin);
    graph.compute("transmission", map, [integrals.rows()], [transmission.replace()]);
    transmission
}

vectorised! {
    fn twin(_constants: &[f32; 4], reads: &[&[u32]], out: &mut [u32]) {
        for (out, p) in out.iter_mut().zip(reads[0]) {
            *out = arithmetic::exp(-f32::from_bits(*p)).to_bits();
        }
    }
}
