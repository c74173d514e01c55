use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Seek},
    path::Path,
};

use super::{
    IoError,
    atomic::{Draft, write_file},
    dicom::{self, DicomAttributes},
    input::{self, Input},
    npy,
    pixel_values::{integers, pixel_count},
    png,
    raster::read_values,
    scalar::Scalar,
    sign::{self, Kind},
    tiff,
    volume::{VolumeFormat, extension},
};
use crate::data::{Image, ImageInfo, Sample, Unit};

/// What to do with an image in a file of volumes.
const REMEDY: &str = "save the image as PNG, TIFF or .npy";
const WRITABLE: &str = ".png, .tif, .tiff, .dcm or .npy";

/// Formats that hold one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageFormat {
    /// Grey PNG of 8 or 16 bits, `.png`.
    Png,
    /// Grey TIFF of 8, 16 or 32 (float) bits, `.tif`, `.tiff`.
    Tiff,
    /// DICOM CR, DX or any other single frame, `.dcm`; DX is written.
    Dicom,
    /// NumPy array `[row][column]`, `.npy`.
    Npy,
}

impl ImageFormat {
    /// The format that a file's extension says; upper and lower case alike.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_string_lossy().to_ascii_lowercase().as_str() {
            "png" => Self::Png,
            "tif" | "tiff" => Self::Tiff,
            "dcm" | "dicom" | "ima" => Self::Dicom,
            "npy" => Self::Npy,
            _ => return None,
        })
    }
}

/// Reads an image; the content tells the format, whatever the file's name, and the extension only where content has no sign.
///
/// Values come as stored (DICOM: after its rescaling); [`ImageInfo::inverted`] says when small means bright. Spacing is
/// `None` when the file does not know it or states 0. The resolution in PNG and TIFF is ignored unless kerma wrote it,
/// since most programs put the screen's there.
///
/// # Errors
/// [`IoError`] when the file cannot be read, is damaged, is in colour, or holds NaN or infinity.
pub fn read_image(path: impl AsRef<Path>) -> Result<(Image, ImageInfo), IoError> {
    read_frame(path, None)
}

/// Reads one frame of a DICOM file; their number counts from 1 on, and may be left out where there is one. See [`read_image`].
///
/// # Errors
/// As for [`read_image`]; of several frames where none is chosen; of a number that is none of them.
pub fn read_frame(path: impl AsRef<Path>, number: Option<usize>) -> Result<(Image, ImageInfo), IoError> {
    let path = path.as_ref();
    let format = format_of(path)?;
    if number.is_some_and(|number| number != 1) && format != ImageFormat::Dicom {
        let what = "a frame's number beside a file of one image".to_owned();
        return Err(IoError::Unsupported { path: path.to_owned(), what, remedy: "leave it out" });
    }
    let (reader, length) = open_file(path)?;
    match format {
        ImageFormat::Dicom => dicom::read_radiograph(path, reader, length, number),
        format => decode(format, path, reader, length),
    }
}

/// Reads every frame of a DICOM file, first frame first; a file of another format holds one. See [`read_image`].
///
/// # Errors
/// As for [`read_image`].
pub fn read_frames(path: impl AsRef<Path>) -> Result<(Vec<Image>, ImageInfo), IoError> {
    let path = path.as_ref();
    if format_of(path)? != ImageFormat::Dicom {
        return read_image(path).map(|(image, info)| (vec![image], info));
    }
    let (reader, length) = open_file(path)?;
    dicom::read_frames(path, reader, length)
}

/// Reads an image from bytes in memory; `name` stands for the path in messages. See [`read_image`].
///
/// # Errors
/// As for [`read_image`].
pub fn decode_image(format: ImageFormat, name: &Path, bytes: &[u8]) -> Result<(Image, ImageInfo), IoError> {
    decode(format, name, Cursor::new(bytes), bytes.len() as u64)
}

/// Writes an image; the extension decides the format and [`Image::sample`] the number type.
///
/// Up to 8 bits go into 8, more into 16. Values are rounded to the nearest integer and must then fit the image's bits:
/// nothing is clipped or stretched. Float images go to TIFF (32 bits) and `.npy`. PNG and TIFF keep spacing, unit and
/// bits in a text field; `.npy` keeps values alone, so that 12 bits are read as 16. `.dcm` becomes a Digital X-Ray image, which
/// keeps spacing and bits, 6 at least, and needs a spacing.
///
/// # Errors
/// [`IoError`] when the extension is unknown, a value does not fit, or the file cannot be written.
pub fn write_image(path: impl AsRef<Path>, image: &Image) -> Result<(), IoError> {
    write_image_with(path, image, &DicomAttributes::default())
}

/// As [`write_image`], with what a DICOM file states besides; other formats keep none of it.
///
/// # Errors
/// As there.
pub fn write_image_with(path: impl AsRef<Path>, image: &Image, attributes: &DicomAttributes) -> Result<(), IoError> {
    let path = path.as_ref();
    let refused = || extension(path, "write an image", WRITABLE);
    match ImageFormat::of_path(path).ok_or_else(refused)? {
        ImageFormat::Png => png::write(path, image),
        ImageFormat::Tiff => tiff::write(path, image),
        ImageFormat::Npy => match image.sample() {
            Sample::Unsigned { bits } => {
                let integers = integers(path, image, bits)?;
                write_file(path, |out| npy::write_integers(out, &image.size(), &integers, bits))
            }
            Sample::Float => write_file(path, |out| npy::write(out, &image.size(), image.values())),
        },
        ImageFormat::Dicom => dicom::write_radiograph(path, image, attributes),
    }
}

fn format_of(path: &Path) -> Result<ImageFormat, IoError> {
    Ok(match sign::kind(path)? {
        Kind::Png => ImageFormat::Png,
        Kind::Volume(VolumeFormat::Tiff) => ImageFormat::Tiff,
        Kind::Volume(VolumeFormat::Dicom) => ImageFormat::Dicom,
        Kind::Volume(VolumeFormat::Npy) => ImageFormat::Npy,
        kind => return Err(sign::unread(path, &format!("{} as an image", kind.name()), REMEDY)),
    })
}

/// Opens a file for readers that move about in it, and tells its length.
pub(super) fn open_file(path: &Path) -> Result<(BufReader<File>, u64), IoError> {
    let (file, length) = input::open_file(path)?;
    Ok((BufReader::new(file), length))
}

/// Checks that an image of such samples could be written: the extension, the folder and the right to create a file in it.
///
/// For callers with long work ahead; nothing stays behind.
///
/// # Errors
/// What [`write_image`] would say.
pub fn check_image_output(path: impl AsRef<Path>, sample: Sample) -> Result<(), IoError> {
    let path = path.as_ref();
    match (ImageFormat::of_path(path), sample) {
        (None, _) => Err(extension(path, "write an image", WRITABLE)),
        (Some(ImageFormat::Dicom), Sample::Float) => Err(dicom::float(path)),
        (Some(ImageFormat::Png), Sample::Float) => Err(png::float(path)),
        _ => Draft::create(path).map(drop),
    }
}

fn decode(
    format: ImageFormat,
    path: &Path,
    reader: impl BufRead + Seek,
    length: u64,
) -> Result<(Image, ImageInfo), IoError> {
    match format {
        ImageFormat::Png => Ok((png::read(path, reader, length)?, ImageInfo::default())),
        ImageFormat::Tiff => tiff::read(path, reader, length),
        ImageFormat::Dicom => dicom::read_radiograph(path, reader, length, None),
        ImageFormat::Npy => {
            let image = array(Input::stream(path, Box::new(reader), length, false))?;
            Ok((image, ImageInfo::default()))
        }
    }
}

fn array(input: Input<'_>) -> Result<Image, IoError> {
    let (header, input) = npy::open(input)?;
    let &[columns, rows] = header.shape.as_slice() else {
        let got = format!("{} axes", header.shape.len());
        return Err(input.field("shape", got, "[row][column]"));
    };
    let path = input.path().to_owned();
    let count = pixel_count(&path, [columns, rows])?;
    let sample = match header.encoding.scalar {
        Scalar::U8 => Sample::Unsigned { bits: 8 },
        Scalar::U16 => Sample::Unsigned { bits: 16 },
        _ => Sample::Float,
    };
    let values = read_values(input, "image", count, &header.encoding)?;
    Image::new([columns, rows], None, sample, Unit::Arbitrary, values).map_err(|source| IoError::Data { path, source })
}
