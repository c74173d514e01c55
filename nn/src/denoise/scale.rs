use kerma::{
    data::{Image, Sample},
    noise::{Anscombe, PoissonGaussian, estimate},
};

use super::{Noise, Unchanged};
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
    strength: f64,
}

/// Share of the pixels at either end that do not decide the scale: noise and markers reach far out.
const OUTLIERS: f64 = 0.001;

impl Scale {
    /// The scale of an image whose noise is to be taken off with a strength, or why there is nothing to take off.
    pub(super) fn new(image: &Image, noise: Noise, strength: f64) -> Result<Result<Self, Unchanged>, Error> {
        if is_constant(image) {
            return Ok(Err(Unchanged::Constant));
        }
        let model = match noise {
            Noise::Estimated => estimate(image)?,
            Noise::Gaussian(sigma) => PoissonGaussian { gain: 0.0, offset: sigma * sigma },
            Noise::PoissonGaussian(model) => model,
        };
        if model.gain == 0.0 && model.offset <= 0.0 {
            return Ok(Err(Unchanged::Noise));
        }
        let stabilised = if model.gain > 0.0 { Some(Anscombe::new(model)?) } else { None };
        let scale = Self { model, stabilised, middle: 0.0, half: 1.0, strength };
        let [low, high] = bounds(scale.stable(image));
        if high <= low {
            return Ok(Err(Unchanged::Contrast));
        }
        let scale = scale.within([low, high]);
        Ok(if scale.sigma() < f64::from(f32::EPSILON) { Err(Unchanged::Noise) } else { Ok(scale) })
    }

    /// The scale of an image whose noise plays no part, or why nothing can be told from it.
    pub(super) fn plain(image: &Image, range: Option<[f64; 2]>) -> Result<Self, Unchanged> {
        let [low, high] = range.unwrap_or_else(|| bounds(image.values().to_vec()));
        if high <= low {
            return Err(if is_constant(image) { Unchanged::Constant } else { Unchanged::Contrast });
        }
        let model = PoissonGaussian { gain: 0.0, offset: 0.0 };
        Ok(Self { model, stabilised: None, middle: 0.0, half: 1.0, strength: 1.0 }.within([low, high]))
    }

    fn within(self, [low, high]: [f64; 2]) -> Self {
        Self { middle: (low + high) / 2.0, half: (high - low) / 2.0, ..self }
    }

    /// The noise that was assumed.
    pub(super) fn model(&self) -> PoissonGaussian {
        self.model
    }

    /// Deviation on the network's scale of the noise that is to be taken off.
    pub(super) fn sigma(&self) -> f64 {
        let stable = if self.stabilised.is_some() { 1.0 } else { self.model.offset.sqrt() };
        self.strength * stable / self.half
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
            Some(transform) => self.unstable(transform, &shaped(values, Sample::Float)?),
            None => values,
        };
        if let Sample::Unsigned { bits } = like.sample() {
            let top = f32::from(bits).exp2() - 1.0;
            values.iter_mut().for_each(|v| *v = v.round().clamp(0.0, top));
        }
        shaped(values, like.sample())
    }

    /// Back from transformed values. Noise that remains raises what the unbiased inverse gives, by a quarter of the gain
    /// where all of it does, and the algebraic inverse then gives the image as it was. A strength below 1 leaves
    /// 1 − strength of the noise's deviation.
    fn unstable(&self, transform: &Anscombe, image: &Image) -> Vec<f32> {
        let remains = (1.0 - self.strength).max(0.0).powi(2);
        let mut values = transform.inverse(image).into_values();
        if remains > 0.0 {
            let algebraic = transform.algebraic_inverse(image);
            for (value, algebraic) in values.iter_mut().zip(algebraic.values()) {
                *value = (f64::from(*value) + remains * f64::from(algebraic - *value)) as f32;
            }
        }
        values
    }
}

fn is_constant(image: &Image) -> bool {
    let first = image.values()[0];
    image.values().iter().all(|v| *v == first)
}
