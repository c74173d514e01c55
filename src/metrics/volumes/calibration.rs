use super::inside::{check_alike, no_voxel, sums_inside};
use crate::{
    data::{Unit, Volume},
    metrics::MetricError,
    parallel::*,
};

/// A variance below this share of the mean square is one of rounding.
const LEAST_VARIANCE: f64 = 1e-12;

/// A line from the values of a reconstruction to those of its truth.
///
/// ```text
/// HU = slope·x + offset
/// ```
/// An incomplete scan is not in HU, so that without such a map whatever comes after it looks good: fit one on training bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// HU per unit of the reconstruction.
    pub slope: f64,
    /// HU where the reconstruction is 0.
    pub offset_hu: f64,
}

/// What least squares need of the voxels of any number of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AffineSums {
    count: usize,
    /// Σ x, Σ y, Σ x², Σ x·y; x is the reconstruction and y the truth.
    sums: [f64; 4],
}

impl AffineSums {
    /// Adds the voxels of one body; order matters to the last bit alone.
    ///
    /// # Errors
    /// [`MetricError`] when grids differ, a value is not finite or the mask is empty.
    pub fn add(&mut self, truth: &Volume, volume: &Volume, mask: &Volume) -> Result<(), MetricError> {
        check_alike([("truth", truth), ("volume", volume), ("mask", mask)])?;
        let (count, sums) = sums_inside([volume, truth], mask, |x, y| [x, y, x * x, x * y]);
        if count == 0 {
            return Err(no_voxel("calibration"));
        }
        self.count += count;
        self.sums.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
        Ok(())
    }

    /// The line with the least squared error, Σ (slope·x + offset − y)², over all voxels that were added.
    ///
    /// ```text
    /// slope = (n·Σ x·y − Σ x·Σ y) / (n·Σ x² − (Σ x)²),   offset = (Σ y − slope·Σ x) / n
    /// ```
    ///
    /// # Errors
    /// [`MetricError::Undefined`] when nothing was added or all values of the reconstruction are the same.
    pub fn fit(&self) -> Result<Affine, MetricError> {
        let Self { count, sums: [x, y, xx, xy] } = *self;
        let n = count as f64;
        let variance = n * xx - x * x;
        if count == 0 || variance <= LEAST_VARIANCE * n * xx {
            let reason = format!("all {count} voxels have one value");
            return Err(MetricError::Undefined { metric: "calibration", reason });
        }
        let slope = (n * xy - x * y) / variance;
        Ok(Affine { slope, offset_hu: (y - slope * x) / n })
    }
}

impl Affine {
    /// The line of one body: see [`AffineSums::fit`].
    ///
    /// # Errors
    /// Those of [`AffineSums::add`] and [`AffineSums::fit`].
    pub fn of_body(truth: &Volume, volume: &Volume, mask: &Volume) -> Result<Self, MetricError> {
        let mut sums = AffineSums::default();
        sums.add(truth, volume, mask)?;
        sums.fit()
    }

    /// The volume in HU.
    #[must_use]
    pub fn apply(&self, volume: &Volume) -> Volume {
        let mut calibrated = volume.clone().with_unit(Unit::Hounsfield);
        calibrated.values_mut().par_iter_mut().for_each(|value| {
            *value = (self.slope * f64::from(*value) + self.offset_hu) as f32;
        });
        calibrated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Grid;

    fn volume(values: &[f32]) -> Volume {
        Volume::new(Grid::centred([2, 2, 2], [1.0; 3]).unwrap(), Unit::Arbitrary, values.to_vec()).unwrap()
    }

    #[test]
    fn a_line_is_found_again_over_several_bodies_and_only_in_the_mask() {
        let mask = volume(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.5]);
        let x = volume(&[0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 9.0, -9.0]);
        let y = Affine { slope: 800.0, offset_hu: -900.0 }.apply(&x);
        assert_eq!((y.values()[2], y.unit()), (-500.0, Unit::Hounsfield));
        let mut wrong_outside = y.clone();
        wrong_outside.values_mut()[6..].fill(1e4);
        let fit = Affine::of_body(&wrong_outside, &x, &mask).unwrap();
        assert!((fit.slope - 800.0).abs() < 1e-9 && (fit.offset_hu + 900.0).abs() < 1e-9, "{fit:?}");
        // The control: with a mask that holds them the line is another.
        let all = volume(&[1.0; 8]);
        assert!((Affine::of_body(&wrong_outside, &x, &all).unwrap().slope - 800.0).abs() > 10.0);

        // Two bodies of one value each, which neither tells alone: the line through both.
        let mut sums = AffineSums::default();
        sums.add(&volume(&[-800.0; 8]), &volume(&[1.0; 8]), &all).unwrap();
        let message = sums.fit().unwrap_err().to_string();
        assert_eq!(message, "calibration is not defined: all 8 voxels have one value");
        sums.add(&volume(&[40.0; 8]), &volume(&[3.0; 8]), &all).unwrap();
        assert_eq!(sums.fit(), Ok(Affine { slope: 420.0, offset_hu: -1220.0 }));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let good = volume(&[0.0; 8]);
        let message = |volume: &Volume, mask: &Volume| Affine::of_body(&good, volume, mask).unwrap_err().to_string();
        let other = Volume::zeros(Grid::centred([2, 2, 3], [1.0; 3]).unwrap(), Unit::Arbitrary);
        assert_eq!(message(&other, &good), "volume must lie on the truth's grid 2x2x2@1x1x1, got 2x2x3@1x1x1");
        assert!(message(&good, &other).starts_with("mask must lie"));
        assert_eq!(message(&good, &good), "calibration is not defined: no voxel lies in the mask");
        let nan = volume(&[0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(message(&nan, &good).starts_with("1 of the values of the volume are not finite"));
        assert!(AffineSums::default().fit().unwrap_err().is_undefined());
    }
}
