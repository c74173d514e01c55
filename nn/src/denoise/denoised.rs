use std::fmt;

use kerma::{data::Image, noise::PoissonGaussian};

/// A denoised image, and how it came about.
#[derive(Clone, Debug)]
pub struct Denoised {
    /// The image, in the units of the noisy one.
    pub image: Image,
    /// Why the image came back as it was, if it did.
    pub unchanged: Option<Unchanged>,
    /// The noise that was assumed; none where nothing was taken off, and of networks without levels of noise.
    pub noise: Option<PoissonGaussian>,
    /// Deviation of that noise on the network's scale of −1 … 1, times the strength.
    pub sigma: Option<f64>,
    /// The step t* of the chain at which the image entered.
    pub start: Option<usize>,
    /// Evaluations of the network for each pixel; 0 where nothing was taken off.
    pub steps: usize,
    /// Tiles of the image.
    pub tiles: usize,
    /// Rows and columns of a tile, smaller than asked for where memory or image are.
    pub tile: usize,
    /// Tiles that the network was given at once at most.
    pub batch: usize,
}

/// Why an image came back as it was, to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// Nothing is to be taken off.
    Strength,
    /// All values are the same.
    Constant,
    /// All values but those of a few pixels are the same.
    Contrast,
    /// There is no noise, or less than single precision tells from none.
    Noise,
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strength => "a strength of 0 takes nothing off",
            Self::Constant => "all its values are the same",
            Self::Contrast => "all its values but a few are the same",
            Self::Noise => "it has no noise to take off",
        })
    }
}

impl Denoised {
    /// An image as it was.
    pub(super) fn unchanged(image: &Image, reason: Unchanged) -> Self {
        Self {
            image: image.clone(),
            unchanged: Some(reason),
            noise: None,
            sigma: None,
            start: None,
            steps: 0,
            tiles: 0,
            tile: 0,
            batch: 0,
        }
    }
}
