use std::path::PathBuf;

use thiserror::Error;

/// A material, a beam or an energy that the tables do not know; always the caller's parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PhysicsError {
    /// A number is outside what is allowed.
    #[error("{what} must be {allowed}, got {got}")]
    Value {
        /// Name of the quantity, and of the material or beam it belongs to.
        what: String,
        /// What is allowed, with its unit.
        allowed: String,
        /// What was given, with its unit.
        got: String,
    },
    /// A photon energy for which there are no cross sections.
    #[error("energy in {place} must be {} to {} keV, got {got_kev} keV", range_kev[0], range_kev[1])]
    Energy {
        /// Material, element or quantity that was asked for.
        place: String,
        /// Lowest and highest energy of the table, in keV.
        range_kev: [f64; 2],
        /// Energy given, in keV.
        got_kev: f64,
    },
    /// No element has this symbol.
    #[error("{place}no element has the symbol \"{got}\"; allowed: H to U")]
    UnknownElement {
        /// The material, with a colon behind it; empty where there is none.
        place: String,
        /// What was given.
        got: String,
    },
    /// Neither a built-in material nor an element nor one of the file has this name.
    #[error("no material is called \"{got}\"; allowed: symbols of elements, and {allowed}")]
    UnknownMaterial {
        /// What was given.
        got: String,
        /// Names of materials, separated by commas.
        allowed: String,
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
        reason: Box<PhysicsError>,
    },
}

impl PhysicsError {
    /// A number that is not what it must be.
    pub(super) fn value(what: impl Into<String>, allowed: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Value { what: what.into(), allowed: allowed.into(), got: got.into() }
    }
}
