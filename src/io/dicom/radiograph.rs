use std::{
    io::{Read, Seek},
    path::Path,
};

use super::{
    dataset::{Dataset, Tag},
    has_overlays,
    pixels::PixelLayout,
};
use crate::{
    data::{DisplayRange, Image, ImageInfo, Sample, Trend, Unit},
    io::{
        IoError,
        pixel_values::{pixel_count, room},
    },
};

const IMAGER_PIXEL_SPACING: Tag = Tag(0x0018_1164, "ImagerPixelSpacing");
const PIXEL_SPACING: Tag = Tag(0x0028_0030, "PixelSpacing");
const INTENSITY_RELATIONSHIP: Tag = Tag(0x0028_1040, "PixelIntensityRelationship");
const INTENSITY_SIGN: Tag = Tag(0x0028_1041, "PixelIntensityRelationshipSign");
const WINDOW_CENTRE: Tag = Tag(0x0028_1050, "WindowCenter");
const WINDOW_WIDTH: Tag = Tag(0x0028_1051, "WindowWidth");

/// Reads the frame of a number from 1 on, or the only one, of a file of `length` bytes as an image, values as stored after
/// rescaling.
pub(in crate::io) fn read(
    path: &Path,
    reader: impl Read + Seek,
    length: u64,
    number: Option<usize>,
) -> Result<(Image, ImageInfo), IoError> {
    let mut dataset = Dataset::open(path, reader, length)?;
    let layout = PixelLayout::of(&mut dataset)?;
    let frame = layout.frame(&dataset, number)?;
    Ok((image(&mut dataset, &layout, frame)?, info(&dataset, &layout)?))
}

/// Reads all frames of a file of `length` bytes.
pub(in crate::io) fn read_frames(
    path: &Path,
    reader: impl Read + Seek,
    length: u64,
) -> Result<(Vec<Image>, ImageInfo), IoError> {
    let mut dataset = Dataset::open(path, reader, length)?;
    let layout = PixelLayout::of(&mut dataset)?;
    let frames = (0..layout.frames).map(|frame| image(&mut dataset, &layout, frame)).collect::<Result<_, _>>()?;
    Ok((frames, info(&dataset, &layout)?))
}

fn image<R: Read + Seek>(dataset: &mut Dataset<R>, layout: &PixelLayout, frame: usize) -> Result<Image, IoError> {
    let path = dataset.path().to_owned();
    let count = pixel_count(&path, layout.size)?;
    let mut values = room(&path, count)?;
    values.resize(count, 0.0);
    layout.read(dataset, frame, &mut values)?;
    let spacing = spacing(dataset)?.map(|(spacing, _)| spacing);
    let sample = layout.unsigned_bits().map_or(Sample::Float, |bits| Sample::Unsigned { bits });
    Image::new(layout.size, spacing, sample, Unit::Arbitrary, values).map_err(|source| IoError::Data { path, source })
}

fn info<R: Read + Seek>(dataset: &Dataset<R>, layout: &PixelLayout) -> Result<ImageInfo, IoError> {
    Ok(ImageInfo {
        inverted: layout.inverted,
        linear: dataset.text(INTENSITY_RELATIONSHIP).as_deref() == Some("LIN"),
        intensity: trend(dataset.u16_opt(INTENSITY_SIGN), layout.slope),
        window: window(dataset)?,
        padding: layout.padding(),
        spacing_at_detector: spacing(dataset)?.is_some_and(|(_, tag)| tag == IMAGER_PIXEL_SPACING.0),
        overlays: has_overlays(dataset),
    })
}

/// Distance between columns and between rows, and the attribute that states it; `None` when missing or 0, which some devices write for "unknown".
///
/// PixelSpacing comes first: where both are there it is the calibrated one. DICOM names the rows' distance first.
fn spacing<R: Read + Seek>(dataset: &Dataset<R>) -> Result<Option<([f64; 2], u32)>, IoError> {
    for tag in [PIXEL_SPACING, IMAGER_PIXEL_SPACING] {
        match dataset.numbers_opt(tag)? {
            Some([rows, columns]) if rows > 0.0 && columns > 0.0 => return Ok(Some(([columns, rows], tag.0))),
            Some(got) if got.iter().any(|&s| s < 0.0) => {
                return Err(dataset.field(tag.1, format!("{got:?}"), "positive, or 0 when unknown"));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The trend of rescaled values; the sign, a signed number of 16 bits, is that of stored ones.
fn trend(sign: Option<u16>, slope: f64) -> Option<Trend> {
    let rises = match sign?.cast_signed() {
        1 => true,
        -1 => false,
        _ => return None,
    };
    Some(if rises == (slope > 0.0) { Trend::Rising } else { Trend::Falling })
}

/// The first of the windows a file proposes.
fn window<R: Read + Seek>(dataset: &Dataset<R>) -> Result<Option<DisplayRange>, IoError> {
    let first = |tag| Ok(dataset.numbers(tag)?.and_then(|n| n.first().copied()));
    let (centre, width) = (first(WINDOW_CENTRE)?, first(WINDOW_WIDTH)?);
    Ok(centre.zip(width).filter(|&(_, width)| width >= 1.0).map(|(centre, width)| DisplayRange { centre, width }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_slope_turns_the_trend_round() {
        let (up, down) = (Some(Trend::Rising), Some(Trend::Falling));
        for (sign, slope, want) in [(1, 1.0, up), (-1, 1.0, down), (1, -2.0, down), (-1, -0.5, up), (0, 1.0, None)] {
            assert_eq!(trend(Some(i16::cast_unsigned(sign)), slope), want, "{sign} {slope}");
        }
        assert_eq!(trend(None, 1.0), None);
    }
}
