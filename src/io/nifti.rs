//! NIfTI-1 and NIfTI-2 in one file (`.nii`, `.nii.gz`).
//!
//! The header is parsed here: the `nifti` crate allocates the declared size before it looks at the file.
//!
//! - Position: sform if its code is set, else qform, else `pixdim` alone. Lengths are taken in the unit that
//!   `xyzt_units` states, millimetres when it states none.
//! - Values: `scl_slope · stored + scl_inter`; a slope of 0 or NaN means unscaled. Padding such as −2048 stays as it is.
//! - Unit: arbitrary unless `descrip` or `intent_name` says HU, or kerma wrote the file.
//! - Written: NIfTI-1, little-endian `f32`, sform and qform alike.

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

/// Where a version of the format has its fields, in bytes from the start.
struct Layout {
    /// Length of the header, its first field.
    bytes: usize,
    /// Whether dimensions are `i64`, lengths and factors `f64`, and codes `i32`, in place of `i16`, `f32` and mostly `i16`.
    is_wide: bool,
    magic: (usize, &'static [u8]),
    dim: usize,
    datatype: usize,
    bitpix: usize,
    pixdim: usize,
    vox_offset: usize,
    scl_slope: usize,
    scl_inter: usize,
    xyzt_units: usize,
    descrip: usize,
    qform_code: usize,
    sform_code: usize,
    quatern: usize,
    qoffset: usize,
    srow: usize,
    intent_name: usize,
}

const NIFTI1: Layout = Layout {
    bytes: 348,
    is_wide: false,
    magic: (344, b"n+1\0"),
    dim: 40,
    datatype: 70,
    bitpix: 72,
    pixdim: 76,
    vox_offset: 108,
    scl_slope: 112,
    scl_inter: 116,
    xyzt_units: 123,
    descrip: 148,
    qform_code: 252,
    sform_code: 254,
    quatern: 256,
    qoffset: 268,
    srow: 280,
    intent_name: 328,
};

/// The last four bytes of its magic are damaged by transfers that change the ends of lines.
const NIFTI2: Layout = Layout {
    bytes: 540,
    is_wide: true,
    magic: (4, b"n+2\0\r\n\x1a\n"),
    dim: 16,
    datatype: 12,
    bitpix: 14,
    pixdim: 104,
    vox_offset: 168,
    scl_slope: 176,
    scl_inter: 184,
    xyzt_units: 500,
    descrip: 240,
    qform_code: 344,
    sform_code: 348,
    quatern: 352,
    qoffset: 376,
    srow: 400,
    intent_name: 508,
};

/// The bytes behind a header that say whether extensions follow.
const EXTENDER_BYTES: u64 = 4;
const MAX_VOX_OFFSET: f64 = u32::MAX as f64;

const DT_FLOAT32: i16 = 16;
/// Form code "scanner anatomical coordinates".
const XFORM_SCANNER: i16 = 1;
const UNITS_METRE: u8 = 1;
const UNITS_MM: u8 = 2;
const UNITS_MICRON: u8 = 3;

/// The raw header with its byte order.
struct Fields {
    layout: &'static Layout,
    bytes: Vec<u8>,
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

    /// An axis of `dim`.
    fn dim(&self, axis: usize) -> i64 {
        let at = self.layout.dim;
        if self.layout.is_wide { i64::from_le_bytes(self.array(at + 8 * axis)) } else { self.i16(at + 2 * axis).into() }
    }

    fn form_code(&self, at: usize) -> i32 {
        if self.layout.is_wide { i32::from_le_bytes(self.array(at)) } else { self.i16(at).into() }
    }

    /// Number `index` of a field of lengths or factors.
    fn real(&self, at: usize, index: usize) -> f64 {
        if self.layout.is_wide {
            f64::from_le_bytes(self.array(at + 8 * index))
        } else {
            f32::from_le_bytes(self.array(at + 4 * index)).into()
        }
    }

    /// Three of them, from number `first` on.
    fn vec3(&self, at: usize, first: usize) -> DVec3 {
        DVec3::from_array([0, 1, 2].map(|axis| self.real(at, first + axis)))
    }

    fn vox_offset(&self) -> f64 {
        let at = self.layout.vox_offset;
        if self.layout.is_wide { i64::from_le_bytes(self.array(at)) as f64 } else { self.real(at, 0) }
    }

    fn text(&self, at: usize, length: usize) -> String {
        self.bytes[at..at + length].iter().take_while(|&&b| b != 0).map(|&b| char::from(b)).collect()
    }
}

/// Reads the header and gives the input back at the first value.
pub(super) fn open(mut input: Input<'_>) -> Result<(Header, Input<'_>), IoError> {
    let fields = read_fields(&mut input)?;
    let layout = fields.layout;
    let size = size(&input, &fields)?;
    let encoding = encoding(&input, &fields)?;
    let (field, placement) = placement(&input, &fields)?;
    let grid = placement.grid(input.path(), field, size)?;
    let prose = format!("{} {}", fields.text(layout.descrip, 80), fields.text(layout.intent_name, 16));
    let (offset, least) = (fields.vox_offset(), layout.bytes as u64 + EXTENDER_BYTES);
    // Some writers leave 0 where the smallest offset is meant.
    let offset = if offset == 0.0 { least as f64 } else { offset };
    if !(offset >= least as f64 && offset.fract() == 0.0 && offset < MAX_VOX_OFFSET) {
        return Err(input.field("vox_offset", offset, &format!("a whole number of at least {least}")));
    }
    input.skip(offset as u64 - layout.bytes as u64, "the header extensions up to vox_offset")?;
    let unit = unit_in_prose(&prose);
    Ok((Header { grid: Some(grid), has_spacing: true, shape: size.to_vec(), unit, encoding }, input))
}

fn read_fields(input: &mut Input<'_>) -> Result<Fields, IoError> {
    let mut first = [0; 4];
    input.read(&mut first, "the NIfTI header")?;
    let of_length = |length: i32| [&NIFTI1, &NIFTI2].into_iter().find(|layout| layout.bytes as i32 == length);
    let (little, big) = (i32::from_le_bytes(first), i32::from_be_bytes(first));
    let (layout, endian) = match (of_length(little), of_length(big)) {
        (Some(layout), _) => (layout, Endian::Little),
        (_, Some(layout)) => (layout, Endian::Big),
        _ => return Err(input.not_a("NIfTI", format!("sizeof_hdr is {little}, not 348 or 540"))),
    };
    let mut bytes = vec![0; layout.bytes];
    bytes[..4].copy_from_slice(&first);
    input.read(&mut bytes[4..], "the NIfTI header")?;
    let (at, magic) = layout.magic;
    match &bytes[at..at + magic.len()] {
        got if got == magic => Ok(Fields { layout, bytes, endian }),
        got if got.starts_with(b"ni") => {
            Err(input.unsupported("a NIfTI pair (.hdr and .img)", "convert it to one .nii file"))
        }
        got => {
            let (got, magic) = (got.escape_ascii(), magic.trim_ascii_end().escape_ascii());
            Err(input.not_a("NIfTI", format!("its magic is \"{got}\", not \"{magic}\"")))
        }
    }
}

fn size(input: &Input<'_>, fields: &Fields) -> Result<[usize; 3], IoError> {
    let axes = fields.dim(0);
    if !(2..=7).contains(&axes) {
        return Err(input.field("dim[0]", axes, "2 to 7"));
    }
    let mut size = [1; 3];
    for axis in 1..=axes as usize {
        let got = fields.dim(axis);
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
    let layout = fields.layout;
    let scalar = match fields.i16(layout.datatype) {
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
    let (bits, got) = (8 * scalar.byte_count(), fields.i16(layout.bitpix));
    if got != bits as i16 {
        return Err(input.field("bitpix", got, &format!("{bits} for datatype {}", fields.i16(layout.datatype))));
    }
    let (slope, intercept) = (fields.real(layout.scl_slope, 0), fields.real(layout.scl_inter, 0));
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
    let layout = fields.layout;
    // The lowest byte of the wide field, whichever its order.
    let units = match (layout.is_wide, fields.endian) {
        (true, Endian::Big) => layout.xyzt_units + 3,
        _ => layout.xyzt_units,
    };
    let millimetres = match fields.bytes[units] & 0b111 {
        UNITS_METRE => 1000.0,
        UNITS_MICRON => 0.001,
        _ => 1.0,
    };
    let spacing = fields.vec3(layout.pixdim, 1);
    let (field, steps, origin) = if fields.form_code(layout.sform_code) > 0 {
        let rows = [0, 1, 2].map(|r| fields.vec3(layout.srow, 4 * r));
        let steps = DMat3::from_cols(rows[0], rows[1], rows[2]).transpose();
        ("sform", steps, DVec3::from_array([0, 1, 2].map(|r| fields.real(layout.srow, 4 * r + 3))))
    } else if fields.form_code(layout.qform_code) > 0 {
        let b = fields.vec3(layout.quatern, 0);
        let rest = 1.0 - b.length_squared();
        // Beyond f32 rounding the three components cannot belong to a unit quaternion.
        if rest.is_nan() || rest < -1e-5 {
            return Err(input.field("quatern_b, c, d", b, "of length 1 at most"));
        }
        let rotation = DMat3::from_quat(DQuat::from_xyzw(b.x, b.y, b.z, rest.max(0.0).sqrt()).normalize());
        let handed = if fields.real(layout.pixdim, 0) < 0.0 { -1.0 } else { 1.0 };
        let steps = rotation * DMat3::from_diagonal(positive(input, spacing)? * DVec3::new(1.0, 1.0, handed));
        ("qform", steps, fields.vec3(layout.qoffset, 0))
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
    out.write_all(&[0; EXTENDER_BYTES as usize])?;
    write_f32(out, raster.values)
}

fn header_bytes(raster: &Raster<'_>) -> io::Result<[u8; NIFTI1.bytes]> {
    let grid: &Grid = raster.grid;
    let layout = &NIFTI1;
    let mut bytes = [0; NIFTI1.bytes];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    let i16s = |values: &[i16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let f32s = |values: &[f64]| values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect::<Vec<_>>();
    put(0, &(NIFTI1.bytes as i32).to_le_bytes());
    let mut dim = [3, 1, 1, 1, 1, 1, 1, 1];
    for (d, n) in dim[1..].iter_mut().zip(grid.size()) {
        *d = i16::try_from(n)
            .map_err(|_| io::Error::other(format!("NIfTI holds at most 32767 voxels along an axis, got {n}")))?;
    }
    put(layout.dim, &i16s(&dim));
    put(layout.datatype, &i16s(&[DT_FLOAT32]));
    put(layout.bitpix, &i16s(&[32]));
    let orientation = grid.orientation();
    let handed = if orientation.determinant() < 0.0 { -1.0 } else { 1.0 };
    let spacing = grid.spacing_mm();
    put(layout.pixdim, &f32s(&[handed, spacing.x, spacing.y, spacing.z, 1.0, 1.0, 1.0, 1.0]));
    put(layout.vox_offset, &f32s(&[(NIFTI1.bytes as u64 + EXTENDER_BYTES) as f64]));
    put(layout.scl_slope, &f32s(&[1.0, 0.0]));
    put(layout.xyzt_units, &[UNITS_MM]);
    put(layout.descrip, format!("kerma; {UNIT_FIELD}={}", unit_text(raster.unit)).as_bytes());
    put(layout.qform_code, &i16s(&[XFORM_SCANNER, XFORM_SCANNER]));
    let proper = orientation * DMat3::from_diagonal(DVec3::new(1.0, 1.0, handed));
    let q = DQuat::from_mat3(&proper).normalize();
    // The format stores b, c, d and takes a as the non-negative root; q and −q are the same rotation.
    let q = if q.w < 0.0 { -q } else { q };
    let Placement { steps, origin, .. } = Placement::of(grid, Frame::Ras);
    put(layout.quatern, &f32s(&[q.x, q.y, q.z]));
    put(layout.qoffset, &f32s(&origin.to_array()));
    for row in 0..3 {
        let r = steps.row(row);
        put(layout.srow + 16 * row, &f32s(&[r.x, r.y, r.z, origin[row]]));
    }
    put(layout.magic.0, layout.magic.1);
    Ok(bytes)
}
