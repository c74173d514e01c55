use std::borrow::Cow;

use ndarray::ArrayView3;

use super::{DataError, Unit};

/// Largest number of pixels along one axis of a detector, or of views.
const MAX_AXIS: usize = 1 << 16;
/// Largest number of values of one stack: 2³³, 32 GiB of `f32`.
const MAX_VALUES: u64 = super::at_most(1 << 33);

/// Stack of detector readings, indexed `[view][v][u]` with u fastest; row 0 is the lowest v.
///
/// Where the detector stood is the geometry's business: [`crate::geometry::Geometry`].
#[derive(Clone, Debug, PartialEq)]
pub struct Projections {
    views: usize,
    detector: [usize; 2],
    pitch_mm: [f64; 2],
    unit: Unit,
    values: Vec<f32>,
}

impl Projections {
    /// Stack of `views` readings of `detector` = [columns (u), rows (v)] pixels with pitch `[du, dv]`.
    ///
    /// # Errors
    /// [`DataError`] when a size is zero or too large, a pitch is not positive, or the number of values differs.
    pub fn new(
        views: usize,
        detector: [usize; 2],
        pitch_mm: [f64; 2],
        unit: Unit,
        values: Vec<f32>,
    ) -> Result<Self, DataError> {
        let expected = Self::check_shape(views, detector)?;
        for (axis, got) in [('u', pitch_mm[0]), ('v', pitch_mm[1])] {
            if !(got.is_finite() && got > 0.0) {
                return Err(DataError::Spacing { what: "projections", axis, got });
            }
        }
        if values.len() != expected {
            let shape = shape(views, detector);
            return Err(DataError::Length { what: "projections", shape, expected, got: values.len() });
        }
        Ok(Self { views, detector, pitch_mm, unit, values })
    }

    /// Number of values of such a stack, for refusing it before anything is computed.
    ///
    /// # Errors
    /// [`DataError`] when a size is zero or beyond 2¹⁶, or there are more than 2³³ values.
    pub fn check_shape(views: usize, detector: [usize; 2]) -> Result<usize, DataError> {
        let [columns, rows] = detector;
        for (axis, got) in [('k', views), ('u', columns), ('v', rows)] {
            if !(1..=MAX_AXIS).contains(&got) {
                return Err(DataError::Size { what: "projections", axis, got, max: MAX_AXIS });
            }
        }
        let count = views as u64 * columns as u64 * rows as u64;
        if count > MAX_VALUES {
            let shape = shape(views, detector);
            return Err(DataError::TooLarge { what: "projections", shape, max: MAX_VALUES });
        }
        Ok(count as usize)
    }

    /// Number of views.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views
    }

    /// Number of detector columns (u) and rows (v).
    #[must_use]
    pub fn detector(&self) -> [usize; 2] {
        self.detector
    }

    /// Distance between pixels along u and v, in millimetres.
    #[must_use]
    pub fn pitch_mm(&self) -> [f64; 2] {
        self.pitch_mm
    }

    /// Unit of the values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Values, u fastest, then v, then view.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Values without their shape.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Values of one view, u fastest; empty when there is no such view.
    #[must_use]
    pub fn view_values(&self, view: usize) -> &[f32] {
        let pixels = self.detector[0] * self.detector[1];
        self.values.get(view * pixels..(view + 1) * pixels).unwrap_or(&[])
    }

    /// Checks that every value is a number.
    ///
    /// # Errors
    /// [`DataError::NotFinite`] with the count and the first index of values that are NaN or infinite.
    pub fn check_finite(&self) -> Result<(), DataError> {
        DataError::check_finite("projections", &self.values)
    }

    /// View with shape `[views, rows, columns]`.
    #[must_use]
    pub fn view(&self) -> ArrayView3<'_, f32> {
        let [columns, rows] = self.detector;
        ArrayView3::from_shape((self.views, rows, columns), &self.values)
            .unwrap_or_else(|_| unreachable!("length checked in new"))
    }
}

fn shape(views: usize, [columns, rows]: [usize; 2]) -> String {
    format!("{views} views of {columns}x{rows}")
}

impl<'a> From<&'a Projections> for Cow<'a, Projections> {
    fn from(projections: &'a Projections) -> Self {
        Cow::Borrowed(projections)
    }
}

impl From<Projections> for Cow<'_, Projections> {
    fn from(projections: Projections) -> Self {
        Cow::Owned(projections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_no_task_may_compute_is_refused_by_its_shape_alone() {
        assert_eq!(Projections::check_shape(2, [3, 5]), Ok(30));
        let message = |views, detector| Projections::check_shape(views, detector).unwrap_err().to_string();
        assert_eq!(
            message(1 << 16, [1 << 16, 4]),
            "projections of 65536 views of 65536x4 has more than 8589934592 values"
        );
        assert_eq!(message(1, [1, (1 << 16) + 1]), "projections size must be 1 to 65536 along v, got 65537");
    }
}
