//! Blends the tables of the four nearest tiles in fixed point. Tier E.
//!
//! ```text
//! u = ⌊(T_ul·(4096 − wx) + T_ur·wx) / 2^8⌋       l likewise from the lower two
//! y = ⌊(u·(4096 − wy) + l·wy + 2^15) / 2^16⌋
//! ```
//! where wx and wy are the place of the pixel between the tiles' centres in steps of 1/4096. With 16-bit tables
//! u < 2^20, and the last sum is at most 65,535·2^16 + 2^15 < 2^32. Before the first and beyond the last centre there is
//! one tile only.
//!
//! Shapes: `[row][column]`, packed ← the same, `[tile row][tile column · levels + g]`, places of columns and rows.

use super::axes::{Layout, WEIGHT_ONE};
use super::quads::{self, Arithmetic, Inputs, Luts, Quads};
use crate::kernels::prelude::*;

kernel! {
    /// Pixels through the tables of the four tiles around them: sizes of image and tiles.
    struct Blend { quads: Quads }
    shader clahe/blend + clahe/entry, Exact, [64, 4];
    structs Quads;
    reads pixels[(quads.height), (quads.words())]: rows of [u16; 2],
          luts[(quads.down), (quads.lut_words())]: window(quads.window()) of [u16; 2],
          columns[1, (2 * quads.width)]: whole of u32, rows[1, (2 * quads.height)]: whole of u32;
    writes results[(quads.height), (quads.words())]: [u16; 2];
    domain |output| Domain::rows(output, quads.operations());
}

/// Records the blend of `pixels` through the tables of the tiles of `layout`.
pub(super) fn record(graph: &mut Graph<'_>, pixels: Pixels, luts: Luts, layout: &Layout) -> Pixels {
    let (blended, [columns, rows], quads) = quads::begun(graph, pixels, layout, pixels.bits);
    Blend { quads }.compute(graph, "blend tiles", pixels, luts, columns, rows, blended)
}

struct Fixed;

impl Arithmetic for Fixed {
    #[inline(always)]
    fn blend([ul, ur, ll, lr]: [u32; 4], across: u32, down: u32, _: &Quads) -> u32 {
        let upper = (ul * (WEIGHT_ONE - across) + ur * across) >> 8;
        let lower = (ll * (WEIGHT_ONE - across) + lr * across) >> 8;
        (upper * (WEIGHT_ONE - down) + lower * down + (1 << 15)) >> 16
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
        quads::rows::<Fixed>(&kernel.quads, block.rows.clone(), &inputs, results.as_flattened_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tables_blend_to_themselves() {
        let quads = bytemuck::Zeroable::zeroed();
        for value in [0, 1, 254, 255, 4095, 32_767, 65_534, 65_535] {
            for weight in 0..=WEIGHT_ONE {
                assert_eq!(Fixed::blend([value; 4], weight, WEIGHT_ONE - weight, &quads), value);
                assert_eq!(Fixed::blend([value; 4], weight, weight, &quads), value);
            }
        }
    }
}
