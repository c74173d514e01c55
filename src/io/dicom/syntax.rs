//! How a file begins, and what its transfer syntax says of its elements and pixels.

use super::codec::Codec;
use crate::io::scalar::Endian;

pub(super) const PREAMBLE_BYTES: usize = 128;
/// Bytes that tell how a file begins.
pub(super) const START_BYTES: usize = PREAMBLE_BYTES + 4;

/// How elements are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) explicit: bool,
    pub(super) endian: Endian,
}

impl Layout {
    pub(super) const IMPLICIT: Self = Self { explicit: false, endian: Endian::Little };
    pub(super) const EXPLICIT: Self = Self { explicit: true, endian: Endian::Little };
    pub(super) const BIG: Self = Self { explicit: true, endian: Endian::Big };
}

/// A transfer syntax that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Syntax {
    pub(super) layout: Layout,
    /// All elements after the file's meta information are one DEFLATE stream.
    pub(super) deflated: bool,
    /// What the pixels are compressed with.
    pub(super) codec: Option<Codec>,
}

impl Syntax {
    pub(super) const fn plain(layout: Layout) -> Self {
        Self { layout, deflated: false, codec: None }
    }

    /// The syntax of a UID, or what it is called.
    pub(super) fn of_uid(uid: &str) -> Result<Self, &'static str> {
        // What is compressed has explicit elements, little endian (PS3.5, A.4).
        let compressed = |codec| Self { codec: Some(codec), ..Self::plain(Layout::EXPLICIT) };
        Ok(match uid {
            "1.2.840.10008.1.2" => Self::plain(Layout::IMPLICIT),
            "1.2.840.10008.1.2.1" => Self::plain(Layout::EXPLICIT),
            "1.2.840.10008.1.2.1.99" => Self { deflated: true, ..Self::plain(Layout::EXPLICIT) },
            "1.2.840.10008.1.2.2" => Self::plain(Layout::BIG),
            "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" => compressed(Codec::Jpeg),
            "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => compressed(Codec::Jpeg),
            "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => compressed(Codec::JpegLs),
            "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => compressed(Codec::Jpeg2000),
            "1.2.840.10008.1.2.5" => compressed(Codec::Rle),
            "1.2.840.10008.1.2.4.92" | "1.2.840.10008.1.2.4.93" => return Err("JPEG 2000 of several components"),
            "1.2.840.10008.1.2.4.94" | "1.2.840.10008.1.2.4.95" => return Err("JPIP"),
            "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => {
                return Err("JPEG XL");
            }
            "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => {
                return Err("high-throughput JPEG 2000");
            }
            _ if uid.starts_with("1.2.840.10008.1.2.4.10") => return Err("video"),
            _ => return Err("unknown"),
        })
    }
}

/// Where a file's elements begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// The meta information, which names the transfer syntax, begins at this byte.
    Meta(u64),
    /// There is neither preamble nor meta information, as in files of before 1993: the first element stands first.
    Elements(Layout),
}

impl Start {
    /// How a file begins whose first bytes these are.
    ///
    /// Without a preamble the first element must be one of group 8, which data sets begin with, and short.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        if start.get(PREAMBLE_BYTES..START_BYTES) == Some(b"DICM") {
            return Some(Self::Meta(START_BYTES as u64));
        }
        let &[a, b, c, d, e, f, g, h] = start.first_chunk::<8>()?;
        let has_vr = e.is_ascii_uppercase() && f.is_ascii_uppercase();
        match [a, b, c, d] {
            [2, 0, _, 0] if has_vr => Some(Self::Meta(0)),
            [8, 0, _, 0] if has_vr => Some(Self::Elements(Layout::EXPLICIT)),
            [0, 8, 0, _] if has_vr => Some(Self::Elements(Layout::BIG)),
            [8, 0, _, 0] if [f, g, h] == [0; 3] => Some(Self::Elements(Layout::IMPLICIT)),
            _ => None,
        }
    }

    /// Whether the file says that it is DICOM, rather than beginning as an old one might.
    pub(super) fn is_stated(self) -> bool {
        self == Self::Meta(START_BYTES as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_preamble_is_known_by_its_first_element() {
        let start = |bytes: &[u8]| Start::of(bytes);
        assert_eq!(start(b"\x02\0\0\0UL\x04\0"), Some(Start::Meta(0)));
        assert_eq!(start(b"\x08\0\x05\0CS\x0a\0"), Some(Start::Elements(Layout::EXPLICIT)));
        assert_eq!(start(b"\0\x08\0\x05CS\0\x0a"), Some(Start::Elements(Layout::BIG)));
        assert_eq!(start(b"\x08\0\x05\0\x0a\0\0\0"), Some(Start::Elements(Layout::IMPLICIT)));
        assert_eq!(start(b"\x89PNG\r\n\x1a\n"), None);
        assert_eq!(start(b"\x08\0"), None);
        let preamble = [&[0; PREAMBLE_BYTES][..], b"DICM"].concat();
        assert_eq!(start(&preamble), Some(Start::Meta(132)));
    }
}
