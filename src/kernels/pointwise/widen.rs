//! Grey values as real numbers, exactly.
//!
//! Shapes: `[row][column]` ← the same, packed. Tier E: every whole number below 2¹⁶ is a single-precision number.

use super::{
    map::{PointwiseParams, WORKGROUP},
    packed::Packed,
};
use crate::{
    engine::{Buffer, Extent, Graph, Shader, StructText, Tier},
    kernels::{Pixels, vectorised::vectorised},
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.widen",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/pointwise/widen.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records the values of `pixels`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels) -> Buffer<f32> {
    let [columns, rows] = pixels.size;
    let extent = Extent { slices: 1, rows, columns };
    let results = graph.buffer("widen.values", extent);
    let row_words = Pixels::row_words(pixels.size);
    let kernel = Packed {
        shader: &SHADER,
        params: PointwiseParams { size: [columns, row_words, 0, 0], constants: [0.0; 4] },
        extent,
        shapes: vec![[rows, row_words], [rows, columns]],
        twin,
    };
    graph.compute("widen", kernel, [pixels.buffer.rows()], [results.replace()]);
    results
}

vectorised! {
    fn twin(params: &PointwiseParams, reads: &[&[u32]], out: &mut [u32]) {
        let [columns, row_words, ..] = params.size.map(|n| n as usize);
        let pixels: &[u16] = bytemuck::cast_slice(reads[0]);
        for (out, pixels) in out.chunks_exact_mut(columns).zip(pixels.chunks_exact(2 * row_words)) {
            for (out, pixel) in out.iter_mut().zip(pixels) {
                *out = f32::from(*pixel).to_bits();
            }
        }
    }
}
