use super::MetricError;
use crate::{parallel::*, phantom::random::Random};

/// Shares of the draws below the ends of a 95 % interval.
const TAILS: [f64; 2] = [0.025, 0.975];
/// Numbers of draws: so many that the ends of the interval are inner ones, and few enough to be kept.
const DRAWS: std::ops::RangeInclusive<usize> = 40..=1_000_000;

/// Resampling of whole scans (bodies) with replacement.
///
/// Draw number k depends on the seed and k alone, so that the number of threads changes no bit.
/// B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// What the draws depend on.
    pub seed: u64,
    /// Number of draws, 40 to a million.
    pub draws: usize,
}

impl Default for Bootstrap {
    /// LUNA16's 1000 draws.
    fn default() -> Self {
        Self { seed: 0, draws: 1000 }
    }
}

/// A number and where it would lie for other scans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Value on the scans as they are.
    pub value: f64,
    /// Interval of 95 %, from the 2.5th to the 97.5th percentile of the draws; one scan gives none.
    pub interval: Option<[f64; 2]>,
}

/// On which side of a bar an interval lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The interval lies above the bar.
    Better,
    /// The interval lies below the bar.
    Worse,
    /// The interval holds the bar, or there is none.
    Undecided,
}

/// How much one method differs from another on the same scans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The one's number less the other's; scans are drawn for both at once.
    pub difference: Estimate,
    /// Whether the one's is more, which is better only of numbers that should be large.
    pub verdict: Verdict,
}

impl Estimate {
    /// On which side of a bar the interval lies, without touching it.
    #[must_use]
    pub fn against(&self, bar: f64) -> Verdict {
        match self.interval {
            Some([low, _]) if low > bar => Verdict::Better,
            Some([_, high]) if high < bar => Verdict::Worse,
            _ => Verdict::Undecided,
        }
    }
}

impl From<Estimate> for Comparison {
    fn from(difference: Estimate) -> Self {
        Self { difference, verdict: difference.against(0.0) }
    }
}

impl Bootstrap {
    /// Mean difference of two methods' numbers, one of each for every body, with its interval over bodies.
    ///
    /// ```text
    /// difference = mean of (valuesᵢ − othersᵢ)
    /// ```
    /// Bodies are drawn, and with each both its numbers, so that what bodies have in common does not widen the interval. A bar other
    /// than 0, such as 2 dB, is asked of [`Estimate::against`]; a ratio of k by `others` multiplied by k. Usual are 2000 draws
    /// and twelve bodies or more: of fewer, intervals come out too short.
    ///
    /// # Errors
    /// [`MetricError::Undefined`] when there are no bodies; [`MetricError::Setting`] when the numbers of values differ, a value is not
    /// finite, or the number of draws is out of its bounds.
    pub fn compare(&self, values: &[f64], others: &[f64]) -> Result<Comparison, MetricError> {
        if values.len() != others.len() {
            let (what, allowed) = ("number of values", "that of the values they are compared with");
            return Err(MetricError::Setting { what, allowed, got: values.len() as f64 });
        }
        if let Some(&got) = values.iter().chain(others).find(|value| !value.is_finite()) {
            return Err(MetricError::Setting { what: "value of a body", allowed: "finite", got });
        }
        let mean = |times: &[u32]| {
            let pairs = values.iter().zip(others).zip(times);
            let sum: f64 = pairs.map(|((value, other), &count)| f64::from(count) * (value - other)).sum();
            (!times.is_empty()).then(|| [sum / times.len() as f64])
        };
        match self.estimates(values.len(), mean)? {
            Some([difference]) => Ok(difference.into()),
            None => Err(MetricError::Undefined { metric: "mean difference", reason: "there are no bodies".to_owned() }),
        }
    }

    /// A statistic on the scans as they are and its intervals; it is given how often each scan counts.
    ///
    /// Draws in which the statistic has no value are drawn again: it is that of scans in which it has one.
    pub(super) fn estimates<const N: usize>(
        &self,
        scans: usize,
        statistic: impl Fn(&[u32]) -> Option<[f64; N]> + Sync,
    ) -> Result<Option<[Estimate; N]>, MetricError> {
        if !DRAWS.contains(&self.draws) {
            let got = self.draws as f64;
            return Err(MetricError::Setting { what: "number of draws", allowed: "40 to 1000000", got });
        }
        let Some(values) = statistic(&vec![1; scans]) else { return Ok(None) };
        let mut estimates = values.map(|value| Estimate { value, interval: None });
        if scans < 2 {
            return Ok(Some(estimates));
        }
        let draws: Vec<[f64; N]> =
            (0..self.draws).into_par_iter().map(|draw| self.draw(draw, scans, &statistic)).collect();
        for (index, estimate) in estimates.iter_mut().enumerate() {
            let mut values: Vec<f64> = draws.iter().map(|draw| draw[index]).collect();
            values.sort_unstable_by(f64::total_cmp);
            estimate.interval = Some(TAILS.map(|share| percentile(&values, share)));
        }
        Ok(Some(estimates))
    }

    /// The statistic of draw number `draw`.
    fn draw<T>(&self, draw: usize, scans: usize, statistic: impl Fn(&[u32]) -> Option<T>) -> T {
        let mut random = Random::of(self.seed, &[draw as u64]);
        let mut times = vec![0; scans];
        // Some scans, of which a draw has all with a probability that is never tiny, give a value: at most two of them are needed.
        loop {
            times.fill(0);
            for _ in 0..scans {
                // The upper word of the product: no scan is likelier than another by more than scans/2⁶⁴.
                let scan = (u128::from(random.bits()) * scans as u128) >> 64;
                times[scan as usize] += 1;
            }
            if let Some(value) = statistic(&times) {
                return value;
            }
        }
    }
}

/// Value below which a share of ascending values lies, on lines between neighbours: NumPy's default.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let [low, high] = [place.floor(), place.ceil()].map(|place| sorted[place as usize]);
    low + place.fract() * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_numpys() {
        let values: Vec<f64> = (0..5).map(|i| f64::from(i * i)).collect();
        // numpy.percentile([0, 1, 4, 9, 16], [0, 2.5, 60, 97.5, 100])
        for (share, want) in [(0.0, 0.0), (0.025, 0.1), (0.6, 6.0), (0.975, 15.3), (1.0, 16.0)] {
            assert!((percentile(&values, share) - want).abs() < 1e-12, "{share}");
        }
    }

    #[test]
    fn the_mean_of_many_has_the_interval_of_theory() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 20)).collect();
        let mean = |times: &[u32]| {
            let sum: f64 = values.iter().zip(times).map(|(v, &n)| v * f64::from(n)).sum();
            Some([sum / values.len() as f64])
        };
        let bootstrap = Bootstrap { seed: 3, draws: 4000 };
        let [Estimate { value, interval }] = bootstrap.estimates(400, mean).unwrap().unwrap();
        // Standard error √((20² − 1)/12)/√400, of which the ends are 1.96 away; to 3 % with so many draws.
        let half = 1.96 * (399.0_f64 / 12.0).sqrt() / 20.0;
        let [low, high] = interval.unwrap();
        assert_eq!(value, 9.5);
        assert!((low - (9.5 - half)).abs() < 0.05 * half && (high - (9.5 + half)).abs() < 0.05 * half, "{interval:?}");
        let other = Bootstrap { seed: 4, ..bootstrap }.estimates(400, mean).unwrap().unwrap();
        assert!(other[0].interval != interval && other[0].value == value);
    }

    #[test]
    fn one_scan_has_no_interval_and_a_statistic_without_value_is_drawn_again() {
        let bootstrap = Bootstrap { seed: 1, draws: 40 };
        let only = |times: &[u32]| (times[0] > 0).then_some([f64::from(times[0])]);
        assert_eq!(bootstrap.estimates(1, only).unwrap().unwrap()[0].interval, None);
        let [low, high] = bootstrap.estimates(3, only).unwrap().unwrap()[0].interval.unwrap();
        assert!(low == 1.0 && high > 1.0, "{low} {high}");
        assert_eq!(bootstrap.estimates(3, |_| None::<[f64; 1]>), Ok(None));
        let message = Bootstrap { draws: 39, ..bootstrap }.estimates(3, only).unwrap_err().to_string();
        assert_eq!(message, "number of draws must be 40 to 1000000, got 39");
    }

    #[test]
    fn paired_bodies_tell_small_differences_and_bars() {
        // Bodies differ by tens, the methods by 1.9 to 2.3.
        let others: Vec<f64> = (0..24).map(|i| f64::from(i * i % 37)).collect();
        let values: Vec<f64> = others.iter().zip(0..).map(|(v, i)| v + 1.9 + 0.1 * f64::from(i % 5)).collect();
        let bootstrap = Bootstrap { seed: 5, draws: 2000 };
        let compared = bootstrap.compare(&values, &others).unwrap();
        // Σ (i mod 5) over 24 bodies is 46.
        assert!((compared.difference.value - (1.9 + 4.6 / 24.0)).abs() < 1e-12, "{compared:?}");
        let bars = [0.0, 2.0, 2.1, 2.5].map(|bar| compared.difference.against(bar));
        assert_eq!(bars, [Verdict::Better, Verdict::Better, Verdict::Undecided, Verdict::Worse]);
        assert_eq!(bootstrap.compare(&others, &values).unwrap().verdict, Verdict::Worse);
        // The control: the same numbers, not of the same bodies.
        let mut moved = values.clone();
        moved.rotate_left(7);
        assert_eq!(bootstrap.compare(&moved, &others).unwrap().verdict, Verdict::Undecided);
        assert_eq!(bootstrap.compare(&values[..1], &others[..1]).unwrap().verdict, Verdict::Undecided);

        let message = |a: &[f64], b: &[f64]| bootstrap.compare(a, b).unwrap_err().to_string();
        assert_eq!(message(&[], &[]), "mean difference is not defined: there are no bodies");
        assert_eq!(message(&[1.0], &[]), "number of values must be that of the values they are compared with, got 1");
        assert_eq!(message(&[1.0], &[f64::INFINITY]), "value of a body must be finite, got inf");
    }
}
