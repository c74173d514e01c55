use std::borrow::Cow;

use ndarray::ArrayView2;

use super::{DataError, Unit};

/// Largest number of pixels along one axis.
const MAX_AXIS: usize = 1 << 20;
/// Largest number of pixels of one image.
const MAX_PIXELS: u64 = super::at_most(1 << 32);

/// How an image's values were, or are to be, stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sample {
    /// Unsigned integers of `bits` significant bits, 1 to 16.
    Unsigned {
        /// Significant bits.
        bits: u8,
    },
    /// 32-bit floating point.
    Float,
}

/// One picture: rows top to bottom, columns left to right, column fastest.
///
/// Values are kept as `f32`, which holds every integer of up to 16 bits exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    size: [usize; 2],
    spacing_mm: Option<[f64; 2]>,
    sample: Sample,
    unit: Unit,
    values: Vec<f32>,
}

impl Image {
    /// Image of `size` = [columns, rows]; `spacing_mm` between columns and between rows, if known.
    ///
    /// # Errors
    /// [`DataError`] when a size is zero or too large, a spacing is not positive, or the number of values differs.
    pub fn new(
        size: [usize; 2],
        spacing_mm: Option<[f64; 2]>,
        sample: Sample,
        unit: Unit,
        values: Vec<f32>,
    ) -> Result<Self, DataError> {
        let expected = Self::count(size)?;
        for (axis, got) in [('x', 0), ('y', 1)].map(|(a, i)| (a, spacing_mm.map(|s| s[i]))) {
            if let Some(got) = got.filter(|g| !(g.is_finite() && *g > 0.0)) {
                return Err(DataError::Spacing { what: "image", axis, got });
            }
        }
        if values.len() != expected {
            return Err(DataError::Length { what: "image", shape: shape(size), expected, got: values.len() });
        }
        Ok(Self { size, spacing_mm, sample, unit, values })
    }

    /// Number of pixels of an image of `size`; readers ask before they decode.
    pub(crate) fn count(size: [usize; 2]) -> Result<usize, DataError> {
        for (axis, got) in [('x', size[0]), ('y', size[1])] {
            if !(1..=MAX_AXIS).contains(&got) {
                return Err(DataError::Size { what: "image", axis, got, max: MAX_AXIS });
            }
        }
        let count = size[0] as u64 * size[1] as u64;
        if count > MAX_PIXELS {
            return Err(DataError::TooLarge { what: "image", shape: shape(size), max: MAX_PIXELS });
        }
        Ok(count as usize)
    }

    /// Number of columns and rows.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Distance between columns and between rows, in millimetres, if known.
    #[must_use]
    pub fn spacing_mm(&self) -> Option<[f64; 2]> {
        self.spacing_mm
    }

    /// The same pixels with distances between columns and between rows, in millimetres.
    ///
    /// # Errors
    /// [`DataError::Spacing`] when one is not positive.
    pub fn with_spacing_mm(self, spacing_mm: [f64; 2]) -> Result<Self, DataError> {
        Self::new(self.size, Some(spacing_mm), self.sample, self.unit, self.values)
    }

    /// How the values were, or are to be, stored.
    #[must_use]
    pub fn sample(&self) -> Sample {
        self.sample
    }

    /// Unit of the values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Values, column fastest, top row first.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Fails when a value is NaN or infinite.
    ///
    /// # Errors
    /// [`DataError::NotFinite`] with the first such value.
    pub fn check_finite(&self) -> Result<(), DataError> {
        DataError::check_finite("image", &self.values)
    }

    /// Values without their shape.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// View with shape `[rows, columns]`.
    #[must_use]
    pub fn view(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.size[1], self.size[0]), &self.values)
            .unwrap_or_else(|_| unreachable!("length checked in new"))
    }
}

fn shape(size: [usize; 2]) -> String {
    format!("{}x{}", size[0], size[1])
}

impl<'a> From<&'a Image> for Cow<'a, Image> {
    fn from(image: &'a Image) -> Self {
        Cow::Borrowed(image)
    }
}

impl From<Image> for Cow<'_, Image> {
    fn from(image: Image) -> Self {
        Cow::Owned(image)
    }
}
