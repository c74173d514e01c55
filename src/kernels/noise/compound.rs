//! Noise of quanta that differ in what they give: a sum over photons of many energies.
//!
//! ```text
//! y = g·Poisson(m/g),   g = v/(n·m)          mean m, variance v/n
//! ```
//! where m is the mean signal and v its variance, both over those of the open beam, and n the quanta of the open beam: (its mean)² over
//! its variance in one pixel. A signal Σ E of a Poisson number of photons is a compound Poisson variable, with the mean Σ E and the
//! variance Σ E² over the photons that are expected. Here it is n·m²/v equal quanta of the size g, which has both moments: behind
//! matter fewer and larger ones, as the beam hardens. Its third moment is (Σ E²)²/Σ E, that of the sum Σ E³, which is no less. With
//! v = m it is the noise of [`super::quanta`].
//!
//! Means below 10⁻³⁶ are 0; signals of less than 10⁻³⁶ quanta, or of such a variance, are their means. Counts are those of
//! [`super::poisson`].
//!
//! Shapes: `[view][row][column]` ← twice the same. Tier P.

use super::poisson::MAX_MEAN;
use super::{Stream, counts::counts, stream::counter, table::TABLE};
use crate::kernels::prelude::*;

kernel! {
    /// Signals with the noise of their quanta.
    struct Compound {
        /// Columns, rows of a slice, words of the key; column, row and view of the first pixel in the whole image.
        columns, rows, key_low, key_high, column, row, view: u32,
        /// Quanta of the open beam; least mean, variance and quanta that are not nothing; most quanta of a pixel that are counted.
        quanta, least, largest: f32,
    }
    shader noise/compound + noise/poisson + noise/deviate + noise/drawn + noise/philox + clahe/high_word, Pinned, [64, 4];
    reads table[1, (TABLE.len() as u32)]: whole of u32, means[rows, columns]: rows of f32, variances[rows, columns]: rows of f32;
    writes results[rows, columns]: f32;
    operations OPERATIONS;
}

/// Operations of a pixel on the device: one or two draws, a trial and a half, two reciprocals.
const OPERATIONS: f64 = 1000.0;
/// Least number that is one: its reciprocal is a normal number, and so are products with it.
const LEAST: f32 = 1e-36;

/// Records signals of the given means and variances, with `quanta` in a pixel of the open beam; slices are views.
pub fn record(
    graph: &mut Graph<'_>,
    means: Buffer<f32>,
    variances: Buffer<f32>,
    quanta: f32,
    stream: &Stream,
) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(means);
    let table = graph.upload_table("noise.table", &TABLE);
    let ([key_low, key_high], [column, row, view]) = (stream.key(), stream.origin);
    let kernel =
        Compound { columns, rows, key_low, key_high, column, row, view, quanta, least: LEAST, largest: MAX_MEAN };
    kernel.compute(graph, "compound noise", table, means, variances, "noise.compound")
}

fn twin(kernel: &Compound, block: &Block, _: &[u32], means: &[f32], variances: &[f32], results: &mut [f32]) {
    let columns = kernel.columns as usize;
    let inputs = means.chunks_exact(columns).zip(variances.chunks_exact(columns));
    for ((row, (means, variances)), out) in block.rows.clone().zip(inputs).zip(results.chunks_exact_mut(columns)) {
        noisy(kernel, counter([kernel.column, kernel.row, kernel.view], kernel.rows, row), means, variances, out);
    }
}

vectorised! {
    /// One row, whose first pixel has the given counter.
    fn noisy(kernel: &Compound, counter: [u32; 4], means: &[f32], variances: &[f32], out: &mut [f32]) {
        let ([x, y, z, _], Compound { least, largest, .. }) = (counter, *kernel);
        let inputs = means.chunks(LANES).zip(variances.chunks(LANES));
        for (chunk, ((means, variances), out)) in inputs.zip(out.chunks_mut(LANES)).enumerate() {
            let (mut mean, mut quanta) = ([0.0_f32; LANES], [0.0_f32; LANES]);
            for (i, (m, v)) in means.iter().zip(variances).enumerate() {
                mean[i] = if *m > least { *m } else { 0.0 };
                let counted = ((mean[i] * kernel.quanta) * (mean[i] * reciprocal(*v))).min(largest);
                quanta[i] = if (*v > least) & (counted > least) { counted } else { 0.0 };
            }
            let first = x.wrapping_add((chunk * LANES) as u32);
            let counts = counts([first, y, z, 0], [kernel.key_low, kernel.key_high], &quanta);
            for (i, out) in out.iter_mut().enumerate() {
                let signal = counts[i] * (mean[i] * reciprocal(quanta[i]));
                *out = if quanta[i] > 0.0 { signal } else { mean[i] };
            }
        }
    }
}
