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

use super::{
    axes::{Layout, WEIGHT_ONE},
    quads::{self, Arithmetic, Blend, BlendParams, Inputs},
};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::{Pixels, vectorised::vectorised},
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "clahe.blend",
    tier: Tier::Exact,
    source: concat!(
        include_str!("../../../shaders/clahe/blend.wgsl"),
        include_str!("../../../shaders/clahe/entry.wgsl")
    ),
    structs: &[StructText::of::<BlendParams>()],
    reads: 4,
    writes: 1,
    workgroup: [64, 4],
};

/// Records the blend of `pixels` through the tables of the tiles of `layout`.
pub(super) fn record(graph: &mut Graph<'_>, pixels: Pixels, luts: Buffer<[u16; 2]>, layout: &Layout) -> Pixels {
    Blend::record(graph, (&SHADER, twin), pixels, luts, layout, pixels.bits)
}

struct Fixed;

impl Arithmetic for Fixed {
    #[inline(always)]
    fn blend([ul, ur, ll, lr]: [u32; 4], across: u32, down: u32, _: &BlendParams) -> u32 {
        let upper = (ul * (WEIGHT_ONE - across) + ur * across) >> 8;
        let lower = (ll * (WEIGHT_ONE - across) + lr * across) >> 8;
        (upper * (WEIGHT_ONE - down) + lower * down + (1 << 15)) >> 16
    }
}

vectorised! {
    fn twin(params: &BlendParams, rows: std::ops::Range<usize>, inputs: &Inputs<'_>, out: &mut [u16]) {
        quads::rows::<Fixed>(params, rows, inputs, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tables_blend_to_themselves() {
        let params = BlendParams { size: [0; 4], tiles: [0; 4] };
        for value in [0, 1, 254, 255, 4095, 32_767, 65_534, 65_535] {
            for weight in 0..=WEIGHT_ONE {
                assert_eq!(Fixed::blend([value; 4], weight, WEIGHT_ONE - weight, &params), value);
                assert_eq!(Fixed::blend([value; 4], weight, weight, &params), value);
            }
        }
    }
}
