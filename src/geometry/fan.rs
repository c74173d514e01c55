use serde::{Deserialize, Serialize};

use super::cone_circular::full_circle;
use super::{ConeCircular, Geometry, GeometryError, check};

/// Fan beam: a cone beam with a detector of one row.
///
/// It turns about the z axis in the plane z = 0. Angles and pixels follow [`ConeCircular`]. The row's pitch along v is the height of the slice at the detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    /// Distance from the focal spot to the rotation axis (SID), in millimetres.
    pub source_isocentre_mm: f64,
    /// Distance from the focal spot to the detector (SDD), in millimetres; more than SID.
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
    /// Number of detector columns (u) and rows (v); there is one row.
    #[serde(deserialize_with = "super::array::exact")]
    pub detector: [usize; 2],
    /// Distance between pixels along u, and height of the row, in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub pitch_mm: [f64; 2],
    /// Shift of the detector's centre from the central ray along u and v, in millimetres.
    #[serde(default, deserialize_with = "super::array::exact")]
    pub offset_mm: [f64; 2],
}

impl Fan {
    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the field that no scanner can have.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        let rows = self.detector[1];
        check::value(rows == 1, "detector rows of a fan", "1", rows.to_string())?;
        self.cone().build()
    }

    /// The same scan as a cone beam.
    #[must_use]
    pub fn cone(&self) -> ConeCircular {
        ConeCircular {
            source_isocentre_mm: self.source_isocentre_mm,
            source_detector_mm: self.source_detector_mm,
            views: self.views,
            start_deg: self.start_deg,
            arc_deg: self.arc_deg,
            angles_deg: self.angles_deg.clone(),
            detector: self.detector,
            pitch_mm: self.pitch_mm,
            offset_mm: self.offset_mm,
            tilt_deg: [0.0; 3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_has_one_row() {
        let mut scan = Fan {
            source_isocentre_mm: 500.0,
            source_detector_mm: 1000.0,
            views: 8,
            start_deg: 0.0,
            arc_deg: 360.0,
            angles_deg: Vec::new(),
            detector: [64, 1],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        };
        assert!(scan.build().unwrap().views().iter().all(|view| view.detector_centre.z == 0.0));
        scan.detector[1] = 2;
        assert_eq!(scan.build().unwrap_err().to_string(), "detector rows of a fan must be 1, got 2");
    }
}
