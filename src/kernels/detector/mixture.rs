//! Taps of separable blurs whose sum has a given modulation transfer function.

use std::f64::consts::TAU;

use super::{Mtf, settings::refused};
use crate::physics::PhysicsError;

/// Largest error of the modulation along rows and columns, up to the Nyquist frequency.
pub const MTF_TOLERANCE: f64 = 0.01;
/// Error that Gaussians and taps are added for, over the modulation at the Nyquist frequency: the power of noise errs by twice as much.
const WANTED: f64 = 0.008;
/// Frequencies at which a mixture of Gaussians is fitted, evenly up to the Nyquist frequency.
const SAMPLES: usize = 65;
/// Most Gaussians.
const MOST_TERMS: usize = 4;
/// Widest and narrowest Gaussian, as ln a of exp(−a·f²), f in cycles per pixel: standard deviations of 0.03 and 28 pixels.
const LN_WIDTHS: [f64; 2] = [-4.0, 9.7];
/// Most taps to either side of the middle.
pub(super) const MAX_REACH: usize = 128;

/// A blur along rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) weight: f32,
    /// The middle tap, and those to either side of it.
    pub(super) taps: Vec<f32>,
}

/// Blur of a detector: the sum of up to four blurs, each along columns and then along rows.
///
/// ```text
/// H(u, v) = Σ_k w_k·h_k(u)·h_k(v),   h_k(f) ≈ exp(−2π²σ_k²·f²)
/// ```
/// A mixture of Gaussians is alike in all directions and yet a sum of few separable blurs. The fewest that come within 0.8 % of the curve's
/// value at the Nyquist frequency are taken, with positive weights, and the taps that come closest to each in the largest error over all
/// frequencies up to Nyquist's. The one of the largest weight is fitted to what the others leave of the curve instead, so that only
/// the taps' error is left along rows and columns. Weights, and the taps of each, sum to 1 as they are added up.
///
/// Taps are not all positive where the modulation is high at the Nyquist frequency, as no sampled image has it otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Blur {
    terms: Vec<Term>,
}

impl Blur {
    /// Blur of images whose pixels are `binning`×`binning` of the detector's, of a pitch in mm: that of the detector and of the mean over
    /// the bin.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a curve that is none, or that cannot be come by within [`MTF_TOLERANCE`].
    pub fn of(mtf: &Mtf, pitch_mm: f64, binning: u32) -> Result<Self, PhysicsError> {
        mtf.check(pitch_mm)?;
        let curve = |f: f64| mtf.binned(f, pitch_mm, binning);
        let wanted = WANTED * curve(0.5).max(0.1);
        let mut gaussians = mixture(&curve, wanted);
        let main = gaussians.pop().unwrap_or((1.0, 0.0));
        let others: Vec<(f64, Vec<f64>)> = gaussians
            .into_iter()
            .map(|(weight, ln_width)| {
                let gauss = |f: f64| (-ln_width.exp() * f * f).exp();
                let fits = (first_reach(ln_width)..=last_reach(ln_width, 16)).map(|reach| minimax(&gauss, reach));
                (weight, shortest(fits, wanted))
            })
            .collect();
        let left = |f: f64| {
            let taken: f64 = others.iter().map(|(weight, taps)| weight * modulation(taps, f)).sum();
            (curve(f) - taken) / main.0
        };
        let fits = (first_reach(main.1)..=last_reach(main.1, 32)).map(|reach| minimax(&left, reach));
        let taps = shortest(fits, wanted / main.0);
        let blur = Self::rounded(others.into_iter().chain([(main.0, taps)]));
        let error = blur.error(&curve);
        if error > MTF_TOLERANCE {
            return Err(refused(
                "MTF",
                "a smooth curve that falls from 1",
                format!("one that is missed by {error:.3}"),
            ));
        }
        Ok(blur)
    }

    /// Modulation along a row or column at a frequency in cycles per pixel.
    #[must_use]
    pub fn modulation(&self, frequency: f64) -> f64 {
        let of = |taps: &[f32]| modulation(&taps.iter().map(|tap| f64::from(*tap)).collect::<Vec<_>>(), frequency);
        self.terms.iter().map(|term| f64::from(term.weight) * of(&term.taps)).sum()
    }

    /// Pixels to either side that a pixel is made of.
    #[must_use]
    pub fn reach(&self) -> usize {
        self.terms.iter().map(|term| term.taps.len() - 1).max().unwrap_or(0)
    }

    pub(super) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// In single precision: weights ascend, and the last makes their sum 1 as it is added up; so do the middle taps, outermost first.
    fn rounded(terms: impl Iterator<Item = (f64, Vec<f64>)>) -> Self {
        let mut terms: Vec<Term> = terms
            .map(|(weight, taps)| {
                let mut taps: Vec<f32> = taps.into_iter().map(|tap| tap as f32).collect();
                taps[0] = 1.0 - taps[1..].iter().rev().fold(0.0, |sum, tap| sum + tap * 2.0);
                Term { weight: weight as f32, taps }
            })
            .collect();
        terms.sort_by(|a, b| a.weight.total_cmp(&b.weight));
        if let Some((last, others)) = terms.split_last_mut() {
            last.weight = 1.0 - others.iter().fold(0.0, |sum, term| sum + term.weight);
        }
        Self { terms }
    }

    fn error(&self, curve: &impl Fn(f64) -> f64) -> f64 {
        grid(512).map(|f| (self.modulation(f) - curve(f)).abs()).fold(0.0, f64::max)
    }
}

/// So many frequencies and 0, evenly up to half a cycle per pixel.
fn grid(count: usize) -> impl Iterator<Item = f64> {
    (0..=count).map(move |i| 0.5 * i as f64 / count as f64)
}

/// Standard deviation in pixels of a Gaussian exp(−a·f²).
fn deviation(ln_width: f64) -> f64 {
    (ln_width.exp() / 2.0).sqrt() / std::f64::consts::PI
}

fn first_reach(ln_width: f64) -> usize {
    ((2.0 * deviation(ln_width)) as usize).max(1)
}

fn last_reach(ln_width: f64, least: usize) -> usize {
    ((4.5 * deviation(ln_width)) as usize).clamp(least, MAX_REACH)
}

/// Modulation of taps, the middle one first.
fn modulation(taps: &[f64], frequency: f64) -> f64 {
    let sides = taps.iter().enumerate().skip(1).map(|(n, tap)| 2.0 * tap * (TAU * n as f64 * frequency).cos());
    taps[0] + sides.sum::<f64>()
}

/// The first taps that are as good as wanted, or the best.
fn shortest(mut fits: impl Iterator<Item = (Vec<f64>, f64)>, wanted: f64) -> Vec<f64> {
    let mut best = (vec![1.0], f64::INFINITY);
    while best.1 > wanted {
        match fits.next() {
            Some(fit) if fit.1 < best.1 => best = fit,
            Some(_) => {}
            None => break,
        }
    }
    best.0
}

/// Weights and ln a of the fewest Gaussians exp(−a·f²) that come as near to a curve as wanted, or the best; the one of the largest weight last.
fn mixture(curve: &impl Fn(f64) -> f64, wanted: f64) -> Vec<(f64, f64)> {
    let curve: Vec<(f64, f64)> = grid(SAMPLES - 1).map(|f| (f * f, curve(f))).collect();
    let at_nyquist = curve[SAMPLES - 1].1.clamp(0.01, 0.99);
    // exp(−a/4) there.
    let middle = (-4.0 * at_nyquist.ln()).ln();
    let mut best = (Vec::new(), f64::INFINITY);
    for count in 1..=MOST_TERMS {
        let mut widths: Vec<f64> = (0..count).map(|k| middle + 1.5 * (k as f64 - (count as f64 - 1.0) / 2.0)).collect();
        widths.iter_mut().for_each(|width| *width = width.clamp(LN_WIDTHS[0], LN_WIDTHS[1]));
        let mut fit = Weights::of(&curve, &widths);
        let mut step = 1.0;
        while step > 0.01 {
            let mut is_better = false;
            for k in 0..count {
                for moved in [-step, step] {
                    let mut tried = widths.clone();
                    tried[k] = (tried[k] + moved).clamp(LN_WIDTHS[0], LN_WIDTHS[1]);
                    let other = Weights::of(&curve, &tried);
                    if other.square < fit.square {
                        (widths, fit, is_better) = (tried, other, true);
                    }
                }
            }
            step = if is_better { step } else { step / 2.0 };
        }
        if fit.worst < best.1 {
            best = (fit.weights.into_iter().zip(widths).filter(|(weight, _)| *weight > 0.0).collect(), fit.worst);
        }
        if best.1 <= wanted {
            break;
        }
    }
    best.0.sort_by(|a, b| a.0.total_cmp(&b.0));
    best.0
}

/// Weights of given Gaussians, none negative, that sum to 1 and fit a curve best.
struct Weights {
    weights: Vec<f64>,
    /// Sum of the squares of the errors, and the largest.
    square: f64,
    worst: f64,
}

impl Weights {
    /// `curve` has squares of frequencies and modulations.
    fn of(curve: &[(f64, f64)], ln_widths: &[f64]) -> Self {
        let mut used: Vec<usize> = (0..ln_widths.len()).collect();
        let share = |k: usize, square: f64| (-ln_widths[k].exp() * square).exp();
        loop {
            // The last weight is what the others leave of 1.
            let (last, others) = (used[used.len() - 1], &used[..used.len() - 1]);
            let rows = curve.iter().map(|&(square, modulation)| {
                let basis = others.iter().map(|&k| share(k, square) - share(last, square)).collect();
                (basis, modulation - share(last, square), 1.0)
            });
            let mut weights = least_squares(others.len(), rows);
            weights.push(1.0 - weights.iter().sum::<f64>());
            let worst = weights.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
            if let Some((place, _)) = worst.filter(|(_, weight)| **weight < 0.0 && used.len() > 1) {
                used.remove(place);
                continue;
            }
            let mut all = vec![0.0; ln_widths.len()];
            used.iter().zip(weights).for_each(|(&k, weight)| all[k] = weight);
            let errors = curve.iter().map(|&(square, modulation)| {
                let sum: f64 = all.iter().enumerate().map(|(k, weight)| weight * share(k, square)).sum();
                sum - modulation
            });
            let (square, worst) = errors.fold((0.0, 0.0_f64), |(s, w), error| (s + error * error, w.max(error.abs())));
            return Self { weights: all, square, worst };
        }
    }
}

/// Taps up to `reach` that sum to 1 with the least largest error of their modulation, and that error: least squares, with more weight on what
/// errs most (C. L. Lawson, thesis, UCLA 1961).
fn minimax(curve: &impl Fn(f64) -> f64, reach: usize) -> (Vec<f64>, f64) {
    const ROUNDS: usize = 20;
    let rows: Vec<(Vec<f64>, f64)> = grid(6 * reach + 32)
        .map(|f| {
            let basis = (1..=reach).map(|n| 2.0 * ((TAU * n as f64 * f).cos() - 1.0)).collect();
            (basis, curve(f) - 1.0)
        })
        .collect();
    let mut weights = vec![1.0; rows.len()];
    let mut best = (Vec::new(), f64::INFINITY);
    for _ in 0..ROUNDS {
        let weighted = rows.iter().zip(&weights).map(|((basis, value), weight)| (basis.clone(), *value, *weight));
        let sides = least_squares(reach, weighted);
        let error = |(basis, value): &(Vec<f64>, f64)| {
            (basis.iter().zip(&sides).map(|(basis, tap)| basis * tap).sum::<f64>() - value).abs()
        };
        let errors: Vec<f64> = rows.iter().map(error).collect();
        let worst = errors.iter().copied().fold(0.0, f64::max);
        weights.iter_mut().zip(&errors).for_each(|(weight, error)| *weight *= (error / worst.max(1e-12)).max(1e-6));
        let all: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= all);
        if worst < best.1 {
            best = (sides, worst);
        }
    }
    let (sides, worst) = best;
    let middle = 1.0 - 2.0 * sides.iter().sum::<f64>();
    ([middle].into_iter().chain(sides).collect(), worst)
}

/// Solution of weighted least squares in so many unknowns; rows are coefficients, value and weight.
fn least_squares(unknowns: usize, rows: impl Iterator<Item = (Vec<f64>, f64, f64)>) -> Vec<f64> {
    // Normal equations with the right side as the last column; a trace of damping keeps equal columns solvable.
    let mut a = vec![vec![0.0; unknowns + 1]; unknowns];
    for (basis, value, weight) in rows {
        for (i, row) in a.iter_mut().enumerate() {
            let scaled = weight * basis[i];
            row.iter_mut().zip(basis.iter().chain([&value])).for_each(|(sum, x)| *sum += scaled * x);
        }
    }
    let trace: f64 = (0..unknowns).map(|i| a[i][i]).sum();
    for (i, row) in a.iter_mut().enumerate() {
        row[i] += 1e-13 * trace + f64::MIN_POSITIVE;
    }
    // Positive definite: no pivoting.
    for i in 0..unknowns {
        let (above, below) = a.split_at_mut(i + 1);
        let pivot = &above[i];
        for row in below {
            let factor = row[i] / pivot[i];
            row.iter_mut().zip(pivot).skip(i).for_each(|(x, p)| *x -= factor * p);
        }
    }
    let mut x = vec![0.0; unknowns];
    for i in (0..unknowns).rev() {
        let known: f64 = (i + 1..unknowns).map(|j| a[i][j] * x[j]).sum();
        x[i] = (a[i][unknowns] - known) / a[i][i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves() -> Vec<(&'static str, Mtf, f64)> {
        let table = Mtf::Table {
            frequencies_per_mm: vec![0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.6],
            modulation: vec![0.86, 0.66, 0.48, 0.35, 0.26, 0.19, 0.14],
        };
        vec![
            ("CsI, 0.139 mm", Mtf::Lorentzian { h_mm2: 0.6 }, 0.139),
            ("CsI, 0.2 mm", Mtf::Lorentzian { h_mm2: 0.4 }, 0.2),
            ("CsI, 0.388 mm", Mtf::Lorentzian { h_mm2: 0.9 }, 0.388),
            ("Gd2O2S", Mtf::Lorentzian { h_mm2: 1.5 }, 0.143),
            ("none", Mtf::Lorentzian { h_mm2: 0.0 }, 0.2),
            ("a-Se", Mtf::Aperture, 0.085),
            ("table", table, 0.139),
        ]
    }

    #[test]
    fn fits_come_within_the_tolerance_with_and_without_binning() {
        for (name, mtf, pitch_mm) in curves() {
            for binning in 1..=4 {
                let blur = Blur::of(&mtf, pitch_mm, binning).unwrap();
                let error = blur.error(&|f| mtf.binned(f, pitch_mm, binning));
                let reaches: Vec<usize> = blur.terms.iter().map(|term| term.taps.len() - 1).collect();
                println!(
                    "{name}, {binning}: {error:.4} {reaches:?} {:?}",
                    blur.terms.iter().map(|t| t.weight).collect::<Vec<_>>()
                );
                assert!(
                    error <= MTF_TOLERANCE && blur.terms.iter().all(|term| term.weight > 0.0),
                    "{name}, {binning}: {error}"
                );
                assert_eq!(blur.terms.iter().fold(0.0, |sum, term| sum + term.weight), 1.0);
                for Term { taps, .. } in &blur.terms {
                    assert_eq!(taps.iter().rev().take(taps.len() - 1).fold(0.0, |s, tap| s + tap * 2.0) + taps[0], 1.0);
                }
            }
        }
        // A control: the blur of another detector.
        let blur = Blur::of(&Mtf::Lorentzian { h_mm2: 0.6 }, 0.139, 1).unwrap();
        assert!(blur.error(&|f| Mtf::Lorentzian { h_mm2: 0.65 }.binned(f, 0.139, 1)) > MTF_TOLERANCE);
    }

    #[test]
    fn a_bin_is_the_mean_of_its_pixels() {
        // Three pixels side by side: (1 + 2·cos(2πf/3))/3.
        for f in [0.0, 0.1, 0.25, 0.5] {
            let mean = (1.0 + 2.0 * (TAU * f / 3.0).cos()) / 3.0;
            let mtf = Mtf::Lorentzian { h_mm2: 0.5 };
            assert!((mtf.binned(f, 0.1, 3) - mean * mtf.at(f / 0.3, 0.1)).abs() < 1e-12);
        }
    }

    #[test]
    fn curves_that_are_none_are_refused() {
        let table = |frequencies_per_mm: &[f64], modulation: &[f64]| Mtf::Table {
            frequencies_per_mm: frequencies_per_mm.to_vec(),
            modulation: modulation.to_vec(),
        };
        let message = |mtf: &Mtf| Blur::of(mtf, 0.2, 1).unwrap_err().to_string();
        assert_eq!(message(&Mtf::Lorentzian { h_mm2: -1.0 }), "h_mm2 must be 0 mm² or more, got -1");
        let short = message(&table(&[1.0, 2.0], &[0.5, 0.3]));
        assert_eq!(short, "last of frequencies_per_mm must be the Nyquist frequency, 2.500/mm, or more, got 2");
        assert_eq!(message(&table(&[1.0], &[])), "number of modulations must be that of the frequencies, got 0");
        assert!(message(&table(&[1.0, 3.0], &[0.5, 1.3])).starts_with("modulation must be 0 to 1"));
        assert!(message(&table(&[2.0, 1.0, 3.0], &[0.5, 0.4, 0.3])).starts_with("frequencies_per_mm must be"));
        assert!(
            message(&table(&[0.5, 1.0, 1.5, 3.0], &[0.2, 0.9, 0.1, 1.0])).starts_with("MTF must be a smooth curve")
        );
    }
}
