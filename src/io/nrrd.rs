//! NRRD: `.nrrd` with its data behind the header; `.nhdr` with one data file beside it is read too.
//!
//! - Position: `space` names the frame (RAS, LPS or LAS); `space directions` are the steps from voxel to voxel and
//!   `space origin` is the centre of voxel (0, 0, 0). Without `space` only `spacings` count; without either, the caller's grid.
//! - Values: raw or gzip. No rescaling exists.
//! - Unit: arbitrary unless kerma wrote the file.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use glam::{DMat3, DVec3};

use super::{
    IoError,
    frame::{Frame, Placement},
    input::{Input, Packing},
    raster::{Header, Raster},
    scalar::{Encoding, Endian, Scalar, write_f32},
    unit_text::{UNIT_FIELD, unit_of_text, unit_text},
};

const FORMAT: &str = "NRRD";
/// Most fields of one header.
const MAX_FIELDS: usize = 256;

/// Fields and key/value pairs of a header; field names in lower case.
struct Fields(HashMap<String, String>);

impl Fields {
    fn get(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|&name| self.0.get(name).map(|value| (name, value.as_str())))
    }

    fn need(&self, input: &Input<'_>, name: &'static str, allowed: &str) -> Result<&str, IoError> {
        self.get(&[name]).map(|f| f.1).ok_or_else(|| input.field(name, "nothing", allowed))
    }
}

/// Reads the header and gives the input of the values, which may be another file.
pub(super) fn open(mut input: Input<'_>) -> Result<(Header, Input<'_>), IoError> {
    let fields = read_fields(&mut input)?;
    let axes = match fields.need(&input, "dimension", "2 or 3")? {
        "2" => 2,
        "3" => 3,
        got => return Err(input.field("dimension", got, "2 or 3")),
    };
    let text = fields.need(&input, "sizes", "whole numbers")?;
    let sizes: Option<Vec<usize>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
    let size = match sizes.as_deref() {
        Some(&[x, y]) if axes == 2 => [x, y, 1],
        Some(&[x, y, z]) if axes == 3 => [x, y, z],
        _ => return Err(input.field("sizes", format!("\"{text}\""), &format!("{axes} whole numbers"))),
    };
    let encoding = encoding(&input, &fields)?;
    let (field, placement) = placement(&input, &fields, axes)?;
    let grid = placement.grid(input.path(), field, size)?;
    let has_spacing = fields.get(&["space directions", "spacings"]).is_some();
    let unit = fields.get(&[UNIT_FIELD]).map(|(_, text)| unit_of_text(text)).unwrap_or_default();
    let header = Header { grid: Some(grid), has_spacing, shape: size.to_vec(), unit, encoding };
    Ok((header, data(input, &fields)?))
}

fn read_fields(input: &mut Input<'_>) -> Result<Fields, IoError> {
    let magic = input.line("the NRRD magic")?.unwrap_or_default();
    if !(magic.len() == 8 && magic.starts_with("NRRD000")) {
        return Err(input.not_a(FORMAT, "it does not begin with NRRD000"));
    }
    if !("1"..="5").contains(&&magic[7..]) {
        return Err(input.field("version", &magic, "NRRD0001 to NRRD0005"));
    }
    let mut fields = HashMap::new();
    while fields.len() < MAX_FIELDS {
        let Some(line) = input.line("the NRRD header")? else {
            // A detached header needs no empty line at its end.
            if fields.contains_key("data file") || fields.contains_key("datafile") {
                return Ok(Fields(fields));
            }
            return Err(input.corrupt("its header does not end with an empty line"));
        };
        if line.is_empty() {
            return Ok(Fields(fields));
        }
        if line.starts_with('#') {
            continue;
        }
        let (name, value) = match (line.split_once(":="), line.split_once(": ")) {
            (Some((key, value)), _) => (key.to_owned(), value),
            (None, Some((name, value))) => (name.trim().to_ascii_lowercase(), value.trim()),
            (None, None) => return Err(input.corrupt(format!("header line \"{line}\" has no \": \""))),
        };
        fields.insert(name, value.to_owned());
    }
    Err(input.corrupt(format!("its header has more than {MAX_FIELDS} fields")))
}

fn encoding(input: &Input<'_>, fields: &Fields) -> Result<Encoding, IoError> {
    const TYPES: &str = "a real number type, for instance short or float";
    let scalar = match fields.need(input, "type", TYPES)? {
        "signed char" | "int8" | "int8_t" => Scalar::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => Scalar::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => Scalar::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => Scalar::U16,
        "int" | "signed int" | "int32" | "int32_t" => Scalar::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => Scalar::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => Scalar::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => Scalar::U64,
        "float" => Scalar::F32,
        "double" => Scalar::F64,
        got => return Err(input.field("type", got, TYPES)),
    };
    let endian = match fields.get(&["endian"]).map(|f| f.1) {
        Some("little") => Endian::Little,
        Some("big") => Endian::Big,
        None if scalar.byte_count() == 1 => Endian::Little,
        got => return Err(input.field("endian", got.unwrap_or("nothing"), "little or big")),
    };
    Ok(Encoding::new(scalar, endian))
}

fn placement(input: &Input<'_>, fields: &Fields, axes: usize) -> Result<(&'static str, Placement), IoError> {
    let Some((_, directions)) = fields.get(&["space directions"]) else {
        let Some((name, text)) = fields.get(&["spacings"]) else {
            return Ok(("spacings", Placement::upright([1.0; 3])));
        };
        let spacing: Option<Vec<f64>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
        return match spacing.as_deref() {
            Some(&[x, y]) if axes == 2 => Ok((name, Placement::upright([x, y, 1.0]))),
            Some(&[x, y, z]) if axes == 3 => Ok((name, Placement::upright([x, y, z]))),
            _ => Err(input.field(name, text, &format!("{axes} numbers"))),
        };
    };
    let space = fields.need(input, "space", "the frame of \"space directions\"")?;
    let frame = match space.to_ascii_lowercase().as_str() {
        "right-anterior-superior" | "ras" => Frame::Ras,
        "left-posterior-superior" | "lps" => Frame::Lps,
        "left-anterior-superior" | "las" => Frame::Las,
        _ => {
            const ALLOWED: &str = "right-anterior-superior, left-posterior-superior or left-anterior-superior";
            return Err(input.field("space", space, ALLOWED));
        }
    };
    if let Some((name, text)) = fields.get(&["space units"])
        && !text.split_whitespace().all(|u| u == "\"mm\"")
    {
        return Err(input.field(name, text, "\"mm\" for every axis"));
    }
    let steps = vectors(directions).filter(|v| v.len() == axes);
    let steps = steps.ok_or_else(|| input.field("space directions", directions, &format!("{axes} vectors (x,y,z)")))?;
    let origin = match fields.get(&["space origin"]) {
        None => DVec3::ZERO,
        Some((name, text)) => match vectors(text).as_deref() {
            Some(&[origin]) => origin,
            _ => return Err(input.field(name, text, "one vector (x,y,z)")),
        },
    };
    // A single slice has no third step: one millimetre along its normal stands in.
    let third = steps.get(2).copied().unwrap_or_else(|| steps[0].cross(steps[1]).normalize_or_zero());
    Ok(("space directions", Placement { frame, steps: DMat3::from_cols(steps[0], steps[1], third), origin }))
}

/// Vectors written `(x,y,z) (x,y,z) …`.
fn vectors(text: &str) -> Option<Vec<DVec3>> {
    let vector = |part: &str| {
        let numbers: Vec<f64> = part.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
        <[f64; 3]>::try_from(numbers).ok().map(DVec3::from_array).filter(|v| v.is_finite())
    };
    let inner = text.trim().strip_suffix(')')?;
    inner.split(')').map(|part| vector(part.trim().strip_prefix('(')?)).collect()
}

fn data<'a>(input: Input<'a>, fields: &Fields) -> Result<Input<'a>, IoError> {
    for name in ["line skip", "lineskip", "byte skip", "byteskip"] {
        if let Some((name, got)) = fields.get(&[name]).filter(|(_, got)| *got != "0") {
            return Err(input.field(name, got, "0"));
        }
    }
    let packing = match fields.need(&input, "encoding", "raw or gzip")?.to_ascii_lowercase().as_str() {
        "raw" => Packing::None,
        "gzip" | "gz" => Packing::Gzip,
        got => return Err(input.field("encoding", got, "raw or gzip")),
    };
    let data = match fields.get(&["data file", "datafile"]) {
        None => input,
        Some((_, list)) if list.starts_with("LIST") || list.contains('%') => {
            return Err(input.unsupported("data in several files", "save it as one .nrrd file"));
        }
        Some((field, name)) => input.sibling(field, name)?,
    };
    Ok(data.unpack(packing))
}

/// Writes header and raw values into one file.
pub(super) fn write(out: &mut dyn Write, raster: &Raster<'_>) -> io::Result<()> {
    let Placement { steps, origin, .. } = Placement::of(raster.grid, Frame::Ras);
    let [nx, ny, nz] = raster.grid.size();
    let vector = |v: DVec3| format!("({},{},{})", v.x, v.y, v.z);
    writeln!(out, "NRRD0005\n# kerma\ntype: float\ndimension: 3\nspace: right-anterior-superior")?;
    writeln!(out, "sizes: {nx} {ny} {nz}")?;
    writeln!(out, "space directions: {} {} {}", vector(steps.x_axis), vector(steps.y_axis), vector(steps.z_axis))?;
    writeln!(out, "kinds: domain domain domain\nendian: little\nencoding: raw\nspace units: \"mm\" \"mm\" \"mm\"")?;
    writeln!(out, "space origin: {}\n{UNIT_FIELD}:={}\n", vector(origin), unit_text(raster.unit))?;
    write_f32(out, raster.values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read_with_and_without_blanks() {
        assert_eq!(vectors("(1,0,0) ( 0, 2 ,0)"), Some(vec![DVec3::X, 2.0 * DVec3::Y]));
        for bad in ["", "1,0,0", "(1,0)", "none (1,0,0)", "(1,0,nan)", "(1,0,0"] {
            assert_eq!(vectors(bad), None, "{bad}");
        }
    }
}
