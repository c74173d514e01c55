use std::{io, path::PathBuf};

use thiserror::Error;

use crate::data::DataError;

/// A file that cannot be read or written; every message begins with the file's path.
///
/// Variants stand in the order of whose fault it is: the caller's, the system's, the file's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IoError {
    /// No reader or writer goes by this extension.
    #[error("{}: cannot {action} for extension \"{got}\"; allowed: {allowed}", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
        /// What was asked for, for instance "read a volume".
        action: &'static str,
        /// Extension found, without its dot; empty when there is none.
        got: String,
        /// Extensions that would do.
        allowed: &'static str,
    },
    /// The file states no spacing and the caller gave none.
    #[error("{}: carries no spacing; give {needed}", path.display())]
    SpacingMissing {
        /// The file.
        path: PathBuf,
        /// What the caller has to give, and how it is written.
        needed: &'static str,
    },
    /// The grid given by the caller is not of the file's size.
    #[error("{}: holds {file} values, but {given} were asked for", path.display())]
    SizeMismatch {
        /// The file.
        path: PathBuf,
        /// Size in the file.
        file: String,
        /// Size given.
        given: String,
    },
    /// A value that the sample type of the output cannot hold.
    #[error("{}: value {got} at index {index} does not fit {bits} bits; allowed: 0 to {max}", path.display())]
    SampleRange {
        /// The file.
        path: PathBuf,
        /// Index of the value, column fastest.
        index: usize,
        /// The value.
        got: f32,
        /// Significant bits of the image.
        bits: u8,
        /// Largest value of so many bits.
        max: u32,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, for instance "read".
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The data file that a detached header names cannot be read.
    #[error("{}: {field} names {}, which cannot be read: {source}", path.display(), data.display())]
    DataFile {
        /// The header.
        path: PathBuf,
        /// Field of the header that names the data file.
        field: String,
        /// The data file.
        data: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder that should take the file is not there.
    #[error("{}: folder {} does not exist", path.display(), folder.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// Writing ended because the caller asked for it; see [`crate::io::cancellable`].
    #[error("{}: not written: cancelled", path.display())]
    Cancelled {
        /// The file.
        path: PathBuf,
    },
    /// The disk has no room for the file.
    #[error("{}: {bytes} bytes will be written, but {free} are free on its disk", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// Bytes to be written.
        bytes: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The decoded values do not fit into memory.
    #[error("{}: {bytes} bytes for the decoded values cannot be allocated", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// Bytes asked for.
        bytes: u64,
    },
    /// The content is of another format than the extension says.
    #[error("{}: is not a {format} file: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Format expected.
        format: &'static str,
        /// What gave it away.
        reason: String,
    },
    /// A header field holds a value that is not allowed, or is missing.
    #[error("{}: {field} must be {allowed}, got {got}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Name of the field, as the format spells it.
        field: String,
        /// Value found.
        got: String,
        /// Values that would do.
        allowed: String,
    },
    /// The file ends before its header's promise is kept.
    #[error("{}: ends early: {expected} bytes are needed for {what}, at most {got} are there", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was being read.
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes that are there, or an upper bound for compressed data.
        got: u64,
    },
    /// Bytes follow where the file should end.
    #[error("{}: goes on after its last value{}", path.display(), extra_text(*.extra))]
    Trailing {
        /// The file.
        path: PathBuf,
        /// Number of bytes too many; unknown for compressed data.
        extra: Option<u64>,
    },
    /// The content contradicts itself or cannot be decoded.
    #[error("{}: is damaged: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The voxel axes are not perpendicular, which a regular grid cannot express.
    #[error(
        "{}: {field} shears the grid: cosine between voxel axes {} and {} is {cosine:.6}, at most {max} is allowed",
        path.display(), axes[0], axes[1]
    )]
    Shear {
        /// The file.
        path: PathBuf,
        /// Field that holds the axes.
        field: &'static str,
        /// The two axes.
        axes: [char; 2],
        /// Cosine of the angle between them.
        cosine: f64,
        /// Largest allowed cosine.
        max: f64,
    },
    /// Slices that do not make a volume.
    #[error("{}: is not one regular series: {reason}", path.display())]
    Series {
        /// The folder, or the file that breaks the series.
        path: PathBuf,
        /// Which slices and why.
        reason: String,
    },
    /// The format is right but this variant of it is not read or written.
    #[error("{}: {what} is not supported; {remedy}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The variant.
        what: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// The decoded values or their grid are not usable.
    #[error("{}: {source}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: DataError,
    },
}

fn extra_text(extra: Option<u64>) -> String {
    extra.map_or_else(String::new, |n| format!(": {n} bytes too many"))
}

/// Text taken from a file, fit for a message of one line: control characters escaped, cut after a while.
pub(super) fn excerpt(text: impl ToString) -> String {
    const MAX_CHARS: usize = 160;
    let text = text.to_string();
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let mut line: String = text.chars().take(MAX_CHARS).map(escape).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_is_one_short_line() {
        assert_eq!(excerpt("a\nb\0"), "a\\nb\\u{0}");
        assert_eq!(excerpt("µ".repeat(500)).chars().count(), 161);
    }
}
