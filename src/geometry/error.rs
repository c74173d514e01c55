use std::path::PathBuf;

use thiserror::Error;

/// A scanner that cannot exist, or a file that describes none: the caller's parameter.
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
    /// A field of a named geometry is outside what it may hold.
    #[error("{field} must be {allowed}, got {got}")]
    Value {
        /// Name of the field.
        field: &'static str,
        /// What is allowed, in words.
        allowed: String,
        /// Value given, with its unit.
        got: String,
    },
    /// A vector of a view holds NaN or infinity.
    #[error("view {view}: {field} must be finite")]
    NotFinite {
        /// Index of the view.
        view: usize,
        /// Name of the field.
        field: &'static str,
    },
    /// The direction of parallel rays is not a unit vector.
    #[error("view {view}: direction must have length 1, got {got}")]
    NotUnit {
        /// Index of the view.
        view: usize,
        /// Length given.
        got: f64,
    },
    /// A view names both a focal spot and a direction, or neither.
    #[error("view {view}: give either source_mm or direction")]
    SourceChoice {
        /// Index of the view.
        view: usize,
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
    /// A focal spot lies inside the object.
    #[error("view {view}: the source at {source_mm:?} mm lies inside the volume {grid}")]
    SourceInside {
        /// Index of the view.
        view: usize,
        /// Position of the focal spot.
        source_mm: [f64; 3],
        /// The volume's grid, in words.
        grid: String,
    },
    /// The views have no orbit that an analytic reconstruction can use.
    #[error("no circular orbit: {reason}")]
    NoOrbit {
        /// What stands in the way, with names and numbers.
        reason: String,
    },
    /// Another program's convention cannot express a view.
    #[error("view {view} cannot be written for {program}: {reason}")]
    Inexpressible {
        /// Index of the view.
        view: usize,
        /// Name of the other program.
        program: &'static str,
        /// What stands in the way.
        reason: &'static str,
    },
    /// The `kind` of a geometry file is unknown or missing.
    #[error("kind must be one of {allowed}, got {got}")]
    Kind {
        /// The kinds there are.
        allowed: String,
        /// What the file says.
        got: String,
    },
    /// A geometry file is not TOML, or a field is missing, unknown or of the wrong type.
    #[error("{place}: {message}")]
    Toml {
        /// Where: a line number, or the kind of the scan when the whole file is meant.
        place: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// A geometry file cannot be read.
    #[error("{}: cannot read: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Any of the other errors, met in a file.
    #[error("{}: {reason}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: Box<GeometryError>,
    },
}
