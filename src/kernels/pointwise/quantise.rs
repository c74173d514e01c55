//! Real values to grey values.
//!
//! ```text
//! y = ⌊clamp(x·scale + offset, 0, 2^bits − 1) + ½⌋
//! ```
//! in single precision, so halves are rounded up. Values that are not numbers give 0 on the CPU and anything on a
//! device.
//!
//! Shapes: `[row][column]`, packed ← `[row][column]`. Tier P.

use super::{
    map::{PointwiseParams, WORKGROUP},
    packed::Packed,
};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::{Pixels, vectorised::vectorised},
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.quantise",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/quantise.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 1,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records `values·scale + offset` as pixels of so many `bits`, 1 to 16; `values` have one slice.
pub fn record(graph: &mut Graph<'_>, values: Buffer<f32>, scale: f32, offset: f32, bits: u8) -> Pixels {
    let extent = graph.extent(values);
    let size = [extent.columns, extent.rows];
    let results = Pixels::new(graph, "quantise.pixels", size, bits);
    let row_words = Pixels::row_words(size);
    let largest = (results.levels() - 1) as f32;
    let kernel = Packed {
        shader: &SHADER,
        params: PointwiseParams { size: [extent.columns, row_words, 0, 0], constants: [scale, offset, largest, 0.0] },
        extent: Pixels::extent(size),
        shapes: vec![[extent.rows, extent.columns], [extent.rows, row_words]],
        twin,
    };
    graph.compute("quantise", kernel, [values.rows()], [results.buffer.replace()]);
    results
}

vectorised! {
    fn twin(params: &PointwiseParams, reads: &[&[u32]], out: &mut [u32]) {
        let [scale, offset, largest, _] = params.constants;
        let [columns, row_words, ..] = params.size.map(|n| n as usize);
        let out: &mut [u16] = bytemuck::cast_slice_mut(out);
        for (out, values) in out.chunks_exact_mut(2 * row_words).zip(reads[0].chunks_exact(columns)) {
            for (out, value) in out.iter_mut().zip(values) {
                // `max` before `min`: what is not a number becomes 0.
                let y = (f32::from_bits(*value) * scale + offset).max(0.0).min(largest) + 0.5;
                // SAFETY: between ½ and 65,535½, which truncates to a whole number that an `i32` holds.
                *out = unsafe { y.to_int_unchecked::<i32>() } as u16;
            }
            out[columns..].fill(0);
        }
    }
}
