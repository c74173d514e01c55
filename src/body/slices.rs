use glam::DVec3;

use super::BodyError;
use crate::{
    data::{Grid, Volume},
    parallel::*,
};

/// Largest padding at either end, in millimetres.
const MAX_PADDING_MM: f64 = 2000.0;

/// The same box in slices no farther apart than `spacing_mm` along the third axis.
///
/// Each slice becomes n = ⌈thickness/spacing⌉, whose values lie on the straight lines between the centres of slices; before the first
/// centre and behind the last they stay the same. Every given slice counts as much as before, so that mass is kept, and a
/// projector sees slopes where it saw stairs.
///
/// # Errors
/// [`BodyError`] when the spacing is not positive or there would be too many voxels.
pub fn interpolate_slices(ct: &Volume, spacing_mm: f64) -> Result<Volume, BodyError> {
    if !(spacing_mm > 0.0 && spacing_mm.is_finite()) {
        return Err(BodyError::value("the spacing of slices", "positive", format!("{spacing_mm} mm")));
    }
    let grid = ct.grid();
    let [nx, ny, nz] = grid.size();
    let thickness = grid.spacing_mm().z;
    // What headers round must not ask for another slice.
    let parts = (thickness / spacing_mm * (1.0 - ROUNDING)).ceil().max(1.0);
    let count = (nz as f64 * parts) as usize;
    // Centre of part k, counted in given slices.
    let centre = |k: usize| (k as f64 + 0.5) / parts - 0.5;
    let spacing = grid.spacing_mm().with_z(thickness / parts).to_array();
    let origin = grid.world_mm(DVec3::new(0.0, 0.0, centre(0))).to_array();
    let fine = Grid::new([nx, ny, count], spacing, origin, grid.orientation())?;
    let slices: Vec<&[f32]> = ct.values().chunks_exact(nx * ny).collect();
    let mut values = vec![0.0; fine.voxel_count()];
    values.par_chunks_mut(nx * ny).enumerate().for_each(|(k, values)| {
        let at = centre(k).clamp(0.0, (nz - 1) as f64);
        let (below, weight) = (at as usize, at.fract() as f32);
        let (low, high) = (slices[below], slices[(below + 1).min(nz - 1)]);
        for ((value, low), high) in values.iter_mut().zip(low).zip(high) {
            *value = low + (high - low) * weight;
        }
    });
    Ok(Volume::new(fine, ct.unit(), values)?)
}

/// Relative error of spacings that files round.
const ROUNDING: f64 = 1e-6;

/// With the end slices repeated over so many millimetres towards the feet and towards the head, rounded up to whole slices: a beam sees
/// more of a patient than a scan does.
///
/// # Errors
/// [`BodyError`] when a length is negative or absurd, or there would be too many voxels.
pub fn pad_slices(ct: &Volume, inferior_mm: f64, superior_mm: f64) -> Result<Volume, BodyError> {
    for (what, got) in [("inferior", inferior_mm), ("superior", superior_mm)] {
        if !(0.0..=MAX_PADDING_MM).contains(&got) {
            return Err(BodyError::value(
                format!("{what} padding"),
                format!("0 to {MAX_PADDING_MM} mm"),
                format!("{got} mm"),
            ));
        }
    }
    let grid = ct.grid();
    let [nx, ny, nz] = grid.size();
    let slices = |mm: f64| (mm / grid.spacing_mm().z * (1.0 - ROUNDING)).ceil() as usize;
    let [inferior, superior] = [slices(inferior_mm), slices(superior_mm)];
    let is_upward = grid.orientation().z_axis.z >= 0.0;
    let (before, behind) = if is_upward { (inferior, superior) } else { (superior, inferior) };
    let origin = grid.world_mm(DVec3::new(0.0, 0.0, -(before as f64))).to_array();
    let size = [nx, ny, before + nz + behind];
    let padded = Grid::new(size, grid.spacing_mm().to_array(), origin, grid.orientation())?;
    let mut values = vec![0.0; padded.voxel_count()];
    values.par_chunks_mut(nx * ny).enumerate().for_each(|(k, values)| {
        let from = k.saturating_sub(before).min(nz - 1);
        values.copy_from_slice(&ct.values()[from * nx * ny..][..nx * ny]);
    });
    Ok(Volume::new(padded, ct.unit(), values)?)
}

#[cfg(test)]
mod tests {
    use glam::DMat3;
    use proptest::prelude::*;

    use super::*;
    use crate::data::Unit;

    fn volume(slices: &[f32], orientation: DMat3) -> Volume {
        let grid = Grid::new([1, 1, slices.len()], [1.0, 1.0, 3.0], [1.0, 2.0, 3.0], orientation).unwrap();
        Volume::new(grid, Unit::Hounsfield, slices.to_vec()).unwrap()
    }

    #[test]
    fn a_slope_stays_a_slope_in_the_same_box() {
        let ct = volume(&[0.0, 30.0, 60.0], DMat3::IDENTITY);
        let fine = interpolate_slices(&ct, 1.25).unwrap();
        assert_eq!(fine.values(), [0.0, 0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 60.0]);
        assert_eq!(fine.grid().extent_mm(), ct.grid().extent_mm());
        assert_eq!(fine.grid().centre_mm(), ct.grid().centre_mm());
        assert_eq!(interpolate_slices(&ct, 3.0).unwrap(), ct);
        assert!(interpolate_slices(&ct, 0.0).unwrap_err().to_string().contains("positive, got 0 mm"));
    }

    #[test]
    fn ends_are_repeated_towards_feet_and_head() {
        let ct = volume(&[1.0, 2.0], DMat3::IDENTITY);
        let padded = pad_slices(&ct, 6.0, 3.5).unwrap();
        assert_eq!(padded.values(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(padded.grid().world_mm(DVec3::new(0.0, 0.0, 2.0)), ct.grid().origin_mm());
        let downward = volume(&[1.0, 2.0], DMat3::from_diagonal(DVec3::new(1.0, 1.0, -1.0)));
        assert_eq!(pad_slices(&downward, 6.0, 0.0).unwrap().values(), [1.0, 2.0, 2.0, 2.0]);
        assert!(
            pad_slices(&ct, -1.0, 0.0).unwrap_err().to_string().starts_with("inferior padding must be 0 to 2000 mm")
        );
    }

    proptest! {
        #[test]
        fn interpolation_keeps_the_sum(slices in proptest::collection::vec(-1000.0..3000.0_f32, 1..9), spacing in 0.2..4.0_f64) {
            let fine = interpolate_slices(&volume(&slices, DMat3::IDENTITY), spacing).unwrap();
            prop_assert!(fine.grid().spacing_mm().z <= spacing * 1.00001 || slices.len() == fine.values().len());
            let sum = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>();
            let parts = fine.values().len() / slices.len();
            prop_assert!((sum(fine.values()) / parts as f64 - sum(&slices)).abs() < 1e-2);
        }
    }
}
