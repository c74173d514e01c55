use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use kerma::{
    data::Image,
    engine::{self, Control},
    noise::{Anscombe, PoissonGaussian, estimate},
    tasks::bm3d::{self, bm3d},
};

use super::{
    super::{DenoiseOptions, Denoiser, Model, Noise, Sampler},
    Knowledge, MethodKind, MethodOptions,
};
use crate::Error;

/// Values that a display shows as black and white.
pub(super) const DISPLAY: [f64; 2] = [0.0, 1.0];
/// Range of possible values of a displayed image.
pub(super) const RANGE: f64 = DISPLAY[1] - DISPLAY[0];

/// A method ready to denoise.
pub(super) struct ReadyMethod<'a> {
    pub(super) options: &'a MethodOptions,
    denoiser: Option<Denoiser<'a>>,
    sampler: Sampler,
}

/// What a method is given beside the image.
#[derive(Clone, Copy)]
pub(super) struct Given {
    /// The noise that was drawn, for methods that are told.
    pub(super) truth: Noise,
    /// Seed of samplers.
    pub(super) seed: u64,
    /// Factor of the noise's deviation.
    pub(super) strength: f64,
    /// Tile and overlap, where they are not the usual ones.
    pub(super) tile: Option<[usize; 2]>,
}

/// What a method made of an image.
pub(super) struct Made {
    pub(super) image: Image,
    /// The step at which a chain was entered.
    pub(super) start: Option<usize>,
    /// Rows and columns of its tiles, of networks that took anything off.
    pub(super) tile: Option<usize>,
}

impl<'a> ReadyMethod<'a> {
    pub(super) fn new(
        options: &'a MethodOptions,
        models: &'a BTreeMap<PathBuf, Model>,
        engine: &'a engine::Device,
        device: &Device,
    ) -> Result<Self, Error> {
        let model = |path: &PathBuf| {
            let missing = || Error::Model { path: path.clone(), reason: "was not loaded".to_owned() };
            models.get(path).ok_or_else(missing)
        };
        let model = options.model.as_ref().map(model).transpose()?;
        if let (Some(model), Some(path)) = (model, &options.model) {
            check_chain(options, model, path)?;
        }
        let denoiser = model.map(|model| Denoiser::new(model, engine, device.clone())).transpose()?;
        Ok(Self { options, denoiser, sampler: options.sampler() })
    }

    pub(super) async fn run(&self, noisy: &Image, given: Given, control: &Control<'_>) -> Result<Made, Error> {
        let noise = if self.options.noise == Knowledge::True { given.truth } else { Noise::Estimated };
        let only = |image| Made { image, start: None, tile: None };
        match (&self.denoiser, self.options.kind) {
            (Some(denoiser), _) => {
                let usual = DenoiseOptions::default();
                let [tile, overlap] = given.tile.unwrap_or([usual.tile, usual.overlap]);
                let (Given { strength, seed, .. }, sampler) = (given, self.sampler);
                // Only networks without levels of noise look at the range: they know the display.
                let range = Some(DISPLAY);
                let options = DenoiseOptions { strength, sampler, noise, range, seed, tile, overlap, ..usual };
                let control = Control { is_cancelled: control.is_cancelled, ..Control::default() };
                let done = denoiser.run(noisy, &options, &control).await?;
                let tile = done.unchanged.is_none().then_some(done.tile);
                Ok(Made { image: done.image, start: done.start, tile })
            }
            (None, MethodKind::Bm3d) => Ok(only(with_bm3d(noisy, noise)?)),
            (None, _) => Ok(only(noisy.clone())),
        }
    }
}

/// A sampler and noise that is told belong to a model with a chain.
fn check_chain(options: &MethodOptions, model: &Model, path: &Path) -> Result<(), Error> {
    let name = &options.name;
    let stray = match (model.card().recipe.diffusion.is_some(), options) {
        (false, MethodOptions { sampler: Some(_), .. }) => "sampler",
        (false, MethodOptions { noise: Knowledge::True, .. }) => "true noise",
        _ => return Ok(()),
    };
    let reason = format!("has no chain of noise levels: method \"{name}\" takes no {stray}");
    Err(Error::Model { path: path.to_owned(), reason })
}

/// BM3D on the image, or on its stabilised values and back without bias where noise grows with the signal.
fn with_bm3d(noisy: &Image, noise: Noise) -> Result<Image, Error> {
    let model = match noise {
        Noise::Estimated => estimate(noisy).map_err(failed)?,
        Noise::Gaussian(sigma) => PoissonGaussian { gain: 0.0, offset: sigma * sigma },
        Noise::PoissonGaussian(model) => model,
    };
    // Where no part of the display has a variance, the range is that of the values.
    let range = |range: f64| (range > 0.0).then_some(range as f32);
    let options = |of: f64| bm3d::Options { range: range(of), ..bm3d::Options::default() };
    if model.gain > 0.0 {
        let transform = Anscombe::new(model).map_err(failed)?;
        let [black, white] = DISPLAY.map(|value| transform.forward_value(value));
        let denoised = bm3d(&transform.forward(noisy), 1.0, &options(white - black)).map_err(failed)?;
        return Ok(transform.inverse(&denoised));
    }
    let sigma = model.offset.max(0.0).sqrt() as f32;
    bm3d(noisy, sigma, &options(DISPLAY[1] - DISPLAY[0])).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Image(error.to_string())
}
