//! Mean counts from the mean of their Anscombe transform, by the definition.

/// Variance λ + s², in counts², from which on the asymptotic form is used.
const ASYMPTOTIC_VARIANCE: f64 = 100.0;
/// Distance of the table's nodes; straight lines between them are wrong by less than 10⁻⁵ counts.
const STEP: f64 = 1.0 / 64.0;
/// Nodes of the quadrature over read noise; over ±9 standard deviations at most 0.23 of one apart, where the trapezoidal
/// rule is wrong by less than 10⁻¹⁵.
const NODES: u32 = 160;
/// Reach of the quadrature in standard deviations: φ(9) is 10⁻¹⁸.
const REACH: f64 = 9.0;
/// Newton steps stop at this size, in counts.
const ENOUGH: f64 = 1e-12;
/// Most Newton steps; from a neighbouring node four are enough.
const MAX_NEWTON: u32 = 50;

/// The exact unbiased inverse for counts with read noise of standard deviation s:
///
/// ```text
/// D(λ) = E[2·√max(0, z + 3/8 + s²)],  z = Poisson(λ) + Normal(0, s²)
/// λ    = D²/4 − 1/8 − s² + δ(D)
/// ```
/// where δ is kept as a table over D up to λ + s² = 100 and is 2s²/D⁴ + tail/D⁴ beyond, which follows from the moments:
/// (D/2)² = λ + s² + 1/8 − s²/(8C²) + O(C⁻²), C = λ + s² + 3/8. `tail` makes it continuous.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Correction {
    read_variance: f64,
    first: f64,
    table: Vec<f64>,
    tail: f64,
}

impl Correction {
    /// Correction for read noise of `read_variance` s², in counts².
    pub(super) fn new(read_variance: f64) -> Self {
        let room = ASYMPTOTIC_VARIANCE - read_variance;
        if room <= 0.0 {
            return Self { read_variance, first: 2.0 * (read_variance + 0.375).sqrt(), table: Vec::new(), tail: 0.0 };
        }
        let transform = MeanTransform::new(read_variance, room);
        let (first, mut slope) = transform.at(0.0);
        let (mut table, mut lambda, mut target) = (Vec::new(), 0.0, first);
        while lambda < room {
            table.push(lambda - asymptotic(target, read_variance));
            target = first + STEP * table.len() as f64;
            lambda += STEP / slope;
            for _ in 0..MAX_NEWTON {
                let (value, derivative) = transform.at(lambda);
                slope = derivative;
                let step = (target - value) / derivative;
                lambda += step;
                if step.abs() < ENOUGH {
                    break;
                }
            }
        }
        let last = first + STEP * (table.len() - 1) as f64;
        let tail = table.last().map_or(0.0, |delta| delta * last.powi(4) - 2.0 * read_variance);
        Self { read_variance, first, table, tail }
    }

    /// δ at a mean transform D; below D(0) that of D(0).
    pub(super) fn at(&self, transform: f64) -> f64 {
        let place = ((transform - self.first) / STEP).max(0.0);
        let node = place as usize;
        if let Some([left, right]) = self.table.get(node..).and_then(|t| t.first_chunk()) {
            return left + (place - node as f64) * (right - left);
        }
        (2.0 * self.read_variance + self.tail) / transform.max(self.first).powi(4)
    }
}

/// The leading terms of the inverse: D²/4 − 1/8 − s².
fn asymptotic(transform: f64, read_variance: f64) -> f64 {
    transform * transform / 4.0 - 0.125 - read_variance
}

/// D(λ) and its derivative.
pub(super) struct MeanTransform {
    /// Mean transform of k counts with read noise, k = 0, 1, …
    of_counts: Vec<f64>,
}

impl MeanTransform {
    /// For means up to `largest` counts.
    pub(super) fn new(read_variance: f64, largest: f64) -> Self {
        let count = (largest + 12.0 * largest.sqrt()) as usize + 40;
        Self { of_counts: (0..count).map(|k| mean_root(k as f64, read_variance)).collect() }
    }

    pub(super) fn at(&self, lambda: f64) -> (f64, f64) {
        let (mut probability, mut value, mut derivative) = ((-lambda).exp(), 0.0, 0.0);
        for (k, pair) in self.of_counts.windows(2).enumerate() {
            value += probability * pair[0];
            derivative += probability * (pair[1] - pair[0]);
            probability *= lambda / (k + 1) as f64;
        }
        (value, derivative)
    }
}

/// E[2·√max(0, c + s·t)], c = counts + 3/8 + s², t standard normal.
///
/// With u = √(c + s·t) the integrand 4u²·φ((u² − c)/s)/s is smooth and even in u, so that the trapezoidal rule converges
/// exponentially although the root has a kink.
fn mean_root(counts: f64, read_variance: f64) -> f64 {
    let (centre, s) = (counts + 0.375 + read_variance, read_variance.sqrt());
    // Below this the curvature of the root, s²/(8c²) relative, is beyond f64.
    if s < 1e-9 {
        return 2.0 * centre.sqrt();
    }
    let (low, high) = ((centre - REACH * s).max(0.0).sqrt(), (centre + REACH * s).sqrt());
    let step = (high - low) / f64::from(NODES);
    let integrand = |i: u32| {
        let square = (low + step * f64::from(i)).powi(2);
        square * (-0.5 * ((square - centre) / s).powi(2)).exp()
    };
    let sum: f64 = (0..=NODES).map(integrand).sum();
    4.0 * sum * step / (s * std::f64::consts::TAU.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_agrees_with_moments_and_with_a_fine_sum() {
        for (counts, variance) in [(0.0, 0.01_f64), (0.0, 0.4), (1.0, 2.0), (3.0, 0.0), (0.0, 30.0), (40.0, 9.0)] {
            let (s, n) = (variance.sqrt(), 2_000_000);
            let sum: f64 = (0..n)
                .map(|i| {
                    let t = 20.0 * ((f64::from(i) + 0.5) / f64::from(n)) - 10.0;
                    2.0 * (counts + 0.375 + variance + s * t).max(0.0).sqrt() * (-0.5 * t * t).exp()
                })
                .sum::<f64>()
                * (20.0 / f64::from(n))
                / std::f64::consts::TAU.sqrt();
            assert!((mean_root(counts, variance) - sum).abs() < 1e-8, "{counts} {variance}");
        }
    }

    #[test]
    fn table_returns_the_mean_between_its_nodes_and_beyond() {
        for read_variance in [0.0, 0.05, 0.5, 3.0, 40.0, 99.0, 101.0, 1e4] {
            let correction = Correction::new(read_variance);
            let transform = MeanTransform::new(read_variance, 400.0);
            let mut worst = 0.0_f64;
            for i in 0..2000 {
                let lambda = (f64::from(i) * 0.01).powi(2);
                let (d, _) = transform.at(lambda);
                let got = asymptotic(d, read_variance) + correction.at(d);
                worst = worst.max((got - lambda).abs());
            }
            println!("s² = {read_variance}: {worst:.1e} counts");
            assert!(worst < 1e-4, "{read_variance}: {worst}");
        }
    }

    #[test]
    fn closed_form_of_makitalo_and_foi_is_close_for_pure_counts() {
        // IEEE Trans. Image Process. 20:2697, 2011, eq. 7 and its maximal error over all means.
        let correction = Correction::new(0.0);
        let root = 1.5_f64.sqrt();
        for i in 0..600 {
            let d = 2.0 * 0.375_f64.sqrt() + f64::from(i) * 0.05;
            let closed = d * d / 4.0 + root / 4.0 / d - 1.375 / d.powi(2) + 0.625 * root / d.powi(3) - 0.125;
            let got = asymptotic(d, 0.0) + correction.at(d);
            assert!((got - closed).abs() < 0.05, "{d}: {got} {closed}");
        }
        assert!((asymptotic(2.0 * 0.375_f64.sqrt(), 0.0) + correction.at(2.0 * 0.375_f64.sqrt())).abs() < 1e-12);
    }
}
