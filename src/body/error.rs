use std::path::PathBuf;

use thiserror::Error;

use crate::{data::DataError, geometry::GeometryError, physics::PhysicsError};

/// A body that cannot be made; always the caller's parameter or data.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BodyError {
    /// A number or a name is not what it may be.
    #[error("{what} must be {allowed}, got {got}")]
    Value {
        /// Name of the quantity, and what it belongs to.
        what: String,
        /// What is allowed, with its unit.
        allowed: String,
        /// What was given, with its unit.
        got: String,
    },
    /// A CT volume holds nothing that could be a body.
    #[error("no body in the CT: no part above {threshold_hu} HU is thicker than {thickness_mm} mm")]
    NoBody {
        /// What counts as tissue.
        threshold_hu: f64,
        /// What is too thin to be a body, in millimetres.
        thickness_mm: f64,
    },
    /// A label of a label map has no material.
    #[error("no material for label {label}, first at voxel {voxel:?}; labels with one: {allowed}")]
    NoMaterial {
        /// The label.
        label: u32,
        /// First voxel that has it: x, y, z.
        voxel: [usize; 3],
        /// Labels that have a material.
        allowed: String,
    },
    /// There is no place for an insert.
    #[error("no place for insert {insert} of {diameter_mm} mm in tissue of {} to {} g/cm³", density_g_cm3[0], density_g_cm3[1])]
    NoPlace {
        /// Number of the insert, from 1.
        insert: usize,
        /// Its diameter, in millimetres.
        diameter_mm: f64,
        /// Densities of the tissue that it was to lie in.
        density_g_cm3: [f64; 2],
    },
    /// A text that does not have the form it should have.
    #[error("line {line}: {message}")]
    Text {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// A file cannot be read.
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
        reason: Box<BodyError>,
    },
    /// A material that cannot be, or an energy without cross sections.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// A grid or a volume that cannot be.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Views that cannot be.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
}

impl BodyError {
    /// A number or a name that is not what it must be.
    pub(super) fn value(what: impl Into<String>, allowed: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Value { what: what.into(), allowed: allowed.into(), got: got.into() }
    }
}
