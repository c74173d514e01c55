//! Block matching and 3-D filtering (BM3D) of images with white Gaussian noise.

mod aggregate;
mod error;
mod filter;
mod matching;
mod options;
mod prefiltered;
mod transform;

pub use error::Bm3dError;
pub use options::{Options, Profile};

use self::matching::Plane;
use crate::data::Image;

/// Filters white Gaussian noise of standard deviation `sigma` out of an image.
///
/// # Errors
/// [`Bm3dError`] when
pub fn bm3d(image: &Image, sigma: f32, options: &Options) -> Result<Image, Bm3dError> {
    if !(sigma.is_finite() && sigma >= 0.0) {
        return Err(Bm3dError::Sigma { got: sigma });
    }
    if let Some(got) = options.range.filter(|r| !(r.is_finite() && *r > 0.0)) {
        return Err(Bm3dError::Range { got });
    }
    image.check_finite()?;
    let [columns, rows] = image.size();
    let steps = options.steps(sigma, options.range_of(image));
    let side = steps[0].side;
    if columns.min(rows) < side {
        return Err(Bm3dError::Small { side, got: [columns, rows] });
    }
    if sigma == 0.0 {
        return Ok(image.clone());
    }
    let plane = |values| Plane { values, columns, rows };
    let noisy = plane(image.values());
    let basic = filter::thresholded(noisy, &steps[0], sigma);
    let values = filter::attenuated(noisy, plane(&basic), &steps[1], sigma);
    Ok(Image::new(image.size(), image.spacing_mm(), crate::data::Sample::Float, image.unit(), values)?)
}
