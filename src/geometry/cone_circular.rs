use serde::{Deserialize, Serialize};

use super::angles::{Turn, gantry};
use super::panel::Panel;
use super::{Geometry, GeometryError, Source, check};
use glam::DVec3;

/// Cone beam whose focal spot and flat detector turn about the z axis.
///
/// ```text
/// source(t) = SID·(sin t, −cos t, 0)    u(t) = (cos t, sin t, 0)    v = (0, 0, 1)
/// t_k = start + k·arc/views on a full circle, start + k·arc/(views − 1) on a shorter arc
/// ```
///
/// A detector may be tilted about its own centre: about its normal n = u × v first, then about u, then about v of the one that is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConeCircular {
    /// Distance from the focal spot to the rotation axis (SID), in millimetres.
    pub source_isocentre_mm: f64,
    /// Distance from the focal spot to the detector's plane (SDD), in millimetres; more than SID.
    pub source_detector_mm: f64,
    /// Number of views.
    pub views: usize,
    /// Angle of the first view, in degrees.
    #[serde(default)]
    pub start_deg: f64,
    /// Angle covered, in degrees: −360 to 360, not 0; negative turns clockwise seen from +z.
    #[serde(default = "full_circle")]
    pub arc_deg: f64,
    /// Angle of each view, in degrees, in place of equal steps; empty where they are equal. The first two are left out then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub angles_deg: Vec<f64>,
    /// Number of detector columns (u) and rows (v).
    #[serde(deserialize_with = "super::array::exact")]
    pub detector: [usize; 2],
    /// Distance between pixels along u and v, in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub pitch_mm: [f64; 2],
    /// Shift of the detector's centre from the central ray along u and v, in millimetres.
    #[serde(default, deserialize_with = "super::array::exact")]
    pub offset_mm: [f64; 2],
    /// Turns of the detector about u, v and its normal towards the source, in degrees; counter-clockwise seen against the axis.
    #[serde(default, deserialize_with = "super::array::exact", skip_serializing_if = "super::panel::is_upright")]
    pub tilt_deg: [f64; 3],
}

/// Default of `arc_deg`.
pub(super) fn full_circle() -> f64 {
    360.0
}

impl ConeCircular {
    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        check::distances(self.source_isocentre_mm, self.source_detector_mm)?;
        let angles = self.turn().angles_deg()?;
        let panel = Panel::new(self.detector, self.pitch_mm, self.offset_mm)?.tilted(self.tilt_deg)?;
        let views = angles
            .into_iter()
            .map(|angle| {
                let (towards_source, u) = gantry(angle);
                let source = Source::Point(self.source_isocentre_mm * towards_source);
                let foot = (self.source_isocentre_mm - self.source_detector_mm) * towards_source;
                panel.view(source, foot, u, DVec3::Z)
            })
            .collect();
        Geometry::new(self.detector, views)
    }

    /// The angles of its views.
    pub(crate) fn turn(&self) -> Turn<'_> {
        let Self { views, start_deg, arc_deg, .. } = *self;
        Turn { views, start_deg, arc_deg, usual_arc_deg: full_circle(), listed: &self.angles_deg }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::convert::tigre;
    use proptest::prelude::*;

    fn scan() -> ConeCircular {
        ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1500.0,
            views: 4,
            start_deg: 0.0,
            arc_deg: 360.0,
            angles_deg: Vec::new(),
            detector: [5, 3],
            pitch_mm: [2.0, 1.0],
            offset_mm: [0.0, 0.0],
            tilt_deg: [0.0; 3],
        }
    }

    #[test]
    fn quarter_turns_stand_where_the_contract_says() {
        let geometry = scan().build().unwrap();
        let [first, second, ..] = geometry.views() else { unreachable!() };
        assert_eq!(first.source, Source::Point(DVec3::new(0.0, -1000.0, 0.0)));
        assert_eq!(first.detector_centre, DVec3::new(0.0, 500.0, 0.0));
        assert_eq!((first.u_step, first.v_step), (2.0 * DVec3::X, DVec3::Z));
        assert_eq!(second.source, Source::Point(DVec3::new(1000.0, 0.0, 0.0)));
        assert_eq!(second.detector_centre, DVec3::new(-500.0, 0.0, 0.0));
        assert_eq!((second.u_step, second.v_step), (2.0 * DVec3::Y, DVec3::Z));
    }

    #[test]
    fn pixels_lie_where_the_contract_says() {
        let geometry = ConeCircular { offset_mm: [10.0, -4.0], ..scan() }.build().unwrap();
        let view = &geometry.views()[0];
        assert_eq!(view.pixel_mm([5, 3], 0.0, 0.0), DVec3::new(-4.0 + 10.0, 500.0, -1.0 - 4.0));
        assert_eq!(view.pixel_mm([5, 3], 4.0, 2.0), DVec3::new(4.0 + 10.0, 500.0, 1.0 - 4.0));
    }

    #[test]
    fn a_detector_turns_about_its_own_centre_by_the_right_hand_in_the_order_of_the_contract() {
        let view = |tilt_deg: [f64; 3]| {
            ConeCircular { tilt_deg, pitch_mm: [1.0, 1.0], offset_mm: [10.0, -4.0], ..scan() }.build().unwrap().views()
                [0]
        };
        // At 0° u = x, v = z and the normal is −y, towards the source.
        let (sin, cos) = 30_f64.to_radians().sin_cos();
        let expected = [
            ([30.0, 0.0, 0.0], [DVec3::X, DVec3::new(0.0, -sin, cos)]),
            ([0.0, 30.0, 0.0], [DVec3::new(cos, sin, 0.0), DVec3::Z]),
            ([0.0, 0.0, 30.0], [DVec3::new(cos, 0.0, sin), DVec3::new(-sin, 0.0, cos)]),
            // About n the columns go to v and the rows to −u, about u the columns on to n, about v they to u and the rows to n.
            ([89.999_999_9, 89.999_999_9, 90.0], [DVec3::X, -DVec3::Y]),
        ];
        for (tilt_deg, [u, v]) in expected {
            let got = view(tilt_deg);
            assert_eq!(got.detector_centre, DVec3::new(10.0, 500.0, -4.0));
            assert!(got.u_step.distance(u) < 1e-8 && got.v_step.distance(v) < 1e-8, "{tilt_deg:?}: {got:?}");
        }
        assert_eq!(
            view([0.0; 3]),
            ConeCircular { pitch_mm: [1.0; 2], offset_mm: [10.0, -4.0], ..scan() }.build().unwrap().views()[0]
        );
    }

    #[test]
    fn tilts_are_those_of_tigres_detector() {
        let scan = ConeCircular { tilt_deg: [4.0, -3.0, 12.0], start_deg: 25.0, ..scan() };
        let views = tigre::to_tigre(&scan.build().unwrap()).unwrap();
        let [normal, u, v] = views[1].rot_detector.map(f64::to_degrees);
        assert!((normal - 12.0).abs() < 1e-9 && (u - 4.0).abs() < 1e-9 && (v + 3.0).abs() < 1e-9, "{normal} {u} {v}");
    }

    #[test]
    fn fields_out_of_range_are_refused_by_name() {
        let message = |change: fn(&mut ConeCircular)| {
            let mut scan = scan();
            change(&mut scan);
            scan.build().unwrap_err().to_string()
        };
        assert_eq!(message(|s| s.pitch_mm[0] = -0.1), "detector pitch must be positive, got -0.1 mm (u)");
        assert_eq!(message(|s| s.pitch_mm[1] = f64::NAN), "detector pitch must be positive, got NaN mm (v)");
        assert_eq!(message(|s| s.views = 0), "views must be 1 to 65536, got 0");
        assert_eq!(message(|s| s.views = 1_000_000_000), "views must be 1 to 65536, got 1000000000");
        assert_eq!(message(|s| s.detector[1] = 0), "detector rows must be 1 to 65536, got 0");
        assert_eq!(message(|s| s.arc_deg = 0.0), "arc_deg must be -360° to 360° and not 0°, got 0°");
        assert_eq!(message(|s| s.arc_deg = 361.0), "arc_deg must be -360° to 360° and not 0°, got 361°");
        assert_eq!(message(|s| s.start_deg = f64::INFINITY), "start_deg must be finite, got inf°");
        assert_eq!(message(|s| s.offset_mm[1] = f64::NAN), "detector offset must be finite, got NaN mm (v)");
        assert_eq!(
            message(|s| s.source_detector_mm = 900.0),
            "source_detector_mm must be more than source_isocentre_mm (1000 mm), got 900 mm"
        );
        let expected = "tilt_deg must be more than -90° and less than 90° about u and v, got 90° (v)";
        assert_eq!(message(|s| s.tilt_deg[1] = 90.0), expected);
        assert_eq!(message(|s| s.tilt_deg[2] = f64::NAN), "tilt_deg must be -180° to 180° about the normal, got NaN°");
        assert_eq!(message(|s| s.source_isocentre_mm = -1.0), "source_isocentre_mm must be positive, got -1 mm");
    }

    proptest! {
        #[test]
        fn the_ray_through_the_isocentre_meets_the_foot(
            start in -720.0..720.0_f64, sid in 1.0..5000.0_f64, gap in 0.1..5000.0_f64, views in 1_usize..20,
        ) {
            let scan = ConeCircular {
                source_isocentre_mm: sid, source_detector_mm: sid + gap, start_deg: start, views, ..scan()
            };
            for view in scan.build().unwrap().views() {
                let (source, direction) = view.ray([5, 3], 2.0, 1.0);
                prop_assert!((source + sid * direction).length() < 1e-9 * sid, "misses the isocentre");
                prop_assert!((source.length() - sid).abs() < 1e-9 * sid);
                prop_assert!((view.detector_centre.distance(source) - sid - gap).abs() < 1e-9 * (sid + gap));
            }
        }

        #[test]
        fn a_point_near_the_isocentre_is_magnified_by_sdd_over_sid(start in 0.0..360.0_f64, shift in -5.0..5.0_f64) {
            let scan = ConeCircular { start_deg: start, ..scan() };
            let view = scan.build().unwrap().views()[0];
            let Source::Point(source) = view.source else { unreachable!() };
            let u = view.u_step.normalize();
            let on_detector = source + (shift * u - source) * (1500.0 / 1000.0);
            prop_assert!(((on_detector - view.detector_centre).dot(u) - shift * 1.5).abs() < 1e-9);
        }
    }
}
