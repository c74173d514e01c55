//! Marks as LUNA16's files have them, and how they fare against the truth.

use std::fmt::{self, Display, Formatter};

use glam::DVec3;
use kerma::metrics::froc::{Counts, Criterion, CurvePoint, Detections, Mark, Nodule, Scan};
use serde_json::{Value, json};

use crate::failure::Failure;

/// First line of the file, which kerma metrics froc passes over.
const FRAME: &str = "# centres in millimetres, LPS: x to the left, y posterior, z superior\n";
const HEADING: [&str; 6] = ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "probability"];

/// The file of marks, best first.
pub(super) fn table(case: &str, marks: &[Mark]) -> Result<String, Failure> {
    let mut table = csv::Writer::from_writer(FRAME.as_bytes().to_vec());
    table.write_record(HEADING).map_err(Failure::input)?;
    for mark in marks {
        let [x, y, z] = lps(mark.position_mm).map(|mm| format!("{mm:.3}"));
        let diameter = mark.diameter_mm.map_or_else(String::new, |mm| format!("{mm:.3}"));
        // Probabilities are numbers of single precision.
        let probability = (mark.score as f32).to_string();
        table.write_record([case, &x, &y, &z, &diameter, &probability]).map_err(Failure::input)?;
    }
    let bytes = table.into_inner().map_err(Failure::input)?;
    String::from_utf8(bytes).map_err(Failure::input)
}

/// A mark in the object for scripts.
pub(super) fn object(mark: &Mark) -> Value {
    json!({ "lps_mm": lps(mark.position_mm), "diameter_mm": mark.diameter_mm, "probability": mark.score })
}

/// A position of kerma's frame in that of LUNA16.
pub(super) fn lps(position_mm: DVec3) -> [f64; 3] {
    [-position_mm.x, -position_mm.y, position_mm.z]
}

/// Marks against the nodules of a scan.
pub(super) struct Judged {
    pub(super) counts: Counts,
    /// Empty for a scan without nodules: there is no share to find.
    pub(super) curve: Vec<CurvePoint>,
}

impl Judged {
    pub(super) fn new(nodules: Vec<Nodule>, marks: &[Mark]) -> Result<Self, Failure> {
        if nodules.is_empty() {
            let counts = Counts { scans: 1, false_marks: marks.len() as u64, ..Counts::default() };
            return Ok(Self { counts, curve: Vec::new() });
        }
        let scan = Scan { nodules, marks: marks.to_vec() };
        let detections = Detections::new(&[scan], Criterion::Sphere).map_err(Failure::input)?;
        Ok(Self { counts: detections.counts(f64::NEG_INFINITY), curve: detections.curve() })
    }

    pub(super) fn object(&self) -> Value {
        let Counts { nodules, hits, false_marks, .. } = self.counts;
        json!({ "nodules": nodules, "hits": hits, "false_marks": false_marks })
    }
}

impl Display for Judged {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Counts { nodules, hits, false_marks, .. } = self.counts;
        write!(f, "{hits} of {nodules} nodules found, {false_marks} false")
    }
}
