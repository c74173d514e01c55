//! Readers and writers for volumes, projection stacks and images; what is read is told by its content, what is written by its extension.
//!
//! - World frame: right-handed, millimetres, x → right, y → anterior, z → superior (RAS). Formats that state positions
//!   in another frame are converted on reading and writing; the order of the stored values never changes, so a volume
//!   stored the other way round has an orientation that says so.
//! - A file's extension says what it is only where its content has no sign: headers of raw values, some of MetaImage, files whose first bytes are
//!   damaged.
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
//! | HDF5 `.h5`, a dataset `FILE.h5:/path/to/dataset` of it | read | read | | unit |
//! | raw values with a header `.toml` | read | read | | spacing, unit |
//! | DICOM `.dcm`, a folder or a `.zip` | read, write `NAME/` (CT) | | read (CR, DX), write (DX) | grid, unit, 16 bits; spacing, bits |
//! | TIFF `.tif`, a page a slice, or a folder of files | read, write | read, write | | unit |
//! | PNG `.png` | | | read, write | spacing, unit, bits |
//! | TIFF `.tif`, `.tiff` | | | read, write | spacing, unit, bits |
//!
//! In a file in the DXchange layout, `/exchange/data`, no dataset need be named; in others the only one of two or three axes is meant. A header of
//! raw values has these fields, of which the last three may be left out:
//!
//! ```toml
//! data = "scan.raw"            # beside the header or below it, of exactly the length that the other fields say
//! type = "u16"                 # u or i with 8, 16, 32 or 64 bits, f32, f64
//! endian = "little"            # or "big"
//! shape = [640, 2, 181]        # x, y, z, or u, v, view: fastest first
//! offset_bytes = 0             # bytes before the first value
//! spacing_mm = [1.0, 1.0, 1.0] # a volume's centre is then at the origin
//! unit = "counts"              # HU, 1/mm, line-integral, transmission, …
//! ```
//!
//! Geometries of other programs have files of their own: RTK's XML, ASTRA's vectors, LEAP's parameters, TIGRE's fields, and a table of a
//! source's and a detector's way; [`crate::geometry::convert`] says what their numbers mean.

mod angles;
mod astra;
mod atomic;
mod describe;
mod dicom;
mod error;
mod folder;
mod frame;
mod hdf5;
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
mod raw;
mod rtk;
mod scalar;
mod sign;
mod text;
mod tiff;
mod tigre;
mod trajectory;
mod unit_text;
mod volume;

pub use angles::read_angles;
pub use astra::{decode_astra_vectors, read_astra_vectors, write_astra_vectors};
pub use atomic::{cancellable, check_file, check_room, write_bytes};
pub use describe::{Description, describe};
pub use dicom::{DicomAttributes, Exposure, StatedAttributes};
pub use error::IoError;
pub use hdf5::{DatasetDescription, dataset_beside};
pub use image::{
    ImageFormat, check_image_output, decode_image, read_frame, read_frames, read_image, write_image, write_image_with,
};
pub use leap::{decode_leap_parameters, read_leap_parameters, write_leap_parameters};
pub use projections::{
    ProjectionStream, ProjectionWriter, check_projections_output, decode_projections, read_projections,
    write_projections,
};
pub use rtk::{decode_rtk_geometry, encode_rtk_geometry, read_rtk_geometry, write_rtk_geometry};
pub use text::read_scan;
pub(crate) use text::read_text;
pub use tigre::{decode_tigre_geometry, read_tigre_geometry, write_tigre_geometry};
pub use trajectory::{decode_trajectory, read_trajectory};
pub use volume::{
    VolumeFormat, VolumeWriter, check_output, decode_volume, read_series, read_volume, write_volume, write_volume_with,
    writes_dicom,
};
