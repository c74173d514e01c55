//! One level of the orthonormal Daubechies wavelet transform db2, its diagonal band and its local means.

use crate::parallel::*;

/// Low-pass filter of db2 over √2, so that its sum is 1: (1 ± √3, 3 ± √3) / 8.
/// Daubechies, Ten Lectures on Wavelets, 1992, table 6.1.
const LOW: [f64; TAPS] =
    [0.341_506_350_946_109_66, 0.591_506_350_946_109_7, 0.158_493_649_053_890_34, -0.091_506_350_946_109_66];
/// High-pass filter of db2, orthonormal: √2·(−1)ᵏ⁺¹·LOW[3 − k].
const HIGH: [f64; TAPS] =
    [0.129_409_522_551_260_37, 0.224_143_868_042_013_4, -0.836_516_303_737_807_9, 0.482_962_913_144_534_16];
const TAPS: usize = 4;
/// Mean bend of white noise over its variance: low-pass values have a quarter of it, second differences have squared taps
/// of 1 + 4 + 1, the mixed one of 4/16, twice.
pub(super) const NOISE_BEND: f64 = (6.0 + 6.0 + 2.0 * 0.25) / 4.0;

/// What a sample, or the worst sample of a window, is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// As measured.
    Clean,
    /// At a clipped end of the image's range.
    Clipped,
    /// Masked out.
    Outside,
}

/// Windows of 4×4 samples, two samples apart, that lie within the level; nothing is extended beyond the border.
///
/// White noise of standard deviation σ has σ in `detail` and, being orthogonal to it, is uncorrelated with all that is
/// computed from `low`: windows may be chosen by mean and bend without a bias of `detail`.
pub(super) struct Band {
    /// Windows across and down.
    pub(super) size: [usize; 2],
    /// Diagonal coefficient; exactly 0 where rows or columns of a window are equal.
    pub(super) detail: Vec<f32>,
    /// Low-pass value, in the image's units; the next coarser level is made of it.
    pub(super) low: Vec<f32>,
    /// State of the window's worst sample.
    pub(super) state: Vec<State>,
    /// Mean of `low` over 3×3 windows, ends repeated.
    pub(super) mean: Vec<f32>,
    /// Sum of the squared second differences of `low`.
    ///
    /// It finds edges; straight slopes, to which the diagonal band is blind, have none. White noise σ has a mean bend of
    /// [`NOISE_BEND`]·σ².
    pub(super) bend: Vec<f32>,
}

impl Band {
    /// Level of `samples`, `size` = [columns, rows], both at least 4; with their states.
    pub(super) fn new(size: [usize; 2], samples: &[f32], states: &[State]) -> Self {
        let [columns, rows] = size;
        let size = [columns, rows].map(|n| (n - TAPS) / 2 + 1);
        let count = size[0] * size[1];
        let (mut detail, mut low, mut worst) = (vec![0.0; count], vec![0.0; count], vec![State::Clean; count]);
        (detail.par_chunks_mut(size[0]).zip(low.par_chunks_mut(size[0])).zip(worst.par_chunks_mut(size[0])))
            .enumerate()
            .for_each(|(j, ((detail, low), worst))| {
                let row = |k: usize| (2 * j + k) * columns..(2 * j + k + 1) * columns;
                let lines = [0, 1, 2, 3].map(|k| &samples[row(k)]);
                let column = |i: usize| lines.map(|l| f64::from(l[i]));
                let (mean, difference): (Vec<f64>, Vec<f64>) =
                    (0..columns).map(|i| (weighted_mean(column(i)), weighted_difference(column(i)))).unzip();
                for i in 0..size[0] {
                    let four = |line: &[f64]| [0, 1, 2, 3].map(|k| line[2 * i + k]);
                    low[i] = weighted_mean(four(&mean)) as f32;
                    detail[i] = weighted_difference(four(&difference)) as f32;
                    let window = (0..TAPS).flat_map(|k| &states[row(k)][2 * i..2 * i + TAPS]);
                    worst[i] = window.copied().max().unwrap_or(State::Outside);
                }
            });
        let (mean, bend) = mean_and_bend(size, &low);
        Self { size, detail, low, state: worst, mean, bend }
    }

    /// The next coarser level.
    pub(super) fn coarser(&self) -> Self {
        // An orthonormal step doubles a constant; `low` keeps it, so its noise is half as large as an orthonormal one.
        let mut band = Self::new(self.size, &self.low, &self.state);
        band.detail.iter_mut().for_each(|d| *d *= 2.0);
        band
    }
}

fn mean_and_bend(size: [usize; 2], low: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let [columns, rows] = size;
    let mut pairs = vec![(0.0, 0.0); low.len()];
    pairs.par_chunks_mut(columns).enumerate().for_each(|(j, out)| {
        let [above, here, below] =
            [j.saturating_sub(1), j, (j + 1).min(rows - 1)].map(|y| &low[y * columns..(y + 1) * columns]);
        for (i, out) in out.iter_mut().enumerate() {
            let (l, r) = (i.saturating_sub(1), (i + 1).min(columns - 1));
            let sum: f32 = [above, here, below].iter().map(|line| line[l] + line[i] + line[r]).sum();
            let across = here[l] - here[i] + (here[r] - here[i]);
            let down = above[i] - here[i] + (below[i] - here[i]);
            let mixed = (above[l] - above[r] + (below[r] - below[l])) / 4.0;
            *out = (sum / 9.0, across * across + down * down + 2.0 * mixed * mixed);
        }
    });
    pairs.into_iter().unzip()
}

fn weighted_mean(v: [f64; TAPS]) -> f64 {
    // From the first sample on, as in the differences: equal samples give themselves.
    v[0] + LOW[1] * (v[1] - v[0]) + LOW[2] * (v[2] - v[0]) + LOW[3] * (v[3] - v[0])
}

fn weighted_difference(v: [f64; TAPS]) -> f64 {
    // The taps add up to zero only up to rounding; differences to the first sample make equal samples give exactly 0.
    HIGH[1] * (v[1] - v[0]) + HIGH[2] * (v[2] - v[0]) + HIGH[3] * (v[3] - v[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_daubechies_and_annihilate_straight_lines() {
        let root = 3_f64.sqrt();
        for (got, want) in LOW.into_iter().zip([1.0 + root, 3.0 + root, 3.0 - root, 1.0 - root]) {
            assert!((got - want / 8.0).abs() < 1e-15);
        }
        for k in 0..TAPS {
            let want = [-1.0, 1.0, -1.0, 1.0][k] * 2_f64.sqrt() * LOW[3 - k];
            assert!((HIGH[k] - want).abs() < 1e-15);
        }
        assert!((HIGH.iter().map(|h| h * h).sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(HIGH.iter().zip(LOW).map(|(h, l)| h * l).sum::<f64>().abs() < 1e-15);
        assert!(weighted_difference([1.0, 2.0, 3.0, 4.0]).abs() < 1e-14);
        assert!(weighted_difference([1.0, 4.0, 9.0, 16.0]).abs() > 0.1);
    }

    #[test]
    fn flat_rows_or_columns_give_exactly_nothing_and_excluded_samples_exclude_windows() {
        let size = [12, 11];
        let samples: Vec<f32> = (0..132).map(|i| [0.1, 7.3, 2.2][i % 12 % 3]).collect();
        let mut states = vec![State::Clean; 132];
        states[12 * 4 + 4] = State::Outside;
        let band = Band::new(size, &samples, &states);
        assert_eq!(band.size, [5, 4]);
        assert!(band.detail.iter().all(|&d| d == 0.0));
        // Windows that start at column 2 or 4 and row 2 or 4 hold the sample (4, 4).
        let out: Vec<usize> = (0..20).filter(|&i| band.state[i] != State::Clean).collect();
        assert_eq!(out, [6, 7, 11, 12]);
    }
}
