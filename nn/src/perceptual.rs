//! A perceptual distance from a network trained on simulated radiographs: how far two images differ to its eyes.

use burn::tensor::{Device, Tensor, TensorData};
use kerma::data::Image;

use crate::{
    Error,
    denoise::{Model, training::Method},
    networks::Unet,
    tensors::scalar,
};

/// Distance of images by the features of a network that learned to fill in missing blocks.
///
/// ```text
/// d(a, b) = mean over levels l, pixels p of Σ_c (â_lpc − b̂_lpc)²
/// ```
///
/// where a_lpc is channel c of the network's level l on the way down, and â the same divided by its length over the
/// channels. The form is that of LPIPS (Zhang et al. 2018) without its learned weights; the network is another one, so
/// are its numbers: they compare with those of the same model file only. 0 for equal images, at most 4.
///
/// Large images are looked at in squares of 256 × 256 pixels, and their distances averaged by area.
pub struct FeatureDistance {
    network: Unet,
    multiple: usize,
    device: Device,
}

/// Added to a feature's length, so that flat regions, whose features vanish, count as equal.
const LEAST_LENGTH: f64 = 1e-3;
/// Side of the squares; a multiple of every network's coarsest pixel up to that size.
const SQUARE: usize = 256;

impl FeatureDistance {
    /// A distance by a model trained with [`Method::Inpainting`], its tensors on `device`.
    ///
    /// # Errors
    /// [`Error::Image`] when the model was trained for something else.
    pub fn new(model: &Model, device: Device) -> Result<Self, Error> {
        let recipe = &model.card().recipe;
        match recipe.method {
            Method::Inpainting => {
                Ok(Self { network: model.network().clone(), multiple: recipe.network.multiple(), device })
            }
            method => Err(Error::Image(format!(
                "a feature distance needs a model of the method \"inpainting\", \"{}\" is one of {method:?}",
                recipe.name
            ))),
        }
    }

    /// The shortest side that has a distance: the network's coarsest pixel.
    #[must_use]
    pub fn least_side(&self) -> usize {
        self.multiple
    }

    /// The distance of two images of one size; `range` are the values that stand for black and white.
    ///
    /// Columns and rows beyond the last multiple of [`Self::least_side`] are not looked at.
    ///
    /// # Errors
    /// [`Error::Image`] when the sizes differ or are smaller than [`Self::least_side`], [`Error::Tensor`] when the device
    /// fails.
    pub fn between(&self, a: &Image, b: &Image, range: [f64; 2]) -> Result<f64, Error> {
        let multiple = self.multiple;
        let [columns, rows] = a.size().map(|length| length / multiple * multiple);
        if a.size() != b.size() || columns.min(rows) == 0 {
            let (a, b) = (a.size(), b.size());
            return Err(Error::Image(format!("images must have one size of at least {multiple}, got {a:?} and {b:?}")));
        }
        let mut sum = 0.0;
        for top in (0..rows).step_by(SQUARE) {
            for left in (0..columns).step_by(SQUARE) {
                let size = [(columns - left).min(SQUARE), (rows - top).min(SQUARE)];
                let square = |image| self.tensor(image, [left, top], size, range);
                sum += self.of_tensors(square(a), square(b))? * (size[0] * size[1]) as f64;
            }
        }
        Ok(sum / (columns * rows) as f64)
    }

    fn of_tensors(&self, a: Tensor<4>, b: Tensor<4>) -> Result<f64, Error> {
        let [a, b] = [a, b].map(|x| self.network.features(x));
        let levels = a.len() as f64;
        let unit = |t: Tensor<4>| t.clone() / (t.square().sum_dim(1).sqrt() + LEAST_LENGTH);
        let mut distance = 0.0;
        for (a, b) in a.into_iter().zip(b) {
            let level = (unit(a) - unit(b)).square().sum_dim(1).mean();
            distance += f64::from(scalar(level)?) / levels;
        }
        Ok(distance)
    }

    /// Part of an image, on the scale of −1 … 1.
    fn tensor(
        &self,
        image: &Image,
        [left, top]: [usize; 2],
        [columns, rows]: [usize; 2],
        [black, white]: [f64; 2],
    ) -> Tensor<4> {
        let lines = image.values().chunks(image.size()[0]).skip(top).take(rows);
        let values = lines.flat_map(|row| &row[left..left + columns]);
        let values: Vec<f32> = values.map(|v| (2.0 * (f64::from(*v) - black) / (white - black) - 1.0) as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, 1, rows, columns]), &self.device)
    }
}

#[cfg(test)]
mod tests {
    use kerma::{
        data::{Sample, Unit},
        engine,
        kernels::noise::philox::philox,
        tasks::radiographs::{Curve, Options, Radiographs},
    };

    use super::*;
    use crate::{feature_distance, shipped};

    const DISPLAY: [f64; 2] = [0.0, 1.0];

    fn distance() -> FeatureDistance {
        feature_distance(&Device::flex()).unwrap()
    }

    fn radiograph() -> Image {
        let options = Options { seed: 77, count: 1, views_per_body: 1, size: 128, ..Options::default() };
        let radiographs = Radiographs::new(options, Vec::new()).unwrap();
        let views = pollster::block_on(radiographs.draw(&engine::Device::cpu(), &engine::Control::default(), 0));
        let integrals = &views.unwrap()[0];
        Curve::standard(integrals).apply(integrals)
    }

    /// Even noise over as much as `amplitude`.
    fn noisy(image: &Image, amplitude: f32) -> Image {
        let draw = |index: u32| philox([index, 0, 0, 0], [5, 0])[0] as f32 / u32::MAX as f32 - 0.5;
        let values = image.values().iter().zip(0..).map(|(v, index)| v + amplitude * draw(index)).collect();
        Image::new(image.size(), None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    /// Means of 3 × 3 pixels, `times` over.
    fn blurred(image: &Image, times: usize) -> Image {
        let [columns, rows] = image.size();
        let mut values = image.values().to_vec();
        for _ in 0..times {
            let mean = |i: usize| {
                let (x, y) = (i % columns, i / columns);
                let near = |at: usize, length: usize| at.saturating_sub(1)..(at + 2).min(length);
                let all = near(y, rows).flat_map(|y| near(x, columns).map(move |x| y * columns + x));
                let (sum, count) = all.fold((0.0, 0.0), |(sum, count), i| (sum + values[i], count + 1.0));
                sum / count
            };
            values = (0..columns * rows).map(mean).collect();
        }
        Image::new(image.size(), None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn it_grows_with_noise_and_with_blur() {
        let (image, distance) = (radiograph(), distance());
        let of = |other: &Image| distance.between(&image, other, DISPLAY).unwrap();
        assert_eq!(of(&image), 0.0);
        let by_noise = [0.01, 0.03, 0.1, 0.3].map(|amplitude| of(&noisy(&image, amplitude)));
        assert!(by_noise.windows(2).all(|pair| pair[1] > 1.2 * pair[0]), "{by_noise:?}");
        let by_blur = [1, 2, 4, 8].map(|times| of(&blurred(&image, times)));
        assert!(by_blur.windows(2).all(|pair| pair[1] > 1.1 * pair[0]), "{by_blur:?}");
        assert!(by_noise.iter().chain(&by_blur).all(|d| (0.0..4.0).contains(d)), "{by_noise:?} {by_blur:?}");
        let other = noisy(&image, 0.1);
        assert_eq!(of(&other), distance.between(&other, &image, DISPLAY).unwrap(), "it is symmetric");
    }

    #[test]
    fn what_has_no_distance_is_refused() {
        let flat = |size: [usize; 2]| {
            Image::new(size, None, Sample::Float, Unit::Arbitrary, vec![0.5; size[0] * size[1]]).unwrap()
        };
        let distance = distance();
        assert!(distance.between(&flat([16, 16]), &flat([16, 20]), DISPLAY).is_err());
        assert!(distance.between(&flat([3, 16]), &flat([3, 16]), DISPLAY).is_err());
        assert_eq!(distance.between(&flat([300, 261]), &flat([300, 261]), DISPLAY).unwrap(), 0.0);
        let denoiser = shipped(&Device::flex()).unwrap();
        let refused = FeatureDistance::new(&denoiser, Device::flex()).err().unwrap().to_string();
        assert!(refused.contains("inpainting") && refused.contains("ddpm-x"), "{refused}");
    }
}
