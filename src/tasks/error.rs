use thiserror::Error;

use crate::{
    data::{DataError, Unit},
    engine,
    geometry::GeometryError,
};

/// Why a task cannot be recorded or run.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// The projections do not belong to the geometry.
    #[error("projections have {got}, the geometry has {expected}")]
    Shape {
        /// What the geometry says.
        expected: String,
        /// What the projections are.
        got: String,
    },
    /// Values are in a unit that the task cannot use.
    #[error("{what} must be in {expected}, got {got}")]
    Unit {
        /// What is in the wrong unit.
        what: &'static str,
        /// Units that can be used.
        expected: &'static str,
        /// Unit given.
        got: Unit,
    },
    /// A number is outside its range.
    #[error("{field} must be {allowed}, got {got}")]
    Range {
        /// Name of the parameter.
        field: &'static str,
        /// Range in words.
        allowed: &'static str,
        /// Value given.
        got: f64,
    },
    /// The scanner is not usable.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The data are not usable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}
