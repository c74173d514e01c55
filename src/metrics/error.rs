use thiserror::Error;

use crate::data::DataError;

/// Why a metric has no value for these images or findings.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum MetricError {
    /// The two images differ in size.
    #[error("image must have the reference's {} pixels, got {}", times(*expected), times(*got))]
    Size {
        /// Columns and rows of the reference.
        expected: [usize; 2],
        /// Columns and rows of the image.
        got: [usize; 2],
    },
    /// Volumes that are compared lie on different grids.
    #[error("{what} must lie on the {like}'s grid {expected}, got {got}")]
    Grid {
        /// Which volume.
        what: &'static str,
        /// The volume it is compared with.
        like: &'static str,
        /// Grid of that volume.
        expected: String,
        /// Grid of the volume.
        got: String,
    },
    /// The image is too small for the windows of the metric.
    #[error("{metric} needs sides of {least} pixels or more, got {}", times(*got))]
    TooSmall {
        /// Name of the metric.
        metric: &'static str,
        /// Least number of columns and of rows.
        least: usize,
        /// Columns and rows of the image or region.
        got: [usize; 2],
    },
    /// A setting that is out of its bounds.
    #[error("{what} must be {allowed}, got {got}")]
    Setting {
        /// Name of the setting.
        what: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// Value given.
        got: f64,
    },
    /// A region or insert that reaches beyond the image.
    #[error("{what} must lie within the image of {} pixels", times(*size))]
    Outside {
        /// What reaches beyond, with its numbers.
        what: String,
        /// Columns and rows of the image.
        size: [usize; 2],
    },
    /// A text is no region.
    #[error("region must read X,Y,WIDTH,HEIGHT in whole pixels, got \"{got}\"")]
    RegionText {
        /// The text given.
        got: String,
    },
    /// A number of a nodule or of a mark that cannot be counted.
    #[error("scan {scan}, {item} {index}: {what} must be {allowed}, got {got}")]
    Finding {
        /// Place of the scan in the list, from 0.
        scan: usize,
        /// "nodule" or "mark".
        item: &'static str,
        /// Its place in the scan, from 0.
        index: usize,
        /// Name of the number.
        what: &'static str,
        /// What is allowed.
        allowed: &'static str,
        /// Value given.
        got: String,
    },
    /// Two detectors did not read the same scans.
    #[error("detectors are compared on the same scans, but {reason}")]
    Unpaired {
        /// What differs.
        reason: String,
    },
    /// The image has nothing from which the metric could be told.
    #[error("{metric} is not defined: {reason}")]
    Undefined {
        /// Name of the metric.
        metric: &'static str,
        /// What is missing, with its numbers.
        reason: String,
    },
    /// Values that are not finite.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl MetricError {
    /// Whether the request was sound and only these pixels do not give the number: too few, or without an edge.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::TooSmall { .. } | Self::Undefined { .. })
    }
}

fn times([columns, rows]: [usize; 2]) -> String {
    format!("{columns}x{rows}")
}
