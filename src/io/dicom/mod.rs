//! DICOM: CT slices as volumes, CR and DX files as images; CT series and DX files are written.
//!
//! Uncompressed and deflated files, run lengths, JPEG (baseline, extended of 8 bits, lossless) and JPEG 2000 are read;
//! other transfer syntaxes are named with a remedy. The elements are walked here, and the pieces of compressed frames
//! given to the decoders: `dicom-object` fills a buffer of every element's declared length, up to 4 GiB, before it reads,
//! and recurses into sequences as deep as a file likes. It writes what is written: explicit VR little endian, with UIDs that are
//! functions of the content, so that the same content makes the same files, and no time of writing.

mod attributes;
mod codec;
mod ct;
mod dataset;
mod dx;
mod elements;
mod pixels;
mod radiograph;
mod series;
mod study;
mod syntax;

use std::io::Read;

pub use attributes::{DicomAttributes, Exposure, StatedAttributes};
pub(super) use ct::{Stored, is_ours, write as write_series};
pub(super) use dx::{float, write as write_radiograph};
pub(super) use radiograph::{read as read_radiograph, read_frames};
pub(super) use series::{Series, decode as decode_series};
pub(super) use study::{is_series, is_zip, open_series};

/// Whether the file says that it is DICOM.
pub(super) fn is_dicom(reader: impl Read) -> bool {
    dataset::start(reader).is_some_and(syntax::Start::is_stated)
}

/// Whether the file says that it is DICOM or begins as DICOM without a preamble does.
pub(super) fn may_be_dicom(reader: impl Read) -> bool {
    dataset::start(reader).is_some()
}

/// Whether the file has graphics to be laid over its image; their groups go from 6000 to 601E.
fn has_overlays<R>(dataset: &dataset::Dataset<R>) -> bool {
    const ROWS: u32 = 0x6000_0010;
    (0..16).any(|plane| dataset.has(ROWS + (plane << 17)))
}
