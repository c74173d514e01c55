use thiserror::Error;

use super::{bm3d::Bm3dError, simulate::ProtocolError};
use crate::{
    body::BodyError,
    data::{DataError, Unit},
    engine,
    geometry::GeometryError,
    kernels::clahe::ClaheError,
    phantom::PhantomError,
    physics::PhysicsError,
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
    /// A name is none of those there are.
    #[error("{what} must be one of {allowed}, got \"{got}\"")]
    Name {
        /// What is named.
        what: &'static str,
        /// The names there are.
        allowed: String,
        /// Name given.
        got: String,
    },
    /// A list has the wrong length.
    #[error("{field} must have {expected} values, one per {each}, got {got}")]
    Count {
        /// Name of the parameter.
        field: &'static str,
        /// What each value is for.
        each: &'static str,
        /// Length that would do.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// The scan does not measure what is to be reconstructed.
    #[error("the scan does not measure the volume: {reason}")]
    NotMeasured {
        /// What is missing, with numbers.
        reason: String,
    },
    /// The memory given is too little.
    #[error("{what} needs at least {needed_bytes} bytes of memory, {given_bytes} are given")]
    Memory {
        /// What needs it.
        what: &'static str,
        /// Least bytes that would do.
        needed_bytes: u64,
        /// Bytes given.
        given_bytes: u64,
    },
    /// A method cannot do what it is asked for.
    #[error("{method} {reason}")]
    Method {
        /// Name of the method.
        method: &'static str,
        /// What it can or needs, in words.
        reason: &'static str,
    },
    /// An iteration moves away from what was measured.
    #[error(
        "iteration {iteration} diverges: what is left is {residual:.3e} of what was measured, it began with {first:.3e}; a smaller \
         relaxation or an exact adjoint may help"
    )]
    Diverged {
        /// Number of the iteration.
        iteration: usize,
        /// Norm of what is left over that of what was measured.
        residual: f64,
        /// The same at the start.
        first: f64,
    },
    /// Two parameters that exclude each other.
    #[error("give {} or {}, not both", fields[0], fields[1])]
    Exclusive {
        /// Their names.
        fields: [&'static str; 2],
    },
    /// Two images that belong together differ in size.
    #[error("{what} must be of {}x{} pixels like the {like}, got {}x{}", expected[0], expected[1], got[0], got[1])]
    Size {
        /// The image of the wrong size.
        what: &'static str,
        /// The image it belongs to.
        like: &'static str,
        /// Columns and rows of the latter.
        expected: [usize; 2],
        /// Columns and rows given.
        got: [usize; 2],
    },
    /// Two volumes that belong together do not have the same voxels.
    #[error("{what} must be on the {like}'s grid of {expected}, got {got}")]
    Grid {
        /// The volume that does not fit.
        what: &'static str,
        /// The volume it belongs to.
        like: &'static str,
        /// Grid of the latter.
        expected: String,
        /// Grid given.
        got: String,
    },
    /// Something is asked for that the options leave out.
    #[error("stage {stage} is not part of this enhancement: {reason}")]
    Absent {
        /// Name of the stage.
        stage: String,
        /// What is missing, in words.
        reason: &'static str,
    },
    /// The scanner is not usable.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The local histogram equalisation cannot work with these parameters or on this image.
    #[error("clahe: {0}")]
    Clahe(#[from] ClaheError),
    /// The filter cannot work on this image.
    #[error(transparent)]
    Bm3d(#[from] Bm3dError),
    /// The phantom is not usable.
    #[error(transparent)]
    Phantom(#[from] PhantomError),
    /// The body is not usable.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The physics' tables do not reach so far, or a number is none that they know.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
    /// The protocol is not usable.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The data are not usable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}
