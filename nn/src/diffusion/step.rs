use super::Level;

/// One step down a chain, from level t to any lower level p, as factors of (x₀, x_t, z).
///
/// `z` is a fresh standard normal image. Steps may skip levels: β is that of the whole stride, β = 1 − ᾱ_t / ᾱ_p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Factor of the predicted clean image.
    pub image: f64,
    /// Factor of the present image.
    pub present: f64,
    /// Factor of fresh noise.
    pub fresh: f64,
}

impl Step {
    /// A draw from the posterior q(x_p | x_t, x₀) of the chain (Ho et al. 2020, equations 6 and 7).
    ///
    /// ```text
    /// mean     = √ᾱ_p · β / (1 − ᾱ_t) · x₀ + √(1 − β) · (1 − ᾱ_p) / (1 − ᾱ_t) · x_t
    /// variance = (1 − ᾱ_p) / (1 − ᾱ_t) · β
    /// ```
    #[must_use]
    pub fn posterior(from: Level, to: Level) -> Self {
        let (a, p) = (from.alpha_bar(), to.alpha_bar());
        let beta = 1.0 - a / p;
        let rest = (1.0 - p) / (1.0 - a);
        Self {
            image: p.sqrt() * beta / (1.0 - a),
            present: (1.0 - beta).sqrt() * rest,
            fresh: (rest * beta).max(0.0).sqrt(),
        }
    }

    /// A step of the implicit chain (Song et al. 2021, equation 12); η = 0 draws nothing, η = 1 is the posterior.
    ///
    /// ```text
    /// s   = η √((1 − ᾱ_p) / (1 − ᾱ_t)) √(1 − ᾱ_t / ᾱ_p)
    /// x_p = √ᾱ_p x₀ + √(1 − ᾱ_p − s²) ε + s z,    ε = (x_t − √ᾱ_t x₀) / √(1 − ᾱ_t)
    /// ```
    #[must_use]
    pub fn implicit(from: Level, to: Level, eta: f64) -> Self {
        let (a, p) = (from.alpha_bar(), to.alpha_bar());
        let fresh = eta * ((1.0 - p) / (1.0 - a)).sqrt() * (1.0 - a / p).max(0.0).sqrt();
        let present = (1.0 - p - fresh * fresh).max(0.0).sqrt() / from.noise();
        Self { image: to.signal() - present * from.signal(), present, fresh }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::{Chain, Schedule};

    /// Strides of one level and of many.
    fn strides() -> impl Iterator<Item = (Level, Level)> {
        let chain = Chain::new(Schedule::Linear, 1000);
        [(999, 998), (999, 500), (400, 3), (10, 9), (50, 0)]
            .into_iter()
            .map(move |(t, p)| (chain.level(t), chain.level(p)))
    }

    #[test]
    fn posteriors_keep_the_marginal_of_the_lower_level() {
        // With x_t = √ᾱ_t x₀ + √(1 − ᾱ_t) ε, a draw has mean √ᾱ_p x₀ and variance 1 − ᾱ_p, for any stride.
        for (from, to) in strides() {
            for step in [Step::posterior(from, to), Step::implicit(from, to, 0.0), Step::implicit(from, to, 0.6)] {
                let mean = step.image + step.present * from.signal();
                let variance = (step.present * from.noise()).powi(2) + step.fresh.powi(2);
                assert!((mean - to.signal()).abs() < 1e-12, "{mean} {}", to.signal());
                assert!((variance - (1.0 - to.alpha_bar())).abs() < 1e-12, "{variance}");
            }
        }
    }

    #[test]
    fn an_eta_of_one_is_the_posterior() {
        for (from, to) in strides() {
            let (a, b) = (Step::posterior(from, to), Step::implicit(from, to, 1.0));
            for (a, b) in [(a.image, b.image), (a.present, b.present), (a.fresh, b.fresh)] {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_posterior_of_one_step_of_the_chain_is_not_that_of_a_stride() {
        // The control: β of a single step, used for a stride as some libraries do, misses the marginal.
        let chain = Chain::new(Schedule::Linear, 1000);
        let (from, to) = (chain.level(999), chain.level(500));
        let wrong = Step::posterior(from, chain.level(998));
        assert!((wrong.image + wrong.present * from.signal() - to.signal()).abs() > 0.1);
    }

    #[test]
    fn the_last_step_gives_the_predicted_image() {
        for step in [
            Step::posterior(Level::from_sigma(0.3), Level::CLEAN),
            Step::implicit(Level::from_sigma(0.3), Level::CLEAN, 1.0),
        ] {
            assert!((step.image - 1.0).abs() < 1e-12 && step.present.abs() < 1e-12 && step.fresh.abs() < 1e-12);
        }
    }
}
