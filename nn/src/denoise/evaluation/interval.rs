use serde::Serialize;

/// Share of repetitions whose interval holds the true mean, if values are normal.
const CONFIDENCE: f64 = 0.95;

/// A mean over images with its 95 % confidence interval after Student.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Mean.
    pub mean: f64,
    /// Half the width of the interval; none of a single value.
    pub half: Option<f64>,
    /// Number of values.
    pub count: usize,
}

impl Interval {
    /// The mean of `values` and its interval; `None` where there are no values.
    ///
    /// ```text
    /// mean ± t · s / √n
    /// ```
    /// where s is the standard deviation of the sample of n values and t the 0.975 quantile of Student's distribution
    /// with n − 1 degrees of freedom.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let half = (count > 1).then(|| {
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            quantile(count - 1) * (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Some(Self { mean, half, count })
    }

    /// Interval of the differences of paired values.
    #[must_use]
    pub fn of_differences(values: &[f64], from: &[f64]) -> Option<Self> {
        let differences: Vec<f64> = values.iter().zip(from).map(|(a, b)| a - b).collect();
        Self::of(&differences)
    }

    /// Lower end; the mean where there is no interval.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.mean - self.half.unwrap_or(0.0)
    }

    /// Upper end; the mean where there is no interval.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.mean + self.half.unwrap_or(0.0)
    }
}

/// Quantile of Student's distribution that leaves half of what [`CONFIDENCE`] does not cover at either end.
fn quantile(freedom: usize) -> f64 {
    let [mut low, mut high] = [0.0, 1e3];
    // 60 halvings bring 10³ below 10⁻¹⁵.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if inside(middle, freedom) < CONFIDENCE { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Probability that Student's |t| is below `t`: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 4.
fn inside(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let is_odd = !freedom.is_multiple_of(2);
    // Odd: cos + 2/3 cos³ + …; even: 1 + 1/2 cos² + …; both up to the power freedom − 2.
    let (mut term, mut power) = if is_odd { (cosine, 1) } else { (1.0, 0) };
    let mut sum = 0.0;
    while power + 2 <= freedom {
        sum += term;
        term *= (power + 1) as f64 / (power + 2) as f64 * cosine * cosine;
        power += 2;
    }
    if is_odd { std::f64::consts::FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_printed_tables() {
        for (freedom, want) in [(1, 12.706), (2, 4.303), (3, 3.182), (10, 2.228), (11, 2.201), (100, 1.984)] {
            assert!((quantile(freedom) - want).abs() < 5e-4, "{freedom}: {}", quantile(freedom));
        }
    }

    #[test]
    fn an_interval_of_five_values() {
        let interval = Interval::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        // 2.77645 · √2.5 / √5.
        assert!((interval.mean - 3.0).abs() < 1e-12 && (interval.half.unwrap() - 1.96324).abs() < 1e-4, "{interval:?}");
        assert!((interval.low() - 1.03676).abs() < 1e-4 && (interval.high() - 4.96324).abs() < 1e-4);
        assert_eq!((Interval::of(&[2.0]).unwrap().half, Interval::of(&[])), (None, None));
    }

    #[test]
    fn pairing_takes_away_what_images_have_in_common() {
        let (a, b) = ([10.1, 20.2, 30.15], [10.0, 20.0, 30.0]);
        let paired = Interval::of_differences(&a, &b).unwrap();
        assert!(paired.low() > 0.0 && Interval::of(&a).unwrap().half.unwrap() > 20.0, "{paired:?}");
    }
}
