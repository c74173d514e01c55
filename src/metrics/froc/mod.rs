//! Free-response ROC: how many nodules a detector finds at how many false marks per scan, as LUNA16 counts them.
//!
//! ```text
//! Scan { nodules, marks } → Detections: which mark hits which nodule → curve, CPM, sensitivity, precision, size, each with
//! an interval over scans
//! ```
//!
//! - Positions are in the world frame, in millimetres; nodules and marks in one frame is all that matters.
//! - The unit of the statistics is the scan (the body), never the nodule: nodules of one scan are not independent.
//! - Scans without nodules belong to the list: their false marks count.
//!
//! ```
//! use kerma::{glam::DVec3, metrics::froc::{Bootstrap, Criterion, Detections, Mark, Nodule, Scan}};
//!
//! let nodule = Nodule { centre_mm: DVec3::new(40.0, 10.0, -20.0), diameter_mm: 8.0, is_excluded: false };
//! let at = |x, score| Mark { position_mm: DVec3::new(x, 10.0, -20.0), score, diameter_mm: None };
//! let scans = [
//!     Scan { nodules: vec![nodule], marks: vec![at(42.0, 0.9), at(80.0, 0.4)] },
//!     Scan { nodules: vec![], marks: vec![at(7.0, 0.3)] },
//! ];
//! let froc = Detections::new(&scans, Criterion::Sphere)?.froc(&Bootstrap::default())?;
//! assert_eq!(froc.cpm.value, 1.0);
//! # Ok::<(), kerma::metrics::MetricError>(())
//! ```

mod detections;
mod findings;
mod measures;

pub use detections::{Counts, CurvePoint, Detections, RATES};
pub use findings::{Criterion, Mark, Nodule, Scan};
pub use measures::{Froc, Measure};

// Whoever counts nodules needs them.
pub use super::bootstrap::{Bootstrap, Comparison, Estimate, Verdict};
