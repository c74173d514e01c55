//! Programs whose files are read and written, and what of a scan their files do not state.

use std::{fmt, path::Path};

use clap::ValueEnum;

use crate::failure::Failure;

/// A program that scans are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Program {
    /// Vectors of the ASTRA toolbox, .npy of views x 12
    Astra,
    /// Geometry of RTK, XML of version 3
    Rtk,
    /// Fields of TIGRE's geometry object, .json
    Tigre,
    /// Parameters of LEAP, as its load_parameters reads them
    Leap,
}

/// A kind of file that scans are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Vectors of the ASTRA toolbox, .npy of views x 12
    Astra,
    /// Geometry of RTK, XML of version 3
    Rtk,
    /// Fields of TIGRE's geometry object, .json
    Tigre,
    /// Parameters of LEAP, .cfg, as its save_parameters writes them
    Leap,
    /// Table of a trajectory, .csv with a heading
    Table,
}

impl Kind {
    /// The kind that a file's extension says.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match &*extension {
            "npy" => Ok(Self::Astra),
            "xml" => Ok(Self::Rtk),
            "json" => Ok(Self::Tigre),
            "cfg" => Ok(Self::Leap),
            "csv" => Ok(Self::Table),
            _ => Err(Failure::input(format!(
                "cannot tell what extension \"{extension}\" holds: .xml is RTK's, .npy ASTRA's, .cfg LEAP's, .json TIGRE's, .csv a table; \
                 say it with --from"
            ))
            .in_file(path)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Astra => "ASTRA's vectors",
            Self::Rtk => "RTK's geometry",
            Self::Tigre => "TIGRE's geometry",
            Self::Leap => "LEAP's parameters",
            Self::Table => "the table",
        })
    }
}
