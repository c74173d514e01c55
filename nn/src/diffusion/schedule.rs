use serde::{Deserialize, Serialize};

/// How noise grows along the chain.
///
/// ```text
/// linear         β_t from 10⁻⁴ to 0.02 in equal steps                          (Ho et al. 2020)
/// scaled-linear  √β_t from √0.00085 to √0.012 in equal steps                   (Rombach et al. 2022)
/// cosine         ᾱ(u) = f(u) / f(0),  f(u) = cos²((u + 0.008) / 1.008 · π / 2)  (Nichol & Dhariwal 2021)
/// sigmoid        β_t = 10⁻⁴ + (0.02 − 10⁻⁴) · s(−6 + 12 t / (T − 1)),  s(x) = 1 / (1 + e⁻ˣ)
/// ```
///
/// where ᾱ_t = Π_{i ≤ t} (1 − β_i). The numbers of the first two and of the last belong to chains of 1000 steps; for
/// other lengths β is multiplied by 1000 / T, so that the ends of the chain keep their levels of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// β in equal steps.
    Linear,
    /// √β in equal steps.
    ScaledLinear,
    /// ᾱ as a squared cosine, β limited to 0.999.
    Cosine,
    /// β as a sigmoid.
    Sigmoid,
}

/// Length for which the constants of the schedules were chosen.
const REFERENCE_STEPS: f64 = 1000.0;
/// First and last β of the linear and the sigmoid schedule.
const LINEAR: [f64; 2] = [1e-4, 0.02];
/// First and last β of the scaled linear schedule.
const SCALED_LINEAR: [f64; 2] = [0.000_85, 0.012];
/// Offset that keeps the first β of the cosine schedule from vanishing.
const COSINE_OFFSET: f64 = 0.008;
/// Largest β.
const LARGEST: f64 = 0.999;

impl Schedule {
    /// β of step `t` in a chain of `steps`.
    fn beta(self, t: usize, steps: usize) -> f64 {
        let share = if steps > 1 { t as f64 / (steps - 1) as f64 } else { 0.0 };
        let stretch = REFERENCE_STEPS / steps as f64;
        let between = |[a, b]: [f64; 2]| a + (b - a) * share;
        let beta = match self {
            Self::Linear => stretch * between(LINEAR),
            Self::ScaledLinear => stretch * between(SCALED_LINEAR.map(f64::sqrt)).powi(2),
            Self::Cosine => {
                let f =
                    |u: f64| ((u + COSINE_OFFSET) / (1.0 + COSINE_OFFSET) * std::f64::consts::FRAC_PI_2).cos().powi(2);
                1.0 - f((t + 1) as f64 / steps as f64) / f(t as f64 / steps as f64)
            }
            Self::Sigmoid => {
                let s = 1.0 / (1.0 + (6.0 - 12.0 * share).exp());
                stretch * (LINEAR[0] + (LINEAR[1] - LINEAR[0]) * s)
            }
        };
        beta.min(LARGEST)
    }
}

/// One level of noise: x = √ᾱ · x₀ + √(1 − ᾱ) · ε.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Level {
    alpha_bar: f64,
}

impl Level {
    /// No noise.
    pub const CLEAN: Self = Self { alpha_bar: 1.0 };

    /// The level with this ᾱ, above 0 and at most 1.
    #[must_use]
    pub fn from_alpha_bar(alpha_bar: f64) -> Self {
        Self { alpha_bar }
    }

    /// The level at which noise of deviation `sigma` stands beside the unscaled signal: σ² = (1 − ᾱ) / ᾱ.
    #[must_use]
    pub fn from_sigma(sigma: f64) -> Self {
        Self { alpha_bar: 1.0 / (1.0 + sigma * sigma) }
    }

    /// ᾱ.
    #[must_use]
    pub fn alpha_bar(self) -> f64 {
        self.alpha_bar
    }

    /// √ᾱ, the factor of the signal.
    #[must_use]
    pub fn signal(self) -> f64 {
        self.alpha_bar.sqrt()
    }

    /// √(1 − ᾱ), the factor of the noise.
    #[must_use]
    pub fn noise(self) -> f64 {
        (1.0 - self.alpha_bar).sqrt()
    }

    /// Deviation of the noise relative to the unscaled signal.
    #[must_use]
    pub fn sigma(self) -> f64 {
        ((1.0 - self.alpha_bar) / self.alpha_bar).sqrt()
    }
}

/// The levels of a chain, from the least noise to the most.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    levels: Vec<Level>,
}

impl Chain {
    /// A chain of `steps` levels.
    #[must_use]
    pub fn new(schedule: Schedule, steps: usize) -> Self {
        let mut alpha_bar = 1.0;
        let levels = (0..steps.max(1)).map(|t| {
            alpha_bar *= 1.0 - schedule.beta(t, steps.max(1));
            Level { alpha_bar }
        });
        Self { levels: levels.collect() }
    }

    /// Number of levels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Whether there is no level; never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Level `t`, counted from 0.
    #[must_use]
    pub fn level(&self, t: usize) -> Level {
        self.levels[t.min(self.levels.len() - 1)]
    }

    /// The step t* at which a chain for noise of deviation `sigma` starts: the first whose noise is not smaller, the last
    /// if all are. `None` for an image without noise, which is no step's image.
    #[must_use]
    pub fn start(&self, sigma: f64) -> Option<usize> {
        let first = self.levels.partition_point(|level| level.sigma() < sigma);
        (sigma > 0.0).then(|| first.min(self.levels.len() - 1))
    }

    /// The way down from noise of deviation `sigma` in at most `count` steps: the exact level of the image, then levels
    /// of the chain at equal distances below t*, and [`Level::CLEAN`] at the end.
    #[must_use]
    pub fn way_down(&self, sigma: f64, count: usize) -> Vec<Level> {
        let Some(start) = self.start(sigma) else { return vec![Level::CLEAN] };
        let count = count.clamp(1, start + 1);
        let inner = (1..count).rev().map(|i| self.levels[(start * i) / count]);
        let first = Level::from_sigma(sigma.min(self.levels[self.levels.len() - 1].sigma()));
        std::iter::once(first)
            .chain(inner.filter(|level| level.sigma() < first.sigma()))
            .chain([Level::CLEAN])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Schedule; 4] = [Schedule::Linear, Schedule::ScaledLinear, Schedule::Cosine, Schedule::Sigmoid];

    #[test]
    fn cosine_levels_are_those_of_the_closed_form() {
        let chain = Chain::new(Schedule::Cosine, 1000);
        let f = |u: f64| ((u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
        for t in 0..990 {
            let want = f((t + 1) as f64 / 1000.0) / f(0.0);
            let got = chain.level(t).alpha_bar();
            assert!((got - want).abs() < 1e-12, "{t}: {got} {want}");
        }
    }

    #[test]
    fn linear_levels_are_those_of_the_sum_of_logarithms() {
        // ln ᾱ_t = Σ ln(1 − β_i), with β_i = 10⁻⁴ + i (0.02 − 10⁻⁴) / 999.
        let chain = Chain::new(Schedule::Linear, 1000);
        let mut sum = 0.0;
        for t in 0..1000 {
            sum += (-(1e-4 + t as f64 * (0.02 - 1e-4) / 999.0)).ln_1p();
            assert!((chain.level(t).alpha_bar() - sum.exp()).abs() < 1e-14);
        }
        assert!((chain.level(999).alpha_bar() - 4.035_829_765_375_685e-5).abs() < 1e-15);
    }

    #[test]
    fn noise_grows_along_every_chain() {
        for schedule in ALL {
            for steps in [1, 2, 10, 100, 1000, 4000] {
                let chain = Chain::new(schedule, steps);
                for t in 1..steps {
                    assert!(chain.level(t) < chain.level(t - 1), "{schedule:?} {steps} {t}");
                }
                assert!(chain.level(steps - 1).alpha_bar() > 0.0);
            }
        }
    }

    #[test]
    fn chains_of_other_lengths_end_at_the_same_level() {
        for schedule in [Schedule::Linear, Schedule::ScaledLinear, Schedule::Sigmoid] {
            let end = |steps| Chain::new(schedule, steps).level(steps - 1).alpha_bar().ln();
            assert!((end(250) / end(1000) - 1.0).abs() < 0.05, "{schedule:?}: {} {}", end(250), end(1000));
        }
    }

    #[test]
    fn the_start_is_the_first_step_with_as_much_noise() {
        for schedule in ALL {
            let chain = Chain::new(schedule, 1000);
            for sigma in [0.01, 0.05, 0.2, 1.0, 3.0] {
                let t = chain.start(sigma).unwrap();
                assert!(chain.level(t).sigma() >= sigma);
                assert!(t == 0 || chain.level(t - 1).sigma() < sigma);
            }
            assert_eq!(chain.start(0.0), None);
            assert_eq!(chain.start(1e9), Some(999));
        }
    }

    #[test]
    fn ways_down_start_at_the_exact_level_and_end_clean() {
        let chain = Chain::new(Schedule::Cosine, 1000);
        for (sigma, count) in [(0.001, 10), (0.1, 1), (0.1, 7), (0.5, 50), (0.5, 100_000)] {
            let way = chain.way_down(sigma, count);
            assert!((way[0].sigma() - sigma).abs() < 1e-12);
            assert_eq!(way.last(), Some(&Level::CLEAN));
            assert!(way.len() <= count + 1);
            assert!(way.windows(2).all(|pair| pair[1] > pair[0]), "{way:?}");
        }
        assert_eq!(chain.way_down(0.0, 5), [Level::CLEAN]);
    }
}
