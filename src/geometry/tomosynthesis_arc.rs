use glam::DVec3;
use serde::{Deserialize, Serialize};

use super::angles::{angles_deg, sin_cos_deg};
use super::panel::Panel;
use super::{Geometry, GeometryError, Source, Travel, check};

/// Tomosynthesis with a source on a circular arc about the isocentre.
///
/// The sweep is centred on 0°, where the source stands at (0, −SID, 0), and takes equal steps in angle:
///
/// ```text
/// source(β) = SID·(sin β·e − cos β·y),  e the axis of travel
/// β_k = −sweep/2 + k·sweep/(views − 1);  one view stands at β = 0
/// ```
///
/// The detector stands still at y = SDD − SID with u = +x and v = +z, or turns with the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TomosynthesisArc {
    /// Radius of the arc (SID), in millimetres.
    pub source_isocentre_mm: f64,
    /// Distance from source to detector at the centre of the sweep (SDD), in millimetres.
    pub source_detector_mm: f64,
    /// Angle covered, in degrees: above 0, below 180.
    pub sweep_deg: f64,
    /// Number of views.
    pub views: usize,
    /// World axis along which the source travels at the centre of the sweep.
    #[serde(default)]
    pub travel: Travel,
    /// Whether the detector turns with the source instead of standing still.
    #[serde(default)]
    pub detector_moves: bool,
    /// Number of detector columns (u) and rows (v).
    #[serde(deserialize_with = "super::array::exact")]
    pub detector: [usize; 2],
    /// Distance between pixels along u and v, in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub pitch_mm: [f64; 2],
    /// Shift of the detector's centre along u and v, in millimetres.
    #[serde(default, deserialize_with = "super::array::exact")]
    pub offset_mm: [f64; 2],
}

impl TomosynthesisArc {
    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        check::distances(self.source_isocentre_mm, self.source_detector_mm)?;
        check::sweep_deg(self.sweep_deg)?;
        check::count("views", self.views)?;
        let panel = Panel::new(self.detector, self.pitch_mm, self.offset_mm)?;
        let travel = self.travel.direction();
        let depth = self.source_detector_mm - self.source_isocentre_mm;
        let views = self
            .angles_deg()
            .map(|angle| {
                let (sin, cos) = sin_cos_deg(angle);
                let towards_source = sin * travel - cos * DVec3::Y;
                let source = Source::Point(self.source_isocentre_mm * towards_source);
                if !self.detector_moves {
                    return panel.view(source, depth * DVec3::Y, DVec3::X, DVec3::Z);
                }
                let along = cos * travel + sin * DVec3::Y;
                let (u, v) = match self.travel {
                    Travel::X => (along, DVec3::Z),
                    Travel::Z => (DVec3::X, along),
                };
                panel.view(source, -depth * towards_source, u, v)
            })
            .collect();
        Geometry::new(self.detector, views)
    }

    /// Angles of the views, in degrees.
    pub(super) fn angles_deg(&self) -> impl Iterator<Item = f64> {
        let start = if self.views == 1 { 0.0 } else { -self.sweep_deg / 2.0 };
        angles_deg(start, self.sweep_deg, self.views)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::ConeCircular;

    fn scan() -> TomosynthesisArc {
        TomosynthesisArc {
            source_isocentre_mm: 600.0,
            source_detector_mm: 650.0,
            sweep_deg: 50.0,
            views: 5,
            travel: Travel::Z,
            detector_moves: false,
            detector: [4, 6],
            pitch_mm: [1.0, 2.0],
            offset_mm: [3.0, 4.0],
        }
    }

    #[test]
    fn along_x_with_a_turning_detector_it_is_a_short_cone_scan() {
        let arc = TomosynthesisArc { travel: Travel::X, detector_moves: true, ..scan() }.build().unwrap();
        let cone = ConeCircular {
            source_isocentre_mm: 600.0,
            source_detector_mm: 650.0,
            views: 5,
            start_deg: -25.0,
            arc_deg: 50.0,
            angles_deg: Vec::new(),
            detector: [4, 6],
            pitch_mm: [1.0, 2.0],
            offset_mm: [3.0, 4.0],
            tilt_deg: [0.0; 3],
        };
        for (got, want) in arc.views().iter().zip(cone.build().unwrap().views()) {
            assert!(got.detector_centre.distance(want.detector_centre) < 1e-9);
            assert!(got.u_step.distance(want.u_step) < 1e-12 && got.v_step == want.v_step);
        }
    }

    #[test]
    fn along_z_the_turning_detector_faces_the_source() {
        let scan = TomosynthesisArc { detector_moves: true, offset_mm: [0.0; 2], ..scan() };
        for view in scan.build().unwrap().views() {
            let (source, _) = view.ray([4, 6], 0.0, 0.0);
            let central = (view.detector_centre - source).normalize();
            assert!(source.cross(central).length() < 1e-9);
            assert!(
                view.u_step.cross(view.v_step).normalize().distance(-central) < 1e-12,
                "u × v points at the source"
            );
        }
    }

    #[test]
    fn a_standing_detector_never_moves() {
        let geometry = scan().build().unwrap();
        assert!(geometry.views().iter().all(|v| v.detector_centre == DVec3::new(3.0, 50.0, 4.0)));
        let heights: Vec<_> = geometry.views().iter().map(|v| v.ray([4, 6], 0.0, 0.0).0.z).collect();
        assert!(heights.is_sorted() && heights[2] == 0.0 && heights[0] < 0.0, "{heights:?}");
    }
}
