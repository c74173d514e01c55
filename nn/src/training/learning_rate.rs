use serde::{Deserialize, Serialize};

/// How the learning rate runs over a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A linear rise over the warm-up, then half a cosine down to 1 % of the peak.
    Cosine,
    /// One cycle (Smith & Topin 2018): from 1/25 of the peak up along half a cosine over 30 % of the steps, then down to
    /// 1/250,000 of the peak.
    OneCycle,
}

/// Learning rate as a function of the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    /// Shape of the curve.
    pub shape: Shape,
    /// Largest rate.
    pub peak: f64,
    /// Steps of the linear rise; a one-cycle has its own.
    pub warm_up: usize,
    /// Steps of the whole training.
    pub steps: usize,
}

/// Rate at the end of a cosine, relative to the peak.
const COSINE_END: f64 = 0.01;
/// Start and end of one cycle, relative to the peak, and the share of steps before the peak.
const CYCLE_START: f64 = 1.0 / 25.0;
const CYCLE_END: f64 = 1.0 / 250_000.0;
const CYCLE_RISE: f64 = 0.3;

impl LearningRate {
    /// The rate of step `step`, counted from 0.
    #[must_use]
    pub fn at(&self, step: usize) -> f64 {
        let share = |from: f64, to: f64| ((step as f64 - from) / (to - from).max(1.0)).clamp(0.0, 1.0);
        let half_cosine = |a: f64, b: f64, share: f64| b + (a - b) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        let steps = self.steps as f64;
        self.peak
            * match self.shape {
                Shape::Cosine if step < self.warm_up => (step + 1) as f64 / self.warm_up as f64,
                Shape::Cosine => half_cosine(1.0, COSINE_END, share(self.warm_up as f64, steps)),
                Shape::OneCycle if (step as f64) < CYCLE_RISE * steps => {
                    half_cosine(CYCLE_START, 1.0, share(0.0, CYCLE_RISE * steps))
                }
                Shape::OneCycle => half_cosine(1.0, CYCLE_END, share(CYCLE_RISE * steps, steps)),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_to_the_peak_and_fall_to_the_end() {
        for (shape, first, end) in [(Shape::Cosine, 0.02, 0.01), (Shape::OneCycle, 0.04, 4e-6)] {
            let rate = LearningRate { shape, peak: 1.0, warm_up: 50, steps: 1000 };
            assert!((rate.at(0) - first).abs() < 1e-3, "{}", rate.at(0));
            assert!((rate.at(1000) - end).abs() < 1e-9);
            let best = (0..1000).max_by(|a, b| rate.at(*a).total_cmp(&rate.at(*b))).unwrap();
            assert!((rate.at(best) - 1.0).abs() < 1e-6);
            assert!(
                (1..best).all(|s| rate.at(s) >= rate.at(s - 1))
                    && (best + 1..1000).all(|s| rate.at(s) <= rate.at(s - 1))
            );
        }
    }
}
