//! The folder of a run.

use std::path::Path;

use glam::DVec3;
use kerma::{
    data::{Image, Projections, Sample, Unit, Volume},
    geometry::Geometry,
    io::{
        DicomAttributes, IoError, write_bytes, write_image, write_image_with, write_projections, write_volume,
        write_volume_with,
    },
};

use super::record::{self, Hashed, Record};
use crate::{
    context::Context,
    draft,
    failure::Failure,
    pictures::{Plane, Slice, Window},
};

/// Share of a picture's pixels left black, and white.
const TAILS: f64 = 0.005;

/// Window of a picture: soft tissue beside lungs for CT numbers, all but the tails of what has none.
pub(super) fn window(slice: &Slice) -> Window {
    match slice.unit() {
        Unit::Hounsfield => Window::level(LEVEL_HU, WIDTH_HU),
        _ => Window::covering(slice, TAILS),
    }
}

/// Level and width of that window, in HU.
const LEVEL_HU: f32 = -200.0;
const WIDTH_HU: f32 = 1400.0;

/// A folder on its way.
pub(super) struct Draft {
    folder: draft::Draft,
    /// Images and volumes, hashed.
    pub(super) outputs: Vec<Hashed>,
}

impl Draft {
    /// Begins a folder. Only one that is not there, that is empty or that a run has made is replaced.
    pub(super) fn new(target: &Path) -> Result<Self, Failure> {
        let folder = draft::Draft::new(target, |folder| folder.join(record::FILE).is_file())?;
        Ok(Self { folder, outputs: Vec::new() })
    }

    fn put(
        &mut self,
        context: &mut Context,
        name: &str,
        is_hashed: bool,
        writer: impl FnOnce(&Path) -> Result<(), IoError>,
    ) -> Result<(), Failure> {
        let draft = self.folder.put(context, name, writer)?;
        if is_hashed {
            let hashed = Hashed::of(&draft)?;
            self.outputs.push(Hashed { file: name.into(), ..hashed });
        }
        Ok(())
    }

    /// Writes a stack of views.
    pub(super) fn stack(&mut self, context: &mut Context, name: &str, stack: &Projections) -> Result<(), Failure> {
        self.put(context, &format!("{name}.nrrd"), true, |path| write_projections(path, stack))
    }

    /// Writes a volume.
    pub(super) fn volume(&mut self, context: &mut Context, name: &str, volume: &Volume) -> Result<(), Failure> {
        self.put(context, &format!("{name}.nii.gz"), true, |path| write_volume(path, volume))
    }

    /// Writes a radiograph as a DICOM file.
    pub(super) fn radiograph(
        &mut self,
        context: &mut Context,
        name: &str,
        image: &Image,
        attributes: &DicomAttributes,
    ) -> Result<(), Failure> {
        self.put(context, &format!("{name}.dcm"), true, |path| write_image_with(path, image, attributes))
    }

    /// Writes a volume as a folder of DICOM slices.
    pub(super) fn slices(
        &mut self,
        context: &mut Context,
        name: &str,
        volume: &Volume,
        attributes: &DicomAttributes,
    ) -> Result<(), Failure> {
        self.put(context, &format!("{name}/"), true, |path| write_volume_with(path, volume, attributes))
    }

    /// Writes a picture of a view, head up, with L at the patient's left and R at the right where both are seen.
    pub(super) fn view(
        &mut self,
        context: &mut Context,
        name: &str,
        stack: &Projections,
        geometry: &Geometry,
        view: usize,
    ) -> Result<(), Failure> {
        let Some(slice) = Slice::of_view(stack, geometry, view) else { return Ok(()) };
        self.picture(context, name, &slice)
    }

    /// Writes pictures of the middle planes of a volume.
    pub(super) fn planes(&mut self, context: &mut Context, name: &str, volume: &Volume) -> Result<(), Failure> {
        for plane in Plane::ALL {
            let slice = Slice::of_volume(volume, plane, DVec3::ZERO);
            self.picture(context, &format!("{name}-{}", plane.name().to_lowercase()), &slice)?;
        }
        Ok(())
    }

    fn picture(&mut self, context: &mut Context, name: &str, slice: &Slice) -> Result<(), Failure> {
        let mut values = levels(slice);
        let [columns, rows] = slice.size();
        let [left, right, ..] = slice.edge_letters();
        left.into_iter().for_each(|letter| mark(&mut values, [columns, rows], letter, false));
        right.into_iter().for_each(|letter| mark(&mut values, [columns, rows], letter, true));
        let image =
            Image::new([columns, rows], slice.pixel_mm(), Sample::Unsigned { bits: 16 }, Unit::Arbitrary, values)?;
        self.put(context, &format!("{name}.png"), false, |path| write_image(path, &image))
    }

    /// Writes a table of numbers in CSV.
    pub(super) fn table(&mut self, context: &mut Context, name: &str, text: &str) -> Result<(), Failure> {
        self.put(context, &format!("{name}.csv"), true, |path| write_bytes(path, text.as_bytes()))
    }

    /// Writes a text.
    pub(super) fn text(&mut self, context: &mut Context, name: &str, text: &str) -> Result<(), Failure> {
        self.put(context, name, false, |path| write_bytes(path, text.as_bytes()))
    }

    /// Gives the folder its name, with the record as its last file.
    pub(super) fn publish(mut self, context: &mut Context, record: &Record) -> Result<(), Failure> {
        let text = record.text()?;
        self.text(context, record::FILE, &text)?;
        self.folder.publish()
    }
}

/// Grey levels of a picture, in 16 bits.
pub(super) fn levels(slice: &Slice) -> Vec<f32> {
    let (window, white) = (window(slice), f32::from(u16::MAX));
    slice.values().iter().map(|v| (window.brightness(*v) * white).round()).collect()
}

/// Letters of five by seven dots.
fn glyph(letter: char) -> Option<[u8; 7]> {
    match letter {
        'L' => Some([0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
        'R' => Some([0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
        _ => None,
    }
}

/// Puts a letter into an upper corner, white on black, a twentieth of the picture high.
fn mark(values: &mut [f32], [columns, rows]: [usize; 2], letter: char, is_right: bool) {
    let Some(dots) = glyph(letter) else { return };
    let dot = (rows / 140).max(1);
    let [wide, high] = [7 * dot, 9 * dot];
    if columns < 3 * wide || rows < 3 * high {
        return;
    }
    let left = if is_right { columns - wide - dot } else { dot };
    for y in 0..high {
        for x in 0..wide {
            let (column, row) = ((x / dot).wrapping_sub(1), (y / dot).wrapping_sub(1));
            let is_white = column < 5 && row < 7 && dots[row] >> (4 - column) & 1 == 1;
            values[(y + dot) * columns + left + x] = if is_white { f32::from(u16::MAX) } else { 0.0 };
        }
    }
}
