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

use super::quads::{self, Arithmetic, Inputs, Luts, Quads};
use super::{axes::Layout, lut_skimage::GREY_BITS};
use crate::kernels::prelude::*;

kernel! {
    /// Pixels through the tables of the four tiles around them: sizes of image and tiles.
    struct Blend { quads: Quads }
    shader clahe/blend_skimage + clahe/entry, Pinned, [64, 4];
    structs Quads;
    reads pixels[(quads.height), (quads.words())]: rows of [u16; 2],
          luts[(quads.down), (quads.lut_words())]: window(quads.window()) of [u16; 2],
          columns[1, (2 * quads.width)]: whole of u32, rows[1, (2 * quads.height)]: whole of u32;
    writes results[(quads.height), (quads.words())]: [u16; 2];
    domain |output| Domain::rows(output, quads.operations());
}

/// Records the blend of `pixels` through the tables of the tiles of `layout`.
pub(super) fn record(graph: &mut Graph<'_>, pixels: Pixels, luts: Luts, layout: &Layout) -> Pixels {
    let (blended, [columns, rows], quads) = quads::begun(graph, pixels, layout, GREY_BITS);
    Blend { quads }.compute(graph, "blend tiles", pixels, luts, columns, rows, blended)
}

struct Ratios;

impl Arithmetic for Ratios {
    #[inline(always)]
    fn blend([ul, ur, ll, lr]: [u32; 4], across: u32, down: u32, quads: &Quads) -> u32 {
        let [width, height] = [quads.tile_width, quads.tile_height].map(f64::from);
        let area = width * height;
        let (nx, ny) = (f64::from(across.cast_signed()), f64::from(down.cast_signed()));
        // Products of at most 14 + 30 bits are exact.
        let term = |value: u32, part: f64| (f64::from(value.cast_signed()) * part / area) as f32;
        let sum = term(ul, (width - nx) * (height - ny)) + term(ur, nx * (height - ny));
        ((sum + term(ll, (width - nx) * ny)) + term(lr, nx * ny)) as i32 as u32
    }
}

vectorised! {
    fn twin(
        kernel: &Blend,
        block: &Block,
        pixels: &[[u16; 2]],
        luts: &[[u16; 2]],
        columns: &[u32],
        rows: &[u32],
        results: &mut [[u16; 2]],
    ) {
        let inputs = Inputs::of(pixels, luts, columns, rows);
        quads::rows::<Ratios>(&kernel.quads, block.rows.clone(), &inputs, results.as_flattened_mut());
    }
}
