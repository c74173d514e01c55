//! Blends the tables of the four nearest tiles as scikit-image does. Tier P.
//!
//! ```text
//! y = ⌊f32(T_ul·(1 − wx)(1 − wy)) + f32(T_ur·wx(1 − wy)) + f32(T_ll·(1 − wx)wy) + f32(T_lr·wx·wy)⌋
//! ```
//! where wx = ((x + ⌊K/2⌋) mod K)/K for tiles K pixels wide, and wy likewise; the sums are of f32, left to right. Every
//! term is a ratio of whole numbers, rounded once to f32: here by an exact division, in scikit-image by way of double
//! precision, which differs where a ratio lies within 2^−50 of the middle between two f32 numbers. The twin divides in
//! double precision; with tiles below 2^28 pixels no ratio is so near to a middle without being on it.
//!
//! Source: `skimage/exposure/_adapthist.py` of scikit-image 0.26, `_clahe`.
//!
//! Shapes: `[row][column]`, packed ← the same, `[tile row][tile column · levels + g]`, places of columns and rows.

use super::{
    axes::Layout,
    lut_skimage::GREY_BITS,
    quads::{self, Arithmetic, Blend, BlendParams, Inputs},
};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::{Pixels, vectorised::vectorised},
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "clahe.blend_skimage",
    tier: Tier::Pinned,
    source: concat!(
        include_str!("../../../shaders/clahe/blend_skimage.wgsl"),
        include_str!("../../../shaders/clahe/entry.wgsl")
    ),
    structs: &[StructText::of::<BlendParams>()],
    reads: 4,
    writes: 1,
    workgroup: [64, 4],
};

/// Records the blend of `pixels` through the tables of the tiles of `layout`.
pub(super) fn record(graph: &mut Graph<'_>, pixels: Pixels, luts: Buffer<[u16; 2]>, layout: &Layout) -> Pixels {
    Blend::record(graph, (&SHADER, twin), pixels, luts, layout, GREY_BITS)
}

struct Ratios;

impl Arithmetic for Ratios {
    #[inline(always)]
    fn blend([ul, ur, ll, lr]: [u32; 4], across: u32, down: u32, params: &BlendParams) -> u32 {
        let [_, _, width, height] = params.tiles.map(f64::from);
        let area = width * height;
        let (nx, ny) = (f64::from(across.cast_signed()), f64::from(down.cast_signed()));
        // Products of at most 14 + 30 bits are exact.
        let term = |value: u32, part: f64| (f64::from(value.cast_signed()) * part / area) as f32;
        let sum = term(ul, (width - nx) * (height - ny)) + term(ur, nx * (height - ny));
        ((sum + term(ll, (width - nx) * ny)) + term(lr, nx * ny)) as i32 as u32
    }
}

vectorised! {
    fn twin(params: &BlendParams, rows: std::ops::Range<usize>, inputs: &Inputs<'_>, out: &mut [u16]) {
        quads::rows::<Ratios>(params, rows, inputs, out);
    }
}
