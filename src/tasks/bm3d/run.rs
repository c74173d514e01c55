use std::borrow::Cow;

use super::{
    super::{Task, TaskError},
    Bm3dError, Options, filter,
    matching::Plane,
    options::Step,
};
use crate::{
    data::{Image, Sample},
    engine::{Control, Device},
};

/// Filters white Gaussian noise of standard deviation `sigma` out of an image.
///
/// `sigma` is in the unit of the values, which may lie anywhere; nothing is clipped. The result is a float image of the
/// same size, spacing and unit; for `sigma` = 0 it is the input itself.
///
/// ```
/// use kerma::{data::{Image, Sample, Unit}, tasks::bm3d::{Options, bm3d}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Uniform noise of ±0.1 around 0.5, of standard deviation 0.2/√12.
/// let mut state = 1_u64;
/// let mut uniform = || {
///     state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
///     (state >> 40) as f32 / 16_777_216.0
/// };
/// let noisy = (0..64 * 64).map(|_| 0.4 + 0.2 * uniform()).collect();
/// let image = Image::new([64, 64], None, Sample::Float, Unit::Transmission, noisy)?;
/// let filtered = bm3d(&image, 0.058, &Options { range: Some(1.0), ..Options::default() })?;
/// assert!(filtered.values().iter().all(|v| (v - 0.5).abs() < 0.05));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Bm3dError`] when `sigma` is negative or not finite, the range is not positive, the image is smaller than a block
/// or holds NaN or infinity.
pub fn bm3d(image: &Image, sigma: f32, options: &Options) -> Result<Image, Bm3dError> {
    Bm3d::new(image, sigma, options)?.filtered(&|_| Ok(()))
}

/// The same as a task: it computes on the host, whatever the device, and may be stopped between its two steps.
pub struct Bm3d<'a> {
    image: Cow<'a, Image>,
    sigma: f32,
    steps: [Step; 2],
}

impl<'a> Bm3d<'a> {
    /// Checks what is to be filtered; see [`bm3d`].
    ///
    /// # Errors
    /// Those of [`bm3d`].
    pub fn new(image: impl Into<Cow<'a, Image>>, sigma: f32, options: &Options) -> Result<Self, Bm3dError> {
        let image = image.into();
        if !(sigma.is_finite() && sigma >= 0.0) {
            return Err(Bm3dError::Sigma { got: sigma });
        }
        if let Some(got) = options.range.filter(|r| !(r.is_finite() && *r > 0.0)) {
            return Err(Bm3dError::Range { got });
        }
        image.check_finite()?;
        let [columns, rows] = image.size();
        let steps = options.steps(sigma, options.range_of(&image));
        let side = steps[0].side;
        if columns.min(rows) < side {
            return Err(Bm3dError::Small { side, got: [columns, rows] });
        }
        Ok(Self { image, sigma, steps })
    }

    /// `before` hears of every step, and may refuse it.
    fn filtered<E: From<Bm3dError>>(&self, before: &dyn Fn(usize) -> Result<(), E>) -> Result<Image, E> {
        let Self { image, sigma, steps } = self;
        if *sigma == 0.0 {
            return Ok(Image::clone(image));
        }
        let [columns, rows] = image.size();
        let plane = |values| Plane { values, columns, rows };
        let noisy = plane(image.values());
        before(0)?;
        let basic = filter::thresholded(noisy, &steps[0], *sigma);
        before(1)?;
        let values = filter::attenuated(noisy, plane(&basic), &steps[1], *sigma);
        before(2)?;
        let image = Image::new(image.size(), image.spacing_mm(), Sample::Float, image.unit(), values);
        Ok(image.map_err(Bm3dError::from)?)
    }
}

impl Task for Bm3d<'_> {
    type Result = Image;

    async fn run(&self, _: &Device, control: &Control<'_>) -> Result<Image, TaskError> {
        self.filtered(&|step| Ok(control.step("bm3d", step, 2)?))
    }
}
