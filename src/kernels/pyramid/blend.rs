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

use super::{Arithmetic, Curve, band, collapse, levels::chain};
use crate::kernels::prelude::*;

kernel! {
    /// Weighted mean of two bands: columns and rows; 1 to round to whole numbers.
    struct Blend { columns, rows, is_whole: u32 }
    shader pyramid/blend, Pinned, [64, 4];
    reads first[rows, columns]: rows of f32, second[rows, columns]: rows of f32, weights[rows, columns]: rows of f32;
    writes results[rows, columns]: f32;
    operations 5.0;
}

/// Records the blend of images `a` and `b` under `mask` (1: `a`, 0: `b`), all of one extent, over so many levels.
///
/// Coarse levels are put together first and bands made when they are needed, so that no more than one level's bands
/// are held at a time. Levels of the mask are those of [`Arithmetic::Real`].
pub fn record(
    graph: &mut Graph<'_>,
    a: Buffer<f32>,
    b: Buffer<f32>,
    mask: Buffer<f32>,
    levels: usize,
    arithmetic: Arithmetic,
) -> Buffer<f32> {
    let first = chain(graph, a, levels, arithmetic);
    let second = chain(graph, b, levels, arithmetic);
    let weights = chain(graph, mask, levels, Arithmetic::Real);
    let mut level = weighted(graph, first[levels], second[levels], weights[levels], arithmetic);
    for k in (0..levels).rev() {
        let first = band::record(graph, first[k], first[k + 1], arithmetic);
        let second = band::record(graph, second[k], second[k + 1], arithmetic);
        let blended = weighted(graph, first, second, weights[k], arithmetic);
        level = collapse::record(graph, level, blended, &Curve::IDENTITY, arithmetic);
    }
    level
}

/// Records `weights·first + (1 − weights)·second`, all of one extent.
pub fn weighted(
    graph: &mut Graph<'_>,
    first: Buffer<f32>,
    second: Buffer<f32>,
    weights: Buffer<f32>,
    arithmetic: Arithmetic,
) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(first);
    let kernel = Blend { columns, rows, is_whole: arithmetic.code() };
    kernel.compute(graph, "blend", first, second, weights, "pyramid.blended")
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
