//! Line integrals from raw counts.
//!
//! ```text
//! p = −ln(max(t, floor)),   t = (raw − dark)·c
//! ```
//! where c are the factors of [`super::calibrate`]. A pixel whose factor is 0 gets the mean t of the good ones among its neighbours, rows one after
//! the other: of the 3×3 pixels around it, or of 5×5 and so on up to 11×11 where none of those is good, and else 1. The floor is a positive
//! normal number.
//!
//! Shapes: `[view][row][column]` ← twice `[1][row][column]`, `[view][row][column]`. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Corrected line integrals: columns and rows of a view, how far a bad pixel looks for good ones, least transmission.
    struct Correct { columns, rows, reach: u32, floor: f32 }
    shader detector/correct, Pinned, [64, 4];
    reads dark[rows, columns]: whole of f32, factors[rows, columns]: whole of f32, raw[rows, columns]: slices of f32;
    writes results[rows, columns]: f32;
    operations 50.0;
}

/// How far a bad pixel looks for good ones.
const REACH: u32 = 5;

/// Records the line integrals of `raw`, whose slices are views, with a dark image and the pixels' factors.
pub fn record(graph: &mut Graph<'_>, [dark, factors]: [Buffer<f32>; 2], raw: Buffer<f32>, floor: f32) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(raw);
    let kernel = Correct { columns, rows, reach: REACH, floor: floor.max(f32::MIN_POSITIVE) };
    kernel.compute(graph, "correct", dark, factors, raw, "correct.integrals")
}

vectorised! {
    fn twin(kernel: &Correct, block: &Block, dark: &[f32], factors: &[f32], raw: &[f32], results: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        for (row, out) in block.rows.clone().zip(results.chunks_exact_mut(columns)) {
            let (view, y) = (row / rows, row % rows);
            let raw = &raw[view * rows * columns..][..rows * columns];
            let [dark_line, factor_line, raw_line] = [dark, factors, raw].map(|image| &image[y * columns..][..columns]);
            for (((out, dark), factor), raw) in out.iter_mut().zip(dark_line).zip(factor_line).zip(raw_line) {
                *out = -log(((raw - dark) * factor).max(kernel.floor));
            }
            for (x, (out, factor)) in out.iter_mut().zip(factor_line).enumerate() {
                if *factor == 0.0 {
                    *out = -log(replaced(kernel, [x, y], dark, factors, raw).max(kernel.floor));
                }
            }
        }
    }
}

/// Mean of the good pixels around a bad one.
fn replaced(kernel: &Correct, [x, y]: [usize; 2], dark: &[f32], factors: &[f32], raw: &[f32]) -> f32 {
    let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
    for reach in 1..=kernel.reach as usize {
        let (mut sum, mut count) = (0.0_f32, 0.0_f32);
        for j in y.saturating_sub(reach)..=(y + reach).min(rows - 1) {
            for i in x.saturating_sub(reach)..=(x + reach).min(columns - 1) {
                let place = j * columns + i;
                if factors[place] != 0.0 {
                    sum += (raw[place] - dark[place]) * factors[place];
                    count += 1.0;
                }
            }
        }
        if count > 0.0 {
            return sum * reciprocal(count);
        }
    }
    1.0
}
