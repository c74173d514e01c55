//! Noise of a detector: Poisson noise of quanta, Gaussian noise of the electronics.
//!
//! ```text
//! y = Poisson(n·max(m, 0))/n + σ·z
//! ```
//! where m is the mean signal, n the quanta per unit of signal (`photons`), σ the standard deviation of the electronic
//! noise in units of the signal (`electronic_sigma`) and z a standard normal number. How counts are drawn, how exact
//! they are and what holds for very large means: [`super::poisson`]. Counts are multiplied by 1/n, rounded to single
//! precision. Signals are numbers: infinite or undefined ones give anything.
//!
//! Shapes: `[view][row][column]` ← the same. Tier P.

use super::normal::{deviate, deviates};
use super::poisson::{MAX_MEAN, count};
use super::{ELECTRONIC_DRAW, Stream, counts::counts, philox::philox_lanes, stream::counter, table::TABLE};
use crate::kernels::prelude::*;

kernel! {
    /// Noisy signals of a detector.
    struct Noisy {
        /// Columns, rows of a slice, words of the key; column, row and view of the first pixel in the whole image.
        columns, rows, key_low, key_high, column, row, view: u32,
        /// 1 where there is noise of quanta, and 1 where there is noise of the electronics.
        has_quanta, has_electronics: u32,
        /// Quanta per unit of signal, units of signal per quantum; standard deviation of the noise of the
        /// electronics; largest signal whose quanta are counted.
        photons, inverse, sigma, largest: f32,
    }
    shader noise/quanta + noise/poisson + noise/deviate + noise/drawn + noise/philox + clahe/high_word, Pinned, [64, 4];
    reads table[1, (TABLE.len() as u32)]: whole of u32, means[rows, columns]: rows of f32;
    writes results[rows, columns]: f32;
    operations OPERATIONS;
}

/// Operations of a pixel on the device: two or three draws, a trial and a half.
const OPERATIONS: f64 = 1200.0;

/// How noisy a detector is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quanta {
    /// Quanta per unit of signal, positive; none: no Poisson noise.
    pub photons: Option<f32>,
    /// Standard deviation of the electronic noise in units of the signal; 0: no Gaussian noise.
    pub electronic_sigma: f32,
}

/// Records the noisy signal of a mean signal; slices are views.
pub fn record(graph: &mut Graph<'_>, mean: Buffer<f32>, quanta: &Quanta, stream: &Stream) -> Buffer<f32> {
    let extent = graph.extent(mean);
    let noisy = graph.buffer("noise.quanta", extent);
    let table = graph.upload_table("noise.table", &TABLE);
    quanta.kernel(stream, extent).compute(graph, "quanta", table, mean, noisy)
}

/// The noisy signal of one pixel of a mean signal, counted from the stream's origin.
#[must_use]
pub fn at(quanta: &Quanta, stream: &Stream, mean: f32, column: u32, row: u32, view: u32) -> f32 {
    let kernel = quanta.kernel(stream, Extent { slices: 1, rows: 1, columns: 1 });
    let [x, y, z] = stream.origin;
    let counter = [x.wrapping_add(column), y.wrapping_add(row), z.wrapping_add(view), 0];
    let signal = counted(&kernel, counter, mean);
    if kernel.has_electronics == 0 {
        return signal;
    }
    let [high, low, ..] = stream.words([column, row, view], ELECTRONIC_DRAW);
    signal + kernel.sigma * deviate(high, low)
}

impl Quanta {
    fn kernel(&self, stream: &Stream, extent: Extent) -> Noisy {
        let ([key_low, key_high], [column, row, view]) = (stream.key(), stream.origin);
        let photons = self.photons.unwrap_or(1.0);
        Noisy {
            columns: extent.columns,
            rows: extent.rows,
            key_low,
            key_high,
            column,
            row,
            view,
            has_quanta: self.photons.is_some().into(),
            has_electronics: (self.electronic_sigma != 0.0).into(),
            photons,
            inverse: 1.0 / photons,
            sigma: self.electronic_sigma,
            largest: (f64::from(MAX_MEAN) / f64::from(photons)).min(f32::MAX.into()) as f32,
        }
    }
}

/// Signal with its Poisson noise.
#[inline(always)]
fn counted(kernel: &Noisy, counter: [u32; 4], mean: f32) -> f32 {
    let signal = mean.max(0.0);
    if kernel.has_quanta == 0 {
        return signal;
    }
    let Noisy { photons, inverse, largest, .. } = *kernel;
    count(counter, [kernel.key_low, kernel.key_high], signal.min(largest) * photons) * inverse
}

fn twin(kernel: &Noisy, block: &Block, _: &[u32], means: &[f32], results: &mut [f32]) {
    let columns = kernel.columns as usize;
    let rows = means.chunks_exact(columns).zip(results.chunks_exact_mut(columns));
    for (row, (means, out)) in block.rows.clone().zip(rows) {
        noisy(kernel, counter([kernel.column, kernel.row, kernel.view], kernel.rows, row), means, out);
    }
}

vectorised! {
    /// One row, whose first pixel has the given counter.
    fn noisy(kernel: &Noisy, counter: [u32; 4], means: &[f32], out: &mut [f32]) {
        let ([x, y, z, _], key) = (counter, [kernel.key_low, kernel.key_high]);
        for (chunk, (means, out)) in means.chunks(LANES).zip(out.chunks_mut(LANES)).enumerate() {
            let first = x.wrapping_add((chunk * LANES) as u32);
            let mut signals = [0.0; LANES];
            for (signal, mean) in signals.iter_mut().zip(means) {
                *signal = mean.max(0.0);
            }
            if kernel.has_quanta != 0 {
                let Noisy { photons, inverse, largest, .. } = *kernel;
                signals = counts([first, y, z, 0], key, &signals.map(|s| s.min(largest) * photons));
                signals.iter_mut().for_each(|count| *count *= inverse);
            }
            if kernel.has_electronics != 0 {
                let [high, low, ..] = philox_lanes([first, y, z, ELECTRONIC_DRAW], key);
                for (signal, z) in signals.iter_mut().zip(deviates(&high, &low)) {
                    *signal += kernel.sigma * z;
                }
            }
            out.copy_from_slice(&signals[..out.len()]);
        }
    }
}
