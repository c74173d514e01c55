use glam::{DMat3, DVec3};
use serde::{Deserialize, Serialize};

use super::BodyError;
use crate::{
    data::Grid,
    geometry::{Geometry, Source, View},
};

/// How a patient lies in a scanner, against the position of the CT.
///
/// ```text
/// p' = c + R·(p − c) + t        R = R_z(roll) · R_x(pitch) · R_y(yaw)
/// ```
/// where p is a point of the body in its own frame, p' where it comes to lie, c the centre of the rotation and t the shift. Angles are
/// counter-clockwise seen from the end of the axis: roll about z (head), pitch about x (right), yaw about y (front).
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Position {
    /// Angle about z, in degrees.
    pub roll_deg: f64,
    /// Angle about x, in degrees.
    pub pitch_deg: f64,
    /// Angle about y, in degrees.
    pub yaw_deg: f64,
    /// Shift, in millimetres.
    pub shift_mm: [f64; 3],
    /// Centre of the rotation: the isocentre unless said, or that of the body's grid.
    pub centre_mm: [f64; 3],
}

impl Position {
    /// The scanner as the patient sees it: views whose rays pass a body that was not moved where those of `geometry` pass the moved one.
    ///
    /// So nothing is resampled, and a turned body is as sharp as it was.
    ///
    /// # Errors
    /// [`BodyError`] when an angle or a length is not finite.
    pub fn seen_by_patient(&self, geometry: &Geometry) -> Result<Geometry, BodyError> {
        let angles = [self.roll_deg, self.pitch_deg, self.yaw_deg];
        if let Some(got) = [angles, self.shift_mm, self.centre_mm].as_flattened().iter().find(|v| !v.is_finite()) {
            return Err(BodyError::value("angles and lengths of a position", "finite", got.to_string()));
        }
        let back = self.turn().transpose();
        let point = |p: DVec3| self.own_mm(p);
        let views = geometry.views().iter().map(|view| View {
            source: match view.source {
                Source::Point(spot) => Source::Point(point(spot)),
                Source::Direction(direction) => Source::Direction((back * direction).normalize()),
            },
            detector_centre: point(view.detector_centre),
            u_step: back * view.u_step,
            v_step: back * view.v_step,
        });
        Ok(Geometry::new(geometry.detector(), views.collect())?)
    }

    /// A grid of the room as the patient sees it: the same voxels over a body that was not moved.
    ///
    /// # Errors
    /// [`BodyError`] when an angle or a length is not finite.
    pub fn grid_seen_by_patient(&self, grid: &Grid) -> Result<Grid, BodyError> {
        let origin_mm = self.own_mm(grid.origin_mm()).to_array();
        let orientation = self.turn().transpose() * grid.orientation();
        Ok(Grid::new(grid.size(), grid.spacing_mm().to_array(), origin_mm, orientation)?)
    }

    /// Where a point of the body, in its own frame, comes to lie in the room.
    #[must_use]
    pub fn room_mm(&self, own: DVec3) -> DVec3 {
        let (centre, shift) = (DVec3::from_array(self.centre_mm), DVec3::from_array(self.shift_mm));
        centre + self.turn() * (own - centre) + shift
    }

    fn turn(&self) -> DMat3 {
        let [roll, pitch, yaw] = [self.roll_deg, self.pitch_deg, self.yaw_deg].map(f64::to_radians);
        DMat3::from_rotation_z(roll) * DMat3::from_rotation_x(pitch) * DMat3::from_rotation_y(yaw)
    }

    /// Where a point of the room lies in the body's own frame.
    fn own_mm(&self, point: DVec3) -> DVec3 {
        let (centre, shift) = (DVec3::from_array(self.centre_mm), DVec3::from_array(self.shift_mm));
        centre + self.turn().transpose() * (point - shift - centre)
    }
}

#[cfg(test)]
mod tests {
    use glam::DQuat;
    use proptest::prelude::*;

    use super::*;
    use crate::phantom::{Phantom, Rule, Shape};

    /// An ellipsoid and a box, turned by `turn` about `centre` and shifted.
    fn phantom(turn: DQuat, centre: DVec3, shift: DVec3) -> Phantom {
        let place = |p: DVec3| centre + turn * (p - centre) + shift;
        let ellipsoid = Shape::ellipsoid(place(DVec3::new(5.0, -3.0, 8.0)), DVec3::new(30.0, 20.0, 10.0), turn);
        let cuboid = Shape::cuboid(place(DVec3::new(-20.0, 15.0, -4.0)), DVec3::new(8.0, 5.0, 20.0), turn);
        Phantom::new(Rule::Add, vec![(ellipsoid.unwrap(), 0.02), (cuboid.unwrap(), 0.05)])
    }

    fn views() -> Geometry {
        let view = |source| View {
            source,
            detector_centre: DVec3::new(3.0, 150.0, -2.0),
            u_step: DVec3::new(4.0, 0.2, 0.0),
            v_step: DVec3::new(0.0, 0.1, 5.0),
        };
        let spot = Source::Point(DVec3::new(10.0, -400.0, 20.0));
        Geometry::new([40, 30], vec![view(spot), view(Source::Direction(DVec3::Y))]).unwrap()
    }

    proptest! {
        #[test]
        fn the_moved_body_in_the_scanner_looks_as_the_body_in_the_moved_scanner(
            angles in [-180.0..180.0_f64, -180.0..180.0_f64, -180.0..180.0_f64],
            shift_mm in [-20.0..20.0_f64, -20.0..20.0_f64, -20.0..20.0_f64],
            centre_mm in [-50.0..50.0_f64, -50.0..50.0_f64, -50.0..50.0_f64],
        ) {
            let [roll_deg, pitch_deg, yaw_deg] = angles;
            let position = Position { roll_deg, pitch_deg, yaw_deg, shift_mm, centre_mm };
            let [roll, pitch, yaw] = angles.map(f64::to_radians);
            let turn = DQuat::from_rotation_z(roll) * DQuat::from_rotation_x(pitch) * DQuat::from_rotation_y(yaw);
            let point = DVec3::new(11.0, -7.0, 23.0);
            prop_assert!(position.own_mm(position.room_mm(point)).distance(point) < 1e-9);
            let place = turn * (point - DVec3::from(centre_mm)) + DVec3::from(centre_mm) + DVec3::from(shift_mm);
            prop_assert!(position.room_mm(point).distance(place) < 1e-9);
            let moved = phantom(turn, centre_mm.into(), shift_mm.into()).project(&views()).unwrap();
            let seen = phantom(DQuat::IDENTITY, DVec3::ZERO, DVec3::ZERO);
            let seen = seen.project(&position.seen_by_patient(&views()).unwrap()).unwrap();
            for (moved, seen) in moved.values().iter().zip(seen.values()) {
                // A ray that grazes a face of the box may fall on either side of it; none does for long.
                prop_assert!((moved - seen).abs() < 1e-5, "{} {}", moved, seen);
            }
        }
    }

    #[test]
    fn the_patients_left_turned_back_comes_nearer_to_the_source() {
        // Roll turns +x towards +y: the point at x = 100 mm goes to y = 100 mm, away from a source at −y; seen by the patient that
        // source stands at −x.
        let position = Position { roll_deg: 90.0, ..Position::default() };
        let seen = position.seen_by_patient(&views()).unwrap();
        let Source::Point(spot) = seen.views()[0].source else { panic!("a spot") };
        assert!((spot - DVec3::new(-400.0, -10.0, 20.0)).length() < 1e-9, "{spot}");
        assert_eq!(Position::default().seen_by_patient(&views()).unwrap(), views());
        let broken = Position { yaw_deg: f64::NAN, ..position };
        let message = broken.seen_by_patient(&views()).unwrap_err().to_string();
        assert_eq!(message, "angles and lengths of a position must be finite, got NaN");
    }
}
