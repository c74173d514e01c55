use serde::{Deserialize, Serialize};

use super::{ConeCircular, Geometry, GeometryError};

/// A single cone-beam view of an object whose centre is the isocentre.
///
/// The angle follows [`ConeCircular`]. In the patient's frame 0° is posterior–anterior (PA), 180° anterior–posterior
/// (AP), 90° a lateral with the source at the patient's right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Radiograph {
    /// Distance from the focal spot to the isocentre (SID), in millimetres.
    pub source_isocentre_mm: f64,
    /// Distance from the focal spot to the detector's plane (SDD), in millimetres; more than SID.
    pub source_detector_mm: f64,
    /// Angle of the view, in degrees.
    #[serde(default)]
    pub start_deg: f64,
    /// Number of detector columns (u) and rows (v).
    #[serde(deserialize_with = "super::array::exact")]
    pub detector: [usize; 2],
    /// Distance between pixels along u and v, in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub pitch_mm: [f64; 2],
    /// Shift of the detector's centre from the central ray along u and v, in millimetres.
    #[serde(default, deserialize_with = "super::array::exact")]
    pub offset_mm: [f64; 2],
    /// Turns of the detector about u, v and its normal, in degrees; see [`ConeCircular`].
    #[serde(default, deserialize_with = "super::array::exact", skip_serializing_if = "super::panel::is_upright")]
    pub tilt_deg: [f64; 3],
}

impl Radiograph {
    /// The view.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        let scan = ConeCircular {
            source_isocentre_mm: self.source_isocentre_mm,
            source_detector_mm: self.source_detector_mm,
            views: 1,
            start_deg: self.start_deg,
            arc_deg: 360.0,
            angles_deg: Vec::new(),
            detector: self.detector,
            pitch_mm: self.pitch_mm,
            offset_mm: self.offset_mm,
            tilt_deg: self.tilt_deg,
        };
        scan.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DVec3;

    #[test]
    fn a_chest_film_is_taken_from_behind() {
        let scan = Radiograph {
            source_isocentre_mm: 1650.0,
            source_detector_mm: 1800.0,
            start_deg: 0.0,
            detector: [3, 3],
            pitch_mm: [0.4, 0.4],
            offset_mm: [0.0, 0.0],
            tilt_deg: [0.0; 3],
        };
        let geometry = scan.build().unwrap();
        assert_eq!(geometry.views().len(), 1);
        assert_eq!(geometry.views()[0].ray([3, 3], 1.0, 1.0), (DVec3::new(0.0, -1650.0, 0.0), DVec3::Y));
    }
}
