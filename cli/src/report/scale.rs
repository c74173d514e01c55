use super::number::{fixed, significant};

/// A range of values laid along an axis of the paper, with round numbers to mark it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    paper: [f64; 2],
    logarithmic: bool,
    /// Whether 2 and 5 are marked in every decade.
    divided: bool,
    /// Distance of the ticks, where it is fixed.
    step: Option<f64>,
}

/// A marked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Where on the paper.
    pub(super) at: f64,
    /// What is written there.
    pub(super) label: String,
}

impl Scale {
    /// Scale from `low` to `high` between two paper positions; a range without length is widened.
    pub(super) fn new(low: f64, high: f64, paper: [f64; 2]) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low.min(high), low.max(high)) } else { (0.0, 1.0) };
        let slack = if low < high { 0.0 } else { low.abs().max(1.0) / 2.0 };
        Self { low: low - slack, high: high + slack, paper, logarithmic: false, divided: false, step: None }
    }

    /// Linear scale widened to the next round numbers, about `count` steps long.
    pub(super) fn rounded(low: f64, high: f64, paper: [f64; 2], count: usize) -> Self {
        let exact = Self::new(low, high, paper);
        let step = nice_step((exact.high - exact.low) / count.max(1) as f64);
        Self {
            low: (exact.low / step).floor() * step,
            high: (exact.high / step).ceil() * step,
            step: Some(step),
            ..exact
        }
    }

    /// Logarithmic scale over whole decades; `low` and `high` must be positive, else it is linear.
    pub(super) fn decades(low: f64, high: f64, paper: [f64; 2]) -> Self {
        if !(low > 0.0 && high.is_finite()) {
            return Self::new(low, high, paper);
        }
        let (first, last) = (low.log10().floor(), high.log10().ceil());
        let last = if last > first { last } else { first + 1.0 };
        let (low, high) = (10_f64.powf(first), 10_f64.powf(last));
        Self { low, high, logarithmic: true, ..Self::new(low, high, paper) }
    }

    /// Logarithmic scale that ends close to the values: at 1, 2 or 5 in a decade where there are few decades.
    pub(super) fn logarithmic(low: f64, high: f64, paper: [f64; 2]) -> Self {
        let whole = Self::decades(low, high, paper);
        if !whole.logarithmic || whole.high / whole.low > MOST_DIVIDED {
            return whole;
        }
        let marks = || divisions(whole.low, whole.high);
        // Rounding may put a value beyond a mark that it lies on.
        let low = marks().filter(|mark| *mark <= low * (1.0 + ON_MARK)).fold(whole.low, f64::max);
        let high = marks().filter(|mark| *mark >= high * (1.0 - ON_MARK)).fold(whole.high, f64::min);
        if high <= low { whole } else { Self { low, high, divided: true, ..whole } }
    }

    /// Paper position of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.paper[0] + share * (self.paper[1] - self.paper[0])
    }

    /// Round values within the scale, about `count` steps unless the scale was rounded to its own.
    pub(super) fn ticks(&self, count: usize) -> Vec<Tick> {
        let tick = |value: f64, label| Tick { at: self.at(value), label };
        if self.divided {
            return divisions(self.low, self.high).map(|v| tick(v, significant(v, 1))).collect();
        }
        if self.logarithmic {
            let (first, last) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
            let stride = (last - first) as usize / count.max(1) + 1;
            return (first..=last)
                .step_by(stride)
                .map(|e| 10_f64.powi(e))
                .map(|v| tick(v, significant(v, 1)))
                .collect();
        }
        let step = self.step.unwrap_or_else(|| nice_step((self.high - self.low) / count.max(1) as f64));
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        // A hair of slack, so that a tick on the very end survives the division's rounding.
        let (first, last) = ((self.low / step - 1e-9).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        (first..=last).map(|n| n as f64 * step).map(|v| tick(v, fixed(v, decimals))).collect()
    }
}

/// Ratio of a scale's ends up to which 2 and 5 are marked in every decade, so that marks have room.
const MOST_DIVIDED: f64 = 101.0;
/// Relative distance within which a value lies on a mark.
const ON_MARK: f64 = 1e-9;

/// The numbers 1, 2, 5, 10 … from `low` to `high`.
fn divisions(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all = (first..=last).flat_map(|exponent| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(exponent)));
    all.filter(move |mark| (low * (1.0 - ON_MARK)..=high * (1.0 + ON_MARK)).contains(mark))
}

/// The number of the series 1, 2, 5, 10 … nearest to a rough step, within rounding at their geometric means.
fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = match rough / power {
        f if f < 2_f64.sqrt() => 1.0,
        f if f < 10_f64.sqrt() => 2.0,
        f if f < 50_f64.sqrt() => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// The longest of 1, 2, 5, 10 … that does not exceed `limit`: the length of a scale bar.
pub(super) fn nice_length(limit: f64) -> f64 {
    let power = 10_f64.powf(limit.log10().floor());
    // The quotient lies in 1 to 10, but rounding may put it a hair below 1.
    [5.0, 2.0].into_iter().find(|f| f * power <= limit).unwrap_or(1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, count: usize) -> Vec<String> {
        scale.ticks(count).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_are_round_and_lie_on_the_paper() {
        let scale = Scale::new(-0.7, 1.0, [0.0, 170.0]);
        assert_eq!(labels(&scale, 4), ["−0.5", "0.0", "0.5", "1.0"]);
        assert!((scale.ticks(4)[3].at - 170.0).abs() < 1e-9);
        assert_eq!(
            labels(&Scale::new(0.0, 360.0, [0.0, 1.0]), 7),
            ["0", "50", "100", "150", "200", "250", "300", "350"]
        );
        assert_eq!(labels(&Scale::new(0.0, 0.04, [0.0, 1.0]), 4), ["0.00", "0.01", "0.02", "0.03", "0.04"]);
    }

    #[test]
    fn rounded_scale_ends_on_ticks() {
        let scale = Scale::rounded(0.013, 0.187, [0.0, 1.0], 4);
        assert_eq!(labels(&scale, 4), ["0.00", "0.05", "0.10", "0.15", "0.20"]);
    }

    #[test]
    fn decades_are_labelled_by_powers() {
        let scale = Scale::decades(3e-6, 0.4, [0.0, 6.0]);
        assert_eq!(labels(&scale, 6).first().unwrap(), "1 × 10⁻⁶");
        assert!((scale.at(1e-3) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn few_decades_end_close_to_the_values() {
        let few = Scale::logarithmic(0.056, 0.93, [0.0, 100.0]);
        assert_eq!(labels(&few, 2), ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert!(few.at(0.05).abs() < 1e-9 && (few.at(1.0) - 100.0).abs() < 1e-9);
        assert_eq!(labels(&Scale::logarithmic(0.1, 0.1, [0.0, 1.0]), 2), ["0.1", "1"]);
        assert_eq!(labels(&Scale::logarithmic(0.2, 0.5, [0.0, 1.0]), 2), ["0.2", "0.5"]);
        assert_eq!(Scale::logarithmic(3e-6, 0.4, [0.0, 6.0]), Scale::decades(3e-6, 0.4, [0.0, 6.0]));
        assert_eq!(Scale::logarithmic(-1.0, 0.4, [0.0, 6.0]), Scale::new(-1.0, 0.4, [0.0, 6.0]));
    }

    #[test]
    fn degenerate_ranges_still_have_ticks() {
        for (low, high) in [(3.0, 3.0), (0.0, 0.0), (f64::NAN, 1.0), (5.0, -5.0)] {
            let scale = Scale::new(low, high, [0.0, 100.0]);
            assert!(scale.ticks(5).len() >= 2 && scale.ticks(5).iter().all(|t| (0.0..=100.0).contains(&t.at)));
        }
    }

    #[test]
    fn scale_bar_lengths_are_round() {
        assert_eq!([99.0, 100.0, 49.0, 1.7, 0.3].map(nice_length), [50.0, 100.0, 20.0, 1.0, 0.2]);
    }
}
