//! What a file is: its content says, and its extension only where the content has no sign.

use std::{io::Read, path::Path};

use super::{IoError, dicom, error::excerpt, hdf5, image::ImageFormat, input::open_file, volume::VolumeFormat};

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Volumes, stacks, and of TIFF, NumPy and DICOM images, too.
    Volume(VolumeFormat),
    Png,
}

/// What the first bytes of a file say that it is.
#[derive(Clone, Copy)]
enum Sign {
    Read(Kind),
    /// A format that is not read, and what to do.
    Other(&'static str, &'static str),
}

/// Bytes that are looked at.
const FIRST_BYTES: u64 = 1024;
const UNPACK: &str = "unpack it";
const TO_PNG: &str = "ask for the values as the detector gave them, as DICOM, or save it as a grey PNG";
const TO_NPY: &str = "save the array as .npy";
const UNKNOWN: &str =
    "see what wrote it; bare values need a header that names them as its data file: .toml, .nhdr or .mhd";

const fn volume(format: VolumeFormat) -> Sign {
    Sign::Read(Kind::Volume(format))
}

/// Where a format has its sign, and which.
const SIGNS: [(usize, &[u8], Sign); 25] = [
    (128, b"DICM", volume(VolumeFormat::Dicom)),
    (0, &348_i32.to_le_bytes(), volume(VolumeFormat::Nifti)),
    (0, &348_i32.to_be_bytes(), volume(VolumeFormat::Nifti)),
    (0, &540_i32.to_le_bytes(), volume(VolumeFormat::Nifti)),
    (0, &540_i32.to_be_bytes(), volume(VolumeFormat::Nifti)),
    (0, b"\x1F\x8B", volume(VolumeFormat::NiftiGz)),
    (0, b"NRRD", volume(VolumeFormat::Nrrd)),
    (0, b"ObjectType", volume(VolumeFormat::MetaImage)),
    (0, b"NDims", volume(VolumeFormat::MetaImage)),
    (0, b"\x93NUMPY", volume(VolumeFormat::Npy)),
    (0, b"\x89PNG\r\n\x1A\n", Sign::Read(Kind::Png)),
    (0, b"II*\0", volume(VolumeFormat::Tiff)),
    (0, b"MM\0*", volume(VolumeFormat::Tiff)),
    (0, b"II+\0", volume(VolumeFormat::Tiff)),
    (0, b"MM\0+", volume(VolumeFormat::Tiff)),
    (0, b"\x89HDF\r\n\x1A\n", volume(VolumeFormat::Hdf5)),
    (0, b"MATLAB ", Sign::Other("MATLAB", TO_NPY)),
    (0, b"\xFF\xD8\xFF", Sign::Other("JPEG", TO_PNG)),
    (0, b"\0\0\0\x0CjP  ", Sign::Other("JPEG 2000", TO_PNG)),
    (0, b"\xFF\x4F\xFF\x51", Sign::Other("JPEG 2000", TO_PNG)),
    (0, b"BM", Sign::Other("BMP", TO_PNG)),
    (0, b"GIF8", Sign::Other("GIF", TO_PNG)),
    (0, b"PK\x03\x04", Sign::Other("zip", UNPACK)),
    (0, b"7z\xBC\xAF\x27\x1C", Sign::Other("7-Zip", UNPACK)),
    (0, b"%PDF", Sign::Other("PDF", "extract the image from it")),
];
const PAGE: Sign = Sign::Other("XML or HTML", "see whether a download brought a web page in place of the file");

/// What a file is.
///
/// # Errors
/// [`IoError`] when it cannot be read, or is of no format that is read: then what it looks like, and what to do.
pub(super) fn kind(path: &Path) -> Result<Kind, IoError> {
    let (file, _) = open_file(hdf5::split(path).0)?;
    let mut first = Vec::new();
    let read = file.take(FIRST_BYTES).read_to_end(&mut first);
    read.map_err(|source| IoError::System { path: path.to_owned(), action: "read", source })?;
    let has = |(at, sign, _): &&(usize, &[u8], Sign)| first.get(*at..).is_some_and(|rest| rest.starts_with(sign));
    let sign = match SIGNS.iter().find(has) {
        Some((.., sign)) => Some(*sign),
        None if dicom::may_be_dicom(&first[..]) => Some(volume(VolumeFormat::Dicom)),
        None if first.trim_ascii_start().starts_with(b"<") => Some(PAGE),
        // A sign that is damaged is for the reader to name.
        None => named(path).map(Sign::Read),
    };
    match sign {
        Some(Sign::Read(kind)) => Ok(kind),
        Some(Sign::Other(what, remedy)) => Err(unread(path, what, remedy)),
        None => {
            let start: Vec<u8> = first.iter().copied().take(8).collect();
            Err(unread(path, &format!("a file that begins with \"{}\"", start.escape_ascii()), UNKNOWN))
        }
    }
}

/// What a file's extension says that it is.
pub(super) fn named(path: &Path) -> Option<Kind> {
    let is_png = ImageFormat::of_path(path) == Some(ImageFormat::Png);
    VolumeFormat::of_path(hdf5::split(path).0).map(Kind::Volume).or(is_png.then_some(Kind::Png))
}

impl Kind {
    /// Name of the format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Volume(VolumeFormat::Nifti) => "NIfTI",
            Self::Volume(VolumeFormat::NiftiGz) => "NIfTI packed with gzip",
            Self::Volume(VolumeFormat::Nrrd) => "NRRD",
            Self::Volume(VolumeFormat::MetaImage | VolumeFormat::MetaHeader) => "MetaImage",
            Self::Volume(VolumeFormat::Npy) => "NumPy",
            Self::Volume(VolumeFormat::Tiff) => "TIFF",
            Self::Volume(VolumeFormat::Hdf5) => "HDF5",
            Self::Volume(VolumeFormat::Raw) => "raw values with a header",
            Self::Volume(VolumeFormat::Dicom) => "DICOM",
        }
    }

    /// The format of a file that shall hold `wanted`, a volume or projections.
    pub(super) fn volume(self, path: &Path, wanted: &str) -> Result<VolumeFormat, IoError> {
        match self {
            Self::Volume(format) => Ok(format),
            Self::Png => {
                Err(unread(path, &format!("PNG as {wanted}"), "an image is no stack; save one as TIFF or .npy"))
            }
        }
    }
}

pub(super) fn unread(path: &Path, what: &str, remedy: &'static str) -> IoError {
    IoError::Unsupported { path: path.to_owned(), what: excerpt(what), remedy }
}

#[cfg(test)]
mod tests {
    use crate::{
        data::{Grid, Unit, Volume},
        io::{ProjectionStream, read_image, read_projections, read_volume, write_volume},
    };

    #[test]
    fn a_file_is_read_by_its_content_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Grid::centred([4, 3, 2], [0.5, 1.0, 2.0]).unwrap();
        let volume = Volume::new(grid, Unit::Counts, (0..24).map(|i| i as f32).collect()).unwrap();
        let names = ["v.nii", "v.nii.gz", "v.nrrd", "v.mha", "v.npy", "v.tif"];
        for (name, other) in names.into_iter().flat_map(|name| ["v.img", "v", "v.tif", "v.nii"].map(|o| (name, o))) {
            let path = folder.path().join(name);
            write_volume(&path, &volume).unwrap();
            let renamed = folder.path().join("renamed").join(other);
            std::fs::create_dir_all(renamed.parent().unwrap()).unwrap();
            std::fs::rename(&path, &renamed).unwrap();
            assert_eq!(read_volume(&renamed, Some(grid)).unwrap().values(), volume.values(), "{name} as {other}");
            let stack = read_projections(&renamed, Some([1.0; 2])).unwrap();
            assert_eq!((stack.views(), stack.values()), (2, volume.values()), "{name} as {other}");
            let mut stream = ProjectionStream::open(&renamed, Some([1.0; 2])).unwrap();
            assert_eq!((stream.views(), stream.read(2).unwrap()), (2, volume.values().to_vec()), "{name} as {other}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_it_looks_like_to_every_reader() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, words) in [
            ("a.nii", &b"\n<!DOCTYPE html>"[..], "XML or HTML is not supported; see whether a download"),
            ("a.tif", b"7z\xBC\xAF\x27\x1C..", "7-Zip is not supported; unpack it"),
            ("a", b"\x01\x02\x03", "a file that begins with \"\\x01\\x02\\x03\" is not supported; see what wrote it"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let messages = [
                read_volume(&path, None).err().unwrap(),
                read_projections(&path, None).err().unwrap(),
                ProjectionStream::open(&path, None).err().unwrap(),
                read_image(&path).err().unwrap(),
            ];
            for message in messages.map(|error| error.to_string()) {
                assert!(message.contains(&format!("{name}: {words}")), "{message}");
            }
        }
    }
}
