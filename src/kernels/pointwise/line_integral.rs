//! Transmission to line integrals.
//!
//! ```text
//! p = −ln(max(I/I₀, floor))
//! ```
//! The floor keeps pixels that received nothing finite; it must be a positive normal number. Tier P.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier, arithmetic},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.line_integral",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/line_integral.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records −ln of `transmission`, taken as at least `floor`.
pub fn record(graph: &mut Graph<'_>, floor: f32, transmission: Buffer<f32>) -> Buffer<f32> {
    let extent = graph.extent(transmission);
    let integrals = graph.buffer("line_integral.integrals", extent);
    let map = Map::new(&SHADER, extent, [floor.max(f32::MIN_POSITIVE), 0.0, 0.0, 0.0], twin);
    graph.compute("line integral", map, [transmission.rows()], [integrals.replace()]);
    integrals
}

vectorised! {
    fn twin(constants: &[f32; 4], reads: &[&[u32]], out: &mut [u32]) {
        for (out, signal) in out.iter_mut().zip(reads[0]) {
            let signal = f32::from_bits(*signal).max(constants[0]);
            *out = (-arithmetic::log(signal)).to_bits();
        }
    }
}
