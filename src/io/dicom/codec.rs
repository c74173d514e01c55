//! Decoders of one compressed grey frame.
//!
//! JPEG is decoded by `jpeg-decoder`, as in dicom-rs; JPEG 2000 by `hayro-jpeg2000`, which is free of `unsafe` and gives
//! samples of any depth. Run lengths are decoded here: dicom-rs's decoder panics where a segment unpacks to fewer bytes
//! than the frame has. Frame headers are read here first, so that no decoder makes room for a size that the file's own
//! attributes contradict or that its bytes cannot fill.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use jpeg_decoder::Decoder;

/// What pixels are compressed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Codec {
    /// Run lengths of bytes (PS3.5, annex G).
    Rle,
    /// Sequential DCT of 8 bits, and lossless with any predictor (ITU-T T.81).
    Jpeg,
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
/// Pixels of JPEG 2000 that need no bytes, and most pixels per byte beyond them. The format itself has no bound: a blank
/// image of any size takes a hundred bytes.
const FREE_JPEG2000_PIXELS: usize = 1 << 22;
const MAX_JPEG2000_INFLATION: usize = 4096;
/// Deepest samples: the decoder's wavelets are in single precision, exact in integers of 24 bits.
const MAX_JPEG2000_BITS: usize = 16;
/// Fewest bytes of a tile: its two markers.
const TILE_BYTES: usize = 14;

impl Codec {
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
        Codec::Rle => run_lengths(frame, cells),
        Codec::Jpeg => jpeg(frame, cells),
        Codec::Jpeg2000 => jpeg2000(frame, cells),
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

/// One segment for each byte of a pixel, the highest first.
fn run_lengths(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    const HEADER_BYTES: usize = 64;
    let header = frame.get(..HEADER_BYTES).ok_or_else(|| damaged("the header of the run lengths is cut off"))?;
    let mut numbers = header.as_chunks().0.iter().map(|&n| u32::from_le_bytes(n) as usize);
    let segments = numbers.next().unwrap_or(0);
    if segments != cells.bytes {
        let (expected, allocated) = (cells.bytes, 8 * cells.bytes);
        return Err(Fault::Damaged(format!(
            "BitsAllocated is {allocated}, which takes {expected} segments of run lengths, but the frame has {segments}"
        )));
    }
    let mut bounds: Vec<usize> = numbers.take(segments).collect();
    bounds.push(frame.len());
    let mut bytes = vec![0; cells.count() * cells.bytes];
    for (index, bound) in bounds.windows(2).enumerate() {
        let segment = frame.get(bound[0]..bound[1]).filter(|_| bound[0] >= HEADER_BYTES);
        let segment = segment.ok_or_else(|| damaged(format!("segment {} lies outside the frame", index + 1)))?;
        let place = bytes.iter_mut().skip(cells.bytes - 1 - index).step_by(cells.bytes);
        let missing = unpack(segment, place);
        if missing > 0 {
            return Err(Fault::Damaged(format!("segment {} ends {missing} pixels early", index + 1)));
        }
    }
    Ok(bytes)
}

/// Unpacks bytes into their places and tells how many of these stay empty.
fn unpack<'a>(mut packed: &[u8], mut places: impl ExactSizeIterator<Item = &'a mut u8>) -> usize {
    /// Stands for nothing.
    const IDLE: u8 = 128;
    while let Some((&sign, rest)) = packed.split_first() {
        if places.len() == 0 {
            break;
        }
        packed = rest;
        if sign == IDLE {
            continue;
        }
        if sign < IDLE {
            let (literal, rest) = packed.split_at(packed.len().min(usize::from(sign) + 1));
            packed = rest;
            literal.iter().zip(places.by_ref()).for_each(|(&byte, place)| *place = byte);
        } else if let Some((&byte, rest)) = packed.split_first() {
            packed = rest;
            places.by_ref().take(257 - usize::from(sign)).for_each(|place| *place = byte);
        }
    }
    places.len()
}

fn jpeg(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    let header = JpegHeader::of(frame).ok_or_else(|| damaged("the JPEG frame has no header"))?;
    cells.check("JPEG", header.size, header.components, header.bits)?;
    if header.bits > 8 && !header.lossless {
        return Err(Fault::Unsupported(format!("lossy JPEG of {} bits", header.bits)));
    }
    let decoded = Decoder::new(frame).decode().map_err(damaged)?;
    let mut bytes = Vec::with_capacity(cells.count() * cells.bytes);
    match header.bits {
        8 => decoded.iter().for_each(|&v| cells.push(&mut bytes, v.into())),
        _ => decoded.as_chunks().0.iter().for_each(|&v| cells.push(&mut bytes, u16::from_ne_bytes(v).into())),
    }
    complete(bytes, cells)
}

/// What a JPEG frame says of itself.
struct JpegHeader {
    lossless: bool,
    bits: usize,
    size: [usize; 2],
    components: usize,
}

impl JpegHeader {
    /// Reads the first frame header (T.81, B.2.2); segments before it are stepped over.
    fn of(frame: &[u8]) -> Option<Self> {
        const START: [u8; 2] = [0xFF, 0xD8];
        let mut rest = frame.strip_prefix(&START)?;
        loop {
            let &[sign, marker] = rest.first_chunk()?;
            if sign != 0xFF {
                return None;
            }
            if marker == 0xFF {
                rest = &rest[1..];
                continue;
            }
            rest = &rest[2..];
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            match marker {
                // Tables of codes, a reserved one and conditions of arithmetic coding share the numbers of frames.
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF => {
                    let &[_, _, bits, rows_high, rows_low, columns_high, columns_low, components] = rest.first_chunk()?;
                    let size = [[columns_high, columns_low], [rows_high, rows_low]];
                    return Some(Self {
                        lossless: marker == 0xC3,
                        bits: bits.into(),
                        size: size.map(|s| u16::from_be_bytes(s).into()),
                        components: components.into(),
                    });
                }
                _ => {}
            }
            rest = rest.get(length.max(2)..)?;
        }
    }
}

fn jpeg2000(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    // The codestream alone: boxes around it, which DICOM does not allow, would bring palettes and colour spaces.
    const START: &[u8] = b"\xFF\x4F\xFF\x51";
    let start = frame.windows(START.len()).position(|w| w == START);
    let frame = &frame[start.ok_or_else(|| damaged("there is no JPEG 2000 codestream"))?..];
    let header = Jpeg2000Header::of(frame).ok_or_else(|| damaged("the header of the JPEG 2000 codestream is damaged"))?;
    cells.check("JPEG 2000", header.size, header.components, header.bits)?;
    if header.bits > MAX_JPEG2000_BITS {
        return Err(Fault::Unsupported(format!("JPEG 2000 of {} bits", header.bits)));
    }
    if header.tiles > frame.len() / TILE_BYTES {
        let tiles = header.tiles;
        return Err(Fault::Damaged(format!("{} bytes of JPEG 2000 cannot hold {tiles} tiles", frame.len())));
    }
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(frame, &settings).map_err(damaged)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let samples = decoded.components().first().map_or(&[][..], |c| c.samples());
    // The decoder adds half the range to all samples, as is right for unsigned ones.
    let (max, half) = ((1_i32 << header.bits) - 1, if header.signed { 1 << (header.bits - 1) } else { 0 });
    let mut bytes = Vec::with_capacity(cells.count() * cells.bytes);
    samples.iter().for_each(|v| cells.push(&mut bytes, (v.round() as i32).clamp(0, max) - half));
    complete(bytes, cells)
}

/// What a codestream says of itself.
struct Jpeg2000Header {
    signed: bool,
    bits: usize,
    size: [usize; 2],
    components: usize,
    tiles: usize,
}

impl Jpeg2000Header {
    /// Reads the image and tile sizes (T.800, A.5.1), the second marker.
    fn of(frame: &[u8]) -> Option<Self> {
        const SIZES_AT: usize = 8;
        const COMPONENTS_AT: usize = SIZES_AT + 8 * 4;
        let [right, bottom, left, top, tile_width, tile_height, tile_left, tile_top] = {
            let numbers = frame.get(SIZES_AT..COMPONENTS_AT)?.as_chunks().0;
            let mut numbers = numbers.iter().map(|&n| u32::from_be_bytes(n));
            std::array::from_fn(|_| numbers.next().unwrap_or(0))
        };
        let &[high, low, kind, step_x, step_y] = frame.get(COMPONENTS_AT..)?.first_chunk()?;
        if [tile_width, tile_height].contains(&0) || [step_x, step_y] != [1, 1] {
            return None;
        }
        let tiles = |end: u32, start: u32, tile: u32| Some(end.checked_sub(start)?.div_ceil(tile) as usize);
        Some(Self {
            signed: kind & 0x80 != 0,
            bits: usize::from(kind & 0x7F) + 1,
            size: [right.checked_sub(left)? as usize, bottom.checked_sub(top)? as usize],
            components: u16::from_be_bytes([high, low]).into(),
            tiles: tiles(right, tile_left, tile_width)?.checked_mul(tiles(bottom, tile_top, tile_height)?)?,
        })
    }
}

/// Refuses a frame of fewer or more pixels than its header says, which no decoder should give.
fn complete(bytes: Vec<u8>, cells: Cells) -> Result<Vec<u8>, Fault> {
    let (expected, got) = (cells.count(), bytes.len() / cells.bytes);
    if got != expected {
        return Err(Fault::Damaged(format!("{got} of {expected} pixels can be decoded")));
    }
    Ok(bytes)
}
