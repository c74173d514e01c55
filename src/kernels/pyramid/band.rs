//! What a level holds beyond the next coarser one.
//!
//! ```text
//! L = G − expand(C)
//! ```
//! with C the next coarser level. Expanding spreads C over a grid of the exact size of G with zeros between, blurs it
//! with (1 4 6 4 1)/16 both ways and multiplies by 4; per axis that is (1 6 1)/8 at even places and (4 4)/8 at odd ones.
//! The fine grid is mirrored at its first and last place without repeating them. For C that means: before the first
//! comes the second; behind the last comes the last but one where G has an odd number of columns or rows, and the last
//! itself where it has an even one. Constants stay constant so.
//!
//! Sums are formed downwards first, then along the row; the division by 64 comes last, and with
//! [`Arithmetic::Whole`] the rounding of the expansion.
//!
//! Shapes: `[1][rows][columns]` ← `[1][⌈rows/2⌉][⌈columns/2⌉]`, `[1][rows][columns]`. Tier P; exact with
//! [`Arithmetic::Whole`].

use super::{Arithmetic, expand::Expansion};
use crate::kernels::prelude::*;

kernel! {
    /// A level without what the coarser one says of it: columns and rows of the fine one; 1 to round to whole numbers.
    struct Band { columns, rows, is_whole: u32 }
    shader pyramid/band + pyramid/expand, Pinned, [128, 4];
    reads coarse[(rows.div_ceil(2)), (columns.div_ceil(2))]: window(WINDOW) of f32, fine[rows, columns]: rows of f32;
    writes results[rows, columns]: f32;
    operations OPERATIONS;
}

/// Rows of the coarse level that a fine row is made of.
pub(super) const WINDOW: Window = Window { numerator: 1, denominator: 2, first: -1, last: 1 };
/// Operations per fine pixel: two sums of three numbers downwards, one along, a difference.
pub(super) const OPERATIONS: f64 = 14.0;

/// Records `fine − expand(coarse)`; `coarse` has half the columns and rows of `fine`, rounded up.
pub fn record(graph: &mut Graph<'_>, fine: Buffer<f32>, coarse: Buffer<f32>, arithmetic: Arithmetic) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(fine);
    Band { columns, rows, is_whole: arithmetic.code() }.compute(graph, "band", coarse, fine, "pyramid.band")
}

vectorised! {
    fn twin(kernel: &Band, block: &Block, coarse: &[f32], fine: &[f32], out: &mut [f32]) {
        if kernel.is_whole == 1 {
            rows::<true>(kernel, block, coarse, fine, out);
        } else {
            rows::<false>(kernel, block, coarse, fine, out);
        }
    }
}

#[inline(always)]
fn rows<const WHOLE: bool>(kernel: &Band, block: &Block, coarse: &[f32], fine: &[f32], out: &mut [f32]) {
    let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
    let mut expansion = Expansion::new(columns);
    for ((y, fine), out) in block.rows.clone().zip(fine.chunks_exact(columns)).zip(out.chunks_exact_mut(columns)) {
        let expanded = expansion.row::<WHOLE>(coarse, [columns, rows], y);
        for ((out, fine), expanded) in out.iter_mut().zip(fine).zip(expanded) {
            *out = fine - expanded;
        }
    }
}
