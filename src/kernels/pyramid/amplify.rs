//! The finest level of an image of whole numbers, its band made and put through its curve on the way.
//!
//! ```text
//! y = ⌊clamp(R, 0, 2^bits − 1) + ½⌋,   R = expand(C) + c(G − expand(D))
//! ```
//! with G the pixels, D the next coarser level of theirs, C the same collapsed, c the [`Curve`] of the band, and expanding
//! as in [`super::band`]. The same bits as the band, [`super::collapse()`] and
//! [`quantise`](crate::kernels::pointwise::quantise) one after the other, of which three real numbers per pixel would be
//! written and read again. With [`Arithmetic::Whole`] expansions and curve are rounded, each to whole numbers.
//!
//! Shapes: `[1][rows][columns]`, packed ← `[1][⌈rows/2⌉][⌈columns/2⌉]`, the same, `[1][rows][columns]`, packed, one value.
//! Tier P; exact with [`Arithmetic::Whole`] and [`Curve::IDENTITY`].

use super::band::{OPERATIONS, WINDOW};
use super::curve::{self, Rows, inverse_threshold, rounded};
use super::{Arithmetic, Containment, Curve, expand::Expansion};
use crate::kernels::{pointwise::quantise::quantised, prelude::*};

kernel! {
    /// The finest level, from pixels to pixels.
    struct Amplify {
        /// Columns and rows of the image, words per row of it; 1 to round to whole numbers; bits of the curve's shape.
        columns, rows, words, is_whole, shape: u32,
        /// Factor of a value at full scale, power − 1, largest factor, one over the full scale.
        gain, exponent, ceiling, inverse_scale: f32,
        /// Standard deviations at which the containment's threshold is; largest grey value.
        strength, largest: f32,
    }
    shader pyramid/amplify + pyramid/curve + pyramid/expand, Pinned, [64, 4];
    reads coarse[(rows.div_ceil(2)), (columns.div_ceil(2))]: window(WINDOW) of f32,
          reduced[(rows.div_ceil(2)), (columns.div_ceil(2))]: window(WINDOW) of f32,
          pixels[rows, words]: rows of [u16; 2], noise: whole of f32;
    writes results[rows, words]: [u16; 2];
    operations 2.0 * (2.0 * OPERATIONS + curve::operations(shape));
}

/// Records the finest level from `pixels`, the coarser level of theirs, and that one collapsed.
pub fn record(
    graph: &mut Graph<'_>,
    coarse: Buffer<f32>,
    reduced: Buffer<f32>,
    pixels: Pixels,
    curve: &Curve,
    arithmetic: Arithmetic,
) -> Pixels {
    let Containment { strength, noise } = curve.bound(graph);
    let [columns, rows, words] = pixels.shape();
    let [gain, exponent, ceiling, inverse_scale] = curve.constants();
    let (is_whole, shape, largest) = (arithmetic.code(), curve.shape(), (pixels.levels() - 1) as f32);
    let results = Pixels::new(graph, "pyramid.amplified", pixels.size, pixels.bits);
    let kernel =
        Amplify { columns, rows, words, is_whole, shape, gain, exponent, ceiling, inverse_scale, strength, largest };
    kernel.compute(graph, "amplify", coarse, reduced, pixels, noise, results)
}

vectorised! {
    fn twin(
        kernel: &Amplify,
        block: &Block,
        coarse: &[f32],
        reduced: &[f32],
        pixels: &[[u16; 2]],
        noise: &[f32],
        out: &mut [[u16; 2]],
    ) {
        curve::compute(Lines { kernel, block, coarse, reduced, pixels, noise, out }, kernel.is_whole, kernel.shape);
    }
}

/// What the twin is given.
struct Lines<'l> {
    kernel: &'l Amplify,
    block: &'l Block,
    coarse: &'l [f32],
    reduced: &'l [f32],
    pixels: &'l [[u16; 2]],
    noise: &'l [f32],
    out: &'l mut [[u16; 2]],
}

impl Rows for Lines<'_> {
    #[inline(always)]
    fn compute<const WHOLE: bool, const SHAPE: u32>(self) {
        let Self { kernel, block, coarse, reduced, pixels, noise, out } = self;
        let [columns, rows, words] = [kernel.columns, kernel.rows, kernel.words].map(|n| n as usize);
        let constants = [kernel.gain, kernel.exponent, kernel.ceiling, kernel.inverse_scale];
        let inverse = inverse_threshold(kernel.strength, noise[0]);
        let (mut level, mut below) = (Expansion::new(columns), Expansion::new(columns));
        let lines = pixels.chunks_exact(words).zip(out.chunks_exact_mut(words));
        for (y, (pixels, out)) in block.rows.clone().zip(lines) {
            let level = level.row::<WHOLE>(coarse, [columns, rows], y);
            let below = below.row::<WHOLE>(reduced, [columns, rows], y);
            let (pixels, out) = (pixels.as_flattened(), out.as_flattened_mut());
            for (((out, pixel), level), below) in out[..columns].iter_mut().zip(pixels).zip(level).zip(below) {
                let value = rounded::<WHOLE, SHAPE>(f32::from(*pixel) - below, constants, inverse);
                *out = quantised(level + value, kernel.largest);
            }
            out[columns..].fill(0);
        }
    }
}
