use std::{collections::BTreeMap, path::Path};

use burn::tensor::Device;
use kerma::data::Image;

use super::{
    Answer, Exposure, Model, Quantity, Radiographs, Recipe, Scale, Seen, calibration,
    seen::fit,
    view::{admit, channels, cropped, displayed, folded, line_integrals, median, places, seen},
};
use crate::{Error, networks::Classifier, training::Draws, values};

/// Names among a card's metrics: truth = gain · answer + offset; nine of ten answers err by less than `error_90`.
const GAIN: &str = "gain";
const OFFSET: &str = "offset";
const ERROR: &str = "error_90";
/// What is added to the logit of class 1.
const MARGIN: &str = "margin";
/// Radiographs that are assessed at once; more would only take memory.
const AT_ONCE: usize = 8;
/// Exposures of each radiograph that a network is calibrated on.
const EXPOSURES: usize = 3;

/// A trained network, ready to tell one quantity of radiographs.
pub struct Assessor {
    model: Model,
    device: Device,
}

/// What is told of a radiograph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assessment {
    /// The value, of networks that answer with one.
    pub value: Option<f64>,
    /// The class; 1 is as it should be.
    pub class: usize,
}

impl Assessor {
    /// Reads a model.
    ///
    /// # Errors
    /// As [`Model::load`]; [`Error::Model`] when the model tells another quantity than is `wanted`.
    pub fn load(path: &Path, wanted: Quantity, device: &Device) -> Result<Self, Error> {
        let model = Model::load(path, device)?;
        let (name, wanted) = (model.card().recipe.quantity.name(), wanted.name());
        if name != wanted {
            let reason = format!("tells the {name} of radiographs; a model for {wanted} is needed");
            return Err(Error::Model { path: path.to_owned(), reason });
        }
        Ok(Self::new(model, device))
    }

    /// An assessor of a model that is in memory.
    #[must_use]
    pub fn new(model: Model, device: &Device) -> Self {
        Self { model, device: device.clone() }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What nine of ten answers on the validation's images err less by; none where the network answers with classes or was not
    /// calibrated.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.model.card().metrics.get(ERROR).copied()
    }

    /// Looks at an image.
    ///
    /// # Errors
    /// [`Error::Image`] when the image is too small, holds values that are not finite, or is no signal where one is needed;
    /// [`Error::Tensor`] when the device fails.
    pub fn run(&self, image: &Image, scale: Scale) -> Result<Assessment, Error> {
        let told = self.tell(input(self.model.card().recipe.quantity, image, scale)?)?;
        told.into_iter().next().ok_or_else(|| Error::Image("has no pixels".to_owned()))
    }

    /// Looks at what was prepared of radiographs, one after another.
    ///
    /// # Errors
    /// [`Error::Image`] when the network corrects a fit of noise and there is none; [`Error::Tensor`] when the device fails.
    pub fn tell(&self, seen: Seen) -> Result<Vec<Assessment>, Error> {
        let card = self.model.card();
        if card.recipe.corrects_fit && seen.fits.iter().any(|fit| !fit.is_finite()) {
            return Err(Error::Image("has no noise value: its noise cannot be fitted".to_owned()));
        }
        let metric = |name: &str, usual| card.metrics.get(name).copied().unwrap_or(usual);
        let quantity = card.recipe.quantity;
        let assessment = |numbers: &Vec<f64>| match card.recipe.answer {
            Answer::Value => {
                let value = metric(GAIN, 1.0) * quantity.unscaled(numbers[0]) + metric(OFFSET, 0.0);
                Assessment { value: Some(value), class: quantity.class_of(value) }
            }
            Answer::Classes => Assessment { value: None, class: calibration::class_of(numbers, metric(MARGIN, 0.0)) },
        };
        Ok(numbers(&card.recipe, self.model.network(), &seen, &self.device)?.iter().map(assessment).collect())
    }
}

/// What a network for a quantity sees of an image.
pub(super) fn input(quantity: Quantity, image: &Image, scale: Scale) -> Result<Seen, Error> {
    admit(image)?;
    let size = image.size();
    let reference = || match median(image.values()) {
        median if median > 0.0 => Ok(median),
        median => Err(Error::Image(format!("a signal must be positive in most pixels, its median is {median}"))),
    };
    let overview = |values: Vec<f32>| Seen { pixels: seen(&displayed(values)).collect(), fits: vec![f32::NAN] };
    match (quantity, scale) {
        (Quantity::Noise, Scale::Display) => {
            Err(Error::Image("has no noise value: its pixels are not proportional to the exposure".to_owned()))
        }
        (Quantity::Noise, Scale::Exposure) => {
            let reference = reference()?;
            let crop = |place| {
                let crop = cropped(image.values(), size[0], place).into_iter().map(|value| value / reference);
                channels(&crop.collect::<Vec<_>>()).collect::<Vec<_>>()
            };
            Ok(Seen { pixels: places(size).into_iter().flat_map(crop).collect(), fits: vec![fit(image)] })
        }
        (_, Scale::Exposure) => Ok(overview(line_integrals(&folded(image.values(), size), reference()?))),
        (_, Scale::Display) => Ok(overview(folded(image.values(), size))),
    }
}

/// Numbers of a network, by radiograph.
fn numbers(recipe: &Recipe, network: &Classifier, seen: &Seen, device: &Device) -> Result<Vec<Vec<f64>>, Error> {
    let [channels, side, per] = recipe.quantity.shape();
    let mut all = Vec::new();
    let pixels = seen.pixels.chunks(AT_ONCE * per * channels * side * side);
    for (pixels, fits) in pixels.zip(seen.fits.chunks(AT_ONCE)) {
        let numbers = recipe.numbers(network, Seen { pixels: pixels.to_vec(), fits: fits.to_vec() }, device);
        let outputs = numbers.dims()[1];
        let told = values(numbers)?;
        all.extend(told.chunks_exact(outputs).map(|row| row.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()));
    }
    Ok(all)
}

impl Recipe {
    /// What radiographs that were not learned from say of a network's answers, to stand in its card; nothing where the recipe
    /// names none. Each is exposed three times, as the trainings draw it.
    ///
    /// # Errors
    /// As [`Radiographs::of`] and [`Radiograph::seen`](super::Radiograph::seen); [`Error::Tensor`] when the device fails.
    pub fn calibrated(&self, network: &Classifier, device: &Device) -> Result<BTreeMap<String, f64>, Error> {
        if self.data.validation.is_empty() {
            return Ok(BTreeMap::new());
        }
        let radiographs = Radiographs::of(&self.data.validation, self.quantity, 0)?;
        let (mut told, mut truths) = (Vec::new(), Vec::new());
        for index in 0..radiographs.count() {
            let radiograph = radiographs.get(index)?;
            let mut draws = Draws::new(!self.seed, index as u64);
            let exposures: Vec<Exposure> = (0..EXPOSURES).map(|_| Exposure::drawn(&mut draws)).collect();
            let mut seen = Seen::default();
            for exposure in &exposures {
                seen.extend(radiograph.seen(self.quantity, exposure, self.corrects_fit)?);
            }
            told.extend(numbers(self, network, &seen, device)?);
            truths.extend(exposures.iter().map(|exposure| exposure.truth(self.quantity, &radiograph)));
        }
        let named = |pairs: &[(&str, f64)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Ok(match self.answer {
            Answer::Value => {
                let values: Vec<f64> = told.iter().map(|numbers| self.quantity.unscaled(numbers[0])).collect();
                let line = calibration::Line::fitted(&values, &truths, self.quantity.is_odd());
                named(&[(GAIN, line.gain), (OFFSET, line.offset), (ERROR, line.error(&values, &truths))])
            }
            Answer::Classes => {
                let classes: Vec<usize> = truths.iter().map(|truth| self.quantity.class_of(*truth)).collect();
                named(&[(MARGIN, calibration::margin(&told, &classes))])
            }
        })
    }
}
