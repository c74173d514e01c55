use kerma::{
    data::Image,
    noise::{PoissonGaussian, estimate},
};

use super::{Quantity, view::median};
use crate::Error;

/// What a network sees of radiographs, one after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// `[image][channel][row][column]`, the crops of each radiograph one after another.
    pub(super) pixels: Vec<f32>,
    /// What the fit of noise tells of each radiograph, in units of the network; not a number where there is none.
    pub(super) fits: Vec<f32>,
}

impl Seen {
    pub(super) fn extend(&mut self, other: Self) {
        self.pixels.extend(other.pixels);
        self.fits.extend(other.fits);
    }
}

/// What the fit tells of a signal, in units of the network.
pub(super) fn fit(image: &Image) -> f32 {
    ln_quanta(image).map_or(f32::NAN, |value| Quantity::Noise.scaled(value) as f32)
}

/// ln of the quanta at the reference grey, by the line that the engine fits to an image's noise.
pub(super) fn ln_quanta(image: &Image) -> Result<f64, Error> {
    let noise = estimate(image)?;
    let reference = f64::from(median(image.values()));
    let PoissonGaussian { gain, offset } = noise;
    // Where no slope is found, the noise that is there is taken for that of quanta.
    Ok(if noise.is_gaussian() { (reference * reference / offset).ln() } else { (reference / gain).ln() })
}
