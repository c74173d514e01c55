use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{Cells, Fault, complete, damaged};

/// Deepest samples: the decoder's wavelets are in single precision, exact in integers of 24 bits.
const MAX_JPEG2000_BITS: usize = 16;
/// Fewest bytes of a tile: its two markers.
const TILE_BYTES: usize = 14;

/// Lossless and lossy alike.
pub(super) fn decode(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    // The codestream alone: boxes around it, which DICOM does not allow, would bring palettes and colour spaces.
    const START: &[u8] = b"\xFF\x4F\xFF\x51";
    let start = frame.windows(START.len()).position(|w| w == START);
    let frame = &frame[start.ok_or_else(|| damaged("there is no JPEG 2000 codestream"))?..];
    let header =
        Jpeg2000Header::of(frame).ok_or_else(|| damaged("the header of the JPEG 2000 codestream is damaged"))?;
    cells.check("JPEG 2000", header.size, header.components, header.bits)?;
    if header.bits > MAX_JPEG2000_BITS {
        return Err(Fault::Unsupported(format!("JPEG 2000 of {} bits", header.bits)));
    }
    if header.tiles > frame.len() / TILE_BYTES {
        let tiles = header.tiles;
        return Err(Fault::Damaged(format!("{} bytes of JPEG 2000 cannot hold {tiles} tiles", frame.len())));
    }
    // Each precinct has a packet, and that a byte at least. The decoder makes room for all precincts before it reads one.
    let precincts = precinct_count(frame, header.size);
    if precincts > frame.len() {
        return Err(Fault::Damaged(format!("{} bytes of JPEG 2000 cannot hold {precincts} precincts", frame.len())));
    }
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let damaged = |error| damaged(format!("invalid JPEG 2000 format: {error}"));
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

/// Fewest precincts that a coding style in the codestream's headers divides the image into; 0 where none says.
///
/// Headers are walked as far as they can be: of what is damaged the decoder tells.
fn precinct_count(frame: &[u8], size: [usize; 2]) -> usize {
    const TILE_PART: u8 = 0x90;
    const DATA: u8 = 0x93;
    let (mut at, mut next_tile, mut most) = (2, 0, 0);
    while let Some(&[0xFF, marker, high, low]) = frame.get(at..).and_then(|f| f.first_chunk()) {
        let segment = &frame[at + 4..];
        // What the coding style of all components has before its levels, and that of one (T.800, A.6.1 and A.6.2).
        let levels_at = match marker {
            0x52 => Some(5),
            0x53 => Some(2),
            _ => None,
        };
        let styled = |&at: &usize| segment.get(if at == 5 { 0 } else { 1 }).is_some_and(|style| style & 1 == 1);
        if let Some((&levels, style)) = levels_at.filter(styled).and_then(|at| segment.get(at..)?.split_first()) {
            let exponents = style.iter().skip(4).take(usize::from(levels) + 1);
            let count = |(resolution, &exponent): (usize, &u8)| {
                let shrink = usize::from(levels) - resolution;
                let [columns, rows] = size.map(|s| s.div_ceil(1 << shrink.min(32)));
                columns.div_ceil(1 << (exponent & 15)).saturating_mul(rows.div_ceil(1 << (exponent >> 4)))
            };
            most = most.max(exponents.enumerate().map(count).sum());
        }
        if marker == TILE_PART {
            let length = segment.get(2..6).and_then(|n| n.first_chunk()).map_or(0, |&n| u32::from_be_bytes(n));
            next_tile = at + length as usize;
        }
        at = match marker {
            DATA if next_tile > at => next_tile,
            DATA => break,
            _ => at + 2 + usize::from(u16::from_be_bytes([high, low])),
        };
    }
    most
}
