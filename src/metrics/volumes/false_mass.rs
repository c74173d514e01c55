use super::inside::{check_alike, no_voxel};
use crate::{
    body::mask::{INSIDE, Mask},
    data::{Unit, Volume},
    metrics::MetricError,
    parallel::*,
};

/// What counts as false mass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalseMassLimits {
    /// Voxels that are denser than the truth by more, in HU; 0 or more.
    pub excess_hu: f64,
    /// Volume of the smallest blob that counts, in mm³; 0 counts all.
    pub least_mm3: f64,
}

/// Mass in an output that the truth does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FalseMass {
    /// Number of blobs.
    pub count: usize,
    /// Their volume together, in mm³.
    pub volume_mm3: f64,
    /// Volume of the largest, in mm³.
    pub largest_mm3: f64,
}

/// Blobs in which an output is denser than its truth: connected voxels of a mask, by faces, edges and corners.
///
/// ```text
/// y − x > excess,   n·volume of a voxel ≥ least
/// ```
/// where x is the truth and y the output, both without nodules: in the lungs, such blobs are what a network may have invented, or
/// streaks that it has left. No blob is no error.
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, the mask is empty, or a limit is negative or not finite.
pub fn false_mass(
    truth: &Volume,
    output: &Volume,
    mask: &Volume,
    limits: FalseMassLimits,
) -> Result<FalseMass, MetricError> {
    let FalseMassLimits { excess_hu, least_mm3 } = limits;
    for (what, got) in [("excess_hu", excess_hu), ("least_mm3", least_mm3)] {
        if !(got.is_finite() && got >= 0.0) {
            return Err(MetricError::Setting { what, allowed: "0 or more and finite", got });
        }
    }
    check_alike([("truth", truth), ("output", output), ("mask", mask)])?;
    if !mask.values().iter().any(|&inside| inside > INSIDE) {
        return Err(no_voxel("false mass"));
    }
    let is_false = |((&x, &y), &inside): ((&f32, &f32), &f32)| {
        let excess = f64::from(y) - f64::from(x);
        f32::from(u8::from(inside > INSIDE && excess > excess_hu))
    };
    let both = truth.values().par_iter().zip(output.values().par_iter());
    let values = both.zip(mask.values().par_iter()).map(is_false).collect();
    let spans = Mask::of(&Volume::new(*truth.grid(), Unit::Arbitrary, values)?, |value| value > INSIDE).parts();
    let mut counts = vec![0_usize; spans.iter().map(|span| span.part + 1).max().unwrap_or(0)];
    spans.iter().for_each(|span| counts[span.part] += span.len());
    let voxel_mm3 = truth.grid().spacing_mm().element_product();
    let blobs = counts.iter().map(|&count| count as f64 * voxel_mm3).filter(|&blob_mm3| blob_mm3 >= least_mm3);
    Ok(blobs.fold(FalseMass::default(), |all, blob_mm3| FalseMass {
        count: all.count + 1,
        volume_mm3: all.volume_mm3 + blob_mm3,
        largest_mm3: all.largest_mm3.max(blob_mm3),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Grid;

    /// Voxels of 2 mm³ with so many HU at some places, −800 elsewhere.
    fn volume(at: &[([usize; 3], f32)]) -> Volume {
        let grid = Grid::centred([8, 6, 5], [1.0, 2.0, 1.0]).unwrap();
        let mut values = vec![-800.0; grid.voxel_count()];
        at.iter().for_each(|&([x, y, z], hu)| values[(z * 6 + y) * 8 + x] = hu);
        Volume::new(grid, Unit::Hounsfield, values).unwrap()
    }

    #[test]
    fn blobs_above_the_truth_are_counted_with_their_volume() {
        // Three voxels by corners, two by an edge, one alone; one that the truth has too, and one that is too faint.
        let truth = volume(&[([7, 5, 4], 0.0)]);
        let output = volume(&[
            ([0, 0, 0], -600.0),
            ([1, 1, 1], -500.0),
            ([2, 2, 2], -600.0),
            ([5, 0, 0], 0.0),
            ([6, 1, 0], 0.0),
            ([4, 4, 3], 0.0),
            ([7, 5, 4], 40.0),
            ([0, 5, 4], -700.0),
        ]);
        let mut lungs = volume(&[]);
        lungs.values_mut().fill(1.0);
        let of = |mask: &Volume, excess_hu, least_mm3| {
            false_mass(&truth, &output, mask, FalseMassLimits { excess_hu, least_mm3 })
        };
        let found = |count, volume_mm3, largest_mm3| Ok(FalseMass { count, volume_mm3, largest_mm3 });
        assert_eq!(of(&lungs, 100.0, 0.0), found(3, 12.0, 6.0));
        assert_eq!(of(&lungs, 100.0, 4.0), found(2, 10.0, 6.0));
        assert_eq!(of(&lungs, 99.0, 0.0), found(4, 14.0, 6.0));
        assert_eq!(of(&lungs, 900.0, 0.0), found(0, 0.0, 0.0));
        // Without the voxel in the middle, the first blob is two; outside of the mask there is none.
        lungs.values_mut()[(6 + 1) * 8 + 1] = 0.0;
        assert_eq!(of(&lungs, 100.0, 0.0), found(4, 10.0, 4.0));
        assert_eq!(
            false_mass(&output, &output, &lungs, FalseMassLimits { excess_hu: 0.0, least_mm3: 0.0 }),
            found(0, 0.0, 0.0)
        );

        let message = |mask: &Volume, excess_hu| of(mask, excess_hu, 0.0).unwrap_err().to_string();
        assert_eq!(message(&lungs, -1.0), "excess_hu must be 0 or more and finite, got -1");
        lungs.values_mut().fill(0.0);
        assert_eq!(message(&lungs, 1.0), "false mass is not defined: no voxel lies in the mask");
    }
}
