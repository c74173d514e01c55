use std::{
    collections::BTreeMap,
    io::{Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::read::DeflateDecoder;

use super::syntax::{Layout, START_BYTES, Start, Syntax};
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

pub(super) const MODALITY_LUT: Tag = Tag(0x0028_3000, "ModalityLUTSequence");
pub(super) const SHARED_GROUPS: Tag = Tag(0x5200_9229, "SharedFunctionalGroupsSequence");
pub(super) const FRAME_GROUPS: Tag = Tag(0x5200_9230, "PerFrameFunctionalGroupsSequence");
/// Top-level sequences that something here looks into.
const KEPT_SEQUENCES: [u32; 3] = [MODALITY_LUT.0, SHARED_GROUPS.0, FRAME_GROUPS.0];

/// Most bytes that a deflated file may unpack to.
const MAX_INFLATED_BYTES: u64 = 256 << 20;
/// Values longer than this are stepped over; the attributes that matter here are shorter.
const MAX_VALUE_BYTES: u32 = 1024;
const TRUNCATED: &str = "a DICOM element";

/// The short top-level values of one file and the places of its sequences and pixels.
pub(super) struct Dataset<R> {
    path: PathBuf,
    source: Source<R>,
    length: u64,
    syntax: Syntax,
    values: BTreeMap<u32, Vec<u8>>,
    sequences: BTreeMap<u32, Region>,
    pixels: Option<Pixels>,
    /// Where the reader stands.
    position: u64,
}

/// Where the bytes are.
enum Source<R> {
    File(R),
    Inflated(Cursor<Vec<u8>>),
}

/// Offset and length of a value in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) at: u64,
    pub(super) length: u32,
}

/// Where the content of a sequence, an item or a nested value begins and ends, and how elements in it are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Region {
    at: u64,
    end: u64,
    layout: Layout,
}

/// Where the pixels are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pixels {
    /// One value of all frames; in a big-endian file, `swapped` tells that bytes stand as halves of words.
    Native { value: Span, swapped: bool },
    /// Compressed frames in pieces, after a table of the frames' offsets, which may be empty.
    Fragments { table: Span, fragments: Vec<Span> },
}

struct ElementHeader {
    tag: u32,
    vr: [u8; 2],
    length: u32,
}

/// How a file begins, if it may be DICOM.
pub(super) fn start(reader: impl Read) -> Option<Start> {
    let mut start = Vec::new();
    reader.take(START_BYTES as u64).read_to_end(&mut start).ok()?;
    Start::of(&start)
}

impl<R: Read + Seek> Dataset<R> {
    /// Reads the attributes of a file of `length` bytes; its pixels stay where they are.
    pub(super) fn open(path: &Path, mut reader: R, length: u64) -> Result<Self, IoError> {
        let (path, values, sequences) = (path.to_owned(), BTreeMap::new(), BTreeMap::new());
        let Some(start) = start(&mut reader) else {
            let reason = "bytes 128 to 131 are not DICM".to_owned();
            return Err(IoError::Format { path, format: "DICOM", reason });
        };
        let syntax = Syntax::plain(Layout::EXPLICIT);
        let mut this =
            Self { path, source: Source::File(reader), length, syntax, values, sequences, pixels: None, position: 0 };
        this.rewind()?;
        let mut at = 0;
        match start {
            Start::Elements(layout) => this.syntax = Syntax::plain(layout),
            Start::Meta(meta) => {
                at = this.walk(meta, Layout::EXPLICIT, |tag| tag >> 16 == 2)?;
                this.syntax = this.transfer_syntax()?;
            }
        }
        if this.syntax.deflated {
            this.inflate(at)?;
            at = 0;
        }
        this.walk(at, this.syntax.layout, |tag| tag <= PIXEL_DATA)?;
        Ok(this)
    }

    fn transfer_syntax(&self) -> Result<Syntax, IoError> {
        let Some(uid) = self.text(TRANSFER_SYNTAX) else {
            return Err(self.field(TRANSFER_SYNTAX.1, "nothing", "there"));
        };
        Syntax::of_uid(&uid).map_err(|name| self.unsupported(format!("transfer syntax {uid} ({name})")))
    }

    /// Unpacks all elements from an offset on; offsets count from there afterwards.
    fn inflate(&mut self, at: u64) -> Result<(), IoError> {
        let Source::File(reader) = &mut self.source else { return Ok(()) };
        let mut bytes = Vec::new();
        let unpacked = reader
            .seek(SeekFrom::Start(at))
            .and_then(|_| DeflateDecoder::new(reader).take(MAX_INFLATED_BYTES + 1).read_to_end(&mut bytes));
        if let Err(error) = unpacked {
            return Err(self.corrupt(format!("the deflated elements cannot be unpacked: {error}")));
        }
        if bytes.len() as u64 > MAX_INFLATED_BYTES {
            return Err(self.unsupported(format!("a deflated file of more than {MAX_INFLATED_BYTES} bytes")));
        }
        self.length = bytes.len() as u64;
        self.source = Source::Inflated(Cursor::new(bytes));
        self.rewind()
    }

    /// Walks elements from `at` on while `more` accepts their tag; keeps short values, and the places of the pixels and of
    /// the sequences that matter. Gives the offset of the first element that was not accepted.
    fn walk(&mut self, mut at: u64, layout: Layout, more: impl Fn(u32) -> bool) -> Result<u64, IoError> {
        while at < self.length {
            // Looked at before the rest of the header: the first element that is not accepted may be laid out otherwise.
            let start = self.array_at(at)?;
            if !more(tag_of(start, layout.endian)) {
                return Ok(at);
            }
            let (header, value) = self.header(at, start, layout)?;
            let ElementHeader { tag, vr, length } = header;
            at = match tag {
                ITEM | ITEM_END | SEQUENCE_END => return Err(self.corrupt("a sequence ends that never began")),
                PIXEL_DATA if length == UNDEFINED_LENGTH => {
                    if self.syntax.codec.is_none() {
                        return Err(self.field("PixelData", "encapsulated", "uncompressed in this transfer syntax"));
                    }
                    self.fragments(value)?
                }
                _ => {
                    let (region, next) = self.region(&header, value, layout)?;
                    if tag == PIXEL_DATA {
                        if self.syntax.codec.is_some() {
                            return Err(self.field(
                                "PixelData",
                                "uncompressed",
                                "encapsulated in this transfer syntax",
                            ));
                        }
                        let swapped = layout.endian == Endian::Big && &vr == b"OW";
                        self.pixels = Some(Pixels::Native { value: Span { at: value, length }, swapped });
                    } else if KEPT_SEQUENCES.contains(&tag) {
                        self.sequences.insert(tag, region);
                    } else if length <= MAX_VALUE_BYTES {
                        let bytes = self.read_at(value, length as usize)?;
                        self.values.insert(tag, bytes);
                    }
                    next
                }
            };
        }
        Ok(at)
    }

    /// Where the value of an element lies, and the offset of what follows it.
    fn region(&mut self, header: &ElementHeader, at: u64, layout: Layout) -> Result<(Region, u64), IoError> {
        // Inside an element of unknown VR and undefined length everything is implicit, whatever the file's syntax.
        let unknown = &header.vr == b"UN" && header.length == UNDEFINED_LENGTH;
        let layout = Layout { explicit: layout.explicit && !unknown, ..layout };
        let (end, next) = match header.length {
            UNDEFINED_LENGTH => self.end(at, layout, if header.tag == ITEM { ITEM_END } else { SEQUENCE_END })?,
            length => {
                self.expect(at, u64::from(length))?;
                (at + u64::from(length), at + u64::from(length))
            }
        };
        Ok((Region { at, end, layout }, next))
    }

    /// Finds the end of a sequence or an item of undefined length whose content begins at an offset, and the offset after it.
    ///
    /// Elements of a stated length are stepped over, nested or not, and those of undefined length are counted in and
    /// out, so that neither depth nor length costs memory.
    fn end(&mut self, mut at: u64, layout: Layout, closer: u32) -> Result<(u64, u64), IoError> {
        let mut depth = 0_u32;
        let mut implicit_inside = None;
        while at < self.length {
            let explicit = layout.explicit && implicit_inside.is_none();
            let start = self.array_at(at)?;
            let (header, value) = self.header(at, start, Layout { explicit, ..layout })?;
            match header.tag {
                tag if depth == 0 && tag == closer => return Ok((at, value)),
                SEQUENCE_END if depth > 0 => {
                    depth -= 1;
                    implicit_inside = implicit_inside.filter(|&d| depth >= d);
                }
                ITEM_END if depth > 0 || closer == SEQUENCE_END => {}
                ITEM_END | SEQUENCE_END => return Err(self.corrupt("a sequence ends that never began")),
                ITEM if header.length == UNDEFINED_LENGTH => {}
                _ if header.length == UNDEFINED_LENGTH => {
                    depth += 1;
                    if &header.vr == b"UN" {
                        implicit_inside = implicit_inside.or(Some(depth));
                    }
                }
                _ => {
                    self.expect(value, u64::from(header.length))?;
                    at = value + u64::from(header.length);
                    continue;
                }
            }
            at = value;
        }
        Err(self.corrupt("a sequence does not end"))
    }

    /// The next element, or item, of a region, and the offset of what follows it; none at the region's end.
    fn element(&mut self, at: u64, inside: Region) -> Result<Option<(u32, Region, u64)>, IoError> {
        if at >= inside.end {
            return Ok(None);
        }
        let start = self.array_at(at)?;
        let (header, value) = self.header(at, start, inside.layout)?;
        if [SEQUENCE_END, ITEM_END].contains(&header.tag) {
            return Ok(None);
        }
        let (region, next) = self.region(&header, value, inside.layout)?;
        if next > inside.end {
            return Err(self.corrupt(format!("element {:08X} is longer than the sequence it is in", header.tag)));
        }
        Ok(Some((header.tag, region, next)))
    }

    /// The items of a top-level sequence; none where it is missing. An item takes eight bytes of the file at least.
    pub(super) fn items(&mut self, sequence: Tag) -> Result<Vec<Region>, IoError> {
        let Some(&region) = self.sequences.get(&sequence.0) else { return Ok(Vec::new()) };
        let mut items = Vec::new();
        let mut at = region.at;
        while let Some((tag, item, next)) = self.element(at, region)? {
            if tag != ITEM {
                return Err(self.field(sequence.1, format!("element {tag:08X}"), "items"));
            }
            items.push(item);
            at = next;
        }
        Ok(items)
    }

    /// An element of an item.
    pub(super) fn find(&mut self, item: Region, wanted: Tag) -> Result<Option<Region>, IoError> {
        let mut at = item.at;
        while let Some((tag, value, next)) = self.element(at, item)? {
            if tag == wanted.0 {
                return Ok(Some(value));
            }
            at = next;
        }
        Ok(None)
    }

    /// An element of the first item of a sequence that an item holds.
    pub(super) fn find_in(&mut self, item: Region, sequence: Tag, wanted: Tag) -> Result<Option<Region>, IoError> {
        let Some(sequence) = self.find(item, sequence)? else { return Ok(None) };
        match self.element(sequence.at, sequence)? {
            Some((ITEM, first, _)) => self.find(first, wanted),
            _ => Ok(None),
        }
    }

    /// The bytes of a value inside a sequence, of so many at most.
    pub(super) fn value(&mut self, value: Region, tag: Tag, most: u64) -> Result<Vec<u8>, IoError> {
        let length = value.end - value.at;
        if length > most {
            return Err(self.field(tag.1, format!("{length} bytes"), &format!("at most {most} bytes")));
        }
        self.read_at(value.at, length as usize)
    }

    /// Finds the pieces of compressed pixels, whose items begin at an offset (PS3.5, A.4), and gives the offset after them.
    ///
    /// A piece takes eight bytes of the file at least, so that their list stays within twice the file's length.
    fn fragments(&mut self, mut at: u64) -> Result<u64, IoError> {
        let mut items = Vec::new();
        loop {
            let start = self.array_at(at)?;
            let (ElementHeader { tag, length, .. }, next) = self.header(at, start, Layout::EXPLICIT)?;
            match tag {
                ITEM if length != UNDEFINED_LENGTH => {}
                SEQUENCE_END => {
                    at = next;
                    break;
                }
                _ => {
                    let got = format!("element {tag:08X} of length {length} after {} pieces", items.len());
                    return Err(self.field("PixelData", got, "pieces of stated lengths and an end"));
                }
            }
            self.expect(next, u64::from(length))?;
            items.push(Span { at: next, length });
            at = next + u64::from(length);
        }
        if items.is_empty() {
            return Err(self.field("PixelData", "no pieces", "a table of offsets and a piece for each frame"));
        }
        let fragments = items.split_off(1);
        self.pixels = Some(Pixels::Fragments { table: items[0], fragments });
        Ok(at)
    }

    /// The element header at an offset, of which `bytes` have been read, and the offset of its value.
    fn header(&mut self, at: u64, bytes: [u8; 8], layout: Layout) -> Result<(ElementHeader, u64), IoError> {
        let tag = tag_of(bytes, layout.endian);
        let vr = [bytes[4], bytes[5]];
        if !layout.explicit || tag >> 16 == 0xFFFE {
            let length = layout.endian.u32([bytes[4], bytes[5], bytes[6], bytes[7]]);
            return Ok((ElementHeader { tag, vr: *b"  ", length }, at + 8));
        }
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(self.corrupt(format!("element {tag:08X} has no value representation")));
        }
        let long = [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
        if long.contains(&&vr) {
            let length = layout.endian.u32(self.array_at(at + 8)?);
            return Ok((ElementHeader { tag, vr, length }, at + 12));
        }
        Ok((ElementHeader { tag, vr, length: layout.endian.u16([bytes[6], bytes[7]]).into() }, at + 8))
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
        // A relative seek keeps what a buffered reader holds already.
        let step = at.cast_signed() - self.position.cast_signed();
        match &mut self.source {
            Source::File(reader) => reader.seek_relative(step).and_then(|()| reader.read_exact(bytes)),
            Source::Inflated(reader) => reader.seek_relative(step).and_then(|()| reader.read_exact(bytes)),
        }
        .map_err(|source| IoError::System { path: self.path.clone(), action: "read", source })?;
        self.position = at + bytes.len() as u64;
        Ok(())
    }

    fn rewind(&mut self) -> Result<(), IoError> {
        self.position = 0;
        match &mut self.source {
            Source::File(reader) => reader.rewind(),
            Source::Inflated(reader) => reader.rewind(),
        }
        .map_err(|source| IoError::System { path: self.path.clone(), action: "read", source })
    }

    /// The bytes of one value; its length was compared with the file's when it was found.
    pub(super) fn append_span(&mut self, span: Span, bytes: &mut Vec<u8>) -> Result<(), IoError> {
        self.expect(span.at, u64::from(span.length))?;
        let first = bytes.len();
        bytes.resize(first + span.length as usize, 0);
        self.fill_at(span.at, &mut bytes[first..])
    }
}

/// A text without its padding, unless it is empty.
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    let text: String = bytes.iter().map(|&b| char::from(b)).collect();
    let text = text.trim_matches(['\0', ' ']);
    (!text.is_empty()).then(|| text.to_owned())
}

fn tag_of([a, b, c, d, ..]: [u8; 8], endian: Endian) -> u32 {
    u32::from(endian.u16([a, b])) << 16 | u32::from(endian.u16([c, d]))
}

impl<R> Dataset<R> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Where the pixels are.
    pub(super) fn pixels(&self) -> Result<&Pixels, IoError> {
        self.pixels.as_ref().ok_or_else(|| self.field("PixelData", "nothing", "there"))
    }

    /// Error for a variant that is not read.
    pub(super) fn unsupported(&self, what: impl ToString) -> IoError {
        const REMEDY: &str = "convert the file to explicit VR little endian, for instance with gdcmconv --raw";
        IoError::Unsupported { path: self.path.clone(), what: excerpt(what), remedy: REMEDY }
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

    /// Error for content that cannot be decoded.
    pub(super) fn corrupt(&self, reason: impl ToString) -> IoError {
        IoError::Corrupt { path: self.path.clone(), reason: excerpt(reason) }
    }

    /// A text value without its padding; `None` when it is missing or empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        self.values.get(&tag.0).and_then(|bytes| text_of(bytes))
    }

    /// Whether there is a top-level value.
    pub(super) fn has(&self, tag: u32) -> bool {
        self.values.contains_key(&tag)
    }

    /// A short value as it is stored.
    pub(super) fn bytes(&self, tag: dicom_core::Tag) -> Option<&[u8]> {
        self.values.get(&(u32::from(tag.0) << 16 | u32::from(tag.1))).map(Vec::as_slice)
    }

    /// A 16-bit value that may be missing.
    pub(super) fn u16_opt(&self, tag: Tag) -> Option<u16> {
        match self.values.get(&tag.0)?.as_slice() {
            &[a, b] => Some(self.syntax.layout.endian.u16([a, b])),
            _ => None,
        }
    }

    /// A 16-bit value.
    pub(super) fn u16_value(&self, tag: Tag) -> Result<u16, IoError> {
        self.u16_opt(tag).ok_or_else(|| self.field(tag.1, "nothing", "one 16-bit number"))
    }

    /// Decimal numbers separated by backslashes; `None` when the attribute is missing or empty.
    pub(super) fn numbers(&self, tag: Tag) -> Result<Option<Vec<f64>>, IoError> {
        self.text(tag).map(|text| self.numbers_of(tag, &text)).transpose()
    }

    fn numbers_of(&self, tag: Tag, text: &str) -> Result<Vec<f64>, IoError> {
        let number = |n: &str| n.trim().parse().ok().filter(|n: &f64| n.is_finite());
        let numbers: Option<Vec<f64>> = text.split('\\').map(number).collect();
        numbers.ok_or_else(|| self.field(tag.1, text, "decimal numbers"))
    }

    /// Exactly `N` decimal numbers, or none at all.
    pub(super) fn numbers_opt<const N: usize>(&self, tag: Tag) -> Result<Option<[f64; N]>, IoError> {
        self.text(tag).map(|text| self.numbers_exactly(tag, &text)).transpose()
    }

    /// `N` decimal numbers in a text.
    pub(super) fn numbers_exactly<const N: usize>(&self, tag: Tag, text: &str) -> Result<[f64; N], IoError> {
        let numbers = self.numbers_of(tag, text)?;
        let count = numbers.len();
        numbers.try_into().map_err(|_| self.field(tag.1, format!("{count} numbers"), &format!("{N} numbers")))
    }
}
