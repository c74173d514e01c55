use super::NoiseError;
use crate::data::Image;

/// Noise whose variance is a straight line of the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonGaussian {
    /// Variance per mean, in the image's units; one photon's value for a detector that counts. 0 is Gaussian noise.
    pub gain: f64,
    /// Variance at mean 0, in squared units; negative with a pedestal.
    pub offset: f64,
}
/// Estimate.
pub fn estimate(image: &Image) -> Result<PoissonGaussian, NoiseError> {
    Ok(PoissonGaussian { gain: 0.0, offset: super::gaussian_sigma(image, None)?.sigma.powi(2) })
}
