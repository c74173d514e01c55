use serde::{Deserialize, Serialize};

use super::{BodyError, mask::Mask, tissue::NOTHING_HU};
use crate::{
    data::{DataError, Grid, Unit, Volume},
    parallel::*,
};

/// How a CT scan is freed from table, clothes and air.
///
/// 1. Tissue is what lies above `threshold_hu`.
/// 2. Within each slice, tissue is eroded by a disc of `opening_mm`: what is thinner than twice that (the table's shells,
///    clothes, tubes) vanishes, and what touched the body over it lets go.
/// 3. Of what is left the connected parts (in three dimensions) stay that have `smallest_part` of the largest one's volume.
/// 4. They grow back by the same disc and are filled within each slice: lungs, bowel gas.
/// 5. One more voxel all around keeps what tissue there is in the voxels that the skin runs through.
///
/// Where the table touches the skin, a voxel or two of its shell stay. A plate thicker than twice `opening_mm` that touches is taken for
/// body; so is what limbs enclose together with the trunk, which is air.
/// Beyond a slice's edge the body is taken to go on, so that what the scanner's circle cuts stays whole up to there.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cleaning {
    /// What counts as tissue, in HU.
    pub threshold_hu: f64,
    /// Radius of the disc, in millimetres.
    pub opening_mm: f64,
    /// Volume of the smallest part that is kept (an arm, a leg) over that of the largest.
    pub smallest_part: f64,
}

impl Default for Cleaning {
    /// −300 HU, halfway between lung and fat; 6 mm; a fiftieth.
    fn default() -> Self {
        Self { threshold_hu: -300.0, opening_mm: 6.0, smallest_part: 0.02 }
    }
}

impl Cleaning {
    /// Of a phantom or a CT without table and clothes: −500 HU, halfway between air and tissue, and no opening, which could
    /// breach a thin chest wall.
    pub const BARE: Self = Self { threshold_hu: -500.0, opening_mm: 0.0, smallest_part: 0.02 };

    /// Where the body is, lungs and bowel gas included: 1 inside and 0 outside, on the CT's grid, without the voxel all around that
    /// [`apply`](Self::apply) keeps.
    ///
    /// # Errors
    /// [`BodyError`] when a parameter is out of range, the volume is none of CT numbers, or there is no body in it.
    pub fn body_mask(&self, ct: &Volume) -> Result<Volume, BodyError> {
        let mask = self.body(ct)?;
        mask.bounds().ok_or_else(|| self.no_body())?;
        Ok(mask.volume(*ct.grid()))
    }

    /// The CT with −1000 HU, which is nothing at all, wherever the body is not, on the part of its grid that holds the body.
    ///
    /// # Errors
    /// [`BodyError`] when a parameter is out of range, the volume is none of CT numbers, or there is no body in it.
    pub fn apply(&self, ct: &Volume) -> Result<Volume, BodyError> {
        let mask = self.body(ct)?.dilated(&CROSS);
        let (low, high) = mask.bounds().ok_or_else(|| self.no_body())?;
        let grid = part(ct.grid(), low, high)?;
        let [width, height, _] = grid.size();
        let [nx, ny, _] = ct.grid().size();
        let mut values = vec![0.0; grid.voxel_count()];
        values.par_chunks_mut(width * height).enumerate().for_each(|(z, values)| {
            for (y, values) in values.chunks_exact_mut(width).enumerate() {
                let (y, z) = (low[1] + y, low[2] + z);
                let given = &ct.values()[(z * ny + y) * nx + low[0]..][..width];
                let row = mask.row(y, z);
                for (x, (value, given)) in values.iter_mut().zip(given).enumerate() {
                    *value = if Mask::bit(row, low[0] + x) { *given } else { NOTHING_HU as f32 };
                }
            }
        });
        Ok(Volume::new(grid, ct.unit(), values)?)
    }

    fn no_body(&self) -> BodyError {
        BodyError::NoBody { threshold_hu: self.threshold_hu, thickness_mm: 2.0 * self.opening_mm }
    }

    /// Where the body is, without the voxel all around.
    pub(super) fn body(&self, ct: &Volume) -> Result<Mask, BodyError> {
        check_ct(ct)?;
        if !self.threshold_hu.is_finite() {
            return Err(BodyError::value("threshold_hu", "finite", format!("{} HU", self.threshold_hu)));
        }
        if !(0.0..=MAX_OPENING_MM).contains(&self.opening_mm) {
            let allowed = format!("0 to {MAX_OPENING_MM} mm");
            return Err(BodyError::value("opening_mm", allowed, format!("{} mm", self.opening_mm)));
        }
        if !(self.smallest_part > 0.0 && self.smallest_part <= 1.0) {
            return Err(BodyError::value("smallest_part", "more than 0 and at most 1", self.smallest_part.to_string()));
        }
        let [sx, sy, _] = ct.grid().spacing_mm().to_array();
        let threshold = self.threshold_hu as f32;
        let tissue = Mask::of(ct, |hu| hu > threshold);
        let disc = disc(self.opening_mm, sx, sy);
        let core = tissue.eroded(&disc).largest_parts(self.smallest_part);
        Ok(core.dilated(&disc).and(&tissue).filled())
    }
}

/// A voxel and its four neighbours within the slice.
const CROSS: [usize; 2] = [1, 0];

/// Largest radius of the disc, in millimetres: an opening beyond it leaves no limb.
const MAX_OPENING_MM: f64 = 50.0;

/// How far a disc goes along x, in voxels, at y = 0, 1, 2 … voxels from its centre.
pub(super) fn disc(radius_mm: f64, sx: f64, sy: f64) -> Vec<usize> {
    let height = (radius_mm / sy) as usize;
    (0..=height).map(|y| ((radius_mm.powi(2) - (y as f64 * sy).powi(2)).max(0.0).sqrt() / sx) as usize).collect()
}

/// That a volume may be one of CT numbers, each of which is a number; files do not always say so.
pub(super) fn check_ct(ct: &Volume) -> Result<(), BodyError> {
    if !matches!(ct.unit(), Unit::Hounsfield | Unit::Arbitrary) {
        return Err(BodyError::value("a CT volume", "in HU", ct.unit().to_string()));
    }
    Ok(ct.check_finite()?)
}

/// The part of a grid from voxel `low` up to but not including `high`.
fn part(grid: &Grid, low: [usize; 3], high: [usize; 3]) -> Result<Grid, DataError> {
    let size = [0, 1, 2].map(|axis| high[axis] - low[axis]);
    let origin = grid.world_mm(glam::DVec3::from_array(low.map(|i| i as f64)));
    Grid::new(size, grid.spacing_mm().to_array(), origin.to_array(), grid.orientation())
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;

    const SPACING_MM: f64 = 1.5;

    /// A trunk with a lung on a plate of 4.5 mm that its back touches, an arm beside it, a blanket of 1.5 mm above, in a scanner's
    /// circle; and which voxels belong to the trunk, its lung and the arm.
    fn scan() -> (Volume, Vec<bool>) {
        let grid: Grid = "160x120x6@1.5x1.5x5+7,8,9".parse().unwrap();
        let (mut values, mut is_body) = (Vec::new(), Vec::new());
        for index in 0..grid.voxel_count() {
            let (x, y) = ((index % 160) as f64 - 79.5, (index / 160 % 120) as f64 - 59.5);
            let (x, y) = (x * SPACING_MM, y * SPACING_MM);
            let trunk = (x / 70.0).powi(2) + (y / 50.0).powi(2) <= 1.0;
            let lung = ((x - 20.0) / 25.0).powi(2) + (y / 30.0).powi(2) <= 1.0;
            let arm = (x + 90.0).powi(2) + y * y <= 15.0_f64.powi(2);
            let plate = (-54.0..-49.5).contains(&y) && x.abs() < 85.0;
            let blanket = (52.5..54.0).contains(&y);
            let outside = x * x + y * y > 115.0_f64.powi(2);
            values.push(match () {
                () if outside => -2048.0,
                () if lung => -800.0,
                () if trunk || arm => 40.0,
                () if plate => 300.0,
                () if blanket => 0.0,
                () => -1000.0,
            });
            is_body.push(trunk || arm);
        }
        (Volume::new(grid, Unit::Hounsfield, values).unwrap(), is_body)
    }

    #[test]
    fn table_blanket_and_circle_go_while_lungs_and_arms_stay_where_they_are() {
        let (ct, is_body) = scan();
        let clean = Cleaning::default().apply(&ct).unwrap();
        let [nx, ny, _] = clean.grid().size();
        assert!(nx < 160 && ny < 80, "{nx} × {ny}");
        let mut rest_of_plate = 0;
        for (index, &hu) in ct.values().iter().enumerate() {
            let voxel = DVec3::new((index % 160) as f64, (index / 160 % 120) as f64, (index / 160 / 120) as f64);
            let at = clean.grid().index_of(ct.grid().world_mm(voxel));
            assert!((at - at.round()).abs().max_element() < 1e-9, "{at}");
            let at = at.round().as_i64vec3().to_array();
            let is_in = at.iter().zip(clean.grid().size()).all(|(&i, n)| (0..n as i64).contains(&i));
            let got = if is_in {
                clean.values()[(at[2] as usize * ny + at[1] as usize) * nx + at[0] as usize]
            } else {
                -1000.0
            };
            match is_body[index] {
                true => assert_eq!(got, hu, "{voxel}"),
                false if got == 300.0 => rest_of_plate += 1,
                false => assert_eq!(got, -1000.0, "{voxel}"),
            }
        }
        // Two rows, about as wide as the back lies on the plate, of three rows of 113 voxels in each slice.
        assert!(rest_of_plate < 6 * 2 * 34, "{rest_of_plate}");
        let only_trunk = Cleaning { smallest_part: 0.5, ..Cleaning::default() }.apply(&ct).unwrap();
        assert!(only_trunk.grid().size()[0] < 100);
        // Without an opening the plate stays.
        let plain = Cleaning { opening_mm: 0.0, ..Cleaning::default() }.apply(&ct).unwrap();
        assert!(plain.values().iter().filter(|&&hu| hu == 300.0).count() > 6 * 3 * 100);
    }

    #[test]
    fn the_mask_of_a_bare_body_holds_its_lungs_and_nothing_around() {
        let (mut ct, is_body) = scan();
        // Without the plate and the blanket.
        ct.values_mut().iter_mut().filter(|hu| [0.0, 300.0].contains(*hu)).for_each(|hu| *hu = -1000.0);
        let want: Vec<f32> = is_body.iter().map(|&is_body| f32::from(u8::from(is_body))).collect();
        let mask = Cleaning::BARE.body_mask(&ct).unwrap();
        assert_eq!((mask.values(), mask.grid()), (&want[..], ct.grid()));
        // The control: the threshold alone leaves the lung out.
        assert!(ct.values().iter().zip(&want).any(|(&hu, &inside)| inside == 1.0 && hu < -500.0));
        let air = Volume::new(*ct.grid(), Unit::Hounsfield, vec![-1000.0; want.len()]).unwrap();
        assert!(Cleaning::BARE.body_mask(&air).unwrap_err().to_string().starts_with("no body in the CT"));
    }

    #[test]
    fn what_is_no_body_is_refused_in_one_line() {
        let (ct, _) = scan();
        let refused = |cleaning: Cleaning| cleaning.apply(&ct).unwrap_err().to_string();
        let usual = Cleaning::default();
        assert_eq!(
            refused(Cleaning { threshold_hu: 2000.0, ..usual }),
            "no body in the CT: no part above 2000 HU is thicker than 12 mm"
        );
        assert!(refused(Cleaning { opening_mm: 60.0, ..usual }).contains("0 to 50 mm, got 60 mm"));
        assert!(refused(Cleaning { smallest_part: 0.0, ..usual }).contains("more than 0 and at most 1"));
        assert!(refused(Cleaning { threshold_hu: f64::NAN, ..usual }).contains("finite"));
    }
}
