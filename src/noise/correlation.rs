use std::ops::RangeInclusive;

use super::{
    NoiseError,
    gaussian::{Survey, white_sigma},
};
use crate::data::Image;

/// Noise at the two finest scales of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// Standard deviation in the finest diagonal wavelet band, in the image's units.
    pub fine: f64,
    /// Standard deviation in the next coarser diagonal band.
    pub coarse: f64,
}

/// Ratios that do not show any processing.
const NEARLY_WHITE: RangeInclusive<f64> = 0.6..=1.3;

impl Correlation {
    /// `fine` / `coarse`: 1 for white noise, below 1 for blurred noise and structure, above 1 for sharpened noise.
    ///
    /// None where the coarse band is empty, as in an image without noise.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.coarse > 0.0).then(|| self.fine / self.coarse)
    }

    /// The ratio where it is below 0.6 or above 1.3, which a detector's own blur and structure of the image do not explain.
    ///
    /// Averaging pairs of pixels along one axis gives 0.55, along both 0.3.
    #[must_use]
    pub fn not_white(&self) -> Option<f64> {
        self.ratio().filter(|ratio| !NEARLY_WHITE.contains(ratio))
    }
}

/// Standard deviations of the two finest diagonal bands, both measured as [`gaussian_sigma`](super::gaussian_sigma) does.
///
/// The transform is orthonormal: white noise is equally large in both. Structure of the image reaches the coarser band first.
///
/// # Errors
/// As of [`gaussian_sigma`](super::gaussian_sigma); a side must be at least 40 pixels for the coarser band.
pub fn noise_correlation(image: &Image, mask: Option<&[bool]>) -> Result<Correlation, NoiseError> {
    /// (40 − 4)/2 + 1 = 19 windows a side, 8 of the coarser level.
    const MIN_SIDE: usize = 40;
    let [columns, rows] = image.size();
    if columns.min(rows) < MIN_SIDE {
        return Err(NoiseError::TooSmall { min: MIN_SIDE, columns, rows });
    }
    let survey = Survey::of(image, mask)?;
    let Some(band) = survey.band() else { return Ok(Correlation { fine: 0.0, coarse: 0.0 }) };
    let (fine, _) = white_sigma(&band, &survey.clipping)?;
    let (coarse, _) = white_sigma(&band.coarser(), &survey.clipping)?;
    Ok(Correlation { fine, coarse })
}
