//! Blends the tables of the four nearest tiles as OpenCV does, in f32. Tier P.
//!
//! ```text
//! y = round((T_ul·(1 − wx) + T_ur·wx)·(1 − wy) + (T_ll·(1 − wx) + T_lr·wx)·wy)      half to even
//! ```
//! where wx = x·f32(1/tile width) − ½ less its floor, and wy likewise. Source: `modules/imgproc/src/clahe.cpp` of OpenCV
//! 4.11 and 5.0, `CLAHE_Interpolation_Body`, as built for x86-64, without contraction.
//!
//! Shapes: `[row][column]`, packed ← the same, `[tile row][tile column · levels + g]`, places of columns and rows.

use super::quads::{self, Arithmetic, Inputs, Luts, Quads};
use super::{axes::Layout, lut_opencv::ROUNDER};
use crate::kernels::prelude::*;

kernel! {
    /// Pixels through the tables of the four tiles around them: sizes of image and tiles.
    struct Blend { quads: Quads }
    shader clahe/blend_opencv + clahe/entry, Pinned, [64, 4];
    structs Quads;
    reads pixels[(quads.height), (quads.words())]: rows of [u16; 2],
          luts[(quads.down), (quads.lut_words())]: window(quads.window()) of [u16; 2],
          columns[1, (2 * quads.width)]: whole of u32, rows[1, (2 * quads.height)]: whole of u32;
    writes results[(quads.height), (quads.words())]: [u16; 2];
    domain |output| Domain::rows(output, quads.operations());
}

/// Records the blend of `pixels` through the tables of the tiles of `layout`, into an image of `bits`.
pub(super) fn record(graph: &mut Graph<'_>, pixels: Pixels, luts: Luts, layout: &Layout, bits: u8) -> Pixels {
    let (blended, [columns, rows], quads) = quads::begun(graph, pixels, layout, bits);
    Blend { quads }.compute(graph, "blend tiles", pixels, luts, columns, rows, blended)
}

struct Float;

impl Arithmetic for Float {
    #[inline(always)]
    fn blend(values: [u32; 4], across: u32, down: u32, _: &Quads) -> u32 {
        let [ul, ur, ll, lr] = values.map(|v| v.cast_signed() as f32);
        let (wx, wy) = (f32::from_bits(across), f32::from_bits(down));
        let upper = ul * (1.0 - wx) + ur * wx;
        let lower = ll * (1.0 - wx) + lr * wx;
        // At most 65,535·(1 + 2^−21), so that nothing rounds beyond 65,535.
        (upper * (1.0 - wy) + lower * wy + ROUNDER).to_bits() & 0xffff
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
        quads::rows::<Float>(&kernel.quads, block.rows.clone(), &inputs, results.as_flattened_mut());
    }
}
