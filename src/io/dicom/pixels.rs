use std::io::{Read, Seek};

use super::dataset::{Dataset, Tag};
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

/// Bytes converted at a time; even, so that no sample is split.
const CHUNK_BYTES: usize = 1 << 16;

/// How one frame of grey pixels is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PixelLayout {
    /// Columns and rows.
    pub(super) size: [usize; 2],
    /// MONOCHROME1: the smallest value is the brightest.
    pub(super) inverted: bool,
    pub(super) bits_stored: u8,
    pub(super) signed: bool,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    bytes: usize,
    shift: u32,
}

impl PixelLayout {
    /// Reads and checks the attributes, and that the pixels are all there.
    pub(super) fn of<R: Read + Seek>(dataset: &Dataset<R>) -> Result<Self, IoError> {
        let samples = dataset.u16_opt(SAMPLES_PER_PIXEL).unwrap_or(1);
        if samples != 1 {
            return Err(dataset.field(SAMPLES_PER_PIXEL.1, samples, "1 (grey)"));
        }
        let inverted = match dataset.text(PHOTOMETRIC).as_deref() {
            Some("MONOCHROME1") => true,
            Some("MONOCHROME2") => false,
            got => return Err(dataset.field(PHOTOMETRIC.1, got.unwrap_or("nothing"), "MONOCHROME1 or MONOCHROME2")),
        };
        if let Some([frames]) = dataset.numbers_opt(NUMBER_OF_FRAMES)?
            && frames != 1.0
        {
            return Err(dataset.field(NUMBER_OF_FRAMES.1, frames, "1; split the file into single frames"));
        }
        let size = [dataset.u16_value(COLUMNS)?, dataset.u16_value(ROWS)?].map(usize::from);
        if size.contains(&0) {
            return Err(dataset.field("Rows and Columns", format!("{} and {}", size[1], size[0]), "positive"));
        }
        let allocated = dataset.u16_value(BITS_ALLOCATED)?;
        if allocated != 8 && allocated != 16 {
            return Err(dataset.field(BITS_ALLOCATED.1, allocated, "8 or 16"));
        }
        if allocated == 8 && dataset.endian() == Endian::Big {
            return Err(dataset.field(BITS_ALLOCATED.1, allocated, "16 in a big-endian file"));
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
            inverted,
            bits_stored: stored as u8,
            signed: dataset.u16_opt(PIXEL_REPRESENTATION).unwrap_or(0) == 1,
            slope,
            intercept,
            bytes: usize::from(allocated / 8),
            shift: u32::from(high + 1 - stored),
        };
        let needed = layout.byte_count();
        let (_, got) = dataset.pixels()?;
        // Values have an even length: one byte of padding may follow.
        if u64::from(got) != needed && u64::from(got) != needed + needed % 2 {
            return Err(dataset.field("PixelData", format!("{got} bytes"), &format!("{needed} bytes")));
        }
        Ok(layout)
    }

    fn byte_count(&self) -> u64 {
        (self.size[0] * self.size[1] * self.bytes) as u64
    }

    /// Appends the rescaled values, top row first. The padding value is rescaled like any other.
    pub(super) fn append<R: Read + Seek>(
        &self,
        dataset: &mut Dataset<R>,
        values: &mut Vec<f32>,
    ) -> Result<(), IoError> {
        let (start, _) = dataset.pixels()?;
        let first = values.len();
        let big = dataset.endian() == Endian::Big;
        let (mut done, total) = (0, self.byte_count());
        let mut bytes = vec![0; CHUNK_BYTES];
        while done < total {
            let part = (total - done).min(CHUNK_BYTES as u64) as usize;
            dataset.fill_at(start + done, &mut bytes[..part])?;
            let words = bytes[..part].chunks_exact(self.bytes).map(|w| match *w {
                [a, b] if big => u16::from_be_bytes([a, b]),
                [a, b] => u16::from_le_bytes([a, b]),
                _ => u16::from(w[0]),
            });
            values.extend(words.map(|w| self.value(w)));
            done += part as u64;
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

    fn value(&self, word: u16) -> f32 {
        let unused = 16 - u32::from(self.bits_stored);
        let bits = (word >> self.shift) << unused;
        let stored = if self.signed { i32::from(bits as i16 >> unused) } else { i32::from(bits >> unused) };
        (f64::from(stored) * self.slope + self.intercept) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_bits_are_dropped_and_the_sign_extended() {
        let layout = PixelLayout {
            size: [1, 1],
            inverted: false,
            bits_stored: 12,
            signed: true,
            slope: 1.0,
            intercept: 0.0,
            bytes: 2,
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
