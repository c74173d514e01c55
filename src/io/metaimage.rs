//! MetaImage: `.mha` with its data behind the header, `.mhd` with its data in a file beside it.
//!
//! - Position: `TransformMatrix` holds the direction of one voxel axis after the other, in LPS; `Offset` is the centre
//!   of voxel (0, 0, 0).
//! - Values: raw, or one zlib or gzip stream when `CompressedData` is set (read only). No rescaling exists.
//! - Unit: arbitrary unless kerma wrote the file.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use glam::{DMat3, DVec3};

use super::{
    IoError,
    frame::{Frame, Placement},
    input::Input,
    raster::{Header, Raster},
    scalar::{Encoding, Endian, Scalar, write_f32},
    unit_text::{UNIT_FIELD, unit_of_text, unit_text},
};

const FORMAT: &str = "MetaImage";
/// Deviation from length 1 that digits left out of a direction explain; lengths are the spacing's business.
const UNIT_TOLERANCE: f64 = 1e-3;
/// Names of the field that holds the spacing.
const SPACING_FIELDS: [&str; 2] = ["ElementSpacing", "ElementSize"];
/// Most fields of one header.
const MAX_FIELDS: usize = 256;
/// Value of `ElementDataFile` when the data follow the header.
const LOCAL: &str = "LOCAL";

/// The fields of a header, found by any of their names.
struct Fields(HashMap<String, String>);

impl Fields {
    /// Value of the first of these names that is there.
    fn get(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|&name| self.0.get(name).map(|value| (name, value.as_str())))
    }

    fn flag(&self, input: &Input<'_>, names: &[&'static str]) -> Result<bool, IoError> {
        match self.get(names) {
            None | Some((_, "False" | "false" | "0")) => Ok(false),
            Some((_, "True" | "true" | "1")) => Ok(true),
            Some((name, got)) => Err(input.field(name, got, "True or False")),
        }
    }

    /// `count` numbers.
    fn numbers(&self, input: &Input<'_>, names: &[&'static str], count: usize) -> Result<Option<Vec<f64>>, IoError> {
        let Some((name, text)) = self.get(names) else { return Ok(None) };
        let numbers: Option<Vec<f64>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
        match numbers {
            Some(numbers) if numbers.len() == count && numbers.iter().all(|n| n.is_finite()) => Ok(Some(numbers)),
            _ => Err(input.field(name, text, &format!("{count} finite numbers"))),
        }
    }
}

/// Reads the header and gives the input of the values, which may be another file.
pub(super) fn open(mut input: Input<'_>) -> Result<(Header, Input<'_>), IoError> {
    let fields = read_fields(&mut input)?;
    if let Some((name, got)) = fields.get(&["ObjectType"]).filter(|(_, got)| *got != "Image") {
        return Err(input.field(name, got, "Image"));
    }
    let axes = match fields.get(&["NDims"]) {
        Some((_, "2")) => 2,
        Some((_, "3")) => 3,
        got => return Err(input.field("NDims", got.map_or("nothing", |g| g.1), "2 or 3")),
    };
    let size = size(&input, &fields, axes)?;
    let scalar = scalar(&input, &fields)?;
    if let Some((name, got)) = fields.get(&["ElementNumberOfChannels"]).filter(|(_, got)| *got != "1") {
        return Err(input.field(name, got, "1"));
    }
    if fields.get(&["BinaryData"]).is_some() && !fields.flag(&input, &["BinaryData"])? {
        return Err(input.unsupported("text data (BinaryData = False)", "save it as binary"));
    }
    let big = fields.flag(&input, &["BinaryDataByteOrderMSB", "ElementByteOrderMSB"])?;
    let encoding = Encoding::new(scalar, if big { Endian::Big } else { Endian::Little });
    let grid = placement(&input, &fields, axes)?.grid(input.path(), "TransformMatrix", size)?;
    let has_spacing = fields.get(&SPACING_FIELDS).is_some();
    let unit = fields.get(&[UNIT_FIELD]).map(|(_, text)| unit_of_text(text)).unwrap_or_default();
    let header = Header { grid: Some(grid), has_spacing, shape: size.to_vec(), unit, encoding };
    Ok((header, data(input, &fields)?))
}

fn read_fields(input: &mut Input<'_>) -> Result<Fields, IoError> {
    let mut fields = HashMap::new();
    while fields.len() < MAX_FIELDS {
        let Some(line) = input.line("the MetaImage header")? else { break };
        if line.trim().is_empty() {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(input.not_a(FORMAT, "a header line has no \"=\""));
        };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let last = name == "ElementDataFile";
        if fields.is_empty() && !["ObjectType", "NDims", "Comment"].contains(&name.as_str()) {
            return Err(input.not_a(FORMAT, "it does not begin with ObjectType or NDims"));
        }
        fields.insert(name, value);
        if last {
            return Ok(Fields(fields));
        }
    }
    Err(input.corrupt("its header does not end with ElementDataFile"))
}

fn size(input: &Input<'_>, fields: &Fields, axes: usize) -> Result<[usize; 3], IoError> {
    let text = fields.get(&["DimSize"]).map_or("", |f| f.1);
    let sizes: Option<Vec<usize>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
    match sizes.as_deref() {
        Some(&[x, y]) if axes == 2 => Ok([x, y, 1]),
        Some(&[x, y, z]) if axes == 3 => Ok([x, y, z]),
        _ => Err(input.field("DimSize", format!("\"{text}\""), &format!("{axes} whole numbers"))),
    }
}

fn scalar(input: &Input<'_>, fields: &Fields) -> Result<Scalar, IoError> {
    let got = fields.get(&["ElementType"]).map_or("nothing", |f| f.1);
    Ok(match got {
        "MET_CHAR" => Scalar::I8,
        "MET_UCHAR" => Scalar::U8,
        "MET_SHORT" => Scalar::I16,
        "MET_USHORT" => Scalar::U16,
        "MET_INT" | "MET_LONG" => Scalar::I32,
        "MET_UINT" | "MET_ULONG" => Scalar::U32,
        "MET_LONG_LONG" => Scalar::I64,
        "MET_ULONG_LONG" => Scalar::U64,
        "MET_FLOAT" => Scalar::F32,
        "MET_DOUBLE" => Scalar::F64,
        _ => {
            return Err(input.field("ElementType", got, "a real number type, for instance MET_SHORT or MET_FLOAT"));
        }
    })
}

fn placement(input: &Input<'_>, fields: &Fields, axes: usize) -> Result<Placement, IoError> {
    let spacing = fields.numbers(input, &SPACING_FIELDS, axes)?.unwrap_or_else(|| vec![1.0; axes]);
    for &got in &spacing {
        if got <= 0.0 {
            return Err(input.field("ElementSpacing", got, "positive"));
        }
    }
    let origin = fields.numbers(input, &["Offset", "Position", "Origin"], axes)?.unwrap_or_else(|| vec![0.0; axes]);
    let matrix = fields.numbers(input, &["TransformMatrix", "Rotation", "Orientation"], axes * axes)?;
    let mut directions = DMat3::IDENTITY;
    for (column, direction) in matrix.iter().flat_map(|m| m.chunks(axes)).enumerate() {
        let direction = three(direction, 0.0);
        if (direction.length() - 1.0).abs() > UNIT_TOLERANCE {
            return Err(input.field("TransformMatrix", direction, "unit vectors"));
        }
        *directions.col_mut(column) = direction.normalize();
    }
    let steps = directions * DMat3::from_diagonal(three(&spacing, 1.0));
    Ok(Placement { frame: Frame::Lps, steps, origin: three(&origin, 0.0) })
}

/// Two or three numbers as a vector.
fn three(numbers: &[f64], rest: f64) -> DVec3 {
    DVec3::new(numbers[0], numbers[1], numbers.get(2).copied().unwrap_or(rest))
}

fn data<'a>(input: Input<'a>, fields: &Fields) -> Result<Input<'a>, IoError> {
    let compressed = fields.flag(&input, &["CompressedData"])?;
    let name = fields.get(&["ElementDataFile"]).map_or("", |f| f.1);
    if name.starts_with("LIST") || name.contains('%') {
        return Err(input.unsupported("data in several files", "save it as one .mha file"));
    }
    if let Some((name, got)) = fields.get(&["HeaderSize"]).filter(|(_, got)| *got != "0") {
        return Err(input.field(name, got, "0"));
    }
    let data = if name.eq_ignore_ascii_case(LOCAL) { input } else { input.sibling("ElementDataFile", name)? };
    if !compressed {
        return Ok(data);
    }
    if let Some((name, got)) = fields.get(&["CompressedDataSize"])
        && got.parse() != Ok(data.left())
    {
        return Err(data.field(name, got, &format!("the {} bytes that are there", data.left())));
    }
    data.unpack_sniffed()
}

/// Writes a header whose data are in `data_file`; [`LOCAL`] means behind it.
pub(super) fn write_header(out: &mut dyn Write, raster: &Raster<'_>, data_file: &str) -> io::Result<()> {
    let grid = raster.grid;
    let Placement { origin, .. } = Placement::of(grid, Frame::Lps);
    // Adding 0 turns −0 into 0.
    let directions = Frame::Lps.flip() * grid.orientation() + DMat3::ZERO;
    let [nx, ny, nz] = grid.size();
    writeln!(out, "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False")?;
    writeln!(out, "CompressedData = False")?;
    writeln!(out, "TransformMatrix = {}", join(&directions.to_cols_array()))?;
    writeln!(out, "Offset = {}", join(&origin.to_array()))?;
    writeln!(out, "CenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI")?;
    writeln!(out, "ElementSpacing = {}", join(&grid.spacing_mm().to_array()))?;
    writeln!(out, "DimSize = {nx} {ny} {nz}\n{UNIT_FIELD} = {}", unit_text(raster.unit))?;
    writeln!(out, "ElementType = MET_FLOAT\nElementDataFile = {data_file}")
}

/// Writes header and values into one file.
pub(super) fn write(out: &mut dyn Write, raster: &Raster<'_>) -> io::Result<()> {
    write_header(out, raster, LOCAL)?;
    write_f32(out, raster.values)
}

fn join(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}
