use super::{
    BodyError, Cleaning,
    cleaning::{check_ct, disc},
    mask::Mask,
};
use crate::data::Volume;

/// What is less dense within a body is air or lung, in HU: halfway between lung and soft tissue.
const LUNG_HU: f32 = -400.0;
/// Volume of the smallest lung over that of the larger, so that bowel gas is none.
const SMALLEST_PART: f64 = 0.2;
/// Radius of the disc that closes what vessels and nodules leave open at the walls, in millimetres.
const CLOSING_MM: f64 = 6.0;

/// Where the lungs of a bare CT are, vessels and nodules included: 1 inside and 0 outside, on the CT's grid.
///
/// Voxels of the body below −400 HU, their connected parts of a fifth of the largest one's volume or more, filled within each slice
/// and closed there by a disc of 6 mm. Airways that are connected to the lungs belong to them. What is wider than the disc and
/// touches the chest wall does not.
///
/// # Errors
/// [`BodyError`] when the volume is none of CT numbers, or there are no lungs in it.
pub fn lungs(ct: &Volume) -> Result<Volume, BodyError> {
    check_ct(ct)?;
    let body = Cleaning::BARE.body(ct)?;
    let [sx, sy, _] = ct.grid().spacing_mm().to_array();
    let air = Mask::of(ct, |hu| hu < LUNG_HU).and(&body).largest_parts(SMALLEST_PART);
    if air.bounds().is_none() {
        return Err(BodyError::value("a CT", "one with lungs", "none within its body".to_owned()));
    }
    let disc = disc(CLOSING_MM, sx, sy);
    let closed = air.filled().dilated(&disc).eroded(&disc).and(&body);
    Ok(closed.volume(*ct.grid()))
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::data::{Grid, Unit};

    /// A trunk of soft tissue with two lungs, in which are a nodule of 14 mm, one of 10 mm at the wall, and gas of 20 mm below.
    fn trunk(lung_hu: f32) -> (Volume, Vec<bool>) {
        let grid: Grid = "90x60x40@3x3x3".parse().unwrap();
        let ball = |at: DVec3, [x, y, z]: [f64; 3], r: f64| at.distance(DVec3::new(x, y, z)) < r;
        let mut is_lung = Vec::new();
        let values = (0..grid.voxel_count()).map(|i| {
            let at = grid.world_mm(DVec3::new((i % 90) as f64, (i / 90 % 60) as f64, (i / 5400) as f64));
            let ellipse = |x: f64, a: f64, b: f64| ((at.x - x) / a).powi(2) + (at.y / b).powi(2) < 1.0;
            let high = at.z > -40.0;
            let lung = high && (ellipse(-55.0, 38.0, 55.0) || ellipse(55.0, 38.0, 55.0));
            is_lung.push(lung);
            let nodule = ball(at, [-55.0, 0.0, 10.0], 7.0) || (lung && ball(at, [20.0, 0.0, 0.0], 5.0));
            let gas = ball(at, [0.0, 0.0, -48.0], 10.0);
            match () {
                () if nodule => 60.0,
                () if lung => lung_hu,
                () if gas => -950.0,
                () if ellipse(0.0, 115.0, 75.0) => 40.0,
                () => -1000.0,
            }
        });
        let values = values.collect();
        (Volume::new(grid, Unit::Hounsfield, values).unwrap(), is_lung)
    }

    #[test]
    fn lungs_hold_their_nodules_and_no_bowel_gas() {
        for lung_hu in [-900.0, -700.0] {
            let (ct, is_lung) = trunk(lung_hu);
            let found = lungs(&ct).unwrap();
            let wrong = found.values().iter().zip(&is_lung).filter(|(got, want)| (**got > 0.5) != **want).count();
            let all = is_lung.iter().filter(|lung| **lung).count();
            // Corners of a voxel or two at the ends of the ellipses are closed.
            assert!(wrong * 200 < all, "{wrong} of {all}");
        }
    }

    #[test]
    fn a_body_without_lungs_is_refused() {
        let (ct, _) = trunk(40.0);
        let mut solid = ct.clone();
        solid.values_mut().iter_mut().filter(|hu| **hu == -950.0).for_each(|hu| *hu = 40.0);
        let message = lungs(&solid).unwrap_err().to_string();
        assert!(message.contains("lungs"), "{message}");
    }
}
