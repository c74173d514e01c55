use thiserror::Error;

/// A scanner that cannot exist; always the caller's parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GeometryError {
    /// A number of things is zero or too large.
    #[error("{field} must be 1 to {max}, got {got}")]
    Count {
        /// Name of the field.
        field: &'static str,
        /// Number given.
        got: usize,
        /// Largest allowed number.
        max: usize,
    },
    /// A vector of a view holds NaN or infinity.
    #[error("view {view}: {field} must be finite")]
    NotFinite {
        /// Index of the view.
        view: usize,
        /// Name of the field.
        field: &'static str,
    },
    /// The pixel steps span no area.
    #[error("view {view}: u_step and v_step must be non-zero and not parallel")]
    FlatPixels {
        /// Index of the view.
        view: usize,
    },
    /// The rays run along the detector's plane.
    #[error("view {view}: the source lies in the detector's plane")]
    EdgeOn {
        /// Index of the view.
        view: usize,
    },
}
