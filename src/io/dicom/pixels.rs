use std::io::{Read, Seek};

use super::{
    codec::{self, Cells, Codec, Fault},
    dataset::{Dataset, Pixels, Span, Tag},
};
use crate::{
    data::DataError,
    io::{IoError, scalar::Endian},
};

const SAMPLES_PER_PIXEL: Tag = Tag(0x0028_0002, "SamplesPerPixel");
pub(super) const PHOTOMETRIC: Tag = Tag(0x0028_0004, "PhotometricInterpretation");
const NUMBER_OF_FRAMES: Tag = Tag(0x0028_0008, "NumberOfFrames");
const ROWS: Tag = Tag(0x0028_0010, "Rows");
const COLUMNS: Tag = Tag(0x0028_0011, "Columns");
const BITS_ALLOCATED: Tag = Tag(0x0028_0100, "BitsAllocated");
const BITS_STORED: Tag = Tag(0x0028_0101, "BitsStored");
const HIGH_BIT: Tag = Tag(0x0028_0102, "HighBit");
const PIXEL_REPRESENTATION: Tag = Tag(0x0028_0103, "PixelRepresentation");
const RESCALE_INTERCEPT: Tag = Tag(0x0028_1052, "RescaleIntercept");
const RESCALE_SLOPE: Tag = Tag(0x0028_1053, "RescaleSlope");

/// Pixels converted at a time.
const CHUNK_PIXELS: usize = 1 << 16;

/// How frames of grey pixels are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PixelLayout {
    /// Columns and rows.
    pub(super) size: [usize; 2],
    pub(super) frames: usize,
    /// MONOCHROME1: the smallest value is the brightest.
    pub(super) inverted: bool,
    pub(super) bits_stored: u8,
    pub(super) signed: bool,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    bits_allocated: usize,
    shift: u32,
}

impl PixelLayout {
    /// As [`PixelLayout::of`], of a file that must hold one frame.
    pub(super) fn of_single<R: Read + Seek>(dataset: &Dataset<R>) -> Result<Self, IoError> {
        let layout = Self::of(dataset)?;
        if layout.frames != 1 {
            let allowed = "1; split the file into single frames";
            return Err(dataset.field(NUMBER_OF_FRAMES.1, layout.frames, allowed));
        }
        Ok(layout)
    }

    /// Reads and checks the attributes, and that the pixels are all there, or can be where they are compressed.
    pub(super) fn of<R: Read + Seek>(dataset: &Dataset<R>) -> Result<Self, IoError> {
        let pixels = dataset.pixels()?;
        let samples = dataset.u16_opt(SAMPLES_PER_PIXEL).unwrap_or(1);
        if samples != 1 {
            return Err(dataset.field(SAMPLES_PER_PIXEL.1, samples, "1 (grey)"));
        }
        let inverted = match dataset.text(PHOTOMETRIC).as_deref() {
            Some("MONOCHROME1") => true,
            Some("MONOCHROME2") => false,
            got => return Err(dataset.field(PHOTOMETRIC.1, got.unwrap_or("nothing"), "MONOCHROME1 or MONOCHROME2")),
        };
        let [frames] = dataset.numbers_opt(NUMBER_OF_FRAMES)?.unwrap_or([1.0]);
        if !(frames >= 1.0 && frames <= f64::from(i32::MAX) && frames.fract() == 0.0) {
            return Err(dataset.field(NUMBER_OF_FRAMES.1, frames, "a whole number from 1 on"));
        }
        let size = [dataset.u16_value(COLUMNS)?, dataset.u16_value(ROWS)?].map(usize::from);
        if size.contains(&0) {
            return Err(dataset.field("Rows and Columns", format!("{} and {}", size[1], size[0]), "positive"));
        }
        let allocated = dataset.u16_value(BITS_ALLOCATED)?;
        let compressed = dataset.syntax().codec;
        if !([8, 16, 32].contains(&allocated) || allocated == 1 && compressed.is_none()) {
            let allowed = if compressed.is_none() { "1, 8, 16 or 32" } else { "8, 16 or 32" };
            return Err(dataset.field(BITS_ALLOCATED.1, allocated, allowed));
        }
        let stored = dataset.u16_opt(BITS_STORED).unwrap_or(allocated);
        if !(1..=allocated).contains(&stored) {
            return Err(dataset.field(BITS_STORED.1, stored, &format!("1 to {allocated}")));
        }
        let high = dataset.u16_opt(HIGH_BIT).unwrap_or(stored - 1);
        if !(stored - 1..allocated).contains(&high) {
            return Err(dataset.field(HIGH_BIT.1, high, &format!("{} to {}", stored - 1, allocated - 1)));
        }
        let [slope] = dataset.numbers_opt(RESCALE_SLOPE)?.unwrap_or([1.0]);
        let [intercept] = dataset.numbers_opt(RESCALE_INTERCEPT)?.unwrap_or([0.0]);
        if slope == 0.0 {
            return Err(dataset.field(RESCALE_SLOPE.1, slope, "other than 0"));
        }
        let layout = Self {
            size,
            frames: frames as usize,
            inverted,
            bits_stored: stored as u8,
            signed: dataset.u16_opt(PIXEL_REPRESENTATION).unwrap_or(0) == 1,
            slope,
            intercept,
            bits_allocated: allocated.into(),
            // Decoders of images align samples to the right.
            shift: if compressed.is_some_and(Codec::aligns) { 0 } else { u32::from(high + 1 - stored) },
        };
        match pixels {
            Pixels::Native { value, .. } => layout.check_length(dataset, value.length)?,
            Pixels::Fragments { fragments, .. } => layout.check_fragments(dataset, fragments)?,
        }
        Ok(layout)
    }

    /// Pixels of one frame.
    fn count(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn cells(&self) -> Cells {
        Cells { size: self.size, bytes: self.bits_allocated / 8 }
    }

    fn check_length<R: Read + Seek>(&self, dataset: &Dataset<R>, got: u32) -> Result<(), IoError> {
        let bits = (self.count() as u64).saturating_mul(self.frames as u64).saturating_mul(self.bits_allocated as u64);
        let (got, needed) = (u64::from(got), bits.div_ceil(8));
        // Padding may follow, to an even length or, in some devices' files, to a longer one; another frame may not.
        if got < needed || got - needed > (needed / self.frames as u64).max(2) / 2 {
            return Err(dataset.field("PixelData", format!("{got} bytes"), &format!("{needed} bytes")));
        }
        Ok(())
    }

    /// Before anything is decoded, a frame must be no larger than all pieces together could be.
    fn check_fragments<R: Read + Seek>(&self, dataset: &Dataset<R>, fragments: &[Span]) -> Result<(), IoError> {
        if fragments.len() < self.frames {
            let (got, frames) = (fragments.len(), self.frames);
            let allowed = format!("at least {frames} pieces, for as many frames as NumberOfFrames says");
            return Err(dataset.field("PixelData", format!("{got} pieces"), &allowed));
        }
        let Some(codec) = dataset.syntax().codec else { return Ok(()) };
        let bytes = fragments.iter().map(|f| f.length as usize).sum();
        codec::bound(codec, bytes, self.cells()).map_err(|fault| refused(dataset, 0, fault))
    }

    /// Appends the rescaled values of all frames, top row first. The padding value is rescaled like any other.
    pub(super) fn append<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        values: &mut Vec<f32>,
    ) -> Result<(), IoError> {
        let first = values.len();
        match dataset.pixels()?.clone() {
            Pixels::Native { value, swapped } => self.append_native(dataset, value, swapped, values)?,
            Pixels::Fragments { table, fragments } => {
                for (index, pieces) in self.frames(dataset, table, &fragments)?.into_iter().enumerate() {
                    self.append_compressed(dataset, index, pieces, values)?;
                }
            }
        }
        // Slope and intercept are text of any size: their product with a pixel may leave f32.
        let bad = |v: &&f32| !v.is_finite();
        if let Some(at) = values[first..].iter().position(|v| !v.is_finite()) {
            let count = values[first..].iter().filter(bad).count();
            let source = DataError::NotFinite { what: "image", count, first: at };
            return Err(IoError::Data { path: dataset.path().to_owned(), source });
        }
        Ok(())
    }

    fn append_native<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        value: Span,
        swapped: bool,
        values: &mut Vec<f32>,
    ) -> Result<(), IoError> {
        let endian = dataset.syntax().layout.endian;
        let swapped = swapped && self.bits_allocated <= 8;
        // A chunk begins at a whole word of 16 bits, whatever a pixel has.
        let (mut done, total) = (0, self.count() * self.frames);
        let mut bytes = Vec::new();
        while done < total {
            let part = CHUNK_PIXELS.min(total - done);
            let start = (done * self.bits_allocated / 8) as u64;
            let even = (part * self.bits_allocated).div_ceil(16) as u64 * 2;
            let length = even.min(u64::from(value.length) - start) as u32;
            bytes.clear();
            dataset.append_span(Span { at: value.at + start, length }, &mut bytes)?;
            if swapped {
                bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
            }
            self.append_cells(&bytes, part, endian, values);
            done += part;
        }
        Ok(())
    }

    fn append_compressed<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        index: usize,
        pieces: &[Span],
        values: &mut Vec<f32>,
    ) -> Result<(), IoError> {
        let Some(codec) = dataset.syntax().codec else { return Ok(()) };
        let mut frame = Vec::new();
        for &piece in pieces {
            dataset.append_span(piece, &mut frame)?;
        }
        let cells = codec::decode(codec, &frame, self.cells()).map_err(|fault| refused(dataset, index, fault))?;
        self.append_cells(&cells, self.count(), Endian::Little, values);
        Ok(())
    }

    /// The pieces of each frame: one for each, all for the only one, or what the table of offsets says.
    fn frames<'a, R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        table: Span,
        fragments: &'a [Span],
    ) -> Result<Vec<&'a [Span]>, IoError> {
        if self.frames == 1 {
            return Ok(vec![fragments]);
        }
        if self.frames == fragments.len() {
            return Ok(fragments.chunks(1).collect());
        }
        let mut offsets = Vec::new();
        dataset.append_span(table, &mut offsets)?;
        let places = |&offset: &[u8; 4]| {
            let offset = u64::from(u32::from_le_bytes(offset));
            fragments.binary_search_by_key(&offset, |f| f.at - fragments[0].at).ok()
        };
        let starts: Option<Vec<usize>> = offsets.as_chunks().0.iter().map(places).collect();
        let mut starts = starts.unwrap_or_default();
        starts.push(fragments.len());
        if starts.len() != self.frames + 1 || starts[0] != 0 || !starts.is_sorted_by(|a, b| a < b) {
            let got = format!("{} pieces of {} frames", fragments.len(), self.frames);
            let allowed = "one piece for each frame, or pieces with a table of each frame's offset";
            return Err(dataset.field("PixelData", got, allowed));
        }
        Ok(starts.windows(2).map(|w| &fragments[w[0]..w[1]]).collect())
    }

    /// Appends the rescaled values of so many pixels.
    fn append_cells(&self, bytes: &[u8], count: usize, endian: Endian, values: &mut Vec<f32>) {
        match self.bits_allocated {
            1 => values.extend((0..count).map(|i| self.value(u32::from(bytes[i / 8] >> (i % 8) & 1)))),
            8 => values.extend(bytes[..count].iter().map(|&b| self.value(b.into()))),
            16 => values.extend(bytes.as_chunks().0[..count].iter().map(|&w| self.value(endian.u16(w).into()))),
            _ => values.extend(bytes.as_chunks().0[..count].iter().map(|&w| self.value(endian.u32(w)))),
        }
    }

    fn value(&self, word: u32) -> f32 {
        let unused = 32 - u32::from(self.bits_stored);
        let bits = (word >> self.shift) << unused;
        let stored = if self.signed { f64::from(bits.cast_signed() >> unused) } else { f64::from(bits >> unused) };
        (stored * self.slope + self.intercept) as f32
    }
}

/// Error for a frame that is not decoded; frames count from 1 in messages.
fn refused<R>(dataset: &Dataset<R>, index: usize, fault: Fault) -> IoError {
    match fault {
        Fault::Damaged(reason) => dataset.corrupt(format!("PixelData, frame {}: {reason}", index + 1)),
        Fault::Unsupported(what) => dataset.unsupported(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_bits_are_dropped_and_the_sign_extended() {
        let layout = PixelLayout {
            size: [1, 1],
            frames: 1,
            inverted: false,
            bits_stored: 12,
            signed: true,
            slope: 1.0,
            intercept: 0.0,
            bits_allocated: 16,
            shift: 0,
        };
        assert_eq!(layout.value(0xF7FF), 2047.0);
        assert_eq!(layout.value(0x0800), -2048.0);
        assert_eq!(PixelLayout { shift: 4, ..layout }.value(0x800A), -2048.0);
        assert_eq!(PixelLayout { signed: false, ..layout }.value(0xF800), 2048.0);
        // A pixel padding of 63536 in a signed 16-bit file is −2000.
        assert_eq!(PixelLayout { bits_stored: 16, intercept: -1024.0, ..layout }.value(63536), -3024.0);
    }
}
