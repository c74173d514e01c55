use std::{
    io::{Read, Seek},
    sync::Arc,
};

use super::{
    codec::{self, Cells, Codec, Fault},
    dataset::{Dataset, MODALITY_LUT, Pixels, Span, Tag},
};
use crate::io::{IoError, raster::check_finite, scalar::Endian};

const SAMPLES_PER_PIXEL: Tag = Tag(0x0028_0002, "SamplesPerPixel");
pub(super) const PHOTOMETRIC: Tag = Tag(0x0028_0004, "PhotometricInterpretation");
const NUMBER_OF_FRAMES: Tag = Tag(0x0028_0008, "NumberOfFrames");
const ROWS: Tag = Tag(0x0028_0010, "Rows");
const COLUMNS: Tag = Tag(0x0028_0011, "Columns");
const BITS_ALLOCATED: Tag = Tag(0x0028_0100, "BitsAllocated");
const BITS_STORED: Tag = Tag(0x0028_0101, "BitsStored");
const HIGH_BIT: Tag = Tag(0x0028_0102, "HighBit");
const PIXEL_REPRESENTATION: Tag = Tag(0x0028_0103, "PixelRepresentation");
const PADDING_VALUE: Tag = Tag(0x0028_0120, "PixelPaddingValue");
const PADDING_LIMIT: Tag = Tag(0x0028_0121, "PixelPaddingRangeLimit");
pub(super) const RESCALE_INTERCEPT: Tag = Tag(0x0028_1052, "RescaleIntercept");
pub(super) const RESCALE_SLOPE: Tag = Tag(0x0028_1053, "RescaleSlope");
const LUT_DESCRIPTOR: Tag = Tag(0x0028_3002, "LUTDescriptor");
const LUT_DATA: Tag = Tag(0x0028_3006, "LUTData");

/// Pixels converted at a time.
const CHUNK_PIXELS: usize = 1 << 16;

/// How frames of grey pixels are stored.
#[derive(Clone, Debug, PartialEq)]
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
    /// Takes the place of slope and intercept.
    table: Option<Arc<Table>>,
    /// First and last stored value that stand for no measurement.
    padding: Option<[i64; 2]>,
    bits_allocated: usize,
    shift: u32,
    /// The pieces of each compressed frame.
    pieces: Arc<[Vec<Span>]>,
}

/// A modality LUT: what stored values mean, from a first one on; those below and above take the ends'.
#[derive(Debug, PartialEq)]
struct Table {
    first: i64,
    values: Vec<u16>,
    bits: u8,
}

impl PixelLayout {
    /// Reads and checks the attributes, and that the pixels are all there, or can be where they are compressed.
    pub(super) fn of<R: Read + Seek>(dataset: &mut Dataset<R>) -> Result<Self, IoError> {
        let pixels = dataset.pixels()?.clone();
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
        let signed = dataset.u16_opt(PIXEL_REPRESENTATION).unwrap_or(0) == 1;
        let mut layout = Self {
            size,
            frames: frames as usize,
            inverted,
            bits_stored: stored as u8,
            signed,
            slope,
            intercept,
            table: Table::of(dataset, signed)?.map(Arc::new),
            padding: padding(dataset, signed),
            bits_allocated: allocated.into(),
            // Decoders of images align samples to the right.
            shift: if compressed.is_some_and(Codec::aligns) { 0 } else { u32::from(high + 1 - stored) },
            pieces: Arc::default(),
        };
        match pixels {
            Pixels::Native { value, .. } => layout.check_length(dataset, value.length)?,
            Pixels::Fragments { table, fragments } => {
                layout.check_fragments(dataset, &fragments)?;
                layout.pieces = layout.frames_of(dataset, table, &fragments)?.into();
            }
        }
        Ok(layout)
    }

    /// Bits of unsigned values that come as they are stored.
    pub(super) fn unsigned_bits(&self) -> Option<u8> {
        let as_stored = !self.signed && self.slope == 1.0 && self.intercept == 0.0 && self.bits_stored <= 16;
        self.table.as_ref().map(|table| table.bits).or(as_stored.then_some(self.bits_stored))
    }

    /// Lowest and highest of the rescaled values that stand for no measurement.
    pub(super) fn padding(&self) -> Option<[f32; 2]> {
        let [a, b] = self.padding?.map(|stored| self.rescaled(stored));
        Some([a.min(b), a.max(b)])
    }

    /// Index of the frame of a number from 1 on, which may be left out where there is one frame.
    pub(super) fn frame<R>(&self, dataset: &Dataset<R>, number: Option<usize>) -> Result<usize, IoError> {
        match number {
            None if self.frames > 1 => {
                Err(dataset.field(NUMBER_OF_FRAMES.1, self.frames, "1, or a frame be chosen with --frame"))
            }
            Some(number) if !(1..=self.frames).contains(&number) => {
                Err(dataset.field("--frame", number, &format!("1 to {}", self.frames)))
            }
            number => Ok(number.map_or(0, |number| number - 1)),
        }
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

    /// Reads the rescaled values of one frame, top row first. The padding value is rescaled like any other.
    pub(super) fn read<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        frame: usize,
        values: &mut [f32],
    ) -> Result<(), IoError> {
        match *dataset.pixels()? {
            Pixels::Native { value, swapped } => self.read_native(dataset, value, swapped, frame, values)?,
            Pixels::Fragments { .. } => self.read_compressed(dataset, frame, values)?,
        }
        // Slope and intercept are text of any size: their product with a pixel may leave f32.
        check_finite(dataset.path(), "image", values)
    }

    fn read_native<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        value: Span,
        swapped: bool,
        frame: usize,
        values: &mut [f32],
    ) -> Result<(), IoError> {
        let endian = dataset.syntax().layout.endian;
        let swapped = swapped && self.bits_allocated <= 8;
        let mut first = frame * self.count();
        let mut bytes = Vec::new();
        for part in values.chunks_mut(CHUNK_PIXELS) {
            // A chunk begins at a whole word of 16 bits, whatever a pixel has.
            let start = first * self.bits_allocated / 16 * 2;
            let before = first - start * 8 / self.bits_allocated;
            let even = ((before + part.len()) * self.bits_allocated).div_ceil(16) * 2;
            let length = (even as u64).min(u64::from(value.length) - start as u64) as u32;
            bytes.clear();
            dataset.append_span(Span { at: value.at + start as u64, length }, &mut bytes)?;
            if swapped {
                bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
            }
            self.fill(&bytes, before, endian, part);
            first += part.len();
        }
        Ok(())
    }

    fn read_compressed<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        frame: usize,
        values: &mut [f32],
    ) -> Result<(), IoError> {
        let Some(codec) = dataset.syntax().codec else { return Ok(()) };
        let mut packed = Vec::new();
        for &piece in &self.pieces[frame] {
            dataset.append_span(piece, &mut packed)?;
        }
        let cells = codec::decode(codec, &packed, self.cells()).map_err(|fault| refused(dataset, frame, fault))?;
        self.fill(&cells, 0, Endian::Little, values);
        Ok(())
    }

    /// The pieces of each frame: one for each, all for the only one, what the table of offsets says, or from one piece that
    /// begins as a frame does to the next.
    fn frames_of<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        table: Span,
        fragments: &[Span],
    ) -> Result<Vec<Vec<Span>>, IoError> {
        if self.frames == 1 {
            return Ok(vec![fragments.to_vec()]);
        }
        if self.frames == fragments.len() {
            return Ok(fragments.iter().map(|&piece| vec![piece]).collect());
        }
        let mut offsets = Vec::new();
        dataset.append_span(table, &mut offsets)?;
        let places = |&offset: &[u8; 4]| {
            let offset = u64::from(u32::from_le_bytes(offset));
            fragments.binary_search_by_key(&offset, |f| f.at - fragments[0].at).ok()
        };
        let starts: Option<Vec<usize>> = offsets.as_chunks().0.iter().map(places).collect();
        let mut starts = starts.unwrap_or_default();
        if starts.is_empty() {
            let signs = dataset.syntax().codec.map_or(&[][..], Codec::signs);
            for (index, piece) in fragments.iter().enumerate() {
                let mut first = Vec::new();
                let length = piece.length.min(codec::SIGN_BYTES);
                dataset.append_span(Span { length, ..*piece }, &mut first)?;
                if signs.iter().any(|sign| first.starts_with(sign)) {
                    starts.push(index);
                }
            }
        }
        starts.push(fragments.len());
        if starts.len() != self.frames + 1 || starts[0] != 0 || !starts.is_sorted_by(|a, b| a < b) {
            let got = format!("{} pieces of {} frames", fragments.len(), self.frames);
            let allowed = "one piece for each frame, or pieces with a table of each frame's offset";
            return Err(dataset.field("PixelData", got, allowed));
        }
        Ok(starts.windows(2).map(|w| fragments[w[0]..w[1]].to_vec()).collect())
    }

    /// Rescales pixels of a chunk, from its pixel `first` on.
    fn fill(&self, bytes: &[u8], first: usize, endian: Endian, values: &mut [f32]) {
        match self.bits_allocated {
            1 => {
                let bit = |i: usize| u32::from(bytes[i / 8] >> (i % 8) & 1);
                values.iter_mut().zip(first..).for_each(|(value, i)| *value = self.value(bit(i)));
            }
            8 => values.iter_mut().zip(&bytes[first..]).for_each(|(value, &b)| *value = self.value(b.into())),
            16 => {
                let words = &bytes.as_chunks().0[first..];
                values.iter_mut().zip(words).for_each(|(value, &w)| *value = self.value(endian.u16(w).into()));
            }
            _ => {
                let words = &bytes.as_chunks().0[first..];
                values.iter_mut().zip(words).for_each(|(value, &w)| *value = self.value(endian.u32(w)));
            }
        }
    }

    fn value(&self, word: u32) -> f32 {
        let unused = 32 - u32::from(self.bits_stored);
        let bits = (word >> self.shift) << unused;
        self.rescaled(if self.signed { (bits.cast_signed() >> unused).into() } else { (bits >> unused).into() })
    }

    fn rescaled(&self, stored: i64) -> f32 {
        match &self.table {
            Some(table) => table.value(stored).into(),
            None => (stored as f64 * self.slope + self.intercept) as f32,
        }
    }
}

impl Table {
    /// The table of a file that has one (PS3.3, C.11.1).
    fn of<R: Read + Seek>(dataset: &mut Dataset<R>, signed: bool) -> Result<Option<Self>, IoError> {
        let Some(&item) = dataset.items(MODALITY_LUT)?.first() else { return Ok(None) };
        let mut value = |tag: Tag, most| match dataset.find(item, tag)? {
            Some(value) => dataset.value(value, tag, most),
            None => Err(dataset.field(tag.1, "nothing", "there")),
        };
        let (descriptor, data) = (value(LUT_DESCRIPTOR, 6)?, value(LUT_DATA, 2 << 16)?);
        let endian = dataset.syntax().layout.endian;
        let words = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&w| endian.u16(w)).collect::<Vec<_>>();
        let &[entries, first, bits] = words(&descriptor).as_slice() else {
            return Err(dataset.field(LUT_DESCRIPTOR.1, format!("{} bytes", descriptor.len()), "3 numbers of 16 bits"));
        };
        // A count of 0 stands for one that 16 bits cannot say.
        let entries = if entries == 0 { 1 << 16 } else { usize::from(entries) };
        let mut values = if data.len().div_ceil(2) * 2 == entries.div_ceil(2) * 2 && entries > 1 {
            data.iter().map(|&byte| byte.into()).collect()
        } else {
            words(&data)
        };
        if values.len() < entries || !(1..=16).contains(&bits) {
            let got = format!("{} bytes for {entries} entries of {bits} bits", data.len());
            return Err(dataset.field(LUT_DATA.1, got, "one or two bytes for each entry of 1 to 16 bits"));
        }
        values.truncate(entries);
        let first = if signed { first.cast_signed().into() } else { first.into() };
        Ok(Some(Self { first, values, bits: bits as u8 }))
    }

    fn value(&self, stored: i64) -> u16 {
        let last = self.values.len() as i64 - 1;
        self.values[(stored - self.first).clamp(0, last) as usize]
    }
}

/// The stored values that stand for no measurement, which are of the pixels' own kind (PS3.3, C.7.5.1.1.2).
fn padding<R>(dataset: &Dataset<R>, signed: bool) -> Option<[i64; 2]> {
    let number = |word: u16| if signed { word.cast_signed().into() } else { i64::from(word) };
    let value = number(dataset.u16_opt(PADDING_VALUE)?);
    let limit = dataset.u16_opt(PADDING_LIMIT).map_or(value, number);
    Some([value.min(limit), value.max(limit)])
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
            table: None,
            padding: Some([-2000, -2000]),
            bits_allocated: 16,
            shift: 0,
            pieces: Arc::default(),
        };
        assert_eq!(layout.value(0xF7FF), 2047.0);
        assert_eq!(layout.value(0x0800), -2048.0);
        assert_eq!(PixelLayout { shift: 4, ..layout.clone() }.value(0x800A), -2048.0);
        assert_eq!(PixelLayout { signed: false, ..layout.clone() }.value(0xF800), 2048.0);
        // A pixel padding of 63536 in a signed 16-bit file is −2000.
        let whole = PixelLayout { bits_stored: 16, intercept: -1024.0, ..layout };
        assert_eq!((whole.value(63536), whole.padding()), (-3024.0, Some([-3024.0; 2])));
        // A table takes the place of slope and intercept; what lies outside of it takes its ends.
        let table = Some(Arc::new(Table { first: -1, values: vec![7, 8, 9], bits: 4 }));
        let looked_up = PixelLayout { table, ..whole };
        assert_eq!([0xFF00, 0xFFFF, 0, 1, 2].map(|word| looked_up.value(word)), [7.0, 7.0, 8.0, 9.0, 9.0]);
    }
}
