use kerma::{
    data::Image,
    noise::{Anscombe, PoissonGaussian, estimate},
};

use super::Noise;
use crate::Error;

/// Values that all but a few outliers lie between.
fn bounds(mut values: Vec<f32>) -> [f64; 2] {
    let rank = (OUTLIERS * (values.len() - 1) as f64) as usize;
    let last = values.len() - 1 - rank;
    [rank, last].map(|rank| f64::from(*values.select_nth_unstable_by(rank, f32::total_cmp).1))
}

/// From an image's values to the scale of the network, −1 … 1 with noise of one deviation everywhere, and back.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    model: PoissonGaussian,
    stabilised: Option<Anscombe>,
    middle: f64,
    half: f64,
}

/// Share of the pixels at either end that do not decide the scale: noise and markers reach far out.
const OUTLIERS: f64 = 0.001;

impl Scale {
    /// The scale of an image with its noise, or none when the image has no noise or no contrast.
    pub(super) fn new(image: &Image, noise: Noise) -> Result<Option<Self>, Error> {
        let model = match noise {
            Noise::Estimated => estimate(image).map_err(|e| Error::Image(e.to_string()))?,
            Noise::Gaussian(sigma) => PoissonGaussian { gain: 0.0, offset: sigma * sigma },
            Noise::PoissonGaussian(model) => model,
        };
        if !(model.gain.is_finite() && model.offset.is_finite() && model.gain >= 0.0) {
            let PoissonGaussian { gain, offset } = model;
            return Err(Error::Image(format!(
                "noise must have a finite gain of 0 or more and a finite offset, got {gain} and {offset}"
            )));
        }
        if model.gain == 0.0 && model.offset <= 0.0 {
            return Ok(None);
        }
        let stabilised =
            if model.gain > 0.0 { Some(Anscombe::new(model).map_err(|e| Error::Image(e.to_string()))?) } else { None };
        let scale = Self { model, stabilised, middle: 0.0, half: 1.0 };
        let [low, high] = bounds(scale.stable(image));
        Ok((high > low).then_some(scale.within([low, high])))
    }

    /// The scale of an image whose noise plays no part, or none when it has no contrast.
    pub(super) fn plain(image: &Image, range: Option<[f64; 2]>) -> Option<Self> {
        let [low, high] = range.unwrap_or_else(|| bounds(image.values().to_vec()));
        let model = PoissonGaussian { gain: 0.0, offset: 0.0 };
        (high > low).then_some(Self { model, stabilised: None, middle: 0.0, half: 1.0 }.within([low, high]))
    }

    fn within(self, [low, high]: [f64; 2]) -> Self {
        Self { middle: (low + high) / 2.0, half: (high - low) / 2.0, ..self }
    }

    /// The noise that was assumed.
    pub(super) fn model(&self) -> PoissonGaussian {
        self.model
    }

    /// Deviation of the noise on the network's scale.
    pub(super) fn sigma(&self) -> f64 {
        let stable = if self.stabilised.is_some() { 1.0 } else { self.model.offset.sqrt() };
        stable / self.half
    }

    fn stable(&self, image: &Image) -> Vec<f32> {
        match &self.stabilised {
            Some(transform) => transform.forward(image).values().to_vec(),
            None => image.values().to_vec(),
        }
    }

    /// Values on the network's scale.
    pub(super) fn forward(&self, image: &Image) -> Vec<f32> {
        let mut values = self.stable(image);
        values.iter_mut().for_each(|v| *v = ((f64::from(*v) - self.middle) / self.half) as f32);
        values
    }

    /// The image of denoised values, with everything else as `like` has it.
    pub(super) fn inverse(&self, mut values: Vec<f32>, like: &Image) -> Result<Image, Error> {
        values.iter_mut().for_each(|v| *v = (f64::from(*v) * self.half + self.middle) as f32);
        let shaped = |values| {
            Image::new(like.size(), like.spacing_mm(), like.sample(), like.unit(), values)
                .map_err(|e| Error::Image(e.to_string()))
        };
        match &self.stabilised {
            Some(transform) => shaped(transform.inverse(&shaped(values)?).values().to_vec()),
            None => shaped(values),
        }
    }
}
