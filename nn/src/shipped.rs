//! The models that are built in.

use std::path::Path;

use burn::tensor::Device;

use crate::{
    Error, denoise,
    perceptual::FeatureDistance,
    quality::{self, Assessor, Quantity},
};

/// Name of the denoiser that is built in.
pub const SHIPPED: &str = "ddpm-x";

/// The weights of `recipes/ddpm-x.toml`.
static DENOISER: &[u8] = include_bytes!("../../assets/models/ddpm-x.safetensors");
/// The weights of `recipes/features.toml`.
static FEATURES: &[u8] = include_bytes!("../../assets/models/features.safetensors");
/// The weights of `recipes/quality-*.toml`: none yet.
static ASSESSORS: [(Quantity, &[u8]); 0] = [];

/// The diffusion model that is built in: trained by `recipes/ddpm-x.toml`, its card says when, where and how long.
///
/// # Errors
/// [`Error::Model`] never in a whole program; the type is that of all models.
pub fn shipped(device: &Device) -> Result<denoise::Model, Error> {
    denoise::Model::from_bytes(DENOISER, Path::new(SHIPPED), device)
}

/// The distance by the network that is built in, trained by `recipes/features.toml`.
///
/// # Errors
/// As [`shipped`].
pub fn feature_distance(device: &Device) -> Result<FeatureDistance, Error> {
    let model = denoise::Model::from_bytes(FEATURES, Path::new("features"), device)?;
    FeatureDistance::new(&model, device.clone())
}

/// The network for a quantity of radiographs that is built in, where there is one.
///
/// # Errors
/// As [`shipped`].
pub fn shipped_assessor(quantity: Quantity, device: &Device) -> Result<Option<Assessor>, Error> {
    let Some((_, bytes)) = ASSESSORS.iter().find(|(told, _)| *told == quantity) else { return Ok(None) };
    let model = quality::Model::from_bytes(bytes, Path::new(quantity.name()), device)?;
    Ok(Some(Assessor::new(model, device)))
}
