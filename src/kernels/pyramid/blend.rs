//! Two images put together under a mask, band by band, so that no seam shows at any scale.
//!
//! ```text
//! B_k = b_k + m_k·(a_k − b_k) = m_k·a_k + (1 − m_k)·b_k
//! ```
//! where a_k and b_k are bands (and residuals) of the two images and m_k is level k of the mask, 1 where the first image
//! is to show. Written so, a blend of an image with itself keeps its bands to the bit; where m_k ≥ 1 the band is a_k to
//! the bit. Burt & Adelson, ACM Trans. Graphics 2:217, 1983.
//!
//! Shapes: all `[1][rows][columns]`. Tier P.

use super::Arithmetic;
use crate::kernels::prelude::*;

kernel! {
    /// Weighted mean of two bands: columns and rows; 1 to round to whole numbers.
    struct Blend { columns, rows, is_whole: u32 }
    shader pyramid/blend, Pinned, [64, 4];
    reads first[rows, columns]: rows of f32, second[rows, columns]: rows of f32, weights[rows, columns]: rows of f32;
    writes results[rows, columns]: f32;
    operations 5.0;
}

/// Records `weights·a + (1 − weights)·b`, all of one extent.
pub fn record(graph: &mut Graph<'_>, [a, b, weights]: [Buffer<f32>; 3], arithmetic: Arithmetic) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(a);
    Blend { columns, rows, is_whole: arithmetic.code() }.compute(graph, "blend", a, b, weights, "pyramid.blended")
}

vectorised! {
    fn twin(kernel: &Blend, _block: &Block, a: &[f32], b: &[f32], m: &[f32], out: &mut [f32]) {
        let values = a.iter().zip(b).zip(m).map(|((a, b), m)| if *m >= 1.0 { *a } else { b + m * (a - b) });
        if kernel.is_whole == 1 {
            out.iter_mut().zip(values).for_each(|(out, value)| *out = (value + 0.5).floor());
        } else {
            out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
        }
    }
}
