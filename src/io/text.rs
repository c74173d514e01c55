//! Small text files: scans, presets.

use std::{fs::File, io::Read, path::Path};

use super::read_angles;
use crate::geometry::{GeometryError, Scan};

/// Largest geometry file that is read: 65,536 explicit views take about 20 MB.
const MAX_SCAN_BYTES: u64 = 64 << 20;

/// Text of a file of at most so many bytes; `what` is what it should be, in the refusal of a larger one.
pub(crate) fn read_text(path: &Path, what: &str, most_bytes: u64) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    // One byte more than allowed tells a full file from one that is too large, without reading the rest.
    file.take(most_bytes + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > most_bytes {
        return Err(format!("a {what} file holds at most {most_bytes} bytes"));
    }
    Ok(text)
}

/// Reads a geometry file. Where it names a file of `angles`, that is looked for from the geometry's folder; see [`read_angles`].
///
/// # Errors
/// [`GeometryError::Read`] when the file cannot be read or is larger than a geometry can be, and what
/// [`Scan::from_toml`] refuses, with the file's name.
pub fn read_scan(path: impl AsRef<Path>) -> Result<Scan, GeometryError> {
    let path = path.as_ref();
    let text = read_text(path, "geometry", MAX_SCAN_BYTES)
        .map_err(|reason| GeometryError::Read { path: path.to_owned(), reason })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let angles = |name: &str| read_angles(folder.join(name)).map_err(|error| error.to_string());
    Scan::from_toml_beside(&text, angles)
        .map_err(|reason| GeometryError::InFile { path: path.to_owned(), reason: Box::new(reason) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_with_its_fault() {
        let text = Scan::example("cone-circular").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan.toml");
        let views = text.lines().find(|line| line.starts_with("views")).unwrap();
        std::fs::write(&path, text.replace(views, "views = 0")).unwrap();
        let expected = format!("{}: views must be 1 to 65536, got 0", path.display());
        assert_eq!(read_scan(&path).unwrap_err().to_string(), expected);
        std::fs::write(&path, text).unwrap();
        assert_eq!(read_scan(&path).unwrap().kind(), "cone-circular");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read_scan(&path).unwrap_err().to_string().contains(": cannot read: "));
        assert!(matches!(read_scan(folder.path()), Err(GeometryError::Read { .. })));
        assert!(matches!(read_scan(folder.path().join("none.toml")), Err(GeometryError::Read { .. })));
    }
}
