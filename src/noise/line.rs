//! A straight line through variances that were measured with very different certainty, some of them on structure.

use super::gaussian::{MEDIAN_OF_NORMAL, robust_sigma};

/// Values beyond this many standard deviations count as much as those there.
const WINSOR: f64 = 2.0;
/// E[min(z², 4)] of a standard normal: P(|z| < 2) − 4·φ(2) + 4·P(|z| > 2).
const WINSORISED: f64 = 0.920_537;
/// Rounds of winsorising; each leaves a fifth of the error, 4·P(|z| > 2)/0.9205.
const WINSOR_ROUNDS: usize = 16;
/// Variance of a winsorised variance times windows over variance²: (2.0798 − 0.9205²)/0.7385², from the fourth moment and
/// the derivative of the mean of min(z², 4). The best unbiased one has 2, the squared median 5.44.
const WINSORISED_VARIANCE: f64 = 2.26;
/// Reach of Tukey's biweight in standard errors: 95 % efficiency for normal errors.
const TUKEY: f64 = 4.685;
/// Rounds of reweighting; the weights have settled after ten.
const ROUNDS: usize = 30;
/// Smallest variance that a weight is computed with, as a share of the largest measured: below, the line says nothing.
const LEAST_VARIANCE: f64 = 1e-3;

/// Variance of the windows of one level set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    pub(super) mean: f64,
    pub(super) variance: f64,
    pub(super) windows: usize,
}

/// variance = `slope`·mean + `intercept`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) slope: f64,
    pub(super) intercept: f64,
    /// Standard error of the slope, from the scatter of the levels where that is larger than the windows explain.
    pub(super) slope_error: f64,
}

impl Line {
    pub(super) fn at(&self, mean: f64) -> f64 {
        self.slope * mean + self.intercept
    }

    /// Weighted least squares, reweighted by the variances of the line itself and by Tukey's biweight of what is left.
    ///
    /// Weights by *measured* variances would favour the levels that came out low.
    pub(super) fn through(levels: &[Level]) -> Option<Self> {
        let largest = levels.iter().map(|l| l.variance).fold(0.0, f64::max);
        if levels.len() < 2 || largest <= 0.0 {
            return None;
        }
        let floor = LEAST_VARIANCE * largest;
        let median = median(levels.iter().map(|l| l.variance).collect()).max(floor);
        let certainty = |l: &Level, variance: f64| l.windows as f64 / (WINSORISED_VARIANCE * variance * variance);
        let mut weights: Vec<f64> = levels.iter().map(|l| certainty(l, median)).collect();
        let mut line = weighted(levels, &weights)?;
        for _ in 0..ROUNDS {
            let expected: Vec<f64> = levels.iter().map(|l| certainty(l, line.at(l.mean).max(floor))).collect();
            let off = |l: &Level, w: f64| (l.variance - line.at(l.mean)).abs() * w.sqrt();
            let offs: Vec<f64> = levels.iter().zip(&expected).map(|(l, w)| off(l, *w)).collect();
            let scatter = (median_of(&offs) / MEDIAN_OF_NORMAL).max(1.0);
            for ((weight, expected), off) in weights.iter_mut().zip(&expected).zip(&offs) {
                let u = off / (TUKEY * scatter);
                *weight = expected * if u < 1.0 { (1.0 - u * u).powi(2) } else { 0.0 } / (scatter * scatter);
            }
            let Some(next) = weighted(levels, &weights) else { break };
            line = next;
        }
        Some(line)
    }
}

/// Variance of normal values from their sizes, the median first: Huber's second proposal, which a few large values on edges
/// move a bounded way, at 88 % of the efficiency of the plain mean of squares.
pub(super) fn winsorised_variance(sizes: &mut [f32]) -> f64 {
    let mut variance = robust_sigma(sizes).powi(2);
    for _ in 0..WINSOR_ROUNDS {
        let limit = WINSOR * WINSOR * variance;
        let sum: f64 = sizes.iter().map(|&d| (f64::from(d) * f64::from(d)).min(limit)).sum();
        variance = sum / (WINSORISED * sizes.len().max(1) as f64);
    }
    variance
}

fn weighted(levels: &[Level], weights: &[f64]) -> Option<Line> {
    let total: f64 = weights.iter().sum();
    let mean = |of: fn(&Level) -> f64| levels.iter().zip(weights).map(|(l, w)| w * of(l)).sum::<f64>() / total;
    let (x, y) = (mean(|l| l.mean), mean(|l| l.variance));
    let (mut squares, mut products) = (0.0, 0.0);
    for (level, weight) in levels.iter().zip(weights) {
        squares += weight * (level.mean - x).powi(2);
        products += weight * (level.mean - x) * (level.variance - y);
    }
    if !(squares.is_finite() && squares > 0.0) {
        return None;
    }
    let slope = products / squares;
    Some(Line { slope, intercept: y - slope * x, slope_error: squares.sqrt().recip() })
}

fn median_of(values: &[f64]) -> f64 {
    median(values.to_vec())
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_on_a_line_give_it_and_levels_on_structure_do_not_move_it() {
        let exact = |i: usize| Level { mean: i as f64, variance: 0.5 * i as f64 + 2.0, windows: 100 + 10 * i };
        let mut levels: Vec<Level> = (0..40).map(exact).collect();
        let line = Line::through(&levels).unwrap();
        assert!((line.slope - 0.5).abs() < 1e-9 && (line.intercept - 2.0).abs() < 1e-9, "{line:?}");
        for i in [3, 4, 5, 20, 21] {
            levels[i].variance *= 8.0;
        }
        let robust = Line::through(&levels).unwrap();
        assert!((robust.slope - 0.5).abs() < 0.01 && (robust.intercept - 2.0).abs() < 0.1, "{robust:?}");
        let weights = vec![1.0; 40];
        let plain = weighted(&levels, &weights).unwrap();
        assert!((plain.intercept - 2.0).abs() > 1.0, "the control must be moved: {plain:?}");
    }

    #[test]
    fn winsorised_variance_is_that_of_a_normal_and_bounded_by_outliers() {
        // As many of each size as a normal of standard deviation 3 has.
        let mut sizes: Vec<f32> = (0..1000)
            .flat_map(|i| {
                let z = (f64::from(i) + 0.5) / 200.0;
                vec![(3.0 * z) as f32; (1000.0 * (-0.5 * z * z).exp()).round() as usize]
            })
            .collect();
        let clean = winsorised_variance(&mut sizes);
        assert!((clean / 9.0 - 1.0).abs() < 0.01, "{clean}");
        let more = sizes.len() / 50;
        sizes.extend(vec![1000.0; more]);
        let got = winsorised_variance(&mut sizes);
        assert!((got / clean - 1.0).abs() < 0.1, "{got}");
    }

    #[test]
    fn one_level_has_no_line() {
        let level = Level { mean: 1.0, variance: 1.0, windows: 100 };
        assert_eq!(Line::through(&[level]), None);
        assert_eq!(Line::through(&[level; 3]), None);
    }
}
