//! DICOM, read only: CT slices as volumes, CR and DX files as images.
//!
//! Uncompressed transfer syntaxes are read; others are named with a remedy. The elements are walked here: `dicom-object`
//! fills a buffer of every element's declared length, up to 4 GiB, before it reads, and recurses into sequences as deep
//! as a file likes.

mod dataset;
mod pixels;
mod radiograph;
mod series;

pub(super) use radiograph::read as read_radiograph;
pub(super) use series::{decode_slice, is_series, read_series, read_slice};
