//! Bare values in a file of their own, described by a small TOML file beside it; read only.
//!
//! - The fields are those that [`crate::io`] shows; a TOML file with a `kind` is a geometry, and refused.
//! - The length of the data must be what the header says, which is compared before anything is allocated.
//! - Position: along the world's axes, centred on the origin, where `spacing_mm` is stated.

use serde::Deserialize;

use super::{
    IoError,
    input::Input,
    raster::Header,
    scalar::{Encoding, Endian, Scalar},
    unit_text::{unit_of_text, unit_text},
};
use crate::data::{Grid, Unit};

const TYPES: &str = "u8, i8, u16, i16, u32, i32, u64, i64, f32 or f64";
const FORMAT: &str = "header of raw values";

/// The fields of a header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    data: String,
    #[serde(rename = "type")]
    scalar: String,
    endian: Option<String>,
    shape: Vec<usize>,
    #[serde(default)]
    offset_bytes: u64,
    spacing_mm: Option<Vec<f64>>,
    unit: Option<String>,
}

/// Reads a header and opens the file of its values at the first one.
pub(super) fn open(mut input: Input<'_>) -> Result<(Header, Input<'static>), IoError> {
    let fields = fields(&mut input)?;
    let encoding = encoding(&input, &fields)?;
    let bytes = fields.shape.iter().fold(encoding.scalar.byte_count() as u64, |all, &n| all.saturating_mul(n as u64));
    if !(1..=3).contains(&fields.shape.len()) || fields.shape.contains(&0) {
        return Err(input.field(
            "shape",
            format!("{:?}", fields.shape),
            "1 to 3 whole numbers above 0, fastest axis first",
        ));
    }
    let grid = grid(&input, &fields)?;
    let unit = match fields.unit.as_deref().map(|text| (text, unit_of_text(text))) {
        None => Unit::Arbitrary,
        Some((text, Unit::Arbitrary)) if text != unit_text(Unit::Arbitrary) => {
            const UNITS: &str = "counts, HU, 1/mm, line-integral, transmission, keV, mm, mGy or arbitrary";
            return Err(input.field("unit", text, UNITS));
        }
        Some((_, unit)) => unit,
    };
    let mut data = input.sibling("data", &fields.data)?;
    let (got, needed) = (data.left(), fields.offset_bytes.saturating_add(bytes));
    if got != needed {
        let size = fields.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        let (offset, scalar) = (fields.offset_bytes, &fields.scalar);
        let allowed = format!("a file of {needed} bytes: {size} values of {scalar} behind {offset} bytes");
        return Err(input.field("data", format!("{got} bytes in {}", fields.data), &allowed));
    }
    data.skip(fields.offset_bytes, "what stands before the values")?;
    let header = Header { grid, has_spacing: grid.is_some(), shape: fields.shape, unit, encoding };
    Ok((header, data))
}

fn fields(input: &mut Input<'_>) -> Result<Fields, IoError> {
    let text = input.text(FORMAT)?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| input.not_a(FORMAT, error.message()))?;
    if table.contains_key("kind") {
        return Err(input.not_a(FORMAT, "it is a geometry file, which has a kind"));
    }
    table.try_into().map_err(|error: toml::de::Error| input.not_a(FORMAT, error.message()))
}

fn encoding(input: &Input<'_>, fields: &Fields) -> Result<Encoding, IoError> {
    let scalar = match fields.scalar.as_str() {
        "u8" => Scalar::U8,
        "i8" => Scalar::I8,
        "u16" => Scalar::U16,
        "i16" => Scalar::I16,
        "u32" => Scalar::U32,
        "i32" => Scalar::I32,
        "u64" => Scalar::U64,
        "i64" => Scalar::I64,
        "f32" => Scalar::F32,
        "f64" => Scalar::F64,
        got => return Err(input.field("type", got, TYPES)),
    };
    let endian = match fields.endian.as_deref() {
        Some("little") => Endian::Little,
        Some("big") => Endian::Big,
        None if scalar.byte_count() == 1 => Endian::Little,
        got => return Err(input.field("endian", got.unwrap_or("nothing"), "little or big")),
    };
    Ok(Encoding::new(scalar, endian))
}

/// Where the voxels lie, centred, if spacing is stated; a second axis alone has slices of one millimetre.
fn grid(input: &Input<'_>, fields: &Fields) -> Result<Option<Grid>, IoError> {
    let Some(spacing) = &fields.spacing_mm else { return Ok(None) };
    if spacing.len() != fields.shape.len() || spacing.len() < 2 {
        return Err(input.field("spacing_mm", format!("{spacing:?}"), "a number for each axis of shape, 2 or 3"));
    }
    let size = [fields.shape[0], fields.shape[1], fields.shape.get(2).copied().unwrap_or(1)];
    let spacing = [spacing[0], spacing[1], spacing.get(2).copied().unwrap_or(1.0)];
    let grid = Grid::centred(size, spacing);
    grid.map(Some).map_err(|source| IoError::Data { path: input.path().to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use crate::{
        data::Unit,
        io::{ProjectionStream, read_projections, read_volume},
    };

    const HEADER: &str = "data = \"v.raw\"\ntype = \"u16\"\nendian = \"big\"\nshape = [3, 2, 2]\noffset_bytes = 5\nspacing_mm = [0.5, 1, 2]\nunit = \"counts\"\n";

    fn scan(header: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..12_u16).flat_map(|i| (1000 * i).to_be_bytes()).collect();
        fs::write(folder.path().join("v.raw"), [&[7; 5][..], &bytes].concat()).unwrap();
        let path = folder.path().join("scan.toml");
        fs::write(&path, header).unwrap();
        (folder, path)
    }

    #[test]
    fn values_are_read_as_the_header_says() {
        let (_folder, path) = scan(HEADER);
        let expected: Vec<f32> = (0..12).map(|i| 1000.0 * i as f32).collect();
        let volume = read_volume(&path, None).unwrap();
        assert_eq!((volume.values(), volume.unit(), volume.grid().size()), (&expected[..], Unit::Counts, [3, 2, 2]));
        assert_eq!(volume.grid().spacing_mm().to_array(), [0.5, 1.0, 2.0]);
        assert_eq!(volume.grid().centre_mm().to_array(), [0.0; 3]);
        let stack = read_projections(&path, None).unwrap();
        assert_eq!((stack.values(), stack.views(), stack.pitch_mm()), (&expected[..], 2, [0.5, 1.0]));
        let mut stream = ProjectionStream::open(&path, None).unwrap();
        stream.skip(1).unwrap();
        assert_eq!(stream.read(1).unwrap(), expected[6..]);
    }

    #[test]
    fn what_a_header_says_wrongly_is_named() {
        for (from, to, words) in [
            (
                "[3, 2, 2]",
                "[3, 2, 3]",
                "data must be a file of 41 bytes: 3x2x3 values of u16 behind 5 bytes, got 29 bytes in v.raw",
            ),
            ("[3, 2, 2]", "[65536, 65536, 65536]", "volume of 65536x65536x65536 has more than"),
            ("[3, 2, 2]", "[3, 0, 2]", "shape must be 1 to 3 whole numbers above 0"),
            ("u16", "u12", "type must be u8, i8"),
            ("\"big\"", "\"middle\"", "endian must be little or big, got middle"),
            ("v.raw", "../v.raw", "data must be the name of a file beside its header"),
            ("v.raw", "none.raw", "data names"),
            ("counts", "apples", "unit must be counts, HU"),
            ("[0.5, 1, 2]", "[0.5, 1]", "spacing_mm must be a number for each axis"),
            ("[0.5, 1, 2]", "[0.5, -1, 2]", "spacing must be positive"),
            ("offset_bytes", "skip_bytes", "unknown field `skip_bytes`"),
            ("data =", "kind =", "it is a geometry file, which has a kind"),
            ("type", "=", "is not a header of raw values file"),
        ] {
            let (_folder, path) = scan(&HEADER.replace(from, to));
            let message = read_volume(&path, None).unwrap_err().to_string();
            assert!(message.contains(words) && !message.contains('\n'), "{from} to {to}: {message}");
            assert!(read_projections(&path, None).is_err(), "{to}");
        }
    }
}
