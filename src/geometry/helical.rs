use glam::DVec3;
use serde::{Deserialize, Serialize};

use super::angles::gantry;
use super::cone_circular::full_circle;
use super::panel::Panel;
use super::{Geometry, GeometryError, Source, check};

/// Largest angle of a helix, in degrees: 1,000 turns.
const MAX_ARC_DEG: f64 = 360_000.0;

/// Cone beam on a helix: source and detector turn about the z axis and advance along it.
///
/// ```text
/// t_k = start + k·arc/(views − 1)
/// z_k = advance·(t_k − start − arc/2)/360°, symmetric about the isocentre
/// ```
///
/// A helix is an open arc whatever its length, so both of its ends are measured. Angles and pixels otherwise follow
/// [`super::ConeCircular`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Helical {
    /// Distance from the focal spot to the rotation axis (SID), in millimetres.
    pub source_isocentre_mm: f64,
    /// Distance from the focal spot to the detector's plane (SDD), in millimetres; more than SID.
    pub source_detector_mm: f64,
    /// Number of views.
    pub views: usize,
    /// Angle of the first view, in degrees.
    #[serde(default)]
    pub start_deg: f64,
    /// Angle covered, in degrees: 360 per turn, not 0; negative turns clockwise seen from +z.
    #[serde(default = "full_circle")]
    pub arc_deg: f64,
    /// Advance along z per counter-clockwise turn (helix pitch), in millimetres; not 0.
    pub advance_mm: f64,
    /// Number of detector columns (u) and rows (v).
    #[serde(deserialize_with = "super::array::exact")]
    pub detector: [usize; 2],
    /// Distance between pixels along u and v, in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub pitch_mm: [f64; 2],
    /// Shift of the detector's centre from the central ray along u and v, in millimetres.
    #[serde(default, deserialize_with = "super::array::exact")]
    pub offset_mm: [f64; 2],
}

impl Helical {
    /// Angle of each view, in degrees.
    pub(super) fn angles_deg(&self) -> impl Iterator<Item = f64> {
        let gaps = (self.views.max(2) - 1) as f64;
        (0..self.views).map(move |k| self.start_deg + k as f64 * self.arc_deg / gaps)
    }

    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        check::distances(self.source_isocentre_mm, self.source_detector_mm)?;
        check::count("views", self.views)?;
        check::finite_deg("start_deg", self.start_deg)?;
        check::arc_deg(self.arc_deg, MAX_ARC_DEG)?;
        let advance = self.advance_mm;
        check::value(
            advance.is_finite() && advance != 0.0,
            "advance_mm",
            "finite and not 0 mm per turn",
            format!("{advance} mm"),
        )?;
        let panel = Panel::new(self.detector, self.pitch_mm, self.offset_mm)?;
        let views = (self.angles_deg())
            .map(|angle_deg| {
                let (towards_source, u) = gantry(angle_deg);
                let height = advance * (angle_deg - self.start_deg - self.arc_deg / 2.0) / 360.0 * DVec3::Z;
                let source = Source::Point(self.source_isocentre_mm * towards_source + height);
                let foot = (self.source_isocentre_mm - self.source_detector_mm) * towards_source + height;
                panel.view(source, foot, u, DVec3::Z)
            })
            .collect();
        Geometry::new(self.detector, views)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_turns_climb_twice_the_advance() {
        let scan = Helical {
            source_isocentre_mm: 500.0,
            source_detector_mm: 1000.0,
            views: 9,
            start_deg: 0.0,
            arc_deg: 720.0,
            advance_mm: 20.0,
            detector: [8, 4],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        };
        let geometry = scan.build().unwrap();
        let source = |k: usize| geometry.views()[k].ray([8, 4], 0.0, 0.0).0;
        assert_eq!(source(0), DVec3::new(0.0, -500.0, -20.0));
        assert_eq!(source(1), DVec3::new(500.0, 0.0, -15.0));
        assert_eq!(source(8), DVec3::new(0.0, -500.0, 20.0));
        assert_eq!(geometry.views()[1].detector_centre, DVec3::new(-500.0, 0.0, -15.0));
        let flat = Helical { advance_mm: 0.0, ..scan };
        assert_eq!(flat.build().unwrap_err().to_string(), "advance_mm must be finite and not 0 mm per turn, got 0 mm");
    }
}
