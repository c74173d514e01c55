//! RTK: the nine parameters of a `ThreeDCircularProjectionGeometry`, and its 3×4 matrix.
//!
//! RTK works in the fixed frame of IEC 61217, whose rotation axis is y. For a supine patient, head first, IEC's axes
//! point to the patient's left, superior and anterior, kerma's to the right, anterior and superior:
//!
//! ```text
//! (x, y, z) of RTK = (−x, z, y) of kerma, and back
//! gantry angle = t + 180°,  t the angle of kerma's gantry
//! ```
//!
//! A detector point (x, y) of RTK is the physical position in the projection image, whose origin lies at
//! −(n − 1)/2·pitch so that (0, 0) is its centre; x runs along u and y along v. Detector axes must be perpendicular, and
//! u × v must point to the source. Parallel beams are not converted.

use glam::{DMat3, DVec3};

use super::{TOLERANCE, common_pitch_mm};
use crate::geometry::{Geometry, GeometryError, Source, View};

const PROGRAM: &str = "RTK";

/// The parameters of one projection; lengths in millimetres, angles in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RtkProjection {
    /// Source to isocentre along the detector's normal.
    pub source_to_isocenter_distance: f64,
    /// Source to detector along the detector's normal.
    pub source_to_detector_distance: f64,
    /// Rotation about RTK's y axis.
    pub gantry_angle: f64,
    /// Rotation about the turned x axis.
    pub out_of_plane_angle: f64,
    /// Rotation about the detector's normal.
    pub in_plane_angle: f64,
    /// Position of the source along the detector's x axis.
    pub source_offset_x: f64,
    /// Position of the source along the detector's y axis.
    pub source_offset_y: f64,
    /// Position of the detector's centre along its x axis.
    pub projection_offset_x: f64,
    /// Position of the detector's centre along its y axis.
    pub projection_offset_y: f64,
}

impl RtkProjection {
    /// RTK's matrix, from world positions in RTK's frame to positions in the image.
    ///
    /// Both are homogeneous and in millimetres.
    #[must_use]
    pub fn matrix(&self) -> [[f64; 4]; 3] {
        let [x, y, normal] = self.axes();
        let (sid, sdd) = (self.source_to_isocenter_distance, self.source_to_detector_distance);
        let image = |axis: DVec3, source: f64, projection: f64| {
            let row = -sdd * axis + (source - projection) * normal;
            [row.x, row.y, row.z, sdd * source - (source - projection) * sid]
        };
        [
            image(x, self.source_offset_x, self.projection_offset_x),
            image(y, self.source_offset_y, self.projection_offset_y),
            [normal.x, normal.y, normal.z, -sid],
        ]
    }

    /// Unit vectors of the detector's x and y axes and of its normal towards the source, in RTK's frame: the rows of
    /// Rz(−in plane)·Rx(−out of plane)·Ry(−gantry).
    fn axes(&self) -> [DVec3; 3] {
        let rotation = DMat3::from_rotation_z(-self.in_plane_angle.to_radians())
            * DMat3::from_rotation_x(-self.out_of_plane_angle.to_radians())
            * DMat3::from_rotation_y(-self.gantry_angle.to_radians());
        [rotation.row(0), rotation.row(1), rotation.row(2)]
    }
}

/// A position or direction of kerma in RTK's frame, and one of RTK in kerma's.
///
/// The exchange is its own inverse.
#[must_use]
pub fn exchange(v: DVec3) -> DVec3 {
    DVec3::new(-v.x, v.z, v.y)
}

/// Views as RTK describes them; the projections' spacing is [`Geometry::pitch_mm`].
///
/// # Errors
/// [`GeometryError::Inexpressible`] for parallel rays, oblique or mirrored detector axes, or a changing pitch.
pub fn to_rtk(geometry: &Geometry) -> Result<Vec<RtkProjection>, GeometryError> {
    common_pitch_mm(geometry, PROGRAM)?;
    geometry.views().iter().enumerate().map(|(k, view)| write(k, view)).collect()
}

fn write(index: usize, view: &View) -> Result<RtkProjection, GeometryError> {
    let refuse = |reason| Err(GeometryError::Inexpressible { view: index, program: PROGRAM, reason });
    let Source::Point(source) = view.source else {
        return refuse("parallel beams are not converted");
    };
    let (x, y) = (exchange(view.u_step).normalize(), exchange(view.v_step).normalize());
    if x.dot(y).abs() > TOLERANCE {
        return refuse("its detector axes are not perpendicular");
    }
    let normal = x.cross(y);
    let (source, centre) = (exchange(source), exchange(view.detector_centre));
    let sdd = normal.dot(source - centre);
    if sdd <= 0.0 {
        return refuse("its detector is mirrored: u × v points away from the source");
    }
    let sine = normal.y.clamp(-1.0, 1.0);
    // Near a quarter turn out of plane, gantry and in-plane rotation have the same axis; the latter is then zero.
    let (gantry, in_plane) =
        if 1.0 - sine.abs() < 1e-12 { (x.z.atan2(x.x), 0.0) } else { ((-normal.x).atan2(normal.z), (-x.y).atan2(y.y)) };
    let degrees = |rad: f64| (-rad).to_degrees().rem_euclid(360.0);
    Ok(RtkProjection {
        source_to_isocenter_distance: normal.dot(source),
        source_to_detector_distance: sdd,
        gantry_angle: degrees(gantry),
        out_of_plane_angle: degrees(sine.asin()),
        in_plane_angle: degrees(in_plane),
        source_offset_x: source.dot(x),
        source_offset_y: source.dot(y),
        projection_offset_x: centre.dot(x),
        projection_offset_y: centre.dot(y),
    })
}

/// Geometry of RTK's projections; `detector` is [columns, rows], `pitch_mm` is [du, dv].
///
/// # Errors
/// What [`Geometry::new`] refuses.
pub fn from_rtk(
    detector: [usize; 2],
    pitch_mm: [f64; 2],
    projections: &[RtkProjection],
) -> Result<Geometry, GeometryError> {
    let views = projections.iter().map(|p| {
        let [x, y, normal] = p.axes();
        let sid = p.source_to_isocenter_distance;
        let source = p.source_offset_x * x + p.source_offset_y * y + sid * normal;
        let depth = sid - p.source_to_detector_distance;
        let centre = p.projection_offset_x * x + p.projection_offset_y * y + depth * normal;
        View {
            source: Source::Point(exchange(source)),
            detector_centre: exchange(centre),
            u_step: pitch_mm[0] * exchange(x),
            v_step: pitch_mm[1] * exchange(y),
        }
    });
    Geometry::new(detector, views.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::convert::testing;
    use proptest::prelude::*;

    #[test]
    fn views_survive_a_round_trip() {
        for kind in ["cone-circular", "tomosynthesis-linear", "tomosynthesis-arc", "helical", "radiograph", "vectors"] {
            let geometry = testing::example(kind);
            let projections = to_rtk(&geometry).unwrap();
            testing::assert_same(&from_rtk(geometry.detector(), geometry.pitch_mm(), &projections).unwrap(), &geometry);
        }
    }

    #[test]
    fn the_gantry_is_half_a_turn_ahead() {
        let projections = to_rtk(&testing::example("cone-circular")).unwrap();
        for (k, p) in projections.iter().enumerate() {
            let expected = (180.0 + 2.0 * k as f64) % 360.0;
            let turned = (p.gantry_angle - expected).rem_euclid(360.0);
            assert!(turned.min(360.0 - turned) < 1e-9, "view {k}: {p:?}");
            assert!((p.source_to_isocenter_distance - 1000.0).abs() < 1e-9);
            assert!((p.source_to_detector_distance - 1500.0).abs() < 1e-9);
            assert!(p.source_offset_x.abs() + p.source_offset_y.abs() + p.projection_offset_x.abs() < 1e-9);
        }
    }

    #[test]
    fn a_quarter_turn_out_of_plane_keeps_its_place() {
        // Seen from above: the source stands on the z axis, which is RTK's y.
        for height in [-800.0, 800.0_f64] {
            let view = View {
                source: Source::Point(height * DVec3::Z),
                detector_centre: -0.5 * height * DVec3::Z,
                u_step: DVec3::X,
                v_step: height.signum() * DVec3::Y,
            };
            let geometry = Geometry::new([4, 4], vec![view]).unwrap();
            testing::assert_same(&from_rtk([4, 4], [1.0, 1.0], &to_rtk(&geometry).unwrap()).unwrap(), &geometry);
        }
    }

    #[test]
    fn what_rtk_cannot_say_is_refused() {
        let message = |change: fn(&mut View)| {
            let mut views = testing::example("cone-circular").views()[..2].to_vec();
            change(&mut views[1]);
            to_rtk(&Geometry::new([4, 4], views).unwrap()).unwrap_err().to_string()
        };
        assert!(message(|v| v.u_step = -v.u_step).ends_with("u × v points away from the source"));
        assert!(
            message(|v| v.u_step = (v.u_step + v.v_step).normalize() * 2.0).ends_with("axes are not perpendicular")
        );
        assert!(message(|v| v.source = Source::Direction(DVec3::Y)).ends_with("parallel beams are not converted"));
    }

    proptest! {
        #[test]
        fn the_matrix_sends_pixels_to_their_place_in_the_image(
            angles in [0.0..360.0_f64, -80.0..80.0_f64, 0.0..360.0_f64],
            source in [-200.0..200.0_f64, -200.0..200.0_f64], centre in [-200.0..200.0_f64, -200.0..200.0_f64],
        ) {
            let given = RtkProjection {
                source_to_isocenter_distance: 1000.0, source_to_detector_distance: 1500.0,
                gantry_angle: angles[0], out_of_plane_angle: angles[1], in_plane_angle: angles[2],
                source_offset_x: source[0], source_offset_y: source[1],
                projection_offset_x: centre[0], projection_offset_y: centre[1],
            };
            let detector = [7, 5];
            let geometry = from_rtk(detector, [2.0, 3.0], &[given]).unwrap();
            let written = to_rtk(&geometry).unwrap()[0];
            let view = &geometry.views()[0];
            for (column, row) in [(0.0, 0.0), (6.0, 1.0), (2.5, 4.0)] {
                let pixel = view.pixel_mm(detector, column, row);
                let (start, _) = view.ray(detector, column, row);
                for depth in [1.0, 0.4] {
                    let p = exchange(start + depth * (pixel - start)).extend(1.0);
                    for matrix in [given.matrix(), written.matrix()] {
                        let [u, v, w] = matrix.map(|row| p.dot(row.into()));
                        prop_assert!((u / w - (column - 3.0) * 2.0).abs() < 1e-6, "u {}", u / w);
                        prop_assert!((v / w - (row - 2.0) * 3.0).abs() < 1e-6, "v {}", v / w);
                    }
                }
            }
        }
    }
}
