//! TIGRE: cone beams about the z axis, with distances, angle, shift and rotation of the detector for each view.
//!
//! TIGRE's axes are kerma's and its lengths are millimetres; with `offOrigin` zero its volume is centred on the origin.
//! At angle 0 its source stands at (DSO, 0, 0) and its detector's u axis is +y, so
//!
//! ```text
//! alpha = t − 90°,  t the angle of kerma's gantry
//! ```
//!
//! At that angle the detector is turned about its own centre by R = Rz·Ry·Rx, the three angles of `rotDetector` being those about
//! x, y and z, and then put at (DSO − DSD, offset along u, offset along v); its column and row steps are R·y and R·z. Source and detector
//! are shifted by `COR` along +y, and all of it turns by alpha about z (`computeDeltas` and `rollPitchYaw` of TIGRE's projectors).
//!
//! Rows grow along +z and columns along u, as in kerma. TIGRE's Python arrays list axes backwards: `offDetector` is
//! `[v, u]` and `nVoxel` is `[z, y, x]`; in MATLAB both run the other way, while `rotDetector` is the same. Views are written with
//! `COR` = 0, as shifts of the detector say the same. Sources away from the plane z = 0 and parallel beams are refused.

use std::f64::consts::FRAC_PI_2;

use glam::{DMat3, DVec3};

use super::{TOLERANCE, common_pitch_mm};
use crate::geometry::{Geometry, GeometryError, Source, View};

const PROGRAM: &str = "TIGRE";

/// One view of a TIGRE geometry, under its names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TigreView {
    /// Source to origin (`DSO`), in millimetres.
    pub dso: f64,
    /// Source to detector plane (`DSD`), in millimetres.
    pub dsd: f64,
    /// Rotation about z (the first Euler angle), in radians.
    pub alpha: f64,
    /// Detector shift along u, the second entry of `offDetector` in Python, in millimetres.
    pub off_detector_u: f64,
    /// Detector shift along v, the first entry of `offDetector` in Python, in millimetres.
    pub off_detector_v: f64,
    /// Rotations of the detector about x, y and z at angle 0, as `rotDetector` in Python, in radians.
    pub rot_detector: [f64; 3],
    /// Shift of source and detector along u (`COR`), in millimetres.
    pub cor: f64,
}

/// A TIGRE geometry without its volume.
#[derive(Clone, Debug, PartialEq)]
pub struct TigreGeometry {
    /// Number of detector columns (u) and rows (v); `nDetector` is `[v, u]` in Python.
    pub detector: [usize; 2],
    /// Distance between pixels along u and v, in millimetres; `dDetector` is `[v, u]` in Python.
    pub pitch_mm: [f64; 2],
    /// The views.
    pub views: Vec<TigreView>,
}

/// Views whose source stands in the plane z = 0 as TIGRE describes them.
///
/// TIGRE's `dDetector` is [`Geometry::pitch_mm`], `[v, u]` in Python.
///
/// # Errors
/// [`GeometryError::Inexpressible`] for parallel rays, a source off z = 0, oblique detector axes or a changing pitch.
pub fn to_tigre(geometry: &Geometry) -> Result<Vec<TigreView>, GeometryError> {
    common_pitch_mm(geometry, PROGRAM)?;
    geometry.views().iter().enumerate().map(|(k, view)| write(k, view)).collect()
}

fn write(index: usize, view: &View) -> Result<TigreView, GeometryError> {
    let refuse = |reason| Err(GeometryError::Inexpressible { view: index, program: PROGRAM, reason });
    let Source::Point(source) = view.source else {
        return refuse("parallel beams are not converted");
    };
    let dso = source.truncate().length();
    if dso == 0.0 || source.z.abs() > TOLERANCE * dso {
        return refuse("its source stands away from the plane z = 0");
    }
    let (u, v) = (view.u_step.normalize(), view.v_step.normalize());
    if u.dot(v).abs() > TOLERANCE {
        return refuse("its detector axes are not perpendicular");
    }
    let outwards = source / dso;
    let along = DVec3::Z.cross(outwards);
    // The detector's axes as they stand at angle 0, the columns of R.
    let turned_back = |axis: DVec3| DVec3::new(axis.dot(outwards), axis.dot(along), axis.z);
    let rotation = [u.cross(v), u, v].map(turned_back);
    Ok(TigreView {
        dso,
        dsd: dso - view.detector_centre.dot(outwards),
        alpha: source.y.atan2(source.x),
        off_detector_u: view.detector_centre.dot(along),
        off_detector_v: view.detector_centre.z,
        rot_detector: angles_of(rotation),
        cor: 0.0,
    })
}

/// Angles about x, y and z of the rotation Rz·Ry·Rx with these columns.
fn angles_of([normal, u, v]: [DVec3; 3]) -> [f64; 3] {
    let sine = -normal.z.clamp(-1.0, 1.0);
    // At a quarter turn about y the other two have the same axis; that about z is then zero.
    if 1.0 - sine.abs() < 1e-12 {
        return [(-v.y).atan2(u.y), sine.asin(), 0.0];
    }
    [u.z.atan2(v.z), sine.asin(), normal.y.atan2(normal.x)]
}

/// Geometry of TIGRE's views; `detector` is [columns, rows], `pitch_mm` is [du, dv].
///
/// # Errors
/// What [`Geometry::new`] refuses.
pub fn from_tigre(detector: [usize; 2], pitch_mm: [f64; 2], views: &[TigreView]) -> Result<Geometry, GeometryError> {
    let views = views.iter().map(|view| {
        let (sin, cos) = view.alpha.sin_cos();
        let (outwards, along) = (DVec3::new(cos, sin, 0.0), DVec3::new(-sin, cos, 0.0));
        let gantry = DMat3::from_cols(outwards, along, DVec3::Z);
        let [x, y, z] = view.rot_detector;
        let axes = gantry * DMat3::from_rotation_z(z) * DMat3::from_rotation_y(y) * DMat3::from_rotation_x(x);
        let shift = view.cor * along;
        let centre = DVec3::new(view.dso - view.dsd, view.off_detector_u, view.off_detector_v);
        View {
            source: Source::Point(view.dso * outwards + shift),
            detector_centre: gantry * centre + shift,
            u_step: pitch_mm[0] * axes.y_axis,
            v_step: pitch_mm[1] * axes.z_axis,
        }
    });
    Geometry::new(detector, views.collect())
}

/// TIGRE's angle for kerma's gantry angle, both in radians.
#[must_use]
pub fn alpha_of(gantry_rad: f64) -> f64 {
    gantry_rad - FRAC_PI_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{ConeCircular, convert::testing};
    use proptest::prelude::*;

    fn upright(dso: f64, dsd: f64) -> TigreView {
        let (off_detector_u, off_detector_v, rot_detector) = (0.0, 0.0, [0.0; 3]);
        TigreView { dso, dsd, alpha: 0.0, off_detector_u, off_detector_v, rot_detector, cor: 0.0 }
    }

    #[test]
    fn views_survive_a_round_trip() {
        let scan = ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1536.0,
            views: 50,
            start_deg: 17.0,
            arc_deg: 220.0,
            angles_deg: Vec::new(),
            detector: [64, 48],
            pitch_mm: [0.8, 1.6],
            offset_mm: [12.0, -7.0],
            tilt_deg: [0.0; 3],
        };
        let geometry = scan.build().unwrap();
        let views = to_tigre(&geometry).unwrap();
        assert!((views[0].off_detector_u - 12.0).abs() < 1e-9 && (views[0].off_detector_v + 7.0).abs() < 1e-9);
        assert!((views[0].alpha - alpha_of(17_f64.to_radians())).abs() < 1e-12);
        testing::assert_same(&from_tigre([64, 48], [0.8, 1.6], &views).unwrap(), &geometry);
    }

    #[test]
    fn angle_zero_stands_on_the_x_axis() {
        let view = TigreView { off_detector_u: 3.0, off_detector_v: 4.0, ..upright(1000.0, 1500.0) };
        let geometry = from_tigre([2, 2], [1.0, 1.0], &[view]).unwrap();
        let view = geometry.views()[0];
        assert_eq!(view.source, Source::Point(DVec3::new(1000.0, 0.0, 0.0)));
        assert_eq!(view.detector_centre, DVec3::new(-500.0, 3.0, 4.0));
        assert_eq!((view.u_step, view.v_step), (DVec3::Y, DVec3::Z));
    }

    #[test]
    fn what_this_converter_does_not_say_is_refused() {
        let message = |kind| to_tigre(&testing::example(kind)).unwrap_err().to_string();
        assert_eq!(message("parallel"), "view 0 cannot be written for TIGRE: parallel beams are not converted");
        assert!(message("helical").ends_with("its source stands away from the plane z = 0"));
        assert!(message("tomosynthesis-linear").ends_with("its source stands away from the plane z = 0"));
        let mut views = testing::example("cone-circular").views().to_vec();
        views[7].v_step = 2.0 * (views[7].v_step + 0.1 * views[7].u_step).normalize();
        let error = to_tigre(&Geometry::new([192, 192], views).unwrap()).unwrap_err().to_string();
        assert_eq!(error, "view 7 cannot be written for TIGRE: its detector axes are not perpendicular");
    }

    #[test]
    fn each_rotation_turns_about_its_axis_at_angle_zero() {
        // The geometry of TIGRE's demonstrations: DSO 1000, DSD 1536, pixels of 0.8 mm.
        let axes = |rot_detector: [f64; 3]| {
            let view = TigreView { rot_detector, ..upright(1000.0, 1536.0) };
            let view = from_tigre([512, 512], [0.8, 0.8], &[view]).unwrap().views()[0];
            assert_eq!(view.detector_centre, DVec3::new(-536.0, 0.0, 0.0), "it turns about its centre");
            [view.u_step / 0.8, view.v_step / 0.8]
        };
        let (sin, cos) = 0.1_f64.sin_cos();
        let expected = [
            ([0.1, 0.0, 0.0], [DVec3::new(0.0, cos, sin), DVec3::new(0.0, -sin, cos)]),
            ([0.0, 0.1, 0.0], [DVec3::Y, DVec3::new(sin, 0.0, cos)]),
            ([0.0, 0.0, 0.1], [DVec3::new(-sin, cos, 0.0), DVec3::Z]),
        ];
        for (angles, expected) in expected {
            let got = axes(angles);
            assert!(got.iter().zip(expected).all(|(got, want)| got.distance(want) < 1e-12), "{angles:?}: {got:?}");
        }
    }

    #[test]
    fn the_centre_of_rotation_shifts_source_and_detector_along_u() {
        let view = TigreView { cor: 2.0, alpha: FRAC_PI_2, ..upright(1000.0, 1536.0) };
        let geometry = from_tigre([2, 2], [0.8, 0.8], &[view]).unwrap();
        let Source::Point(source) = geometry.views()[0].source else { panic!() };
        assert!(source.distance(DVec3::new(-2.0, 1000.0, 0.0)) < 1e-9);
        assert!(geometry.views()[0].detector_centre.distance(DVec3::new(-2.0, -536.0, 0.0)) < 1e-9);
        let written = to_tigre(&geometry).unwrap();
        testing::assert_same(&from_tigre([2, 2], [0.8, 0.8], &written).unwrap(), &geometry);
    }

    proptest! {
        #[test]
        fn turned_detectors_survive_a_round_trip(
            alpha in -4.0..4.0_f64, rot_detector in [-3.1..3.1_f64, -1.56..1.56_f64, -0.7..0.7_f64],
            shift in [-99.0..99.0_f64, -99.0..99.0_f64], cor in -9.0..9.0_f64,
        ) {
            let view = TigreView {
                alpha, rot_detector, cor, off_detector_u: shift[0], off_detector_v: shift[1], ..upright(1000.0, 1536.0)
            };
            // Edge-on detectors are no geometry.
            if let Ok(geometry) = from_tigre([64, 48], [0.8, 1.6], &[view]) {
                let written = to_tigre(&geometry).unwrap();
                testing::assert_same(&from_tigre([64, 48], [0.8, 1.6], &written).unwrap(), &geometry);
            }
        }
    }
}
