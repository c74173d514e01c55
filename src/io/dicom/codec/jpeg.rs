use jpeg_decoder::Decoder;

use super::{Cells, Fault, complete, damaged};

/// Sequential DCT of 8 bits, or lossless.
pub(super) fn decode(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    let header = JpegHeader::of(frame).ok_or_else(|| damaged("the JPEG frame has no header"))?;
    cells.check("JPEG", header.size, header.components, header.bits)?;
    if header.bits > 8 && !header.lossless {
        return Err(Fault::Unsupported(format!("lossy JPEG of {} bits", header.bits)));
    }
    let decoded = Decoder::new(frame).decode().map_err(|error| match error {
        jpeg_decoder::Error::Io(_) => damaged("the JPEG frame ends early"),
        error => damaged(error),
    })?;
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
                    let &[_, _, bits, rows_high, rows_low, columns_high, columns_low, components] =
                        rest.first_chunk()?;
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
