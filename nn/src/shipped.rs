//! The models that are built in.

use std::path::Path;

use burn::tensor::Device;

use crate::{
    Error, Model, denoise,
    improve::Improver,
    perceptual::FeatureDistance,
    quality::{self, Assessor, Quantity},
    segment::Segmenter,
    training::System,
};

/// Name of the denoiser that is built in.
pub const SHIPPED: &str = "ddpm-x";

/// The weights of `recipes/ddpm-x.toml`.
static DENOISER: &[u8] = include_bytes!("../../assets/models/ddpm-x.safetensors");
/// The weights of `recipes/features.toml`.
static FEATURES: &[u8] = include_bytes!("../../assets/models/features.safetensors");
/// Models for volumes, by the names of their files: the one that improves tomosynthesis, the one before it, and the one that
/// finds nodules in CTs.
static FOR_VOLUMES: [(&str, &[u8]); 3] = [
    (IMPROVER, include_bytes!("../../assets/models/tomosynthesis-sagittal-axial.safetensors")),
    ("tomosynthesis-sagittal.safetensors", include_bytes!("../../assets/models/tomosynthesis-sagittal.safetensors")),
    (SEGMENTER, include_bytes!("../../assets/models/nodules-ct.safetensors")),
];
/// Names of those that are asked for.
const IMPROVER: &str = "tomosynthesis-sagittal-axial.safetensors";
const SEGMENTER: &str = "nodules-ct.safetensors";
/// The weights of `recipes/quality-*.toml`.
static NOISE: &[u8] = include_bytes!("../../assets/models/quality-noise.safetensors");
static CONTRAST: &[u8] = include_bytes!("../../assets/models/quality-contrast.safetensors");
static ROTATION: &[u8] = include_bytes!("../../assets/models/quality-rotation.safetensors");

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

/// What makes chest tomosynthesis more like CT, built in: trained by `recipes/tomosynthesis-sagittal-axial.toml` on simulated sweeps of 30°.
///
/// # Errors
/// As [`shipped`].
pub fn shipped_improver(device: &Device) -> Result<Improver, Error> {
    Improver::staged(Path::new(IMPROVER), &|path| for_volumes(path, device), device)
}

/// What finds nodules in CTs, built in: trained by `recipes/nodules-ct.toml` on simulated bodies.
///
/// # Errors
/// As [`shipped`].
pub fn shipped_segmenter(device: &Device) -> Result<Segmenter, Error> {
    Segmenter::new(for_volumes(Path::new(SEGMENTER), device)?, None, device)
}

fn for_volumes<S: System>(name: &Path, device: &Device) -> Result<Model<S>, Error> {
    let found = FOR_VOLUMES.iter().find(|(known, _)| name == Path::new(known));
    Model::from_bytes(found.map_or(&[], |(_, bytes)| bytes), name, device)
}

/// The network for a quantity of radiographs that is built in: trained by `recipes/quality-*.toml` on simulated chests.
///
/// # Errors
/// As [`shipped`].
pub fn shipped_assessor(quantity: Quantity, device: &Device) -> Result<Assessor, Error> {
    let bytes = match quantity {
        Quantity::Noise => NOISE,
        Quantity::Contrast => CONTRAST,
        Quantity::Rotation => ROTATION,
    };
    Ok(Assessor::new(quality::Model::from_bytes(bytes, Path::new(quantity.name()), device)?, device))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most bytes of one of these models, and of all of them.
    const MOST: [usize; 2] = [2_000_000, 10_000_000];

    #[test]
    fn models_are_whole_and_small() {
        let device = Device::flex();
        let improver = shipped_improver(&device).unwrap();
        assert_eq!(improver.unit(), "mm⁻¹");
        let segmenter = shipped_segmenter(&device).unwrap();
        assert!(segmenter.unit() == "HU" && (0.0..1.0).contains(&segmenter.threshold()));
        for quantity in Quantity::ALL {
            let assessor = shipped_assessor(quantity, &device).unwrap();
            assert!(assessor.model().card().recipe.quantity == quantity && assessor.error().is_some());
        }
        let sizes: Vec<usize> =
            FOR_VOLUMES.iter().map(|(_, bytes)| bytes).chain([&NOISE, &CONTRAST, &ROTATION]).map(|b| b.len()).collect();
        assert!(sizes.iter().all(|size| *size <= MOST[0]) && sizes.iter().sum::<usize>() <= MOST[1], "{sizes:?}");
    }
}
