//! Steps from column to column, summed over bands of rows. Tier E.
//!
//! ```text
//! steps[b][x] = Σ |p[y][x + 1] − p[y][x]|   over the rows y of band b,   0 in the last column
//! ```
//! or, of steps down towards the image's middle alone ([`Blades::Dense`]),
//! ```text
//! steps[b][x] = Σ max(0, p[y][x] − p[y][x + 1])   for x + 1 ≤ columns/2,   Σ max(0, p[y][x + 1] − p[y][x])   beyond
//! ```
//! Band b of B holds the rows ⌊b·rows/B⌋ up to ⌊(b + 1)·rows/B⌋. Sums stay below 2³² as long as a side has at most
//! 65,536 pixels: 65,536 · 65,535 = 2³² − 2¹⁶.
//!
//! Shapes: `[band][column]` ← `[row][pair]`.

use super::{borders::BANDS, collimation::Blades};
use crate::kernels::prelude::*;

kernel! {
    /// Steps from column to column: columns and rows of the image, words per row of the pixels, bands; 1 for steps down
    /// towards the middle alone.
    struct StepRight { columns, rows, pairs, bands, inward: u32 }
    shader mask/step_right, Exact, [64, 1];
    reads pixels[rows, pairs]: window(band_rows(rows, bands)) of [u16; 2];
    writes steps[bands, columns]: u32;
    operations 6.0 * f64::from(rows) / f64::from(bands);
}

/// Records the sums over [`BANDS`] bands of rows.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, blades: Blades) -> Buffer<u32> {
    let [columns, rows, pairs] = pixels.shape();
    let kernel = StepRight { columns, rows, pairs, bands: BANDS, inward: blades.inward() };
    kernel.compute(graph, "steps to the right", pixels, "mask.steps_right")
}

/// The rows of a band. Its last row: ⌊(b + 1)·rows/B⌋ is at most ⌊b·rows/B⌋ + ⌈rows/B⌉.
fn band_rows(rows: u32, bands: u32) -> Window {
    Window { numerator: rows, denominator: bands, first: 0, last: rows.div_ceil(bands) as i32 - 1 }
}

vectorised! {
    fn twin(kernel: &StepRight, block: &Block, pixels: &[[u16; 2]], steps: &mut [u32]) {
        let StepRight { columns, rows, pairs, bands, inward } = *kernel;
        let [columns, rows, pairs, bands] = [columns, rows, pairs, bands].map(|n| n as usize);
        let pixels = pixels.as_flattened();
        for (band, steps) in block.rows.clone().zip(steps.chunks_exact_mut(columns)) {
            steps.fill(0);
            for row in band * rows / bands..(band + 1) * rows / bands {
                let row = &pixels[row * 2 * pairs..][..columns];
                if inward == 0 {
                    for ((step, here), next) in steps.iter_mut().zip(row).zip(&row[1..]) {
                        *step += u32::from(next.abs_diff(*here));
                    }
                    continue;
                }
                let (low, high) = steps.split_at_mut(columns / 2);
                for ((step, here), next) in low.iter_mut().zip(row).zip(&row[1..]) {
                    *step += u32::from(here.saturating_sub(*next));
                }
                for ((step, here), next) in high.iter_mut().zip(&row[columns / 2..]).zip(&row[columns / 2 + 1..]) {
                    *step += u32::from(next.saturating_sub(*here));
                }
            }
        }
    }
}
