//! Decoders of one compressed grey frame.
//!
//! JPEG is decoded by `jpeg-decoder`, as in dicom-rs; JPEG 2000 by `hayro-jpeg2000`, which is free of `unsafe` and gives
//! samples of any depth. Run lengths are decoded here: dicom-rs's decoder panics where a segment unpacks to fewer bytes
//! than the frame has; and JPEG-LS, of which no decoder in Rust alone is kept up (dicom-rs binds CharLS, which wants a C++
//! compiler and CMake). Frame headers are read here first, so that no decoder makes room for a size that the file's own
//! attributes contradict or that its bytes cannot fill.

mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod run_lengths;

/// What pixels are compressed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Codec {
    /// Run lengths of bytes (PS3.5, annex G).
    Rle,
    /// Sequential DCT of 8 bits, and lossless with any predictor (ITU-T T.81).
    Jpeg,
    /// JPEG-LS (ITU-T T.87), lossless and near-lossless.
    JpegLs,
    /// JPEG 2000 (ITU-T T.800), lossless and lossy.
    Jpeg2000,
}

/// What the file's attributes say of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cells {
    /// Columns and rows.
    pub(super) size: [usize; 2],
    /// Bytes of one pixel: 1, 2 or 4.
    pub(super) bytes: usize,
}

/// Why a frame is not decoded.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    Damaged(String),
    Unsupported(String),
}

/// Most bytes that two bytes of run lengths unpack to, as a factor.
const MAX_RLE_INFLATION: usize = 64;
/// Most pixels per byte of JPEG: a block of 64 pixels takes one bit at least, for its mean.
const MAX_JPEG_INFLATION: usize = 8 * 64;
/// Most pixels of a row of JPEG-LS per bit; each row takes one bit at least.
const MAX_JPEG_LS_RUN: usize = 1 << 15;
/// Pixels of JPEG 2000 that need no bytes, and most pixels per byte beyond them. The format itself has no bound: a blank
/// image of any size takes a hundred bytes.
const FREE_JPEG2000_PIXELS: usize = 1 << 22;
const MAX_JPEG2000_INFLATION: usize = 4096;
/// Bytes at the beginning of a piece that tell whether a frame begins there.
pub(super) const SIGN_BYTES: u32 = 12;

impl Codec {
    /// How a frame begins; run lengths have no sign, and one piece a frame.
    pub(super) fn signs(self) -> &'static [&'static [u8]] {
        match self {
            Self::Rle => &[],
            Self::Jpeg | Self::JpegLs => &[b"\xFF\xD8"],
            Self::Jpeg2000 => &[b"\xFF\x4F\xFF\x51", b"\0\0\0\x0CjP  "],
        }
    }

    /// Whether samples come out aligned to the right, wherever HighBit says they are.
    pub(super) fn aligns(self) -> bool {
        self != Self::Rle
    }
}

/// Refuses a frame of more pixels than so many bytes can hold.
pub(super) fn bound(codec: Codec, bytes: usize, cells: Cells) -> Result<(), Fault> {
    let (name, most) = match codec {
        Codec::Rle => ("run lengths", bytes.saturating_mul(MAX_RLE_INFLATION) / cells.bytes),
        Codec::Jpeg => ("JPEG", bytes.saturating_mul(MAX_JPEG_INFLATION)),
        Codec::JpegLs => ("JPEG-LS", bytes.saturating_mul(8 * cells.size[0].min(MAX_JPEG_LS_RUN))),
        Codec::Jpeg2000 => {
            ("JPEG 2000", FREE_JPEG2000_PIXELS.saturating_add(bytes.saturating_mul(MAX_JPEG2000_INFLATION)))
        }
    };
    let [columns, rows] = cells.size;
    if cells.count() > most {
        let reason = format!("{bytes} bytes of {name} hold {most} pixels at most, not {columns} × {rows}");
        return Err(Fault::Damaged(reason));
    }
    Ok(())
}

/// Decodes a frame into little-endian cells, right-aligned; signed ones in two's complement.
pub(super) fn decode(codec: Codec, frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    bound(codec, frame.len(), cells)?;
    match codec {
        Codec::Rle => run_lengths::decode(frame, cells),
        Codec::Jpeg => jpeg::decode(frame, cells),
        Codec::JpegLs => jpeg_ls::decode(frame, cells),
        Codec::Jpeg2000 => jpeg2000::decode(frame, cells),
    }
}

impl Cells {
    fn count(self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Compares the file's attributes with the frame's own header.
    fn check(self, what: &str, size: [usize; 2], components: usize, bits: usize) -> Result<(), Fault> {
        if components != 1 {
            return Err(Fault::Damaged(format!("SamplesPerPixel is 1, but the {what} frame has {components}")));
        }
        if size != self.size {
            let [columns, rows] = self.size;
            let [width, height] = size;
            return Err(Fault::Damaged(format!(
                "Columns × Rows is {columns} × {rows}, but the {what} frame has {width} × {height}"
            )));
        }
        if bits > 8 * self.bytes {
            let allocated = 8 * self.bytes;
            return Err(Fault::Damaged(format!("BitsAllocated is {allocated}, but the {what} frame has {bits} bits")));
        }
        Ok(())
    }

    /// Appends one value's low bytes.
    fn push(self, bytes: &mut Vec<u8>, value: i32) {
        bytes.extend_from_slice(&value.to_le_bytes()[..self.bytes]);
    }
}

fn damaged(error: impl ToString) -> Fault {
    Fault::Damaged(error.to_string())
}

/// Refuses a frame of fewer or more pixels than its header says, which no decoder should give.
fn complete(bytes: Vec<u8>, cells: Cells) -> Result<Vec<u8>, Fault> {
    let (expected, got) = (cells.count(), bytes.len() / cells.bytes);
    if got != expected {
        return Err(Fault::Damaged(format!("{got} of {expected} pixels can be decoded")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: Cells = Cells { size: [3, 2], bytes: 2 };

    fn frame(offsets: [u32; 2], segments: &[u8]) -> Vec<u8> {
        let mut header: Vec<u8> = [2, offsets[0], offsets[1]].into_iter().flat_map(u32::to_le_bytes).collect();
        header.resize(64, 0);
        [&header, segments].concat()
    }

    fn reason(codec: Codec, frame: &[u8]) -> String {
        match decode(codec, frame, CELLS) {
            Err(Fault::Damaged(reason)) => reason,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn run_lengths_are_literals_and_repeats() {
        // High bytes: 1 five times, then 2; low bytes as they are, after a byte that stands for nothing.
        let segments = [0xFC, 1, 0, 2, 0x80, 5, 10, 11, 12, 13, 14, 15];
        let want = [0x010A, 0x010B, 0x010C, 0x010D, 0x010E, 0x020F_u16].map(u16::to_le_bytes).concat();
        assert_eq!(decode(Codec::Rle, &frame([64, 68], &segments), CELLS), Ok(want));
    }

    #[test]
    fn run_lengths_that_lie_are_named() {
        let segments = [0xFB, 1, 0xFC, 2];
        let reason = |frame: &[u8]| reason(Codec::Rle, frame);
        assert_eq!(reason(&frame([64, 66], &segments)), "segment 2 ends 1 pixels early");
        assert_eq!(reason(&frame([64, 69], &segments)), "segment 1 lies outside the frame");
        assert_eq!(reason(&frame([66, 64], &segments)), "segment 1 lies outside the frame");
        assert_eq!(reason(&frame([0, 66], &segments)), "segment 1 lies outside the frame");
        assert_eq!(reason(&[2; 63]), "the header of the run lengths is cut off");
        assert!(reason(&[1; 64]).starts_with("BitsAllocated is 16, which takes 2 segments"));
        assert!(matches!(bound(Codec::Rle, 10, Cells { size: [33, 10], bytes: 2 }), Err(Fault::Damaged(_))));
        assert_eq!(bound(Codec::Rle, 10, Cells { size: [32, 10], bytes: 2 }), Ok(()));
    }

    #[test]
    fn frames_without_a_header_are_named() {
        assert_eq!(reason(Codec::Jpeg, b"GIF89a"), "the JPEG frame has no header");
        assert_eq!(reason(Codec::Jpeg, b"\xFF\xD8\xFF\xC0"), "the JPEG frame has no header");
        assert_eq!(reason(Codec::Jpeg2000, b"GIF89a"), "there is no JPEG 2000 codestream");
        assert_eq!(reason(Codec::Jpeg2000, b"\xFF\x4F\xFF\x51"), "the header of the JPEG 2000 codestream is damaged");
    }
}
