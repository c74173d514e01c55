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
use super::curve::{self, Rows, inverse_threshold, rounded};
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
        curve::compute(Lines { kernel, block, coarse, band, noise, out }, kernel.is_whole, kernel.shape);
    }
}

/// What the twin is given.
struct Lines<'l> {
    kernel: &'l Collapse,
    block: &'l Block,
    coarse: &'l [f32],
    band: &'l [f32],
    noise: &'l [f32],
    out: &'l mut [f32],
}

impl Rows for Lines<'_> {
    #[inline(always)]
    fn compute<const WHOLE: bool, const SHAPE: u32>(self) {
        let Self { kernel, block, coarse, band, noise, out } = self;
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        let constants = [kernel.gain, kernel.exponent, kernel.ceiling, kernel.inverse_scale];
        let inverse = inverse_threshold(kernel.strength, noise[0]);
        let mut expansion = Expansion::new(columns);
        for ((y, band), out) in block.rows.clone().zip(band.chunks_exact(columns)).zip(out.chunks_exact_mut(columns)) {
            let expanded = expansion.row::<WHOLE>(coarse, [columns, rows], y);
            for ((out, band), expanded) in out.iter_mut().zip(band).zip(expanded) {
                *out = expanded + rounded::<WHOLE, SHAPE>(*band, constants, inverse);
            }
        }
    }
}
