use std::borrow::Cow;

use ndarray::{ArrayView3, ArrayViewMut3};

use super::{DataError, Grid, Unit};

/// Voxel values on a [`Grid`], indexed `[z][y][x]` with x fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    grid: Grid,
    unit: Unit,
    values: Vec<f32>,
}

impl Volume {
    /// Volume from its values.
    ///
    /// # Errors
    /// [`DataError::Length`] when the number of values is not that of the grid.
    pub fn new(grid: Grid, unit: Unit, values: Vec<f32>) -> Result<Self, DataError> {
        if values.len() != grid.voxel_count() {
            let [nx, ny, nz] = grid.size();
            return Err(DataError::Length {
                what: "volume",
                shape: format!("{nx}x{ny}x{nz}"),
                expected: grid.voxel_count(),
                got: values.len(),
            });
        }
        Ok(Self { grid, unit, values })
    }

    /// Volume of zeros.
    #[must_use]
    pub fn zeros(grid: Grid, unit: Unit) -> Self {
        Self { grid, unit, values: vec![0.0; grid.voxel_count()] }
    }

    /// Where the voxels lie.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Unit of the values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The same values in another unit, for what a file did not say.
    #[must_use]
    pub fn with_unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// Attenuation coefficients as CT numbers, with water at so many 1/mm; a volume in another unit stays as it is.
    #[must_use]
    pub fn to_hounsfield(self, water_per_mm: f64) -> Self {
        match self.unit {
            Unit::PerMillimetre => {
                let per_mm = 1000.0 / water_per_mm;
                self.mapped(Unit::Hounsfield, |value| (f64::from(value) * per_mm - 1000.0) as f32)
            }
            _ => self,
        }
    }

    /// CT numbers as attenuation coefficients, with water at so many 1/mm; a volume in another unit stays as it is.
    #[must_use]
    pub fn to_attenuation(self, water_per_mm: f64) -> Self {
        match self.unit {
            Unit::Hounsfield => {
                let per_hounsfield = water_per_mm / 1000.0;
                self.mapped(Unit::PerMillimetre, |value| ((f64::from(value) + 1000.0) * per_hounsfield) as f32)
            }
            _ => self,
        }
    }

    fn mapped(mut self, unit: Unit, of: impl Fn(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|value| *value = of(*value));
        Self { unit, ..self }
    }

    /// Values, x fastest.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Values, x fastest.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Values, x fastest, without the grid.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Checks that every value is a number.
    ///
    /// # Errors
    /// [`DataError::NotFinite`] with the count and the first index of values that are NaN or infinite.
    pub fn check_finite(&self) -> Result<(), DataError> {
        DataError::check_finite("volume", &self.values)
    }

    /// The same voxels on another grid of the same size, for instance one moved or relabelled.
    ///
    /// # Errors
    /// [`DataError::Length`] when the sizes differ.
    pub fn with_grid(self, grid: Grid) -> Result<Self, DataError> {
        Self::new(grid, self.unit, self.values)
    }

    /// View with shape `[nz, ny, nx]`.
    #[must_use]
    pub fn view(&self) -> ArrayView3<'_, f32> {
        let [nx, ny, nz] = self.grid.size();
        // The length is checked on construction, so the shape always fits.
        ArrayView3::from_shape((nz, ny, nx), &self.values).unwrap_or_else(|_| unreachable!("length checked in new"))
    }

    /// Mutable view with shape `[nz, ny, nx]`.
    pub fn view_mut(&mut self) -> ArrayViewMut3<'_, f32> {
        let [nx, ny, nz] = self.grid.size();
        ArrayViewMut3::from_shape((nz, ny, nx), &mut self.values)
            .unwrap_or_else(|_| unreachable!("length checked in new"))
    }
}

impl<'a> From<&'a Volume> for Cow<'a, Volume> {
    fn from(volume: &'a Volume) -> Self {
        Cow::Borrowed(volume)
    }
}

impl From<Volume> for Cow<'_, Volume> {
    fn from(volume: Volume) -> Self {
        Cow::Owned(volume)
    }
}
