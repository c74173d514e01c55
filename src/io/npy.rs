//! NumPy's `.npy`: bare values, no spacing, no unit.
//!
//! The one-page header is parsed here: `ndarray-npy` makes an array of the stored type, which would be a second copy.
//! Arrays are little- or big-endian, real, in C order; booleans are read as 0 and 1. Written as `<f4`, and
//! images of whole numbers as `|u1` or `<u2`; version 1.0.

use std::io::{self, Write};

use super::{
    IoError,
    input::Input,
    raster::Header,
    scalar::{Encoding, Endian, Scalar, write_f32},
};
use crate::data::Unit;

const FORMAT: &str = "NumPy";
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read; NumPy itself refuses longer ones.
const MAX_HEADER_BYTES: usize = 10_000;
/// The values start at a multiple of this.
const ALIGNMENT: usize = 64;

/// Reads the header and gives the input back at the first value. The shape is given fastest axis first.
pub(super) fn open(mut input: Input<'_>) -> Result<(Header, Input<'_>), IoError> {
    let text = header_text(&mut input)?;
    let dict = Dict(&text);
    let descr = dict.value("descr").ok_or_else(|| input.corrupt("its header has no 'descr'"))?;
    let (scalar, endian) = scalar(descr).ok_or_else(|| {
        input.field(
            "descr",
            descr,
            "a real number type: '|u1', '|i1', '|b1' or '<' or '>' with u2, i2, u4, i4, u8, i8, f4, f8",
        )
    })?;
    match dict.value("fortran_order") {
        Some("False") => {}
        Some("True") => {
            return Err(input.unsupported("Fortran order", "save numpy.ascontiguousarray(a) instead"));
        }
        got => return Err(input.field("fortran_order", got.unwrap_or("nothing"), "True or False")),
    }
    let shape = dict.value("shape").ok_or_else(|| input.corrupt("its header has no 'shape'"))?;
    let shape = parse_shape(shape).ok_or_else(|| input.field("shape", shape, "a tuple of whole numbers"))?;
    let encoding = Encoding::new(scalar, endian);
    Ok((Header { grid: None, has_spacing: false, shape, unit: Unit::Arbitrary, encoding }, input))
}

fn header_text(input: &mut Input<'_>) -> Result<String, IoError> {
    let mut prefix = [0; 8];
    input.read(&mut prefix, "the NumPy magic")?;
    if &prefix[..6] != MAGIC {
        return Err(input.not_a(FORMAT, "it does not begin with \\x93NUMPY"));
    }
    let length = match prefix[6] {
        1 => {
            let mut length = [0; 2];
            input.read(&mut length, "the header length")?;
            usize::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            input.read(&mut length, "the header length")?;
            u32::from_le_bytes(length) as usize
        }
        got => return Err(input.field("format version", got, "1, 2 or 3")),
    };
    if length > MAX_HEADER_BYTES {
        return Err(input.field("header length", length, "at most 10000"));
    }
    let mut bytes = vec![0; length];
    input.read(&mut bytes, "the header")?;
    Ok(bytes.into_iter().map(char::from).collect())
}

/// A Python dict literal with string keys, as NumPy writes it.
struct Dict<'a>(&'a str);

impl<'a> Dict<'a> {
    /// Text of a value: a tuple with its brackets, a string without its quotes, or a bare word.
    fn value(&self, key: &str) -> Option<&'a str> {
        let after = ['\'', '"'].into_iter().find_map(|quote| {
            let quoted = format!("{quote}{key}{quote}");
            self.0.find(&quoted).map(|at| &self.0[at + quoted.len()..])
        })?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        match value.chars().next()? {
            '(' => value.find(')').map(|end| &value[..=end]),
            quote @ ('\'' | '"') => value[1..].split(quote).next(),
            _ => value.split([',', '}']).next().map(str::trim_end),
        }
    }
}

fn scalar(descr: &str) -> Option<(Scalar, Endian)> {
    let endian = match descr.as_bytes().first()? {
        b'<' | b'|' => Endian::Little,
        b'>' => Endian::Big,
        _ => return None,
    };
    let scalar = match descr.get(1..)? {
        "u1" | "b1" => Scalar::U8,
        "i1" => Scalar::I8,
        "u2" => Scalar::U16,
        "i2" => Scalar::I16,
        "u4" => Scalar::U32,
        "i4" => Scalar::I32,
        "u8" => Scalar::U64,
        "i8" => Scalar::I64,
        "f4" => Scalar::F32,
        "f8" => Scalar::F64,
        _ => return None,
    };
    Some((scalar, endian))
}

/// NumPy's shape names the slowest axis first.
fn parse_shape(text: &str) -> Option<Vec<usize>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let inner = inner.trim().strip_suffix(',').unwrap_or(inner).trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').rev().map(|n| n.trim().parse().ok()).collect()
}

/// Writes values of a shape that names the fastest axis first.
pub(super) fn write(out: &mut dyn Write, shape: &[usize], values: &[f32]) -> io::Result<()> {
    write_header(out, "<f4", shape)?;
    write_f32(out, values)
}

/// Writes whole numbers, those of up to 8 `bits` in one byte each, of a shape that names the fastest axis first.
pub(super) fn write_integers(out: &mut dyn Write, shape: &[usize], values: &[u16], bits: u8) -> io::Result<()> {
    if bits > 8 {
        write_header(out, "<u2", shape)?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        return out.write_all(&bytes);
    }
    write_header(out, "|u1", shape)?;
    let bytes: Vec<u8> = values.iter().map(|&v| v as u8).collect();
    out.write_all(&bytes)
}

/// Writes doubles of a shape that names the fastest axis first.
pub(super) fn write_doubles(out: &mut dyn Write, shape: &[usize], values: &[f64]) -> io::Result<()> {
    write_header(out, "<f8", shape)?;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    out.write_all(&bytes)
}

fn write_header(out: &mut dyn Write, descr: &str, shape: &[usize]) -> io::Result<()> {
    let shape: String = shape.iter().rev().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    let prefix = MAGIC.len() + 4;
    let padded = (prefix + header.len() + 1).next_multiple_of(ALIGNMENT);
    header.extend(std::iter::repeat_n(' ', padded - prefix - header.len() - 1));
    header.push('\n');
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields_are_found_in_any_order() {
        let dict = Dict("{'shape': (3, 4,), \"fortran_order\": False, 'descr': '>f8', }   \n");
        assert_eq!(dict.value("shape"), Some("(3, 4,)"));
        assert_eq!(dict.value("fortran_order"), Some("False"));
        assert_eq!(dict.value("descr").and_then(scalar), Some((Scalar::F64, Endian::Big)));
        assert_eq!(parse_shape("(3, 4,)"), Some(vec![4, 3]));
        assert_eq!(parse_shape("(3, -4)"), None);
        assert_eq!(parse_shape("()"), Some(vec![]));
    }

    #[test]
    fn written_values_start_at_a_multiple_of_64() {
        let mut bytes = Vec::new();
        write(&mut bytes, &[2, 1], &[1.0, 2.0]).unwrap();
        assert_eq!(bytes.len(), 128 + 8);
        assert!(
            bytes.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2,), }")
        );
    }
}
