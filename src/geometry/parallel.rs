use glam::DVec3;
use serde::{Deserialize, Serialize};

use super::angles::{Turn, gantry};
use super::panel::Panel;
use super::{Geometry, GeometryError, Source};

/// Parallel beam that turns about the z axis.
///
/// Angles follow [`super::ConeCircular`] with the source infinitely far away: rays run along (−sin t, cos t, 0).
/// The detector's plane passes through the isocentre, which changes no line integral.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    /// Number of views.
    pub views: usize,
    /// Angle of the first view, in degrees.
    #[serde(default)]
    pub start_deg: f64,
    /// Angle covered, in degrees: −360 to 360, not 0. Half a turn measures every line once.
    #[serde(default = "half_circle")]
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
}

fn half_circle() -> f64 {
    180.0
}

impl Parallel {
    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        let angles = self.turn().angles_deg()?;
        let panel = Panel::new(self.detector, self.pitch_mm, self.offset_mm)?;
        let views = angles
            .into_iter()
            .map(|angle| {
                let (towards_source, u) = gantry(angle);
                panel.view(Source::Direction(-towards_source), DVec3::ZERO, u, DVec3::Z)
            })
            .collect();
        Geometry::new(self.detector, views)
    }

    /// The angles of its views.
    pub(crate) fn turn(&self) -> Turn<'_> {
        let Self { views, start_deg, arc_deg, .. } = *self;
        Turn { views, start_deg, arc_deg, usual_arc_deg: half_circle(), listed: &self.angles_deg }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rays_run_from_posterior_to_anterior_at_zero() {
        let scan = Parallel {
            views: 3,
            start_deg: 0.0,
            arc_deg: 180.0,
            angles_deg: Vec::new(),
            detector: [4, 4],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        };
        let geometry = scan.build().unwrap();
        let directions: Vec<_> = geometry.views().iter().map(|view| view.source).collect();
        assert_eq!(directions, [DVec3::Y, -DVec3::X, -DVec3::Y].map(Source::Direction));
    }
}
