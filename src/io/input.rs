use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read},
    path::{Component, Path, PathBuf},
};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::{IoError, error::excerpt, scalar::Encoding};

/// Largest factor by which DEFLATE can shrink data (a run of zeros): 258 bytes from 2 bits, rounded up.
pub(super) const MAX_INFLATION: u64 = 1032;
/// First byte of every gzip stream.
const GZIP_FIRST_BYTE: u8 = 0x1F;
/// Bytes converted at a time; a multiple of every scalar's size.
const CHUNK_BYTES: usize = 1 << 16;
/// Values of compressed data for which room is made before any of them is decoded.
const FIRST_ROOM: usize = 1 << 16;
/// Longest text header that is read.
const MAX_TEXT_BYTES: usize = 1 << 16;

/// A file being decoded: its bytes in order, its name for messages, and how many bytes it can still give.
///
/// Nothing is allocated before the size asked for is compared with that number.
pub(super) struct Input<'a> {
    path: PathBuf,
    /// Whether the bytes come from a file, which may have neighbours.
    on_disk: bool,
    reader: Box<dyn Read + 'a>,
    /// Bytes that are still there; for compressed data an upper bound.
    left: u64,
    /// Whether `left` is exact.
    plain: bool,
}

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zlib,
}

/// Opens a file of known length.
pub(super) fn open_file(path: &Path) -> Result<(File, u64), IoError> {
    let refused = |source| IoError::System { path: path.to_owned(), action: "read", source };
    // Asked before opening: to open a pipe waits until someone writes into it.
    let kind = fs::metadata(path).map_err(refused)?;
    if kind.is_dir() {
        return Err(refused(ErrorKind::IsADirectory.into()));
    }
    if !kind.is_file() {
        return Err(refused(io::Error::other("it is a pipe or a device, not a file of known length")));
    }
    let file = File::open(path).map_err(refused)?;
    let length = file.metadata().map_err(refused)?.len();
    Ok((file, length))
}

impl Input<'static> {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> Result<Self, IoError> {
        let (file, length) = open_file(path)?;
        let reader = Box::new(BufReader::with_capacity(CHUNK_BYTES, file));
        Ok(Self { path: path.to_owned(), on_disk: true, reader, left: length, plain: true })
    }
}

impl<'a> Input<'a> {
    /// Bytes in memory that go by the name `path` in messages.
    pub(super) fn bytes(path: &Path, bytes: &'a [u8]) -> Self {
        Self { path: path.to_owned(), on_disk: false, reader: Box::new(bytes), left: bytes.len() as u64, plain: true }
    }

    /// What something else decodes of a file: so many bytes, of which fewer may come where they are unpacked.
    pub(super) fn stream(path: &Path, reader: Box<dyn Read + 'a>, bytes: u64, is_packed: bool) -> Self {
        Self { path: path.to_owned(), on_disk: false, reader, left: bytes, plain: !is_packed }
    }

    /// The same file, unpacked from here on.
    pub(super) fn unpack(self, packing: Packing) -> Self {
        let buffered = |reader| BufReader::with_capacity(CHUNK_BYTES, reader);
        let reader: Box<dyn Read + 'a> = match packing {
            Packing::None => return self,
            Packing::Gzip => Box::new(MultiGzDecoder::new(buffered(self.reader))),
            Packing::Zlib => Box::new(ZlibDecoder::new(buffered(self.reader))),
        };
        Self { reader, left: self.left.saturating_mul(MAX_INFLATION), plain: false, ..self }
    }

    /// Opens the data file that a detached header names: in the header's folder or below it, nowhere else.
    pub(super) fn sibling(&self, field: &str, name: &str) -> Result<Input<'static>, IoError> {
        let inside = Path::new(name).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if name.is_empty() || !inside {
            return Err(self.field(field, format!("\"{name}\""), "the name of a file beside its header"));
        }
        if !self.on_disk {
            return Err(self.unsupported("a data file beside bytes in memory", "read the header from its folder"));
        }
        let data = self.path.parent().unwrap_or(Path::new("")).join(name);
        Input::open(&data).map_err(|error| match error {
            IoError::System { path: data, source, .. } => {
                IoError::DataFile { path: self.path.clone(), field: field.to_owned(), data, source }
            }
            other => other,
        })
    }

    /// Bytes that can still come; for unpacked data an upper bound.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Name of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Error for a header field that holds `got`.
    pub(super) fn field(&self, field: &str, got: impl ToString, allowed: &str) -> IoError {
        IoError::Field {
            path: self.path.clone(),
            field: field.to_owned(),
            got: excerpt(got),
            allowed: allowed.to_owned(),
        }
    }

    /// Error for content that cannot be decoded.
    pub(super) fn corrupt(&self, reason: impl ToString) -> IoError {
        IoError::Corrupt { path: self.path.clone(), reason: excerpt(reason) }
    }

    /// Error for content of another format.
    pub(super) fn not_a(&self, format: &'static str, reason: impl ToString) -> IoError {
        IoError::Format { path: self.path.clone(), format, reason: excerpt(reason) }
    }

    /// Error for a variant that is not read.
    pub(super) fn unsupported(&self, what: impl ToString, remedy: &'static str) -> IoError {
        IoError::Unsupported { path: self.path.clone(), what: excerpt(what), remedy }
    }

    /// Fails unless `bytes` more bytes can come.
    fn expect(&self, bytes: u64, what: &'static str) -> Result<(), IoError> {
        if bytes > self.left {
            return Err(IoError::Truncated { path: self.path.clone(), what, expected: bytes, got: self.left });
        }
        Ok(())
    }

    /// Fills `buffer`.
    pub(super) fn read(&mut self, buffer: &mut [u8], what: &'static str) -> Result<(), IoError> {
        let wanted = buffer.len() as u64;
        self.expect(wanted, what)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => {
                    let path = self.path.clone();
                    return Err(IoError::Truncated { path, what, expected: wanted, got: filled as u64 });
                }
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failed(e)),
            }
        }
        self.left -= wanted;
        Ok(())
    }

    /// The same file, unpacked from here on as gzip or zlib, whichever its first byte says.
    pub(super) fn unpack_sniffed(self) -> Result<Self, IoError> {
        let mut input = self;
        let mut first = [0];
        input.read(&mut first, "the compressed data")?;
        let packing = if first[0] == GZIP_FIRST_BYTE { Packing::Gzip } else { Packing::Zlib };
        let reader = Box::new(io::Cursor::new(first).chain(input.reader));
        Ok(Self { reader, left: input.left + 1, ..input }.unpack(packing))
    }

    /// Reads past `bytes` bytes.
    pub(super) fn skip(&mut self, bytes: u64, what: &'static str) -> Result<(), IoError> {
        self.expect(bytes, what)?;
        let mut buffer = [0; 4096];
        let mut left = bytes;
        while left > 0 {
            let part = left.min(buffer.len() as u64);
            self.read(&mut buffer[..part as usize], what)?;
            left -= part;
        }
        Ok(())
    }

    /// Reads one line of a text header without its line ending; `None` at the end of the file.
    ///
    /// Bytes are taken as Latin-1: every byte is a character, so a stray one in a comment does no harm.
    pub(super) fn line(&mut self, what: &'static str) -> Result<Option<String>, IoError> {
        let mut line = String::new();
        let mut byte = [0];
        while self.left > 0 {
            self.read(&mut byte, what)?;
            match byte[0] {
                b'\n' => {
                    if line.ends_with('\r') {
                        line.pop();
                    }
                    return Ok(Some(line));
                }
                other => line.push(char::from(other)),
            }
            if line.len() > MAX_TEXT_BYTES {
                return Err(self.field(what, "a longer line", "at most 65536 bytes a line"));
            }
        }
        Ok((!line.is_empty()).then_some(line))
    }

    /// Reads all that is left as text.
    pub(super) fn text(&mut self, what: &'static str) -> Result<String, IoError> {
        if self.left > MAX_TEXT_BYTES as u64 {
            return Err(self.not_a(what, format!("it has more than {MAX_TEXT_BYTES} bytes")));
        }
        let mut bytes = vec![0; self.left as usize];
        self.read(&mut bytes, what)?;
        String::from_utf8(bytes).map_err(|_| self.not_a(what, "it is no text"))
    }

    /// Decodes `count` values into one vector.
    ///
    /// A plain file's length bounds the vector before it is made. Unpacked data may turn out shorter than its packed
    /// length allows, so there the vector's room stays within twice of what has been decoded.
    pub(super) fn values(&mut self, count: usize, encoding: &Encoding) -> Result<Vec<f32>, IoError> {
        const WHAT: &str = "the values";
        let size = encoding.scalar.byte_count();
        let total = (count as u64).saturating_mul(size as u64);
        self.expect(total, WHAT)?;
        let mut values = Vec::new();
        self.make_room(&mut values, if self.plain { count } else { count.min(FIRST_ROOM) })?;
        let mut bytes = vec![0; CHUNK_BYTES.min(total as usize)];
        while values.len() < count {
            let part = (CHUNK_BYTES / size).min(count - values.len());
            if values.capacity() - values.len() < part {
                let room = (values.len() * 2).clamp(values.len() + part, count.max(values.len() + part));
                self.make_room(&mut values, room)?;
            }
            let bytes = &mut bytes[..part * size];
            self.read(bytes, WHAT)?;
            encoding.decode(bytes, &mut values);
        }
        Ok(values)
    }

    fn make_room(&self, values: &mut Vec<f32>, room: usize) -> Result<(), IoError> {
        values
            .try_reserve_exact(room - values.len())
            .map_err(|_| IoError::Memory { path: self.path.clone(), bytes: room as u64 * 4 })
    }

    /// Fails unless the file ends here. Packed data are checked against their checksum on the way.
    pub(super) fn finish(&mut self) -> Result<(), IoError> {
        let extra = match self.plain {
            true => Some(self.left),
            false => match self.reader.read(&mut [0]) {
                Ok(0) => Some(0),
                Ok(_) => None,
                Err(e) => return Err(self.failed(e)),
            },
        };
        match extra {
            Some(0) => Ok(()),
            extra => Err(IoError::Trailing { path: self.path.clone(), extra }),
        }
    }

    /// The decoders report damage as an I/O error, some with an [`IoError`] in it; only what the system says carries an error number.
    fn failed(&self, source: io::Error) -> IoError {
        let source = match source.downcast::<IoError>() {
            Ok(error) => return error,
            Err(source) => source,
        };
        if source.raw_os_error().is_some() {
            return IoError::System { path: self.path.clone(), action: "read", source };
        }
        match source.kind() {
            ErrorKind::UnexpectedEof => self.corrupt("the compressed data end early"),
            _ => self.corrupt(format!("the compressed data cannot be unpacked: {source}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::scalar::{Endian, Scalar};

    const BYTES: Encoding = Encoding { scalar: Scalar::U8, endian: Endian::Little, slope: 1.0, intercept: 0.0 };

    #[test]
    fn nothing_is_allocated_for_a_promise_the_file_cannot_keep() {
        let mut input = Input::bytes(Path::new("a"), &[1, 2, 3]);
        let message = input.values(usize::MAX, &BYTES).unwrap_err().to_string();
        assert!(
            message.starts_with("a: ends early: 18446744073709551615 bytes are needed for the values"),
            "{message}"
        );
        let mut input = Input::bytes(Path::new("a"), &[1, 2, 3]).unpack(Packing::Gzip);
        assert!(input.values(1 << 40, &BYTES).unwrap_err().to_string().contains("at most 3096 are there"));
    }

    #[test]
    fn lines_end_with_or_without_a_return() {
        let mut input = Input::bytes(Path::new("a"), b"one\r\ntwo\n\nend");
        let mut next = || input.line("header").unwrap();
        assert_eq!(next().as_deref(), Some("one"));
        assert_eq!(next().as_deref(), Some("two"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("end"));
        assert_eq!(next(), None);
    }
}
