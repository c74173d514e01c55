use kerma::{
    data::{Image, Sample},
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
        let first = image.values()[0];
        if image.values().iter().all(|v| *v == first) {
            return Ok(None);
        }
        let model = match noise {
            Noise::Estimated => estimate(image)?,
            Noise::Gaussian(sigma) => PoissonGaussian { gain: 0.0, offset: sigma * sigma },
            Noise::PoissonGaussian(model) => model,
        };
        if model.gain == 0.0 && model.offset <= 0.0 {
            return Ok(None);
        }
        let stabilised = if model.gain > 0.0 { Some(Anscombe::new(model)?) } else { None };
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

    /// The image of denoised values, with everything else as `like` has it: whole numbers within its bits where it has
    /// such, which noise taken off may leave.
    pub(super) fn inverse(&self, mut values: Vec<f32>, like: &Image) -> Result<Image, Error> {
        values.iter_mut().for_each(|v| *v = (f64::from(*v) * self.half + self.middle) as f32);
        let shaped = |values, sample| {
            Image::new(like.size(), like.spacing_mm(), sample, like.unit(), values)
                .map_err(|e| Error::Image(e.to_string()))
        };
        let mut values = match &self.stabilised {
            Some(transform) => transform.inverse(&shaped(values, Sample::Float)?).into_values(),
            None => values,
        };
        if let Sample::Unsigned { bits } = like.sample() {
            let top = f32::from(bits).exp2() - 1.0;
            values.iter_mut().for_each(|v| *v = v.round().clamp(0.0, top));
        }
        shaped(values, like.sample())
    }
}
