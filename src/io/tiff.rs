//! Grey TIFF and BigTIFF of 8, 16 or 32 (float) bits: images, and stacks of pages or of files.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    mem,
    path::{Path, PathBuf},
    vec,
};

use ::tiff::{
    ColorType, TiffError, TiffFormatError,
    decoder::{Decoder, DecodingResult, Limits},
    encoder::{TiffEncoder, TiffKind, TiffValue, colortype},
    tags::Tag,
};

use super::{
    IoError,
    atomic::write_file,
    error::excerpt,
    image::open_file,
    pixel_values::{integers, note, parse_note, pixel_count, room, unit_note},
    raster::{Header, Raster, check_finite},
    scalar::{Encoding, Endian, Scalar},
};
use crate::data::{Image, ImageInfo, Sample, Unit};

/// Largest factor by which a supported compression can shrink data: LZW, 4096 bytes from one code of 12 bits.
const MAX_INFLATION: u64 = 2731;
/// Most bytes of one tag's value: the offsets of all strips of the tallest images.
const TAG_BYTES: usize = 16 << 20;
/// PhotometricInterpretation WhiteIsZero.
const WHITE_IS_ZERO: u16 = 0;

/// Most pages of one stack.
const MAX_PAGES: usize = 1 << 16;
/// Size from which offsets need more than 32 bits, with room for directories.
const BIG_BYTES: u64 = 0xF000_0000;

/// Pages of one size, as stored.
pub(super) struct Pages {
    size: [usize; 2],
    count: usize,
    unit: Unit,
    pub(super) values: Vec<f32>,
}

impl Pages {
    /// What the header of another format would say.
    pub(super) fn header(&self) -> Header {
        let [width, height] = self.size;
        let encoding = Encoding::new(Scalar::F32, Endian::Little);
        Header { grid: None, has_spacing: false, shape: vec![width, height, self.count], unit: self.unit, encoding }
    }

    fn none() -> Self {
        Self { size: [0; 2], count: 0, unit: Unit::Arbitrary, values: Vec::new() }
    }

    /// Counts a page of a file; the first one tells the unit.
    fn add_numbered(&mut self, path: &Path, size: [usize; 2], comment: &str) -> Result<(), IoError> {
        if self.count == 0 {
            self.unit = parse_note(comment).1;
        }
        let number = self.count + 1;
        self.add(path, &format!("size of page {number}"), size)
    }

    fn add(&mut self, path: &Path, page: &str, size: [usize; 2]) -> Result<(), IoError> {
        if self.count == 0 {
            self.size = size;
        }
        if self.size != size || self.count == MAX_PAGES {
            let [of_all, of_this] = [self.size, size].map(|[width, height]| format!("{width}x{height}"));
            let (got, allowed) = match self.count {
                MAX_PAGES => ("more".to_owned(), format!("{MAX_PAGES} at most")),
                _ => (of_this, format!("{of_all} as of the first one")),
            };
            return Err(IoError::Field { path: path.to_owned(), field: page.to_owned(), got, allowed });
        }
        self.count += 1;
        Ok(())
    }
}

/// Reads all pages of a grey TIFF.
pub(super) fn read_pages(path: &Path, reader: impl BufRead + Seek, length: u64) -> Result<Pages, IoError> {
    PageStream::of_file(path, reader, length)?.rest()
}

/// Reads the TIFF files of a folder as one stack, in the order of their names with numbers in them taken as numbers.
pub(super) fn read_folder(folder: &Path) -> Result<Pages, IoError> {
    PageStream::of_folder(folder)?.rest()
}

/// Pages of a file, or of the files of a folder, that are read one after the other.
pub(super) struct PageStream<R: Read + Seek> {
    path: PathBuf,
    source: Source<R>,
    /// Those that were passed, and the values of those that were read and not taken yet.
    pages: Pages,
}

enum Source<R: Read + Seek> {
    /// The decoder stands at the page that was passed last, or at the first one; with the most bytes of values.
    File(Box<Decoder<R>>, usize),
    Folder(vec::IntoIter<PathBuf>),
}

impl PageStream<BufReader<File>> {
    /// Opens a file, or a folder of TIFF files.
    pub(super) fn open(path: &Path) -> Result<Self, IoError> {
        if path.is_dir() {
            return Self::of_folder(path);
        }
        let (reader, length) = open_file(path)?;
        Self::of_file(path, reader, length)
    }

    fn of_folder(folder: &Path) -> Result<Self, IoError> {
        Ok(Self { path: folder.to_owned(), source: Source::Folder(files(folder)?.into_iter()), pages: Pages::none() })
    }
}

impl<R: BufRead + Seek> PageStream<R> {
    fn of_file(path: &Path, reader: R, length: u64) -> Result<Self, IoError> {
        let (decoder, most) = open(path, reader, length)?;
        Ok(Self { path: path.to_owned(), source: Source::File(Box::new(decoder), most), pages: Pages::none() })
    }

    /// What the header of another format would say of all pages; passes over them.
    pub(super) fn header(mut self) -> Result<Header, IoError> {
        while self.pass()? {}
        Ok(self.pages.header())
    }

    /// All that follow.
    fn rest(mut self) -> Result<Pages, IoError> {
        while self.read()? {}
        Ok(self.pages)
    }

    /// Reads the next page behind those that were; whether there was one.
    pub(super) fn read(&mut self) -> Result<bool, IoError> {
        let pages = &mut self.pages;
        match &mut self.source {
            Source::File(decoder, most) => {
                if !next(&self.path, decoder, pages.count)? {
                    return Ok(false);
                }
                let start = pages.values.len();
                let page = page(&self.path, decoder, *most, &mut pages.values)?;
                check_finite(&self.path, "stack", &pages.values[start..])?;
                pages.add_numbered(&self.path, page.size, &page.comment)?;
            }
            Source::Folder(paths) => {
                let Some(path) = paths.next() else { return Ok(false) };
                let (reader, length) = open_file(&path)?;
                let (image, _) = read(&path, reader, length)?;
                pages.add(&path, "size", image.size())?;
                pages.unit = image.unit();
                add(&path, &mut pages.values, image.into_values())?;
            }
        }
        Ok(true)
    }

    /// Passes over the next page; whether there was one.
    pub(super) fn pass(&mut self) -> Result<bool, IoError> {
        let pages = &mut self.pages;
        match &mut self.source {
            Source::File(decoder, _) => {
                if !next(&self.path, decoder, pages.count)? {
                    return Ok(false);
                }
                let (size, comment) = outline(&self.path, decoder)?;
                pages.add_numbered(&self.path, size, &comment)?;
            }
            Source::Folder(paths) => {
                let Some(path) = paths.next() else { return Ok(false) };
                let (reader, length) = open_file(&path)?;
                let (size, comment) = outline(&path, &mut open(&path, reader, length)?.0)?;
                pages.add(&path, "size", size)?;
                pages.unit = parse_note(&comment).1;
            }
        }
        Ok(true)
    }

    /// Values of the pages that were read since the last call.
    pub(super) fn take(&mut self) -> Vec<f32> {
        mem::take(&mut self.pages.values)
    }
}

/// Moves a decoder that has passed so many pages to the next one, if there is one.
fn next<R: BufRead + Seek>(path: &Path, decoder: &mut Decoder<R>, passed: usize) -> Result<bool, IoError> {
    if passed > 0 {
        if !decoder.more_images() {
            return Ok(false);
        }
        decoder.next_image().map_err(|e| failure(path, e))?;
    }
    Ok(true)
}

/// Size and comment of the page where the decoder is, which must be grey.
fn outline<R: BufRead + Seek>(path: &Path, decoder: &mut Decoder<R>) -> Result<([usize; 2], String), IoError> {
    let (width, height) = decoder.dimensions().map_err(|e| failure(path, e))?;
    let colour = decoder.colortype().map_err(|e| failure(path, e))?;
    if !matches!(colour, ColorType::Gray(_)) {
        let what = format!("a TIFF of colour type {colour:?}");
        return Err(unsupported(path, what, "convert it to grey without an alpha channel"));
    }
    let comment = decoder.get_tag_ascii_string(Tag::ImageDescription).unwrap_or_default();
    Ok(([width as usize, height as usize], comment))
}

/// Puts a page behind those that there are.
fn add(path: &Path, values: &mut Vec<f32>, mut page: Vec<f32>) -> Result<(), IoError> {
    if values.is_empty() {
        *values = page;
        return Ok(());
    }
    let bytes = 4 * (values.len() + page.len()) as u64;
    values.try_reserve(page.len()).map_err(|_| IoError::Memory { path: path.to_owned(), bytes })?;
    values.append(&mut page);
    Ok(())
}

/// The TIFF files of a folder; empty where it has none.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, IoError> {
    let refused = |source| IoError::System { path: folder.to_owned(), action: "list", source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let is_tiff = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tif") || e.eq_ignore_ascii_case("tiff"));
        if is_tiff && path.is_file() {
            paths.push(path);
        }
    }
    // Names with the same numbers, as p_7 and p_07, in an order that does not depend on the folder's.
    paths.sort();
    paths.sort_by_cached_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(paths)
}

/// A name in pieces, numbers as their digits without leading zeros after how many these are.
fn natural(name: &str) -> Vec<(usize, String)> {
    let mut pieces: Vec<(usize, String)> = Vec::new();
    let mut was_digit = None;
    for character in name.chars() {
        let is_digit = character.is_ascii_digit();
        if was_digit != Some(is_digit) {
            pieces.push((0, String::new()));
            was_digit = Some(is_digit);
        }
        let Some((count, text)) = pieces.last_mut() else { continue };
        if is_digit && text == "0" {
            text.clear();
        }
        text.push(character);
        *count = if is_digit { text.len() } else { 0 };
    }
    pieces
}

/// Reads a grey TIFF of one page.
pub(super) fn read(path: &Path, reader: impl BufRead + Seek, length: u64) -> Result<(Image, ImageInfo), IoError> {
    let (mut decoder, most) = open(path, reader, length)?;
    if decoder.more_images() {
        return Err(unsupported(path, "a TIFF of several pages".to_owned(), "save the page as a file of its own"));
    }
    let mut values = Vec::new();
    let Page { size, stored, inverted, comment } = page(path, &mut decoder, most, &mut values)?;
    check_finite(path, "image", &values)?;
    let (spacing, unit, bits) = parse_note(&comment);
    let sample = match stored {
        Sample::Unsigned { bits: all } => {
            Sample::Unsigned { bits: bits.filter(|b| (1..=all).contains(b)).unwrap_or(all) }
        }
        Sample::Float => Sample::Float,
    };
    let image = Image::new(size, spacing, sample, unit, values)
        .map_err(|source| IoError::Data { path: path.to_owned(), source })?;
    Ok((image, ImageInfo { inverted, ..ImageInfo::default() }))
}

/// Opens a TIFF at its first page; with it the most bytes that its values can unpack to.
fn open<R: BufRead + Seek>(path: &Path, mut reader: R, length: u64) -> Result<(Decoder<R>, usize), IoError> {
    check_directory(path, &mut reader, length)?;
    let mut limits = Limits::default();
    let most = usize::try_from(length.saturating_mul(MAX_INFLATION)).unwrap_or(usize::MAX);
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    limits.ifd_value_size = TAG_BYTES.min(usize::try_from(length).unwrap_or(usize::MAX));
    let decoder = Decoder::new(reader).map_err(|e| failure(path, e))?.with_limits(limits);
    Ok((decoder, most))
}

/// What a page says beside its values.
struct Page {
    size: [usize; 2],
    stored: Sample,
    inverted: bool,
    comment: String,
}

/// Reads the values of the page where the decoder is, chunk by chunk, behind those that there are.
fn page<R: BufRead + Seek>(
    path: &Path,
    decoder: &mut Decoder<R>,
    most: usize,
    values: &mut Vec<f32>,
) -> Result<Page, IoError> {
    let failed = |e| failure(path, e);
    let (size, comment) = outline(path, decoder)?;
    let colour = decoder.colortype().map_err(failed)?;
    let count = pixel_count(path, size)?;
    let bytes = count as u64 * u64::from(colour.bit_depth()).div_ceil(8);
    if bytes > most as u64 {
        let got = most as u64;
        return Err(IoError::Truncated { path: path.to_owned(), what: "the pixels", expected: bytes, got });
    }
    let inverted =
        decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(failed)? == Some(WHITE_IS_ZERO);
    let mut of_page = room(path, count)?;
    let stored = pixels(path, decoder, size, inverted, &mut of_page)?;
    add(path, values, of_page)?;
    Ok(Page { size, stored, inverted, comment })
}

/// Fails when a tag of the first directory promises more values than the file has bytes for.
///
/// The decoder makes room for a tag's values before it reads them, and takes limits only after the first directory.
/// What is not a directory at all is left for the decoder to name.
fn check_directory(path: &Path, reader: &mut (impl BufRead + Seek), length: u64) -> Result<(), IoError> {
    let result = oversized_tag(reader, length);
    reader.seek(SeekFrom::Start(0)).map_err(|source| IoError::System {
        path: path.to_owned(),
        action: "read",
        source,
    })?;
    match result {
        Ok(Some((tag, bytes))) => Err(IoError::Field {
            path: path.to_owned(),
            field: format!("tag {tag}"),
            got: format!("{bytes} bytes"),
            allowed: format!("within the {length} bytes of the file"),
        }),
        Ok(None) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(source) => Err(IoError::System { path: path.to_owned(), action: "read", source }),
    }
}

/// The first tag of the first directory whose values are longer than the file, with their length.
fn oversized_tag(reader: &mut (impl BufRead + Seek), length: u64) -> io::Result<Option<(u16, u64)>> {
    let mut start = [0; 4];
    reader.read_exact(&mut start)?;
    let big_endian = start.starts_with(b"MM");
    let number = |reader: &mut dyn BufRead, size: usize| {
        let mut bytes = [0; 8];
        reader.read_exact(&mut bytes[..size])?;
        if big_endian {
            bytes[..size].reverse();
        }
        io::Result::Ok(u64::from_le_bytes(bytes))
    };
    // BigTIFF, whose version is 43, states counts and offsets in eight bytes.
    let wide = start[2..].contains(&43);
    let (count_size, entry_count_size) = if wide { (8, 8) } else { (4, 2) };
    if wide {
        number(reader, 4)?;
    }
    let directory = number(reader, count_size)?;
    reader.seek(SeekFrom::Start(directory))?;
    for _ in 0..number(reader, entry_count_size)? {
        let tag = number(reader, 2)? as u16;
        let size = match number(reader, 2)? {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 1,
        };
        let bytes = number(reader, count_size)?.saturating_mul(size);
        number(reader, count_size)?;
        if bytes > length {
            return Ok(Some((tag, bytes)));
        }
    }
    Ok(None)
}

/// Decodes strips or tiles into place; the values grow as they arrive.
///
/// The decoder turns WhiteIsZero round; it is turned back, so that values come as stored.
fn pixels<R: BufRead + Seek>(
    path: &Path,
    decoder: &mut Decoder<R>,
    [width, height]: [usize; 2],
    inverted: bool,
    values: &mut Vec<f32>,
) -> Result<Sample, IoError> {
    let failed = |e| failure(path, e);
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    let [chunk_width, chunk_height] = [chunk_width as usize, chunk_height as usize];
    if chunk_width == 0 || chunk_height == 0 {
        let reason = format!("image of {width}x{height} in chunks of {chunk_width}x{chunk_height}");
        return Err(IoError::Corrupt { path: path.to_owned(), reason });
    }
    let (across, down) = (width.div_ceil(chunk_width), height.div_ceil(chunk_height));
    let mut sample = Sample::Float;
    for index in 0..across * down {
        let chunk = decoder.read_chunk(index as u32).map_err(failed)?;
        let (w, h) = decoder.chunk_data_dimensions(index as u32);
        let [w, h] = [w as usize, h as usize];
        let (left, top) = (index % across * chunk_width, index / across * chunk_height);
        if left + w > width || top + h > height {
            let reason = format!("chunk {index} reaches beyond the image");
            return Err(IoError::Corrupt { path: path.to_owned(), reason });
        }
        values.resize(values.len().max((top + h) * width), 0.0);
        let turn = |max: u16, v: u16| f32::from(if inverted { max - v } else { v });
        let mut place = |count: usize, value: &dyn Fn(usize) -> f32| {
            for at in 0..count.min(w * h) {
                values[(top + at / w) * width + left + at % w] = value(at);
            }
        };
        match &chunk {
            DecodingResult::U8(v) => {
                sample = Sample::Unsigned { bits: 8 };
                place(v.len(), &|i| turn(u8::MAX.into(), v[i].into()));
            }
            DecodingResult::U16(v) => {
                sample = Sample::Unsigned { bits: 16 };
                place(v.len(), &|i| turn(u16::MAX, v[i]));
            }
            DecodingResult::F32(v) if !inverted => place(v.len(), &|i| v[i]),
            _ => {
                let what = "a TIFF that is not of 8 or 16 bits unsigned or 32 bits float".to_owned();
                return Err(unsupported(path, what, "convert it to one of these, with black as zero"));
            }
        }
    }
    Ok(sample)
}

fn unsupported(path: &Path, what: String, remedy: &'static str) -> IoError {
    IoError::Unsupported { path: path.to_owned(), what, remedy }
}

fn failure(path: &Path, error: TiffError) -> IoError {
    let path = path.to_owned();
    match error {
        TiffError::IoError(source) if source.raw_os_error().is_some() => {
            IoError::System { path, action: "read", source }
        }
        TiffError::FormatError(TiffFormatError::TiffSignatureNotFound | TiffFormatError::TiffSignatureInvalid) => {
            IoError::Format { path, format: "TIFF", reason: "it does not begin with the TIFF signature".to_owned() }
        }
        TiffError::UnsupportedError(what) => {
            IoError::Unsupported { path, what: excerpt(what), remedy: "save it as a grey TIFF, uncompressed" }
        }
        other => IoError::Corrupt { path, reason: excerpt(other) },
    }
}

/// Writes a grey, uncompressed TIFF of 8, 16 or 32 (float) bits.
pub(super) fn write(path: &Path, image: &Image) -> Result<(), IoError> {
    match image.sample() {
        Sample::Unsigned { bits } => {
            let integers = integers(path, image, bits)?;
            if bits > 8 {
                return encode::<colortype::Gray16>(path, image, &integers);
            }
            let bytes: Vec<u8> = integers.iter().map(|&v| v as u8).collect();
            encode::<colortype::Gray8>(path, image, &bytes)
        }
        Sample::Float => encode::<colortype::Gray32Float>(path, image, image.values()),
    }
}

fn encode<C: colortype::ColorType>(path: &Path, image: &Image, values: &[C::Inner]) -> Result<(), IoError>
where
    [C::Inner]: TiffValue,
{
    let [width, height] = image.size().map(|n| n as u32);
    write_file(path, |out| {
        let mut encoder = TiffEncoder::new(out).map_err(io_error)?;
        let mut page = encoder.new_image::<C>(width, height).map_err(io_error)?;
        page.encoder().write_tag(Tag::ImageDescription, note(image).as_str()).map_err(io_error)?;
        page.write_data(values).map_err(io_error)
    })
}

/// Writes slices as pages of 32 bits float, as BigTIFF where offsets need it.
pub(super) fn write_pages(path: &Path, raster: &Raster<'_>) -> Result<(), IoError> {
    let [width, height, _] = raster.grid.size();
    let pages = raster.values.chunks_exact(width * height);
    let size = [width as u32, height as u32];
    let description = unit_note(raster.unit);
    write_file(path, |out| {
        if raster.values.len() as u64 * 4 > BIG_BYTES {
            return encode_pages(TiffEncoder::new_big(out), size, &description, pages);
        }
        encode_pages(TiffEncoder::new(out), size, &description, pages)
    })
}

fn encode_pages<'v, W: io::Write + Seek, K: TiffKind>(
    encoder: Result<TiffEncoder<W, K>, TiffError>,
    [width, height]: [u32; 2],
    description: &str,
    pages: impl Iterator<Item = &'v [f32]>,
) -> io::Result<()> {
    let mut encoder = encoder.map_err(io_error)?;
    for values in pages {
        let mut page = encoder.new_image::<colortype::Gray32Float>(width, height).map_err(io_error)?;
        page.encoder().write_tag(Tag::ImageDescription, description).map_err(io_error)?;
        page.write_data(values).map_err(io_error)?;
    }
    Ok(())
}

fn io_error(error: TiffError) -> io::Error {
    match error {
        TiffError::IoError(source) => source,
        other => io::Error::other(other),
    }
}
