use std::path::Path;

use super::{
    IoError,
    error::excerpt,
    hdf5,
    input::Input,
    npy,
    raster::Header,
    sign::{self, Kind},
    text::read_text,
    volume::VolumeFormat,
};

/// Most angles that are read: as many as a geometry may have views.
const MAX_ANGLES: usize = 1 << 16;
/// Largest text: a line of 64 bytes for each.
const MAX_BYTES: u64 = 64 * MAX_ANGLES as u64;
const WHAT: &str = "the angles";

/// Reads the angle of each view, in degrees.
///
/// - Text: an angle a line; what follows # is a comment.
/// - `.npy`: an array of one axis.
/// - HDF5: the dataset that the path names, `FILE.h5:/path/to/dataset`, else `/exchange/theta` or the only one of one axis; in radians if its
///   `units` say so.
///
/// # Errors
/// [`IoError`] when the file cannot be read, holds none or more than 65,536, or a line is no number.
pub fn read_angles(path: impl AsRef<Path>) -> Result<Vec<f64>, IoError> {
    let path = path.as_ref();
    match sign::kind(path) {
        Ok(Kind::Volume(VolumeFormat::Npy)) => {
            let (header, input) = npy::open(Input::open(path)?)?;
            numbers(&header, input)
        }
        Ok(Kind::Volume(VolumeFormat::Hdf5)) => {
            let (header, input, units) = hdf5::open(path, &hdf5::ANGLES)?;
            let degrees = match units.as_deref().map(str::to_ascii_lowercase) {
                None => 1.0,
                Some(units) if units.starts_with("deg") || units == "°" => 1.0,
                Some(units) if units.starts_with("rad") => 1.0_f64.to_degrees(),
                Some(units) => return Err(input.field("units of the angles", units, "degrees or radians")),
            };
            Ok(numbers(&header, input)?.into_iter().map(|angle| degrees * angle).collect())
        }
        _ => {
            let text = read_text(path, "table of angles", MAX_BYTES)
                .map_err(|reason| IoError::Corrupt { path: path.to_owned(), reason: excerpt(reason) })?;
            lines(path, &text)
        }
    }
}

fn numbers(header: &Header, mut input: Input<'_>) -> Result<Vec<f64>, IoError> {
    let &[count @ 1..=MAX_ANGLES] = header.shape.as_slice() else {
        return Err(input.field("shape", format!("{:?}", header.shape), "one axis of 1 to 65536 angles"));
    };
    let mut bytes = vec![0; count * header.encoding.scalar.byte_count()];
    input.read(&mut bytes, WHAT)?;
    input.finish()?;
    let mut angles = Vec::with_capacity(count);
    header.encoding.decode_as(&bytes, &mut angles, |angle| angle);
    Ok(angles)
}

fn lines(path: &Path, text: &str) -> Result<Vec<f64>, IoError> {
    let refused = |field: String, got: &str, allowed: &str| IoError::Field {
        path: path.to_owned(),
        field,
        got: excerpt(got),
        allowed: allowed.to_owned(),
    };
    let mut angles = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let stated = line.split('#').next().unwrap_or_default().trim();
        if stated.is_empty() {
            continue;
        }
        let angle: Option<f64> = stated.parse().ok().filter(|angle: &f64| angle.is_finite());
        angles.push(angle.ok_or_else(|| refused(format!("line {}", number + 1), stated, "an angle in degrees"))?);
    }
    match angles.len() {
        1..=MAX_ANGLES => Ok(angles),
        count => Err(refused("the number of angles".to_owned(), &count.to_string(), "1 to 65536")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{npy::write_doubles, read_scan};

    #[test]
    fn angles_come_from_text_and_arrays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theta");
        let written = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_angles(&path)
        };
        assert_eq!(written(b"# degrees\n0\n 1.5 # second\r\n\n-3e1\n").unwrap(), [0.0, 1.5, -30.0]);
        let mut array = Vec::new();
        write_doubles(&mut array, &[2], &[0.1, 0.2]).unwrap();
        assert_eq!(written(&array).unwrap(), [0.1, 0.2]);
        assert!(written(&array[..array.len() - 1]).unwrap_err().to_string().contains("ends early"));
        assert!(written(b"0\nnan\n").unwrap_err().to_string().ends_with("line 2 must be an angle in degrees, got nan"));
        assert!(written(b"0, 1\n").unwrap_err().to_string().contains("line 1 must be an angle"));
        assert!(written(b"# none\n").unwrap_err().to_string().contains("number of angles must be 1 to 65536, got 0"));
    }

    #[test]
    fn a_geometry_names_its_angles() {
        let folder = tempfile::tempdir().unwrap();
        let (scan, angles) = (folder.path().join("scan.toml"), folder.path().join("theta.txt"));
        let text = "kind = \"parallel\"\nviews = 3\ndetector = [4, 1]\npitch_mm = [1, 1]\nangles = \"theta.txt\"\n";
        let read = |text: &str, list: &str| {
            std::fs::write(&scan, text).unwrap();
            std::fs::write(&angles, list).unwrap();
            read_scan(&scan)
        };
        let listed = read(text, "0\n90\n100\n").unwrap();
        let views = listed.build().unwrap();
        assert_eq!((views.views()[1].u_step, views.views().len()), (glam::DVec3::Y, 3));
        // What is written no longer needs the file.
        assert_eq!(crate::geometry::Scan::from_toml(&listed.to_toml().unwrap()).unwrap(), listed);
        let message = |text: &str, list: &str| read(text, list).unwrap_err().to_string();
        assert!(message(text, "0\n90\n").ends_with("scan.toml: angles must be as many as views = 3, got 2"));
        assert!(
            message(text, "0\nx\n1\n").contains("scan.toml: angles: ") && message(text, "0\nx\n").contains("line 2")
        );
        assert!(
            message(&format!("{text}arc_deg = 90\n"), "0\n1\n2\n").contains("start_deg and arc_deg must be left out")
        );
        assert!(message(&format!("{text}angles_deg = [1]\n"), "0\n").contains("are listed in angles_deg already"));
        assert!(message(&text.replace("\"theta.txt\"", "3"), "0\n").contains("must be a file's name, got an integer"));
        assert!(message(&text.replace("theta.txt", "none.txt"), "0\n").contains("none.txt"));
        assert!(crate::geometry::Scan::from_toml(text).unwrap_err().to_string().contains("list them as angles_deg"));
        let radiograph = "kind = \"radiograph\"\nsource_isocentre_mm = 10\nsource_detector_mm = 20\ndetector = [2, 2]\n\
                          pitch_mm = [1, 1]\nangles = \"theta.txt\"\n";
        assert!(message(radiograph, "0\n").contains("angles: go with parallel, fan and cone-circular, not radiograph"));
    }
}
