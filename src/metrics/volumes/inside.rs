//! Volumes that fit together, and sums over the voxels of a mask in a fixed order.

use crate::{
    body::mask::INSIDE,
    data::{DataError, Volume},
    metrics::MetricError,
    parallel::*,
};

/// Refuses volumes that lie on another grid than the first, and values that are not finite.
pub(super) fn check_alike<const N: usize>(volumes: [(&'static str, &Volume); N]) -> Result<(), MetricError> {
    let (like, first) = volumes[0];
    for (what, volume) in volumes {
        if volume.grid() != first.grid() {
            let [expected, got] = [first, volume].map(|volume| volume.grid().to_string());
            return Err(MetricError::Grid { what, like, expected, got });
        }
        DataError::check_finite(what, volume.values())?;
    }
    Ok(())
}

/// Sums over slices, each added up by itself and then from the first to the last.
pub(super) fn slice_sums<const N: usize>(count: usize, of_slice: impl Fn(usize) -> [f64; N] + Sync) -> [f64; N] {
    let slices: Vec<[f64; N]> = (0..count).into_par_iter().map(&of_slice).collect();
    slices.iter().fold([0.0; N], |sums, slice| std::array::from_fn(|i| sums[i] + slice[i]))
}

/// Number of voxels in the mask, and sums over them of what `terms` makes of the values of both volumes.
pub(super) fn sums_inside<const N: usize>(
    [one, other]: [&Volume; 2],
    mask: &Volume,
    terms: impl Fn(f64, f64) -> [f64; N] + Sync,
) -> (usize, [f64; N]) {
    let [nx, ny, nz] = mask.grid().size();
    let sums = slice_sums(nz, |z| {
        let slice = z * nx * ny..(z + 1) * nx * ny;
        let [one, other, mask] = [one, other, mask].map(|volume| &volume.values()[slice.clone()]);
        let mut sums = [0.0; N];
        for ((&one, &other), _) in one.iter().zip(other).zip(mask).filter(|(_, mask)| **mask > INSIDE) {
            let terms = terms(f64::from(one), f64::from(other));
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        sums
    });
    (mask.values().par_iter().filter(|mask| **mask > INSIDE).count(), sums)
}

/// That a metric has no voxels.
pub(super) fn no_voxel(metric: &'static str) -> MetricError {
    MetricError::Undefined { metric, reason: "no voxel lies in the mask".to_owned() }
}
