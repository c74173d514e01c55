use std::path::Path;

use burn::tensor::Device;

use crate::{Error, Model};

/// Name of the model that is built in.
pub const SHIPPED: &str = "ddpm-x";

/// The weights of `recipes/ddpm-x.toml`.
static WEIGHTS: &[u8] = include_bytes!("../../assets/models/ddpm-x.safetensors");

/// The diffusion model that is built in: trained by `recipes/ddpm-x.toml`, its card says when, where and how long.
///
/// # Errors
/// [`Error::Model`] never in a whole program; the type is that of all models.
pub fn shipped(device: &Device) -> Result<Model, Error> {
    Model::from_bytes(WEIGHTS, Path::new(SHIPPED), device)
}
