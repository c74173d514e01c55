//! From flags to options.

use clap::{Args, Command, FromArgMatches, ValueEnum};
use kerma::noise::PoissonGaussian;
use kerma_nn::denoise::{DenoiseOptions, Noise, Sampler, training::Recipe};

use crate::failure::Failure;

/// Most steps of a chain, unless --steps says otherwise.
const USUAL_STEPS: usize = 20;

/// How the image is denoised.
#[derive(Args, Debug)]
pub(super) struct Settings {
    /// Factor of the noise's deviation: 0 returns the image, 1 takes off the noise that is there
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(super) strength: f64,
    /// The way from noisy to clean
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Procedure::OneStep)]
    sampler: Procedure,
    /// ddim, ddpm: most steps of the chain [default: 20]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<usize>,
    /// ddim: share of fresh noise, 0 to 1 [default: 0]
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    eta: Option<f64>,
    /// ddpm, and ddim with --eta: seed of the fresh noise [default: 0]
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// What noise the image has, in its units: estimate, gaussian:SIGMA, or poisson:GAIN[,OFFSET] for a variance of
    /// gain x value + offset [default: estimate]
    #[arg(long, value_name = "NOISE", value_parser = noise)]
    noise: Option<Noise>,
    /// Rows and columns of a tile, at least 32; halved where memory is short [default: 256]
    #[arg(long, value_name = "PIXELS", allow_negative_numbers = true)]
    tile: Option<usize>,
    /// Tiles of a row that the network is given at once at most, fewer where memory is short; time and memory depend on
    /// it, the result does not [default: as many as hold 256 x 256 pixels, 512 x 512 on a GPU]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Procedure {
    /// The mean of all images that the noisy one may stand for: safest, softest
    OneStep,
    /// The implicit chain; the same result every time unless --eta adds noise
    Ddim,
    /// The chain itself: one draw from those images, which can show structure that is not there
    Ddpm,
}

fn noise(text: &str) -> Result<Noise, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let found = match text.split_once(':') {
        None if text == "estimate" => Some(Noise::Estimated),
        Some(("gaussian", sigma)) => number(sigma).map(Noise::Gaussian),
        Some(("poisson", numbers)) => {
            let (gain, offset) = numbers.split_once(',').unwrap_or((numbers, "0"));
            number(gain)
                .zip(number(offset))
                .map(|(gain, offset)| Noise::PoissonGaussian(PoissonGaussian { gain, offset }))
        }
        _ => None,
    };
    found.ok_or_else(|| "noise must read estimate, gaussian:SIGMA or poisson:GAIN[,OFFSET]".to_owned())
}

impl Settings {
    /// Those of a command line that says nothing.
    pub(super) fn usual() -> Result<Self, Failure> {
        let none = Self::augment_args(Command::new("denoise")).try_get_matches_from(["denoise"]);
        Ok(none.and_then(|matches| Self::from_arg_matches(&matches))?)
    }

    /// The options, checked.
    pub(super) fn options(&self) -> Result<DenoiseOptions, Failure> {
        self.refuse_strays()?;
        let usual = DenoiseOptions::default();
        let steps = self.steps.unwrap_or(USUAL_STEPS);
        let sampler = match self.sampler {
            Procedure::OneStep => Sampler::OneStep,
            Procedure::Ddim => Sampler::Ddim { steps, eta: self.eta.unwrap_or(0.0) },
            Procedure::Ddpm => Sampler::Ddpm { steps },
        };
        let tile = self.tile.unwrap_or(usual.tile);
        let options = DenoiseOptions {
            strength: self.strength,
            sampler,
            noise: self.noise.unwrap_or(usual.noise),
            seed: self.seed.unwrap_or(usual.seed),
            tile,
            // What a tile shares with all its neighbours is never most of it.
            overlap: usual.overlap.min(tile / 4),
            range: None,
            batch: self.batch,
        };
        options.check()?;
        Ok(options)
    }

    /// Name of the sampler.
    pub(super) fn sampler(&self) -> String {
        self.sampler.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether the noise is told by flags, not by the image.
    pub(super) fn is_noise_given(&self) -> bool {
        !matches!(self.noise, None | Some(Noise::Estimated))
    }

    /// Refuses flags that would have no effect, whatever the model.
    fn refuse_strays(&self) -> Result<(), Failure> {
        let is_one_step = self.sampler == Procedure::OneStep;
        let draws = self.sampler == Procedure::Ddpm || self.eta.is_some_and(|eta| eta != 0.0);
        for (is_stray, flag, owners) in [
            (self.steps.is_some() && is_one_step, "--steps", "--sampler ddim or ddpm"),
            (self.eta.is_some() && self.sampler != Procedure::Ddim, "--eta", "--sampler ddim"),
            (self.seed.is_some() && !draws, "--seed", "--sampler ddpm, or ddim with --eta"),
        ] {
            if is_stray {
                return Err(Failure::input(format!("{flag} has no effect here: it belongs to {owners}")));
            }
        }
        Ok(())
    }

    /// Refuses flags that would have no effect with a model that knows no levels of noise.
    pub(super) fn suit(&self, recipe: &Recipe) -> Result<(), Failure> {
        if recipe.diffusion.is_some() {
            return Ok(());
        }
        let strays = [(self.sampler != Procedure::OneStep, "--sampler"), (self.noise.is_some(), "--noise")];
        match strays.into_iter().find(|(is_stray, _)| *is_stray) {
            Some((_, flag)) => Err(Failure::input(format!(
                "{flag} needs a diffusion model; \"{}\" takes noise off at once and is told no level of it",
                recipe.name
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_read_from_text() {
        assert_eq!(noise("estimate"), Ok(Noise::Estimated));
        assert_eq!(noise("gaussian:12.5"), Ok(Noise::Gaussian(12.5)));
        let poisson = |gain, offset| Ok(Noise::PoissonGaussian(PoissonGaussian { gain, offset }));
        assert_eq!(noise("poisson:0.5"), poisson(0.5, 0.0));
        assert_eq!(noise("poisson:0.5,-40"), poisson(0.5, -40.0));
        for text in ["", "gaussian", "gaussian:", "gaussian:a", "poisson:1,2,3", "poisson:,1", "white:1", "estimate:1"]
        {
            assert!(noise(text).is_err(), "{text}");
        }
    }
}
