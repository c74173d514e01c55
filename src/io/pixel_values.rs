//! What the formats of images share: counts, integers, and kerma's note in a text field.

use std::path::Path;

use super::{
    IoError,
    unit_text::{UNIT_FIELD, unit_in_prose, unit_text},
};
use crate::data::{Image, Sample, Unit};

/// Number of pixels of an image of a size that a header states, or why there can be none.
pub(super) fn pixel_count(path: &Path, size: [usize; 2]) -> Result<usize, IoError> {
    Image::count(size).map_err(|source| IoError::Data { path: path.to_owned(), source })
}

/// Room for all pixels of an image, asked for before any of them is decoded.
pub(super) fn room<T>(path: &Path, count: usize) -> Result<Vec<T>, IoError> {
    let mut values = Vec::new();
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    values.try_reserve_exact(count).map_err(|_| IoError::Memory { path: path.to_owned(), bytes })?;
    Ok(values)
}

/// Integers of an image in the order of its values, or the first that does not fit.
pub(super) fn integers(path: &Path, image: &Image, bits: u8) -> Result<Vec<u16>, IoError> {
    if !(1..=16).contains(&bits) {
        let field = "bits of the image's sample type".to_owned();
        return Err(IoError::Field {
            path: path.to_owned(),
            field,
            got: bits.to_string(),
            allowed: "1 to 16".to_owned(),
        });
    }
    let max = (1_u32 << bits) - 1;
    let integer = |(index, &got): (usize, &f32)| {
        let rounded = got.round();
        // A comparison with NaN is false, so NaN does not fit either.
        if rounded >= 0.0 && rounded <= max as f32 {
            return Ok(rounded as u16);
        }
        Err(IoError::SampleRange { path: path.to_owned(), index, got, bits, max })
    };
    image.values().iter().enumerate().map(integer).collect()
}

/// What kerma notes in the text field of a PNG or TIFF.
pub(super) fn note(image: &Image) -> String {
    let spacing = image.spacing_mm().map_or_else(String::new, |[x, y]| format!("; {SPACING_FIELD}={x}x{y}"));
    let bits = match image.sample() {
        Sample::Unsigned { bits } => format!("; {BITS_FIELD}={bits}"),
        Sample::Float => String::new(),
    };
    format!("{}{bits}{spacing}", unit_note(image.unit()))
}

/// The part of it that a stack of pages has.
pub(super) fn unit_note(unit: Unit) -> String {
    format!("kerma; {UNIT_FIELD}={}", unit_text(unit))
}

const SPACING_FIELD: &str = "spacing_mm";
const BITS_FIELD: &str = "bits";

/// Spacing, unit and significant bits from kerma's note; anything else in it is someone else's.
pub(super) fn parse_note(text: &str) -> (Option<[f64; 2]>, Unit, Option<u8>) {
    let field = |name: &str| text.split("; ").find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
    let ours = text.starts_with("kerma; ");
    let spacing = field(SPACING_FIELD).filter(|_| ours).and_then(|s| {
        let (x, y) = s.split_once('x')?;
        let [x, y] = [x.parse().ok()?, y.parse().ok()?];
        [x, y].iter().all(|s: &f64| s.is_finite() && *s > 0.0).then_some([x, y])
    });
    let bits = field(BITS_FIELD).filter(|_| ours).and_then(|b| b.parse().ok());
    (spacing, if ours { unit_in_prose(text) } else { Unit::Arbitrary }, bits)
}
