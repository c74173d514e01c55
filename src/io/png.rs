use std::{
    io::{self, BufRead, Seek, SeekFrom},
    path::Path,
};

use ::png::{
    BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, EncodingError, Limits, PixelDimensions,
    Unit as PixelUnit,
};

use super::{
    IoError,
    atomic::write_file,
    error::excerpt,
    input::MAX_INFLATION,
    pixel_values::{integers, note, parse_note, pixel_count, room},
};
use crate::data::{Image, Sample};

/// Keyword of the text chunk that holds kerma's note.
const KEYWORD: &str = "Comment";
/// The chunk every PNG ends with: length 0, name, checksum.
const END_CHUNK: [u8; 12] = *b"\0\0\0\0IEND\xAE\x42\x60\x82";
/// Most memory the decoder may take for itself: one row and the text chunks of the largest images.
const DECODER_BYTES: usize = 64 << 20;

/// Reads a grey PNG of `length` bytes row by row.
pub(super) fn read(path: &Path, mut reader: impl BufRead + Seek, length: u64) -> Result<Image, IoError> {
    check_end(path, &mut reader, length)?;
    let failed = |e| failure(path, e);
    let mut reader = Decoder::new_with_limits(reader, Limits { bytes: DECODER_BYTES }).read_info().map_err(failed)?;
    let info = reader.info();
    let size = [info.width as usize, info.height as usize];
    if info.color_type != ColorType::Grayscale {
        const REMEDY: &str = "convert it to grey without an alpha channel";
        let what = format!("a PNG of colour type {:?}", info.color_type);
        return Err(IoError::Unsupported { path: path.to_owned(), what, remedy: REMEDY });
    }
    let wide = match info.bit_depth {
        BitDepth::Eight => false,
        BitDepth::Sixteen => true,
        depth => {
            return Err(IoError::Field {
                path: path.to_owned(),
                field: "bit depth".to_owned(),
                got: (depth as u8).to_string(),
                allowed: "8 or 16".to_owned(),
            });
        }
    };
    let count = pixel_count(path, size)?;
    let bytes = count as u64 * if wide { 2 } else { 1 };
    let most = length.saturating_mul(MAX_INFLATION);
    if bytes > most {
        return Err(IoError::Truncated { path: path.to_owned(), what: "the pixels", expected: bytes, got: most });
    }
    let mut values = room(path, count)?;
    if info.interlaced {
        // Interlaced rows do not come in order: the frame is decoded at once.
        let mut frame = room(path, bytes as usize)?;
        frame.resize(bytes as usize, 0);
        reader.next_frame(&mut frame).map_err(failed)?;
        extend(&mut values, &frame, wide);
    } else {
        while let Some(row) = reader.next_row().map_err(failed)? {
            extend(&mut values, row.data(), wide);
        }
    }
    reader.finish().map_err(failed)?;
    let text = &reader.info().uncompressed_latin1_text;
    let comment = text.iter().find(|t| t.keyword == KEYWORD).map_or("", |t| t.text.as_str());
    let (spacing, unit, bits) = parse_note(comment);
    let stored = if wide { 16 } else { 8 };
    let sample = Sample::Unsigned { bits: bits.filter(|b| (1..=stored).contains(b)).unwrap_or(stored) };
    Image::new(size, spacing, sample, unit, values).map_err(|source| IoError::Data { path: path.to_owned(), source })
}

/// Fails unless the file ends as a PNG does, which tells a cut or overlong file before anything is decoded.
fn check_end(path: &Path, reader: &mut (impl BufRead + Seek), length: u64) -> Result<(), IoError> {
    let refused = |source| IoError::System { path: path.to_owned(), action: "read", source };
    let tail = END_CHUNK.len() as u64;
    let mut end = END_CHUNK;
    let mut magic = [0; 8];
    if length >= tail {
        reader.read_exact(&mut magic).map_err(refused)?;
        reader.seek(SeekFrom::Start(length - tail)).and_then(|_| reader.read_exact(&mut end)).map_err(refused)?;
        reader.seek(SeekFrom::Start(0)).map_err(refused)?;
    }
    if magic != *b"\x89PNG\r\n\x1a\n" {
        let reason = "it does not begin with the PNG signature".to_owned();
        return Err(IoError::Format { path: path.to_owned(), format: "PNG", reason });
    }
    if end != END_CHUNK {
        let reason = "it does not end with the IEND chunk: cut short, or something follows".to_owned();
        return Err(IoError::Corrupt { path: path.to_owned(), reason });
    }
    Ok(())
}

fn extend(values: &mut Vec<f32>, bytes: &[u8], wide: bool) {
    if wide {
        let (words, _) = bytes.as_chunks();
        values.extend(words.iter().map(|&w| f32::from(u16::from_be_bytes(w))));
    } else {
        values.extend(bytes.iter().map(|&b| f32::from(b)));
    }
}

fn failure(path: &Path, error: DecodingError) -> IoError {
    match error {
        DecodingError::IoError(source) if source.raw_os_error().is_some() => {
            IoError::System { path: path.to_owned(), action: "read", source }
        }
        other => IoError::Corrupt { path: path.to_owned(), reason: excerpt(other) },
    }
}

/// Why float values do not go into a PNG.
pub(super) fn float(path: &Path) -> IoError {
    IoError::Unsupported {
        path: path.to_owned(),
        what: "a float image in PNG".to_owned(),
        remedy: "map it to 8 or 16 bits first, or write .tiff or .npy",
    }
}

/// Writes a grey PNG of 8 or 16 bits.
pub(super) fn write(path: &Path, image: &Image) -> Result<(), IoError> {
    let Sample::Unsigned { bits } = image.sample() else {
        return Err(float(path));
    };
    let integers = integers(path, image, bits)?;
    let [width, height] = image.size().map(|n| n as u32);
    write_file(path, |out| {
        let mut encoder = Encoder::new(out, width, height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(if bits > 8 { BitDepth::Sixteen } else { BitDepth::Eight });
        encoder.set_compression(Compression::Fast);
        encoder.add_text_chunk(KEYWORD.to_owned(), note(image)).map_err(io_error)?;
        if let Some([x, y]) = image.spacing_mm() {
            // For other programs; coarse, so kerma reads its own note instead.
            let [xppu, yppu] = [x, y].map(|s| (1000.0 / s).round() as u32);
            encoder.set_pixel_dims(Some(PixelDimensions { xppu, yppu, unit: PixelUnit::Meter }));
        }
        let mut writer = encoder.write_header().map_err(io_error)?;
        let bytes: Vec<u8> = if bits > 8 {
            integers.iter().flat_map(|v| v.to_be_bytes()).collect()
        } else {
            integers.iter().map(|&v| v as u8).collect()
        };
        writer.write_image_data(&bytes).map_err(io_error)?;
        writer.finish().map_err(io_error)
    })
}

fn io_error(error: EncodingError) -> io::Error {
    match error {
        EncodingError::IoError(source) => source,
        other => io::Error::other(other),
    }
}
