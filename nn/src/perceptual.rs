//! A perceptual distance from a network trained on simulated radiographs: how far two images differ to its eyes.

use burn::tensor::{Device, Tensor, TensorData};
use kerma::data::Image;

use crate::{Error, Model, training::Method};

/// Distance of images by the features of a network that learned to fill in missing blocks.
///
/// ```text
/// d(a, b) = mean over levels l, pixels p of Σ_c (â_lpc − b̂_lpc)²
/// ```
///
/// where a_lpc is channel c of the network's level l on the way down, and â the same divided by its length over the
/// channels. The form is that of LPIPS (Zhang et al. 2018) without its learned weights; the network is another one, so
/// are its numbers: they compare with those of the same model file only. 0 for equal images, at most 4.
pub struct FeatureDistance<'a> {
    model: &'a Model,
    device: Device,
}

/// Added to a feature's length, so that flat regions, whose features vanish, count as equal.
const LEAST_LENGTH: f64 = 1e-3;

impl<'a> FeatureDistance<'a> {
    /// A distance by a model trained with [`Method::Inpainting`].
    ///
    /// # Errors
    /// [`Error::Image`] when the model was trained for something else.
    pub fn new(model: &'a Model, device: Device) -> Result<Self, Error> {
        match model.card().recipe.method {
            Method::Inpainting => Ok(Self { model, device }),
            method => Err(Error::Image(format!(
                "a feature distance needs a model of the method \"inpainting\", \"{}\" is one of {method:?}",
                model.card().recipe.name
            ))),
        }
    }

    /// The distance of two images of one size; `range` are the values that stand for black and white.
    ///
    /// # Errors
    /// [`Error::Image`] when the sizes differ or are smaller than the network's coarsest pixel, [`Error::Tensor`] when
    /// the device fails.
    pub fn between(&self, a: &Image, b: &Image, range: [f64; 2]) -> Result<f64, Error> {
        let multiple = self.model.card().recipe.network.multiple();
        let size = a.size().map(|length| length / multiple * multiple);
        if a.size() != b.size() || size.contains(&0) {
            let (a, b) = (a.size(), b.size());
            return Err(Error::Image(format!("images must have one size of at least {multiple}, got {a:?} and {b:?}")));
        }
        let [a, b] = [a, b].map(|image| self.model.network().features(self.tensor(image, size, range)));
        let levels = a.len() as f64;
        let unit = |t: Tensor<4>| t.clone() / (t.square().sum_dim(1).sqrt() + LEAST_LENGTH);
        let mut distance = 0.0;
        for (a, b) in a.into_iter().zip(b) {
            let level = (unit(a) - unit(b)).square().sum_dim(1).mean();
            distance += f64::from(level.try_into_scalar::<f32>().map_err(|e| Error::Tensor(e.to_string()))?) / levels;
        }
        Ok(distance)
    }

    /// The upper left part of an image, on the scale of −1 … 1.
    fn tensor(&self, image: &Image, [columns, rows]: [usize; 2], [black, white]: [f64; 2]) -> Tensor<4> {
        let lines = image.values().chunks(image.size()[0]).take(rows).flat_map(|row| &row[..columns]);
        let values: Vec<f32> = lines.map(|v| (2.0 * (f64::from(*v) - black) / (white - black) - 1.0) as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, 1, rows, columns]), &self.device)
    }
}
