//! Volumes as series of CT images (PS3.3, A.3).

use std::{borrow::Cow, fs, path::Path};

use dicom_core::PrimitiveValue;
use dicom_dictionary_std::tags;
use glam::DVec3;
use sha2::Digest as _;

use super::{
    attributes::DicomAttributes,
    dataset::Dataset,
    elements::{Elements, decimal, sizes, uid},
};
use crate::{
    data::{DataError, Grid, Unit},
    io::{
        IoError,
        atomic::refusal,
        folder::FolderDraft,
        frame::{Frame, Placement},
        image::open_file,
        unit_text::unit_text,
    },
};

const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Largest value stored of those that are scaled.
const MOST: f64 = u16::MAX as f64;

/// A volume that can be asked for its slices again and again, first slice first.
pub(in crate::io) struct Stored<'a, F> {
    pub(in crate::io) grid: &'a Grid,
    pub(in crate::io) unit: Unit,
    pub(in crate::io) slice: F,
}

/// How values become integers of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    slope: f64,
    intercept: f64,
    is_signed: bool,
}

/// What decides on that.
struct Range {
    low: f32,
    high: f32,
    /// Whether all values are whole numbers.
    is_whole: bool,
}

impl Range {
    fn scale(&self, unit: Unit) -> Scale {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let holds = |least: f64, most: f64| low.round() >= least && high.round() <= most;
        let plain = |is_signed| Scale { slope: 1.0, intercept: 0.0, is_signed };
        if (self.is_whole || unit == Unit::Hounsfield) && holds(i16::MIN.into(), i16::MAX.into()) {
            return plain(true);
        }
        if self.is_whole && holds(0.0, MOST) {
            return plain(false);
        }
        // As the file's text has them, so that a reader computes with the same numbers.
        let stated = |value: f64| decimal(value).parse().unwrap_or(value);
        let slope = if high > low { stated((high - low) / MOST) } else { 1.0 };
        Scale { slope, intercept: stated(low), is_signed: false }
    }
}

impl Scale {
    fn integers(self, values: &[f32]) -> PrimitiveValue {
        let stored = |value: &f32| ((f64::from(*value) - self.intercept) / self.slope).round();
        match self.is_signed {
            true => PrimitiveValue::I16(values.iter().map(|value| stored(value) as i16).collect()),
            false => PrimitiveValue::U16(values.iter().map(|value| stored(value) as u16).collect()),
        }
    }
}

/// Writes a volume into a folder, a file for each slice, and gives the folder its name.
pub(in crate::io) fn write<'v, F>(
    folder: FolderDraft,
    mut stored: Stored<'_, F>,
    attributes: &DicomAttributes,
) -> Result<(), IoError>
where
    F: FnMut(usize) -> Result<Cow<'v, [f32]>, IoError>,
{
    let path = folder.path().to_owned();
    let [nx, ny, count] = stored.grid.size();
    let size = sizes(&path, [nx, ny])?;
    let mut range = Range { low: f32::INFINITY, high: f32::NEG_INFINITY, is_whole: true };
    for k in 0..count {
        let values = (stored.slice)(k)?;
        DataError::check_finite("volume", &values).map_err(|source| IoError::Data { path: path.clone(), source })?;
        for value in values.iter() {
            range.low = range.low.min(*value);
            range.high = range.high.max(*value);
            range.is_whole &= value.fract() == 0.0;
        }
    }
    let scale = range.scale(stored.unit);
    let mut elements = Elements::new(CT_IMAGE, "CT", attributes);
    elements.grey(size, "MONOCHROME2", 16, scale.is_signed);
    describe(&mut elements, stored.grid, attributes);
    rescale(&mut elements, scale, &range, stored.unit);
    let mut hash = elements.hash().map_err(|error| refusal(&path, error))?;
    for k in 0..count {
        hash = hash.chain_update(scale.integers(&(stored.slice)(k)?).to_bytes());
    }
    elements.series(attributes, &hash);
    elements.text(tags::FRAME_OF_REFERENCE_UID, &uid(&hash, "frame of reference"));

    let Placement { steps, origin, .. } = Placement::of(stored.grid, Frame::Lps);
    let digits = count.to_string().len().max(4);
    for k in 0..count {
        let number = k + 1;
        let mut image = elements.image();
        image.text(tags::INSTANCE_NUMBER, &number.to_string());
        image.decimals(tags::IMAGE_POSITION_PATIENT, &(origin + k as f64 * steps.z_axis).to_array());
        let bytes = image.file(&uid(&hash, &format!("slice {number}")), scale.integers(&(stored.slice)(k)?));
        folder.put(&format!("slice-{number:0digits$}.dcm"), &bytes.map_err(|error| refusal(&path, error))?)?;
    }
    folder.publish()
}

/// What all slices have in common but their rescaling.
fn describe(elements: &mut Elements, grid: &Grid, attributes: &DicomAttributes) {
    let simulated = if attributes.simulated { "\\SIMULATED" } else { "" };
    elements.text(tags::IMAGE_TYPE, &format!("DERIVED\\SECONDARY\\AXIAL{simulated}"));
    for tag in [tags::KVP, tags::PATIENT_POSITION, tags::ACQUISITION_NUMBER, tags::POSITION_REFERENCE_INDICATOR] {
        elements.copy(attributes, tag);
    }
    for tag in [tags::BODY_PART_EXAMINED, tags::BURNED_IN_ANNOTATION] {
        elements.copy_if_stated(attributes, tag);
    }
    // Required, if only empty, where what is shown may be of one side.
    match attributes.text(tags::BODY_PART_EXAMINED) {
        Some(_) => elements.copy_if_stated(attributes, tags::LATERALITY),
        None => elements.copy(attributes, tags::LATERALITY),
    }
    let axes = Placement::of(grid, Frame::Lps).steps;
    let [row, column] = [axes.x_axis, axes.y_axis].map(DVec3::normalize);
    elements.decimals(tags::IMAGE_ORIENTATION_PATIENT, &[row.x, row.y, row.z, column.x, column.y, column.z]);
    let spacing = grid.spacing_mm();
    // The distance between rows comes first.
    elements.decimals(tags::PIXEL_SPACING, &[spacing.y, spacing.x]);
    elements.decimals(tags::SLICE_THICKNESS, &[spacing.z]);
    elements.decimals(tags::SPACING_BETWEEN_SLICES, &[spacing.z]);
}

/// What the stored integers mean.
fn rescale(elements: &mut Elements, scale: Scale, range: &Range, unit: Unit) {
    elements.decimals(tags::RESCALE_INTERCEPT, &[scale.intercept]);
    elements.decimals(tags::RESCALE_SLOPE, &[scale.slope]);
    elements.text(tags::RESCALE_TYPE, if unit == Unit::Arbitrary { "US" } else { unit_text(unit) });
    if unit != Unit::Hounsfield && range.high > range.low {
        // Viewers expect CT numbers, and would show others all black or white.
        let (low, high) = (f64::from(range.low), f64::from(range.high));
        elements.decimals(tags::WINDOW_CENTER, &[(low + high) / 2.0]);
        elements.decimals(tags::WINDOW_WIDTH, &[high - low]);
        elements.text(tags::VOILUT_FUNCTION, "LINEAR_EXACT");
    }
}

/// Whether a folder holds slices that kerma wrote and nothing else.
pub(in crate::io) fn is_ours(folder: &Path) -> bool {
    let is_slice = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_named = name.strip_prefix("slice-").is_some_and(|rest| rest.ends_with(".dcm"));
        let manufacturer = || {
            let (reader, length) = open_file(path).ok()?;
            Some(Dataset::open(path, reader, length).ok()?.bytes(tags::MANUFACTURER)?.trim_ascii() == b"kerma")
        };
        is_named && manufacturer() == Some(true)
    };
    let Ok(mut entries) = fs::read_dir(folder) else { return false };
    entries.all(|entry| entry.is_ok_and(|entry| is_slice(&entry.path())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_ct_numbers_are_stored_as_they_are() {
        let scale = |low: f32, high: f32, is_whole: bool, unit: Unit| {
            let Scale { slope, intercept, is_signed } = Range { low, high, is_whole }.scale(unit);
            (slope, intercept, is_signed)
        };
        assert_eq!(scale(-1024.3, 3071.4, false, Unit::Hounsfield), (1.0, 0.0, true));
        assert_eq!(scale(0.0, 9.0, true, Unit::Arbitrary), (1.0, 0.0, true));
        assert_eq!(scale(0.0, 65535.0, true, Unit::Counts), (1.0, 0.0, false));
        let (slope, intercept, is_signed) = scale(-1.0, 70000.0, true, Unit::Hounsfield);
        assert!((slope - 70001.0 / 65535.0).abs() < 1e-9 && intercept == -1.0 && !is_signed);
        assert_eq!(scale(0.25, 0.25, false, Unit::PerMillimetre), (1.0, 0.25, false));
    }

    #[test]
    fn the_ends_of_a_range_are_kept() {
        let (low, high) = (-0.013_f32, 0.0617_f32);
        let scale = Range { low, high, is_whole: false }.scale(Unit::PerMillimetre);
        let PrimitiveValue::U16(stored) = scale.integers(&[low, high]) else { panic!("unsigned") };
        assert_eq!(stored.as_slice(), [0, 65535]);
    }
}
