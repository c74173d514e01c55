//! Gains of a detector's pixels, and which are bad: the same in every view.
//!
//! ```text
//! g = max(1 + σ·z, 0.05)    or [`DEAD`], or [`STUCK`], with the probability of bad pixels, half of it each
//! ```
//! where z is a standard normal number and σ the gains' standard deviation. One draw of the pixel's words gives both.
//!
//! Shapes: `[1][row][column]`. Tier P.

use crate::kernels::noise::{NORMAL_DRAW, Stream, counter, deviates, philox_lanes};
use crate::kernels::prelude::*;

kernel! {
    /// Gains of pixels.
    struct Pattern {
        /// Columns, rows, words of the key; column, row and view of the first pixel in the whole image.
        columns, rows, key_low, key_high, column, row, view: u32,
        /// Probability of a bad pixel in units of 2⁻³².
        bad: u32,
        /// Standard deviation and least of the gains.
        sigma, least: f32,
    }
    shader detector/pattern + noise/deviate + noise/drawn + noise/philox + clahe/high_word, Pinned, [64, 4];
    writes results[rows, columns]: f32;
    operations 350.0;
}

/// What stands for the gain of a pixel that gives nothing.
pub const DEAD: f32 = 0.0;
/// What stands for the gain of a pixel that gives the full scale.
pub const STUCK: f32 = -1.0;
/// Least gain.
const LEAST: f32 = 0.05;

/// Records the gains of an image of [columns, rows], with their standard deviation and the share of bad pixels, 0 to 0.5.
pub fn record(
    graph: &mut Graph<'_>,
    [columns, rows]: [u32; 2],
    sigma: f32,
    bad_fraction: f64,
    stream: &Stream,
) -> Buffer<f32> {
    let gains = graph.buffer("pattern.gains", Extent { slices: 1, rows, columns });
    let ([key_low, key_high], [column, row, view]) = (stream.key(), stream.origin);
    let bad = (bad_fraction * 2.0_f64.powi(32)) as u32;
    let kernel = Pattern { columns, rows, key_low, key_high, column, row, view, bad, sigma, least: LEAST };
    kernel.compute(graph, "pattern", gains)
}

fn twin(kernel: &Pattern, block: &Block, results: &mut [f32]) {
    for (row, out) in block.rows.clone().zip(results.chunks_exact_mut(kernel.columns as usize)) {
        gains(kernel, counter([kernel.column, kernel.row, kernel.view], kernel.rows, row), out);
    }
}

vectorised! {
    /// Gains of a row, whose first pixel has the given counter.
    fn gains(kernel: &Pattern, counter: [u32; 4], out: &mut [f32]) {
        let [x, y, z, _] = counter;
        for (chunk, out) in out.chunks_mut(LANES).enumerate() {
            let first = x.wrapping_add((chunk * LANES) as u32);
            let [high, low, chance, kind] = philox_lanes([first, y, z, NORMAL_DRAW], [kernel.key_low, kernel.key_high]);
            let noise = deviates(&high, &low);
            for (i, out) in out.iter_mut().enumerate() {
                let gain = (1.0 + kernel.sigma * noise[i]).max(kernel.least);
                let bad = if kind[i] & 1 == 0 { DEAD } else { STUCK };
                *out = if chance[i] < kernel.bad { bad } else { gain };
            }
        }
    }
}
