//! What a reconstruction should find.

use super::{Case, ProtocolError, case::Object};
use crate::{
    body::{NOTHING_HU, resample},
    data::{Grid, Unit, Volume},
    physics::Material,
    tasks::{TaskError, WATER_PER_MM},
};

impl Case {
    /// The body as it stands in the beam, with what was put into it, without noise: CT numbers on the grid of `truth`, or where the
    /// protocol has none on that of the reconstruction, each the mean over its voxel, and −1000 HU beyond the body's own grid.
    ///
    /// ```text
    /// HU = 1000·(µ(E)/µ_water(E) − 1)
    /// ```
    /// where E is `patient.effective_kev`; without a beam, µ is that at the one energy of the object.
    ///
    /// # Errors
    /// [`TaskError`] when the protocol has neither.
    pub fn truth(&self) -> Result<Volume, TaskError> {
        let patient = &self.protocol().patient;
        let on = self.truth_grid_seen()?;
        let nothing = NOTHING_HU as f32;
        let values = match &self.object {
            Object::Plain(volume) if volume.unit() == Unit::Hounsfield => {
                resample::means(volume.grid(), |at| volume.values()[at], nothing, &on)
            }
            Object::Plain(volume) => {
                let hu = |at: usize| (volume.values()[at] / WATER_PER_MM - 1.0) * 1000.0;
                resample::means(volume.grid(), hu, nothing, &on)
            }
            Object::Irradiated(irradiated) => {
                let body = &irradiated.body;
                let water = Material::by_name("water")?.attenuation_per_mm(patient.effective_kev)?;
                let attenuations = body.attenuations_per_mm(patient.effective_kev)?;
                let hu: Vec<f32> = attenuations.iter().map(|mu| ((mu / water - 1.0) * 1000.0) as f32).collect();
                resample::means(body.grid(), |at| hu[body.voxels()[at] as usize], nothing, &on)
            }
        };
        Ok(Volume::new(self.truth_grid()?, Unit::Hounsfield, values)?)
    }

    /// Its voxels.
    pub(super) fn truth_grid(&self) -> Result<Grid, TaskError> {
        let allowed = "part of a protocol whose truth is asked for, or truth";
        let grid = self.protocol().truth_grid();
        Ok(grid.ok_or_else(|| ProtocolError::value("reconstruction", allowed, "none"))?)
    }

    /// The same as they lie over the body in its own frame.
    pub(super) fn truth_grid_seen(&self) -> Result<Grid, TaskError> {
        Ok(self.protocol().patient.position.grid_seen_by_patient(&self.truth_grid()?)?)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use glam::DVec3;

    use super::*;
    use crate::tasks::simulate::ProtocolText;

    /// A radiograph of a cylinder of water of 200 mm, and the grid on which its truth is asked for.
    const CYLINDER: &str = "\
        [geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900\nsource_detector_mm = 1200\n\
        detector = [32, 32]\npitch_mm = [12.0, 12.0]\n[beam]\nkvp = 100\nmas = 0.1\n\
        [reconstruction]\ngrid = '64x40x50@4x6x5'\n\
        [patient]\nphantom = { name = 'water-cylinder', voxel_mm = 2.5 }\n";

    fn truth(text: &str) -> Result<Volume, TaskError> {
        Case::new(&ProtocolText::from_toml(text).unwrap().draw(1).unwrap(), None, 1).unwrap().truth()
    }

    fn places(grid: &Grid) -> impl Iterator<Item = DVec3> {
        let ([nx, ny, nz], grid) = (grid.size(), *grid);
        let of =
            move |at: usize| grid.world_mm(DVec3::new((at % nx) as f64, (at / nx % ny) as f64, (at / nx / ny) as f64));
        (0..nx * ny * nz).map(of)
    }

    #[test]
    fn water_has_the_ct_number_0_and_what_is_beyond_the_body_minus_1000() {
        let volume = truth(CYLINDER).unwrap();
        let (mut inside, mut outside) = (0, 0);
        for (at, value) in places(volume.grid()).zip(volume.values()) {
            let radius = at.x.hypot(at.y);
            if radius < 94.0 && at.z.abs() < 90.0 {
                inside += 1;
                assert!(value.abs() < 1e-3, "{value} HU at {at}");
            }
            if radius > 106.0 {
                outside += 1;
                assert_eq!(*value, -1000.0, "at {at}");
            }
        }
        assert!(inside > 1000 && outside > 1000);
        let without_beam = truth(&CYLINDER.replace("[beam]\nkvp = 100\nmas = 0.1\n", "")).unwrap();
        let worst = volume.values().iter().zip(without_beam.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.01, "{worst} HU");
    }

    #[test]
    fn an_insert_adds_its_volume_times_its_contrast_where_it_lies_in_the_room() {
        let ball = "inserts = [{ form = { ball = { centre_mm = [40.0, 20.0, -30.0], diameter_mm = 26 } }, contrast_hu = 200 }]\n";
        let turned = "[patient.position]\nroll_deg = 90\nshift_mm = [3.0, 4.0, 5.0]\n";
        let before = truth(&format!("{CYLINDER}{turned}")).unwrap();
        let after = truth(&format!("{CYLINDER}{ball}{turned}")).unwrap();
        let excess = || after.values().iter().zip(before.values()).map(|(a, b)| f64::from(a - b));
        let sum: f64 = excess().sum();
        let want = 200.0 * PI / 6.0 * 26.0_f64.powi(3);
        let got = sum * before.grid().spacing_mm().element_product();
        assert!((got / want - 1.0).abs() < 0.02, "{got} HU·mm³ instead of {want}");
        // Roll turns x to y, and y to −x.
        let middle = places(before.grid()).zip(excess()).map(|(at, excess)| excess * at).sum::<DVec3>() / sum;
        assert!(middle.distance(DVec3::new(-20.0 + 3.0, 40.0 + 4.0, -30.0 + 5.0)) < 0.3, "{middle}");
    }

    #[test]
    fn a_protocol_without_a_reconstruction_has_no_truth() {
        let message = truth(&CYLINDER.replace("[reconstruction]\ngrid = '64x40x50@4x6x5'\n", "")).unwrap_err();
        let allowed = "part of a protocol whose truth is asked for, or truth";
        assert_eq!(message.to_string(), format!("reconstruction must be {allowed}, got none"));
    }

    #[test]
    fn a_grid_of_its_own_comes_before_that_of_the_reconstruction() {
        let own = "[truth]\ngrid = '16x10x12@16x24x20'\n";
        for text in [format!("{CYLINDER}{own}"), CYLINDER.replace("[reconstruction]\ngrid = '64x40x50@4x6x5'\n", own)] {
            let volume = truth(&text).unwrap();
            assert_eq!(volume.grid().size(), [16, 10, 12]);
            assert!(volume.values()[(6 * 10 + 5) * 16 + 8].abs() < 1e-3, "the middle is of water");
        }
    }
}
