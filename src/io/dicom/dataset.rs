use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::io::{IoError, error::excerpt, scalar::Endian};

/// Group and element number of an attribute, with its name for messages.
#[derive(Clone, Copy)]
pub(super) struct Tag(pub(super) u32, pub(super) &'static str);

pub(super) const PIXEL_DATA: u32 = 0x7FE0_0010;
const TRANSFER_SYNTAX: Tag = Tag(0x0002_0010, "TransferSyntaxUID");
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
const UNDEFINED_LENGTH: u32 = u32::MAX;

const PREAMBLE_BYTES: u64 = 128;
/// Values longer than this are stepped over; the attributes that matter here are shorter.
const MAX_VALUE_BYTES: u32 = 1024;
const TRUNCATED: &str = "a DICOM element";

/// The short top-level values of one file and the place of its pixels.
pub(super) struct Dataset<R> {
    path: PathBuf,
    reader: R,
    length: u64,
    endian: Endian,
    values: BTreeMap<u32, Vec<u8>>,
    /// Offset and length in bytes.
    pixels: Option<(u64, u32)>,
}

/// How elements are laid out.
#[derive(Clone, Copy)]
struct Syntax {
    explicit: bool,
    endian: Endian,
}

struct ElementHeader {
    tag: u32,
    vr: [u8; 2],
    length: u32,
}

/// Whether the file begins as a DICOM file does.
pub(super) fn is_dicom(mut reader: impl Read) -> bool {
    let mut start = [0; PREAMBLE_BYTES as usize + 4];
    reader.read_exact(&mut start).is_ok() && start.ends_with(b"DICM")
}

impl<R: Read + Seek> Dataset<R> {
    /// Reads the attributes of a file of `length` bytes; its pixels stay where they are.
    pub(super) fn open(path: &Path, mut reader: R, length: u64) -> Result<Self, IoError> {
        let (path, values) = (path.to_owned(), BTreeMap::new());
        if !is_dicom(&mut reader) {
            let reason = "bytes 128 to 131 are not DICM".to_owned();
            return Err(IoError::Format { path, format: "DICOM", reason });
        }
        let mut this = Self { path, reader, length, endian: Endian::Little, values, pixels: None };
        let meta = Syntax { explicit: true, endian: Endian::Little };
        let start = this.walk(PREAMBLE_BYTES + 4, meta, |tag| tag >> 16 == 2)?;
        let syntax = this.transfer_syntax()?;
        this.endian = syntax.endian;
        this.walk(start, syntax, |tag| tag <= PIXEL_DATA)?;
        Ok(this)
    }

    fn transfer_syntax(&self) -> Result<Syntax, IoError> {
        const REMEDY: &str = "convert the file to explicit VR little endian, for instance with gdcmconv --raw";
        let uid = self.text(TRANSFER_SYNTAX).unwrap_or_default();
        let (explicit, endian) = match uid.as_str() {
            "1.2.840.10008.1.2" => (false, Endian::Little),
            "1.2.840.10008.1.2.1" => (true, Endian::Little),
            "1.2.840.10008.1.2.2" => (true, Endian::Big),
            "" => return Err(self.field(TRANSFER_SYNTAX.1, "nothing", "there")),
            _ => {
                let what = excerpt(format!("transfer syntax {uid} (compressed)"));
                return Err(IoError::Unsupported { path: self.path.clone(), what, remedy: REMEDY });
            }
        };
        Ok(Syntax { explicit, endian })
    }

    /// Walks elements from `at` on while `more` accepts their tag; keeps short top-level values and the pixels' place.
    /// Gives the offset of the first element that was not accepted.
    ///
    /// Elements of a stated length are stepped over, nested or not, and those of undefined length are counted in and
    /// out, so that neither depth nor length costs memory.
    fn walk(&mut self, mut at: u64, syntax: Syntax, more: impl Fn(u32) -> bool) -> Result<u64, IoError> {
        let mut depth = 0_u32;
        // Inside an element of unknown VR and undefined length everything is implicit, whatever the file's syntax.
        let mut implicit_inside = None;
        while at < self.length {
            let explicit = syntax.explicit && implicit_inside.is_none();
            let (header, next) = self.header(at, Syntax { explicit, ..syntax })?;
            let ElementHeader { tag, vr, length } = header;
            if depth == 0 && !more(tag) {
                return Ok(at);
            }
            at = next;
            match tag {
                SEQUENCE_END if depth > 0 => {
                    depth -= 1;
                    implicit_inside = implicit_inside.filter(|&d| depth >= d);
                    continue;
                }
                ITEM if depth > 0 && length == UNDEFINED_LENGTH => continue,
                ITEM_END if depth > 0 => continue,
                ITEM if depth > 0 => {}
                ITEM | ITEM_END | SEQUENCE_END => return Err(self.corrupt("a sequence ends that never began")),
                PIXEL_DATA if length == UNDEFINED_LENGTH => {
                    return Err(self.field("PixelData", "encapsulated", "uncompressed"));
                }
                _ if length == UNDEFINED_LENGTH => {
                    depth += 1;
                    if &vr == b"UN" {
                        implicit_inside = implicit_inside.or(Some(depth));
                    }
                    continue;
                }
                _ => {}
            }
            self.expect(at, u64::from(length))?;
            if depth == 0 {
                if tag == PIXEL_DATA {
                    self.pixels = Some((at, length));
                } else if length <= MAX_VALUE_BYTES {
                    let value = self.read_at(at, length as usize)?;
                    self.values.insert(tag, value);
                }
            }
            at += u64::from(length);
        }
        match depth {
            0 => Ok(at),
            _ => Err(self.corrupt("a sequence does not end")),
        }
    }

    /// The element header at an offset and the offset of its value.
    fn header(&mut self, at: u64, syntax: Syntax) -> Result<(ElementHeader, u64), IoError> {
        let bytes: [u8; 8] = self.array_at(at)?;
        let u16_at = |i: usize| self.u16([bytes[i], bytes[i + 1]], syntax.endian);
        let u32_of = |b: [u8; 4]| match syntax.endian {
            Endian::Little => u32::from_le_bytes(b),
            Endian::Big => u32::from_be_bytes(b),
        };
        let tag = u32::from(u16_at(0)) << 16 | u32::from(u16_at(2));
        let vr = [bytes[4], bytes[5]];
        if !syntax.explicit || tag >> 16 == 0xFFFE {
            let length = u32_of([bytes[4], bytes[5], bytes[6], bytes[7]]);
            return Ok((ElementHeader { tag, vr: *b"  ", length }, at + 8));
        }
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(self.corrupt(format!("element {tag:08X} has no value representation")));
        }
        let long = [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
        if long.contains(&&vr) {
            let length = u32_of(self.array_at(at + 8)?);
            return Ok((ElementHeader { tag, vr, length }, at + 12));
        }
        Ok((ElementHeader { tag, vr, length: u32::from(u16_at(6)) }, at + 8))
    }

    fn u16(&self, bytes: [u8; 2], endian: Endian) -> u16 {
        match endian {
            Endian::Little => u16::from_le_bytes(bytes),
            Endian::Big => u16::from_be_bytes(bytes),
        }
    }

    fn expect(&self, at: u64, bytes: u64) -> Result<(), IoError> {
        let got = self.length.saturating_sub(at);
        if bytes > got {
            return Err(IoError::Truncated { path: self.path.clone(), what: TRUNCATED, expected: bytes, got });
        }
        Ok(())
    }

    fn array_at<const N: usize>(&mut self, at: u64) -> Result<[u8; N], IoError> {
        let mut bytes = [0; N];
        self.fill_at(at, &mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&mut self, at: u64, length: usize) -> Result<Vec<u8>, IoError> {
        self.expect(at, length as u64)?;
        let mut bytes = vec![0; length];
        self.fill_at(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` from an offset on.
    pub(super) fn fill_at(&mut self, at: u64, bytes: &mut [u8]) -> Result<(), IoError> {
        self.expect(at, bytes.len() as u64)?;
        self.reader
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.reader.read_exact(bytes))
            .map_err(|source| IoError::System { path: self.path.clone(), action: "read", source })
    }
}

impl<R> Dataset<R> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn endian(&self) -> Endian {
        self.endian
    }

    /// Offset and length of the pixels in bytes.
    pub(super) fn pixels(&self) -> Result<(u64, u32), IoError> {
        self.pixels.ok_or_else(|| self.field("PixelData", "nothing", "there"))
    }

    /// Error for an attribute that holds `got`.
    pub(super) fn field(&self, name: &str, got: impl ToString, allowed: &str) -> IoError {
        IoError::Field {
            path: self.path.clone(),
            field: name.to_owned(),
            got: excerpt(got),
            allowed: allowed.to_owned(),
        }
    }

    fn corrupt(&self, reason: impl ToString) -> IoError {
        IoError::Corrupt { path: self.path.clone(), reason: excerpt(reason) }
    }

    /// A text value without its padding; `None` when it is missing or empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let bytes = self.values.get(&tag.0)?;
        let text: String = bytes.iter().map(|&b| char::from(b)).collect();
        let text = text.trim_matches(['\0', ' ']);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A 16-bit value that may be missing.
    pub(super) fn u16_opt(&self, tag: Tag) -> Option<u16> {
        match self.values.get(&tag.0)?.as_slice() {
            &[a, b] => Some(self.u16_of([a, b])),
            _ => None,
        }
    }

    fn u16_of(&self, bytes: [u8; 2]) -> u16 {
        match self.endian {
            Endian::Little => u16::from_le_bytes(bytes),
            Endian::Big => u16::from_be_bytes(bytes),
        }
    }

    /// A 16-bit value.
    pub(super) fn u16_value(&self, tag: Tag) -> Result<u16, IoError> {
        self.u16_opt(tag).ok_or_else(|| self.field(tag.1, "nothing", "one 16-bit number"))
    }

    /// Decimal numbers separated by backslashes; `None` when the attribute is missing or empty.
    pub(super) fn numbers(&self, tag: Tag) -> Result<Option<Vec<f64>>, IoError> {
        let Some(text) = self.text(tag) else { return Ok(None) };
        let numbers: Option<Vec<f64>> =
            text.split('\\').map(|n| n.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
        numbers.map(Some).ok_or_else(|| self.field(tag.1, &text, "decimal numbers"))
    }

    /// Exactly `N` decimal numbers, or none at all.
    pub(super) fn numbers_opt<const N: usize>(&self, tag: Tag) -> Result<Option<[f64; N]>, IoError> {
        let Some(numbers) = self.numbers(tag)? else { return Ok(None) };
        let count = numbers.len();
        let numbers = numbers.try_into();
        numbers.map(Some).map_err(|_| self.field(tag.1, format!("{count} numbers"), &format!("{N} numbers")))
    }

    /// Exactly `N` decimal numbers.
    pub(super) fn numbers_value<const N: usize>(&self, tag: Tag) -> Result<[f64; N], IoError> {
        self.numbers_opt(tag)?.ok_or_else(|| self.field(tag.1, "nothing", &format!("{N} numbers")))
    }
}
