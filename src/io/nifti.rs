//! NIfTI-1 in one file (`.nii`, `.nii.gz`).
//!
//! The 348 bytes are parsed here: the `nifti` crate allocates the declared size before it looks at the file.
//!
//! - Position: sform if its code is set, else qform, else `pixdim` alone. Lengths are taken in the unit that
//!   `xyzt_units` states, millimetres when it states none.
//! - Values: `scl_slope · stored + scl_inter`; a slope of 0 or NaN means unscaled. Padding such as −2048 stays as it is.
//! - Unit: arbitrary unless `descrip` or `intent_name` says HU, or kerma wrote the file.
//! - Written: little-endian `f32`, sform and qform alike.

use std::io::{self, Write};

use glam::{DMat3, DQuat, DVec3};

use super::{
    IoError,
    frame::{Frame, Placement},
    input::Input,
    raster::{Header, Raster},
    scalar::{Encoding, Endian, Scalar, write_f32},
    unit_text::{UNIT_FIELD, unit_in_prose, unit_text},
};
use crate::data::Grid;

const HEADER_BYTES: usize = 348;
/// Header and the four bytes that say whether extensions follow.
const MIN_VOX_OFFSET: u64 = 352;
/// `sizeof_hdr` of NIfTI-2.
const NIFTI2_HEADER_BYTES: i32 = 540;

// Byte offsets of the fields.
const DIM: usize = 40;
const INTENT_CODE: usize = 68;
const DATATYPE: usize = 70;
const BITPIX: usize = 72;
const PIXDIM: usize = 76;
const VOX_OFFSET: usize = 108;
const SCL_SLOPE: usize = 112;
const SCL_INTER: usize = 116;
const XYZT_UNITS: usize = 123;
const DESCRIP: usize = 148;
const QFORM_CODE: usize = 252;
const SFORM_CODE: usize = 254;
const QUATERN: usize = 256;
const QOFFSET: usize = 268;
const SROW: usize = 280;
const INTENT_NAME: usize = 328;
const MAGIC: usize = 344;

const DT_FLOAT32: i16 = 16;
/// Form code "scanner anatomical coordinates".
const XFORM_SCANNER: i16 = 1;
const UNITS_METRE: u8 = 1;
const UNITS_MM: u8 = 2;
const UNITS_MICRON: u8 = 3;

/// The raw header with its byte order.
struct Fields {
    bytes: [u8; HEADER_BYTES],
    endian: Endian,
}

impl Fields {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut word: [u8; N] = std::array::from_fn(|i| self.bytes[at + i]);
        if self.endian == Endian::Big {
            word.reverse();
        }
        word
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.array(at))
    }

    fn f32(&self, at: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.array(at)))
    }

    fn vec3(&self, at: usize) -> DVec3 {
        DVec3::new(self.f32(at), self.f32(at + 4), self.f32(at + 8))
    }

    fn text(&self, at: usize, length: usize) -> String {
        self.bytes[at..at + length].iter().take_while(|&&b| b != 0).map(|&b| char::from(b)).collect()
    }
}

/// Reads the header and gives the input back at the first value.
pub(super) fn open(mut input: Input<'_>) -> Result<(Header, Input<'_>), IoError> {
    let fields = read_fields(&mut input)?;
    let size = size(&input, &fields)?;
    let encoding = encoding(&input, &fields)?;
    let (field, placement) = placement(&input, &fields)?;
    let grid = placement.grid(input.path(), field, size)?;
    let unit = unit_in_prose(&format!("{} {}", fields.text(DESCRIP, 80), fields.text(INTENT_NAME, 16)));
    let offset = fields.f32(VOX_OFFSET);
    // Some writers leave 0 where the smallest offset is meant.
    let offset = if offset == 0.0 { MIN_VOX_OFFSET as f64 } else { offset };
    if !(offset >= MIN_VOX_OFFSET as f64 && offset.fract() == 0.0 && offset < f64::from(u32::MAX)) {
        return Err(input.field("vox_offset", offset, "a whole number of at least 352"));
    }
    input.skip(offset as u64 - HEADER_BYTES as u64, "the header extensions up to vox_offset")?;
    Ok((Header { grid: Some(grid), has_spacing: true, shape: size.to_vec(), unit, encoding }, input))
}

fn read_fields(input: &mut Input<'_>) -> Result<Fields, IoError> {
    let mut bytes = [0; HEADER_BYTES];
    input.read(&mut bytes, "the NIfTI header")?;
    let first = [bytes[0], bytes[1], bytes[2], bytes[3]];
    let endian = match (i32::from_le_bytes(first), i32::from_be_bytes(first)) {
        (348, _) => Endian::Little,
        (_, 348) => Endian::Big,
        (NIFTI2_HEADER_BYTES, _) | (_, NIFTI2_HEADER_BYTES) => {
            return Err(input.unsupported("NIfTI-2", "convert it to NIfTI-1"));
        }
        (got, _) => return Err(input.not_a("NIfTI", format!("sizeof_hdr is {got}, not 348"))),
    };
    match &bytes[MAGIC..] {
        b"n+1\0" => Ok(Fields { bytes, endian }),
        b"ni1\0" => Err(input.unsupported("a NIfTI pair (.hdr and .img)", "convert it to one .nii file")),
        got => Err(input.not_a("NIfTI", format!("its magic is \"{}\", not \"n+1\"", got.escape_ascii()))),
    }
}

fn size(input: &Input<'_>, fields: &Fields) -> Result<[usize; 3], IoError> {
    let axes = fields.i16(DIM);
    if !(2..=7).contains(&axes) {
        return Err(input.field("dim[0]", axes, "2 to 7"));
    }
    let mut size = [1; 3];
    for axis in 1..=axes as usize {
        let got = fields.i16(DIM + 2 * axis);
        if axis > 3 && got > 1 {
            return Err(input.field(&format!("dim[{axis}]"), got, "1, since a volume has three axes"));
        }
        if axis <= 3 {
            size[axis - 1] = usize::try_from(got).map_err(|_| input.field(&format!("dim[{axis}]"), got, "positive"))?;
        }
    }
    Ok(size)
}

fn encoding(input: &Input<'_>, fields: &Fields) -> Result<Encoding, IoError> {
    let scalar = match fields.i16(DATATYPE) {
        2 => Scalar::U8,
        4 => Scalar::I16,
        8 => Scalar::I32,
        DT_FLOAT32 => Scalar::F32,
        64 => Scalar::F64,
        256 => Scalar::I8,
        512 => Scalar::U16,
        768 => Scalar::U32,
        1024 => Scalar::I64,
        1280 => Scalar::U64,
        got => {
            return Err(input.field(
                "datatype",
                got,
                "a real number type: 2, 4, 8, 16, 64, 256, 512, 768, 1024 or 1280",
            ));
        }
    };
    let (bits, got) = (8 * scalar.byte_count(), fields.i16(BITPIX));
    if got != bits as i16 {
        return Err(input.field("bitpix", got, &format!("{bits} for datatype {}", fields.i16(DATATYPE))));
    }
    let (slope, intercept) = (fields.f32(SCL_SLOPE), fields.f32(SCL_INTER));
    let is_scaled = !(slope == 0.0 || slope.is_nan());
    if slope.is_infinite() {
        return Err(input.field("scl_slope", slope, "finite"));
    }
    if is_scaled && !intercept.is_finite() {
        return Err(input.field("scl_inter", intercept, "finite"));
    }
    let (slope, intercept) = if is_scaled { (slope, intercept) } else { (1.0, 0.0) };
    Ok(Encoding { slope, intercept, ..Encoding::new(scalar, fields.endian) })
}

fn placement(input: &Input<'_>, fields: &Fields) -> Result<(&'static str, Placement), IoError> {
    let millimetres = match fields.bytes[XYZT_UNITS] & 0b111 {
        UNITS_METRE => 1000.0,
        UNITS_MICRON => 0.001,
        _ => 1.0,
    };
    let spacing = fields.vec3(PIXDIM + 4);
    let (field, steps, origin) = if fields.i16(SFORM_CODE) > 0 {
        let rows = [0, 1, 2].map(|r| fields.vec3(SROW + 16 * r));
        let steps = DMat3::from_cols(rows[0], rows[1], rows[2]).transpose();
        ("sform", steps, DVec3::from_array([0, 1, 2].map(|r| fields.f32(SROW + 16 * r + 12))))
    } else if fields.i16(QFORM_CODE) > 0 {
        let b = fields.vec3(QUATERN);
        let rest = 1.0 - b.length_squared();
        // Beyond f32 rounding the three components cannot belong to a unit quaternion.
        if rest.is_nan() || rest < -1e-5 {
            return Err(input.field("quatern_b, c, d", b, "of length 1 at most"));
        }
        let rotation = DMat3::from_quat(DQuat::from_xyzw(b.x, b.y, b.z, rest.max(0.0).sqrt()).normalize());
        let handed = if fields.f32(PIXDIM) < 0.0 { -1.0 } else { 1.0 };
        let steps = rotation * DMat3::from_diagonal(positive(input, spacing)? * DVec3::new(1.0, 1.0, handed));
        ("qform", steps, fields.vec3(QOFFSET))
    } else {
        ("pixdim", DMat3::from_diagonal(positive(input, spacing)?), DVec3::ZERO)
    };
    Ok((field, Placement { frame: Frame::Ras, steps: steps * millimetres, origin: origin * millimetres }))
}

fn positive(input: &Input<'_>, pixdim: DVec3) -> Result<DVec3, IoError> {
    for (axis, got) in pixdim.to_array().into_iter().enumerate() {
        if !(got.is_finite() && got > 0.0) {
            return Err(input.field(&format!("pixdim[{}]", axis + 1), got, "positive"));
        }
    }
    Ok(pixdim)
}

/// Writes header and values.
pub(super) fn write(out: &mut dyn Write, raster: &Raster<'_>) -> io::Result<()> {
    out.write_all(&header_bytes(raster)?)?;
    out.write_all(&[0; MIN_VOX_OFFSET as usize - HEADER_BYTES])?;
    write_f32(out, raster.values)
}

fn header_bytes(raster: &Raster<'_>) -> io::Result<[u8; HEADER_BYTES]> {
    let grid: &Grid = raster.grid;
    let mut bytes = [0; HEADER_BYTES];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    let i16s = |values: &[i16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let f32s = |values: &[f64]| values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect::<Vec<_>>();
    put(0, &(HEADER_BYTES as i32).to_le_bytes());
    let mut dim = [3, 1, 1, 1, 1, 1, 1, 1];
    for (d, n) in dim[1..].iter_mut().zip(grid.size()) {
        *d = i16::try_from(n)
            .map_err(|_| io::Error::other(format!("NIfTI holds at most 32767 voxels along an axis, got {n}")))?;
    }
    put(DIM, &i16s(&dim));
    put(INTENT_CODE, &i16s(&[0]));
    put(DATATYPE, &i16s(&[DT_FLOAT32]));
    put(BITPIX, &i16s(&[32]));
    let orientation = grid.orientation();
    let handed = if orientation.determinant() < 0.0 { -1.0 } else { 1.0 };
    let spacing = grid.spacing_mm();
    put(PIXDIM, &f32s(&[handed, spacing.x, spacing.y, spacing.z, 1.0, 1.0, 1.0, 1.0]));
    put(VOX_OFFSET, &f32s(&[MIN_VOX_OFFSET as f64]));
    put(SCL_SLOPE, &f32s(&[1.0, 0.0]));
    put(XYZT_UNITS, &[UNITS_MM]);
    put(DESCRIP, format!("kerma; {UNIT_FIELD}={}", unit_text(raster.unit)).as_bytes());
    put(QFORM_CODE, &i16s(&[XFORM_SCANNER, XFORM_SCANNER]));
    let proper = orientation * DMat3::from_diagonal(DVec3::new(1.0, 1.0, handed));
    let q = DQuat::from_mat3(&proper).normalize();
    // The format stores b, c, d and takes a as the non-negative root; q and −q are the same rotation.
    let q = if q.w < 0.0 { -q } else { q };
    let Placement { steps, origin, .. } = Placement::of(grid, Frame::Ras);
    put(QUATERN, &f32s(&[q.x, q.y, q.z]));
    put(QOFFSET, &f32s(&origin.to_array()));
    for row in 0..3 {
        let r = steps.row(row);
        put(SROW + 16 * row, &f32s(&[r.x, r.y, r.z, origin[row]]));
    }
    put(MAGIC, b"n+1\0");
    Ok(bytes)
}
