use glam::DVec3;
use serde::{Deserialize, Serialize};

use super::panel::Panel;
use super::{Geometry, GeometryError, Source, Travel, check};

/// Tomosynthesis with a source that travels on a straight line in front of a flat detector.
///
/// The source line is y = −SID, the detector's plane is y = SDD − SID; the detector's u axis is +x and its v axis is
/// +z throughout. The sweep is the angle that the source line subtends **at the isocentre**, and the source takes
/// equal steps in **position**, not in angle:
///
/// ```text
/// s_k = −T/2 + k·T/(views − 1),  T = 2·SID·tan(sweep/2);  one view stands at s = 0
/// ```
///
/// A detector that moves slides the opposite way, so that the ray through the isocentre always meets its centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TomosynthesisLinear {
    /// Distance from the source line to the isocentre (SID), in millimetres.
    pub source_isocentre_mm: f64,
    /// Distance from the source line to the detector (SDD), in millimetres; more than SID.
    pub source_detector_mm: f64,
    /// Angle that the source line subtends at the isocentre, in degrees: above 0, below 180.
    pub sweep_deg: f64,
    /// Number of views.
    pub views: usize,
    /// World axis along which the source travels.
    #[serde(default)]
    pub travel: Travel,
    /// Whether the detector slides against the source instead of standing still.
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

impl TomosynthesisLinear {
    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        check::distances(self.source_isocentre_mm, self.source_detector_mm)?;
        check::sweep_deg(self.sweep_deg)?;
        check::count("views", self.views)?;
        let panel = Panel::new(self.detector, self.pitch_mm, self.offset_mm)?;
        let depth = self.source_detector_mm - self.source_isocentre_mm;
        let slide = if self.detector_moves { -depth / self.source_isocentre_mm } else { 0.0 };
        let views = self
            .positions_mm()
            .map(|position| {
                let shift = position * self.travel.direction();
                let source = Source::Point(shift - self.source_isocentre_mm * DVec3::Y);
                panel.view(source, depth * DVec3::Y + slide * shift, DVec3::X, DVec3::Z)
            })
            .collect();
        Geometry::new(self.detector, views)
    }

    /// Positions of the source along its line, in millimetres, zero opposite the isocentre.
    pub(super) fn positions_mm(&self) -> impl Iterator<Item = f64> {
        let half = self.source_isocentre_mm * (self.sweep_deg / 2.0).to_radians().tan();
        let gaps = (self.views.max(2) - 1) as f64;
        let first = if self.views == 1 { 0.0 } else { -half };
        (0..self.views).map(move |k| first + k as f64 * 2.0 * half / gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan() -> TomosynthesisLinear {
        TomosynthesisLinear {
            source_isocentre_mm: 1600.0,
            source_detector_mm: 1800.0,
            sweep_deg: 90.0,
            views: 3,
            travel: Travel::Z,
            detector_moves: false,
            detector: [3, 3],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        }
    }

    fn sources(scan: &TomosynthesisLinear) -> Vec<DVec3> {
        let geometry = scan.build().unwrap();
        geometry.views().iter().map(|view| view.ray([3, 3], 1.0, 1.0).0).collect()
    }

    #[test]
    fn the_source_takes_equal_steps_from_inferior_to_superior() {
        let expected = [-1600.0, 0.0, 1600.0].map(|z| DVec3::new(0.0, -1600.0, z));
        for (got, expected) in sources(&scan()).iter().zip(expected) {
            assert!(got.distance(expected) < 1e-9, "{got} is not {expected}");
        }
        assert_eq!(sources(&TomosynthesisLinear { views: 1, ..scan() }), [DVec3::new(0.0, -1600.0, 0.0)]);
        assert!(sources(&TomosynthesisLinear { travel: Travel::X, ..scan() })[2].x > 1599.0);
    }

    #[test]
    fn a_moving_detector_keeps_the_isocentre_on_its_centre() {
        let scan = TomosynthesisLinear { detector_moves: true, views: 7, ..scan() };
        for view in scan.build().unwrap().views() {
            let (source, direction) = view.ray([3, 3], 1.0, 1.0);
            assert!(source.cross(direction).length() < 1e-9, "the central ray misses the isocentre");
            assert_eq!(view.detector_centre.y, 200.0);
        }
    }

    #[test]
    fn a_sweep_of_half_a_turn_is_refused() {
        let error = TomosynthesisLinear { sweep_deg: 180.0, ..scan() }.build().unwrap_err();
        assert_eq!(error.to_string(), "sweep_deg must be more than 0° and less than 180°, got 180°");
    }
}
