use kerma::noise::PoissonGaussian;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Smallest tile that may be asked for, in pixels.
const SMALLEST_TILE: usize = 32;

/// The way from the noisy image to the clean one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// The network's estimate of the clean image at once: the mean of all images that the noisy one may stand for.
    OneStep,
    /// The implicit chain (Song et al. 2021); η = 0 draws no noise, η = 1 as much as [`Sampler::Ddpm`].
    Ddim {
        /// Most steps.
        steps: usize,
        /// Share of fresh noise.
        eta: f64,
    },
    /// The chain itself (Ho et al. 2020): a draw from the images that the noisy one may stand for.
    Ddpm {
        /// Most steps.
        steps: usize,
    },
}

impl Sampler {
    /// Most steps of the chain.
    #[must_use]
    pub fn steps(self) -> usize {
        match self {
            Self::OneStep => 1,
            Self::Ddim { steps, .. } | Self::Ddpm { steps } => steps,
        }
    }
}

/// What noise an image has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Estimated from the image: Poisson–Gaussian where the variance grows with the signal, else Gaussian.
    Estimated,
    /// Gaussian noise of this deviation, in the image's units.
    Gaussian(f64),
    /// Variance = gain · mean + offset, in the image's units.
    PoissonGaussian(PoissonGaussian),
}

/// How an image is denoised.
#[derive(Clone, Debug, PartialEq)]
pub struct DenoiseOptions {
    /// Factor of the noise's deviation: 0 returns the image as it is, 1 removes the noise that is there.
    pub strength: f64,
    /// The way from noisy to clean.
    pub sampler: Sampler,
    /// What noise the image has.
    pub noise: Noise,
    /// Values that a network without levels of noise sees as −1 and 1; found from the image where none are given.
    pub range: Option<[f64; 2]>,
    /// Seed of fresh noise.
    pub seed: u64,
    /// Rows and columns of a tile.
    pub tile: usize,
    /// Pixels that neighbouring tiles share at least.
    pub overlap: usize,
    /// Tiles of a row that the network is given at once at most, fewer where memory is short; where none is given, as many
    /// as hold 256 × 256 pixels on the CPU and 512 × 512 on a GPU. It decides time and memory alone.
    pub batch: Option<usize>,
}

impl Default for DenoiseOptions {
    fn default() -> Self {
        let (strength, sampler, noise, seed) = (1.0, Sampler::OneStep, Noise::Estimated, 0);
        Self { strength, sampler, noise, range: None, seed, tile: 256, overlap: 48, batch: None }
    }
}

impl DenoiseOptions {
    /// Checks all that can be checked without an image.
    ///
    /// # Errors
    /// [`Error::Options`] with the name, the value and what is allowed.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Options(text));
        if !(self.strength >= 0.0 && self.strength.is_finite()) {
            return refuse(format!("strength must be 0 or more, got {}", self.strength));
        }
        if self.sampler.steps() == 0 {
            return refuse("steps must be at least 1, got 0".to_owned());
        }
        if let Sampler::Ddim { eta, .. } = self.sampler
            && !(0.0..=1.0).contains(&eta)
        {
            return refuse(format!("eta must be 0 to 1, got {eta}"));
        }
        match self.noise {
            Noise::Gaussian(sigma) if !(sigma >= 0.0 && sigma.is_finite()) => {
                return refuse(format!("the noise's sigma must be 0 or more, got {sigma}"));
            }
            Noise::PoissonGaussian(PoissonGaussian { gain, offset })
                if !(gain >= 0.0 && gain.is_finite() && offset.is_finite()) =>
            {
                return refuse(format!(
                    "the noise must have a gain of 0 or more and a finite offset, got {gain} and {offset}"
                ));
            }
            _ => {}
        }
        if let Some([low, high]) = self.range
            && !(low < high && (high - low).is_finite())
        {
            return refuse(format!("range must be two rising numbers, got {low} and {high}"));
        }
        if self.tile < SMALLEST_TILE || self.tile / 2 < self.overlap {
            let (tile, overlap) = (self.tile, self.overlap);
            return refuse(format!(
                "tile must be at least {SMALLEST_TILE} pixels and twice the overlap of {overlap}, got {tile}"
            ));
        }
        if self.batch == Some(0) {
            return refuse("batch must be at least 1, got 0".to_owned());
        }
        Ok(())
    }
}
