//! A level from the next coarser one and its band.
//!
//! ```text
//! R = expand(C) + c(L)
//! ```
//! with C the collapsed coarser level, L the band, c its [`Curve`], and expanding as in [`super::band`]. With
//! [`Arithmetic::Whole`] expansion and curve are rounded, each to whole numbers.
//!
//! Shapes: `[1][rows][columns]` ← `[1][⌈rows/2⌉][⌈columns/2⌉]`, `[1][rows][columns]`, one value. Tier P; exact with
//! [`Arithmetic::Whole`] and [`Curve::IDENTITY`].

use super::band::{OPERATIONS, WINDOW};
use super::curve::{self, CONTAINMENT, GAIN, POWER, inverse_threshold, rounded};
use super::{Arithmetic, Containment, Curve, expand::Expansion};
use crate::kernels::prelude::*;

kernel! {
    /// A level from the next coarser one and its band.
    struct Collapse {
        /// Columns and rows of the fine level; 1 to round to whole numbers; bits of the curve's shape.
        columns, rows, is_whole, shape: u32,
        /// Factor of a value at full scale, power − 1, largest factor, one over the full scale.
        gain, exponent, ceiling, inverse_scale: f32,
        /// Standard deviations at which the containment's threshold is.
        strength: f32,
    }
    shader pyramid/collapse + pyramid/curve + pyramid/expand, Pinned, [128, 4];
    reads coarse[(rows.div_ceil(2)), (columns.div_ceil(2))]: window(WINDOW) of f32, band[rows, columns]: rows of f32,
          noise: whole of f32;
    writes results[rows, columns]: f32;
    operations OPERATIONS + curve::operations(shape);
}

/// Records `expand(coarse) + curve(band)`; `coarse` has half the columns and rows of `band`, rounded up.
pub fn record(
    graph: &mut Graph<'_>,
    coarse: Buffer<f32>,
    band: Buffer<f32>,
    curve: &Curve,
    arithmetic: Arithmetic,
) -> Buffer<f32> {
    let Containment { strength, noise } = curve.bound(graph);
    let Extent { rows, columns, .. } = graph.extent(band);
    let [gain, exponent, ceiling, inverse_scale] = curve.constants();
    let (is_whole, shape) = (arithmetic.code(), curve.shape());
    let kernel = Collapse { columns, rows, is_whole, shape, gain, exponent, ceiling, inverse_scale, strength };
    kernel.compute(graph, "collapse", coarse, band, noise, "pyramid.collapsed")
}

vectorised! {
    fn twin(kernel: &Collapse, block: &Block, coarse: &[f32], band: &[f32], noise: &[f32], out: &mut [f32]) {
        let inverse = inverse_threshold(kernel.strength, noise[0]);
        if kernel.is_whole == 1 {
            shaped::<true>(kernel, block, coarse, band, inverse, out);
        } else {
            shaped::<false>(kernel, block, coarse, band, inverse, out);
        }
    }
}

#[inline(always)]
fn shaped<const WHOLE: bool>(
    kernel: &Collapse,
    block: &Block,
    coarse: &[f32],
    band: &[f32],
    inverse: f32,
    out: &mut [f32],
) {
    const POWERED: u32 = GAIN | POWER;
    const CONTAINED: u32 = GAIN | CONTAINMENT;
    const ALL: u32 = GAIN | POWER | CONTAINMENT;
    match kernel.shape {
        0 => rows::<WHOLE, 0>(kernel, block, coarse, band, inverse, out),
        GAIN => rows::<WHOLE, GAIN>(kernel, block, coarse, band, inverse, out),
        POWERED => rows::<WHOLE, POWERED>(kernel, block, coarse, band, inverse, out),
        CONTAINED => rows::<WHOLE, CONTAINED>(kernel, block, coarse, band, inverse, out),
        _ => rows::<WHOLE, ALL>(kernel, block, coarse, band, inverse, out),
    }
}

#[inline(always)]
fn rows<const WHOLE: bool, const SHAPE: u32>(
    kernel: &Collapse,
    block: &Block,
    coarse: &[f32],
    band: &[f32],
    inverse: f32,
    out: &mut [f32],
) {
    let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
    let constants = [kernel.gain, kernel.exponent, kernel.ceiling, kernel.inverse_scale];
    let mut expansion = Expansion::new(columns);
    for ((y, band), out) in block.rows.clone().zip(band.chunks_exact(columns)).zip(out.chunks_exact_mut(columns)) {
        let expanded = expansion.row::<WHOLE>(coarse, [columns, rows], y);
        for ((out, band), expanded) in out.iter_mut().zip(band).zip(expanded) {
            *out = expanded + rounded::<WHOLE, SHAPE>(*band, constants, inverse);
        }
    }
}
