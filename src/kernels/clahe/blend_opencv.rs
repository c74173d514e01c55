//! Blends the tables of the four nearest tiles as OpenCV does, in f32. Tier P.
//!
//! ```text
//! y = round((T_ul·(1 − wx) + T_ur·wx)·(1 − wy) + (T_ll·(1 − wx) + T_lr·wx)·wy)      half to even
//! ```
//! where wx = x·f32(1/tile width) − ½ less its floor, and wy likewise. Source: `modules/imgproc/src/clahe.cpp` of OpenCV
//! 4.11 and 5.0, `CLAHE_Interpolation_Body`, as built for x86-64, without contraction.
//!
//! Shapes: `[row][column]`, packed ← the same, `[tile row][tile column · levels + g]`, places of columns and rows.

use super::{
    axes::Layout,
    lut_opencv::ROUNDER,
    quads::{self, Arithmetic, Blend, BlendParams, Inputs},
};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::{Pixels, vectorised::vectorised},
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "clahe.blend_opencv",
    tier: Tier::Pinned,
    source: concat!(
        include_str!("../../../shaders/clahe/blend_opencv.wgsl"),
        include_str!("../../../shaders/clahe/entry.wgsl")
    ),
    structs: &[StructText::of::<BlendParams>()],
    reads: 4,
    writes: 1,
    workgroup: [64, 4],
};

/// Records the blend of `pixels` through the tables of the tiles of `layout`, into an image of `bits`.
pub(super) fn record(
    graph: &mut Graph<'_>,
    pixels: Pixels,
    luts: Buffer<[u16; 2]>,
    layout: &Layout,
    bits: u8,
) -> Pixels {
    Blend::record(graph, (&SHADER, twin), pixels, luts, layout, bits)
}

struct Float;

impl Arithmetic for Float {
    #[inline(always)]
    fn blend(values: [u32; 4], across: u32, down: u32, _: &BlendParams) -> u32 {
        let [ul, ur, ll, lr] = values.map(|v| v.cast_signed() as f32);
        let (wx, wy) = (f32::from_bits(across), f32::from_bits(down));
        let upper = ul * (1.0 - wx) + ur * wx;
        let lower = ll * (1.0 - wx) + lr * wx;
        // At most 65,535·(1 + 2^−21), so that nothing rounds beyond 65,535.
        (upper * (1.0 - wy) + lower * wy + ROUNDER).to_bits() & 0xffff
    }
}

vectorised! {
    fn twin(params: &BlendParams, rows: std::ops::Range<usize>, inputs: &Inputs<'_>, out: &mut [u16]) {
        quads::rows::<Float>(params, rows, inputs, out);
    }
}
