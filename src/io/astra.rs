use std::path::Path;

use super::{
    IoError,
    atomic::write_file,
    input::Input,
    npy,
    scalar::{Endian, Scalar},
};

/// Numbers of a view.
const COLUMNS: usize = 12;
/// Most views that are read: as many as a geometry may have.
const MAX_VIEWS: usize = 1 << 16;

/// Reads the vectors of an ASTRA geometry, `cone_vec` or `parallel3d_vec`: an `.npy` array of views × 12 doubles.
///
/// Single precision is read, too. The file does not say which of the two it is, nor the detector's size.
///
/// # Errors
/// [`IoError`] when the file cannot be read, is no such array, or holds NaN or infinity.
pub fn read_astra_vectors(path: impl AsRef<Path>) -> Result<Vec<[f64; COLUMNS]>, IoError> {
    decode(Input::open(path.as_ref())?)
}

/// Reads them from bytes in memory; `name` stands for the path in messages. See [`read_astra_vectors`].
///
/// # Errors
/// As for [`read_astra_vectors`].
pub fn decode_astra_vectors(name: &Path, bytes: &[u8]) -> Result<Vec<[f64; COLUMNS]>, IoError> {
    decode(Input::bytes(name, bytes))
}

/// Writes them as ASTRA takes them, `numpy.load("FILE.npy")`: doubles, views × 12.
///
/// # Errors
/// [`IoError`] when the file cannot be written.
pub fn write_astra_vectors(path: impl AsRef<Path>, rows: &[[f64; COLUMNS]]) -> Result<(), IoError> {
    write_file(path.as_ref(), |out| npy::write_doubles(out, &[COLUMNS, rows.len()], rows.as_flattened()))
}

fn decode(input: Input<'_>) -> Result<Vec<[f64; COLUMNS]>, IoError> {
    let (header, mut input) = npy::open(input)?;
    let shape: Vec<_> = header.shape.iter().rev().map(ToString::to_string).collect();
    let views = match header.shape[..] {
        [COLUMNS, views @ 1..=MAX_VIEWS] => views,
        _ => {
            let got = format!("({})", shape.join(", "));
            return Err(input.field("shape", got, "(views, 12), with 1 to 65536 views"));
        }
    };
    let (scalar, endian) = (header.encoding.scalar, header.encoding.endian);
    if !matches!(scalar, Scalar::F64 | Scalar::F32) {
        return Err(input.unsupported("an array of whole numbers", "save it with .astype(float)"));
    }
    // At most 6 MB, as the number of views is bounded.
    let mut bytes = vec![0; views * COLUMNS * scalar.byte_count()];
    input.read(&mut bytes, "the vectors")?;
    if endian == Endian::Big {
        bytes.chunks_exact_mut(scalar.byte_count()).for_each(<[u8]>::reverse);
    }
    let values: Vec<f64> = match scalar {
        Scalar::F64 => bytes.as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)).collect(),
        _ => bytes.as_chunks().0.iter().map(|&word| f64::from(f32::from_le_bytes(word))).collect(),
    };
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let field = format!("row {}, column {}", at / COLUMNS, at % COLUMNS);
        return Err(input.field(&field, values[at], "a finite number"));
    }
    input.finish()?;
    Ok(values.as_chunks().0.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), values].concat()
    }

    fn message(bytes: &[u8]) -> String {
        decode_astra_vectors(Path::new("vectors.npy"), bytes).unwrap_err().to_string()
    }

    #[test]
    fn vectors_survive_the_file_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.npy");
        let rows = [std::array::from_fn(|i| (i as f64).sqrt()), std::array::from_fn(|i| -1.0 / (i as f64 + 3.0))];
        write_astra_vectors(&path, &rows).unwrap();
        assert_eq!(read_astra_vectors(&path).unwrap(), rows);
        let big: Vec<u8> = rows.as_flattened().iter().flat_map(|v| v.to_be_bytes()).collect();
        assert_eq!(decode_astra_vectors(&path, &array(">f8", "(2, 12)", &big)).unwrap(), rows);
        let single: Vec<u8> = rows.as_flattened().iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
        let read = decode_astra_vectors(&path, &array("<f4", "(2, 12)", &single)).unwrap();
        assert!(read.as_flattened().iter().zip(rows.as_flattened()).all(|(a, b)| *a == f64::from(*b as f32)));
    }

    #[test]
    fn what_is_no_list_of_vectors_is_refused_in_a_line() {
        let allowed = "(views, 12), with 1 to 65536 views";
        let eleven = array("<f8", "(2, 11)", &[0; 176]);
        assert_eq!(message(&eleven), format!("vectors.npy: shape must be {allowed}, got (2, 11)"));
        let flat = array("<f8", "(12,)", &[0; 96]);
        assert_eq!(message(&flat), format!("vectors.npy: shape must be {allowed}, got (12)"));
        assert!(message(&array("<f8", "(0, 12)", &[])).contains("got (0, 12)"));
        assert!(message(&array("<f8", "(99999999, 12)", &[])).contains("got (99999999, 12)"));
        assert!(message(&array("<f8", "(2, 12)", &[0; 96])).contains("ends early"));
        assert!(message(&array("<f8", "(1, 12)", &[0; 97])).contains("goes on after"));
        assert!(message(&array("<i8", "(1, 12)", &[0; 96])).contains("whole numbers is not supported; save it with"));
        let mut values = [[0.0; 12]; 2];
        values[1][7] = f64::NAN;
        let bytes: Vec<u8> = values.as_flattened().iter().flat_map(|v| v.to_le_bytes()).collect();
        let expected = "vectors.npy: row 1, column 7 must be a finite number, got NaN";
        assert_eq!(message(&array("<f8", "(2, 12)", &bytes)), expected);
    }
}
