//! Steps from row to row, summed over bands of columns. Tier E.
//!
//! ```text
//! steps[y][b] = Σ |p[y + 1][x] − p[y][x]|   over the columns x of band b,   0 in the last row
//! ```
//! The other direction of [`super::step_right`], with the same bands, the same bound, and the same way to count steps down
//! towards the middle alone.
//!
//! Shapes: `[row][band]` ← `[row][pair]`, this row and the next.

use super::{borders::BANDS, collimation::Blades};
use crate::kernels::prelude::*;

kernel! {
    /// Steps from row to row: columns and rows of the image, words per row of the pixels, bands; 1 for steps down towards
    /// the middle alone.
    struct StepDown { columns, rows, pairs, bands, inward: u32 }
    shader mask/step_down, Exact, [16, 4];
    reads pixels[rows, pairs]: window(Window { first: 0, ..Window::around(1) }) of [u16; 2];
    writes steps[rows, bands]: u32;
    domain |output| Domain::rows(output, 6.0 * f64::from(columns));
}

/// Records the sums over [`BANDS`] bands of columns.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, blades: Blades) -> Buffer<u32> {
    let [columns, rows, pairs] = pixels.shape();
    let kernel = StepDown { columns, rows, pairs, bands: BANDS, inward: blades.inward() };
    kernel.compute(graph, "steps down", pixels, "mask.steps_down")
}

vectorised! {
    fn twin(kernel: &StepDown, block: &Block, pixels: &[[u16; 2]], steps: &mut [u32]) {
        let StepDown { columns, rows, pairs, bands, inward } = *kernel;
        let [columns, rows, pairs, bands] = [columns, rows, pairs, bands].map(|n| n as usize);
        let pixels = pixels.as_flattened();
        for (row, steps) in block.rows.clone().zip(steps.chunks_exact_mut(bands)) {
            if row + 1 == rows {
                steps.fill(0);
                continue;
            }
            let here = &pixels[row * 2 * pairs..][..columns];
            let next = &pixels[(row + 1) * 2 * pairs..][..columns];
            for (band, step) in steps.iter_mut().enumerate() {
                let band = band * columns / bands..(band + 1) * columns / bands;
                let pairs = here[band.clone()].iter().zip(&next[band]);
                *step = match inward {
                    0 => pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum(),
                    _ if row < rows / 2 => pairs.map(|(a, b)| u32::from(a.saturating_sub(*b))).sum(),
                    _ => pairs.map(|(a, b)| u32::from(b.saturating_sub(*a))).sum(),
                };
            }
        }
    }
}
