//! Values to grey levels for a picture.
//!
//! ```text
//! g = ⌊m · clamp((x − b)/(w − b), 0, 1) + ½⌋
//! ```
//! with b the value shown black, w the value shown white (w < b inverts the picture) and m the highest grey level.
//! Tier P.

use super::map::{Map, PointwiseParams, WORKGROUP};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.window_level",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/window_level.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records the grey levels of `values`; `white` differs from `black`.
pub fn record(graph: &mut Graph<'_>, black: f32, white: f32, levels: u16, values: Buffer<f32>) -> Buffer<u32> {
    let extent = graph.extent(values);
    let grey = graph.buffer("window_level.grey", extent);
    let map = Map::new(&SHADER, extent, [black, 1.0 / (white - black), f32::from(levels), 0.0], twin);
    graph.compute("window and level", map, [values.rows()], [grey.replace()]);
    grey
}

vectorised! {
    fn twin(constants: &[f32; 4], reads: &[&[u32]], out: &mut [u32]) {
        let [black, scale, levels, _] = *constants;
        for (out, value) in out.iter_mut().zip(reads[0]) {
            let share = (f32::from_bits(*value) - black) * scale;
            let grey = (share.clamp(0.0, 1.0) * levels + 0.5).floor();
            *out = grey as u32;
        }
    }
}
