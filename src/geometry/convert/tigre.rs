//! TIGRE: circular cone beams, with distances, angle and detector shift for each view.
//!
//! TIGRE's axes are kerma's and its lengths are millimetres; with `offOrigin` zero its volume is centred on the origin.
//! At angle 0 its source stands at (DSO, 0, 0) and its detector's u axis is +y, so
//!
//! ```text
//! alpha = t − 90°,  t the angle of kerma's gantry
//! ```
//!
//! Rows grow along +z and columns along u, as in kerma. TIGRE's Python arrays list axes backwards: `offDetector` is
//! `[v, u]` and `nVoxel` is `[z, y, x]`; in MATLAB both run the other way. `rotDetector` and `COR` are zero here: tilted
//! detectors, and sources away from the plane z = 0, are refused, and so are parallel beams.

use std::f64::consts::FRAC_PI_2;

use glam::DVec3;

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
}

/// Views on a circle about the z axis as TIGRE describes them.
///
/// TIGRE's `dDetector` is [`Geometry::pitch_mm`], `[v, u]` in Python.
///
/// # Errors
/// [`GeometryError::Inexpressible`] for a view that is not an upright circular cone beam.
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
    let outwards = source / dso;
    let along = DVec3::Z.cross(outwards);
    let upright =
        view.u_step.normalize().distance(along) < TOLERANCE && view.v_step.normalize().distance(DVec3::Z) < TOLERANCE;
    if !upright {
        return refuse("its detector does not face the rotation axis");
    }
    Ok(TigreView {
        dso,
        dsd: dso - view.detector_centre.dot(outwards),
        alpha: source.y.atan2(source.x),
        off_detector_u: view.detector_centre.dot(along),
        off_detector_v: view.detector_centre.z,
    })
}

/// Geometry of TIGRE's views; `detector` is [columns, rows], `pitch_mm` is [du, dv].
///
/// # Errors
/// What [`Geometry::new`] refuses.
pub fn from_tigre(detector: [usize; 2], pitch_mm: [f64; 2], views: &[TigreView]) -> Result<Geometry, GeometryError> {
    let views = views.iter().map(|view| {
        let (sin, cos) = view.alpha.sin_cos();
        let (outwards, along) = (DVec3::new(cos, sin, 0.0), DVec3::new(-sin, cos, 0.0));
        View {
            source: Source::Point(view.dso * outwards),
            detector_centre: (view.dso - view.dsd) * outwards
                + view.off_detector_u * along
                + view.off_detector_v * DVec3::Z,
            u_step: pitch_mm[0] * along,
            v_step: pitch_mm[1] * DVec3::Z,
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

    #[test]
    fn views_survive_a_round_trip() {
        let scan = ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1536.0,
            views: 50,
            start_deg: 17.0,
            arc_deg: 220.0,
            detector: [64, 48],
            pitch_mm: [0.8, 1.6],
            offset_mm: [12.0, -7.0],
        };
        let geometry = scan.build().unwrap();
        let views = to_tigre(&geometry).unwrap();
        assert!((views[0].off_detector_u - 12.0).abs() < 1e-9 && (views[0].off_detector_v + 7.0).abs() < 1e-9);
        assert!((views[0].alpha - alpha_of(17_f64.to_radians())).abs() < 1e-12);
        testing::assert_same(&from_tigre([64, 48], [0.8, 1.6], &views).unwrap(), &geometry);
    }

    #[test]
    fn angle_zero_stands_on_the_x_axis() {
        let view = TigreView { dso: 1000.0, dsd: 1500.0, alpha: 0.0, off_detector_u: 3.0, off_detector_v: 4.0 };
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
        views[7].v_step = DVec3::new(0.1, 0.0, 1.0).normalize() * 2.0;
        let error = to_tigre(&Geometry::new([192, 192], views).unwrap()).unwrap_err().to_string();
        assert_eq!(error, "view 7 cannot be written for TIGRE: its detector does not face the rotation axis");
    }
}
