//! Readers and writers for volumes, projection stacks and images; the extension decides the format, but for DICOM, which its content tells.
//!
//! - World frame: right-handed, millimetres, x → right, y → anterior, z → superior (RAS). Formats that state positions
//!   in another frame are converted on reading and writing; the order of the stored values never changes, so a volume
//!   stored the other way round has an orientation that says so.
//! - Values are decoded straight into one `Vec<f32>`. Nothing is allocated before the declared size is compared with
//!   the file's length, or, for compressed data, with the most its length can unpack to; there the vector grows only
//!   as values arrive.
//! - Volumes and stacks with NaN or infinity are refused.
//! - Output is written under a temporary name and renamed, so that a failed run neither leaves half a file nor destroys
//!   the old one.
//! - Every message of [`IoError`] begins with the file's path and names field, value and what is allowed.
//!
//! | format | volumes | stacks | images | keeps |
//! |---|---|---|---|---|
//! | NIfTI `.nii`, `.nii.gz` | read, write | read, write | | grid (in `f32`), unit |
//! | NRRD `.nrrd` (`.nhdr` read) | read, write | read, write | | grid, unit |
//! | MetaImage `.mha`, `.mhd` + `.raw` | read, write | read, write | | grid, unit |
//! | NumPy `.npy` | read, write | read, write | read, write | values alone |
//! | DICOM `.dcm`, any name, or a folder | read, write `NAME/` (CT) | | read (CR, DX), write (DX) | grid, unit, 16 bits; spacing, bits |
//! | TIFF `.tif`, a page a slice, or a folder of files | read, write | read, write | | unit |
//! | PNG `.png` | | | read, write | spacing, unit, bits |
//! | TIFF `.tif`, `.tiff` | | | read, write | spacing, unit, bits |
//!
//! Geometries of other programs have files of their own: RTK's XML, ASTRA's vectors, LEAP's parameters, TIGRE's fields, and a table of a
//! source's and a detector's way; [`crate::geometry::convert`] says what their numbers mean.

mod astra;
mod atomic;
mod describe;
mod dicom;
mod error;
mod folder;
mod frame;
mod image;
mod input;
mod leap;
mod metaimage;
mod nifti;
mod npy;
mod nrrd;
mod pixel_values;
mod png;
mod projections;
mod raster;
mod rtk;
mod scalar;
mod text;
mod tiff;
mod tigre;
mod trajectory;
mod unit_text;
mod volume;

pub use astra::{decode_astra_vectors, read_astra_vectors, write_astra_vectors};
pub use atomic::{cancellable, check_file, write_bytes};
pub use describe::{Description, describe};
pub use dicom::{DicomAttributes, Exposure, StatedAttributes};
pub use error::IoError;
pub use image::{
    ImageFormat, check_image_output, decode_image, read_frames, read_image, write_image, write_image_with,
};
pub use leap::{decode_leap_parameters, read_leap_parameters, write_leap_parameters};
pub use projections::{
    ProjectionStream, check_projections_output, decode_projections, read_projections, write_projections,
};
pub use rtk::{decode_rtk_geometry, encode_rtk_geometry, read_rtk_geometry, write_rtk_geometry};
pub use text::read_scan;
pub(crate) use text::read_text;
pub use tigre::{decode_tigre_geometry, read_tigre_geometry, write_tigre_geometry};
pub use trajectory::{decode_trajectory, read_trajectory};
pub use volume::{
    VolumeFormat, VolumeWriter, check_output, decode_volume, read_volume, write_volume, write_volume_with, writes_dicom,
};
