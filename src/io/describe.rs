//! What a file is, told by its content.

use std::path::Path;

use super::{
    IoError, dicom,
    hdf5::{self, Container, DatasetDescription},
    image::read_frames,
    raster::Header,
    sign::{self, Kind},
    tiff,
    volume::{VolumeFormat, open, series_of},
};
use crate::data::{Grid, Image, ImageInfo, Sample, Unit};

/// What a file holds, as far as it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Name of the format.
    pub format: &'static str,
    /// Number of values along each axis, fastest first.
    pub size: Vec<usize>,
    /// How a value is stored.
    pub stored: String,
    /// Distances between neighbours along the first axes, in millimetres; none where the file does not state them.
    pub spacing_mm: Vec<f64>,
    /// Where the voxels of a volume lie.
    pub grid: Option<Grid>,
    /// What the values are; arbitrary where the file does not say.
    pub unit: Unit,
    /// All datasets of an HDF5 file.
    pub datasets: Vec<DatasetDescription>,
    /// What is odd about it, a sentence each.
    pub remarks: Vec<String>,
}

/// Least angle of axes that is worth a remark.
const LEAST_TURN_DEG: f64 = 0.5;
/// Describes a file, a folder of DICOM slices or TIFF files, or a .zip of DICOM slices; what it is, is told by its content,
/// whatever its name. `series` chooses one of several series, see [`super::read_series`].
///
/// Only headers are read where a format has them; images, pages and DICOM images are read whole.
///
/// # Errors
/// [`IoError`] when it cannot be read, is damaged, or is of no format that is read: then what it looks like, and what to do.
pub fn describe(path: impl AsRef<Path>, series: Option<usize>) -> Result<Description, IoError> {
    let path = path.as_ref();
    let is_folder = path.is_dir();
    if is_folder || dicom::is_zip(path) || series.is_some() {
        let format = if is_folder { "folder of DICOM slices" } else { "zip of DICOM slices" };
        return match series_of(path, series)? {
            Some(series) => of_series(format, &series),
            None => {
                Ok(of_header("folder of TIFF files", &tiff::PageStream::open(path)?.header()?, "as the files state"))
            }
        };
    }
    let kind = sign::kind(path)?;
    let mut description = match kind {
        Kind::Volume(VolumeFormat::Dicom) => match dicom::open_series(path, None) {
            Ok(series) => of_series(kind.name(), &series)?,
            Err(_) => of_frames(kind.name(), &read_frames(path)?),
        },
        Kind::Png => of_frames(kind.name(), &read_frames(path)?),
        Kind::Volume(VolumeFormat::Tiff) => {
            let header = tiff::PageStream::open(path)?.header()?;
            match *header.shape {
                [_, _, 1] => of_frames(kind.name(), &read_frames(path)?),
                _ => of_header(kind.name(), &header, "as the pages state"),
            }
        }
        Kind::Volume(VolumeFormat::Hdf5) => of_hdf5(path)?,
        Kind::Volume(format) => {
            let (header, _) = open(format, path)?;
            of_header(kind.name(), &header, &header.encoding.to_string())
        }
    };
    if let Some(named) = sign::named(path).filter(|named| named.name() != kind.name()) {
        description.remarks.insert(0, format!("its name's extension says {}", named.name()));
    }
    Ok(description)
}

/// The dataset that is meant, if the file or the path says which, and all others.
fn of_hdf5(path: &Path) -> Result<Description, IoError> {
    let container = Container::open(path)?;
    let name = Kind::Volume(VolumeFormat::Hdf5).name();
    let datasets = container.datasets()?;
    let named = hdf5::split(path).1;
    let meant = match container.choose(named, &hdf5::VALUES) {
        Err(error) if named.is_some() => return Err(error),
        chosen => chosen.ok(),
    };
    let mut description = match &meant {
        Some(dataset) => {
            let (header, ..) = container.start(dataset)?;
            of_header(name, &header, &header.encoding.to_string())
        }
        None => {
            let mut description = Description { format: name, ..Description::default() };
            description.remarks.push("it does not say which of its datasets is meant: FILE:/NAME".to_owned());
            description
        }
    };
    description.datasets = datasets;
    Ok(description)
}

fn of_header(format: &'static str, header: &Header, stored: &str) -> Description {
    let grid = header.stated_grid();
    let (size, stored) = (header.shape.clone(), stored.to_owned());
    let spacing_mm = grid.map_or_else(Vec::new, |grid| grid.spacing_mm().to_array().to_vec());
    Description { format, size, stored, spacing_mm, grid, unit: header.unit, ..Description::default() }.remarked()
}

fn of_series(format: &'static str, series: &dicom::Series) -> Result<Description, IoError> {
    let (grid, stored) = (series.grid, "integers, rescaled as the slices state".to_owned());
    let (size, spacing_mm) = (grid.size().to_vec(), grid.spacing_mm().to_array().to_vec());
    let (grid, unit, remarks) = (Some(grid), series.unit, series.remarks()?);
    Ok(Description { format, size, stored, spacing_mm, grid, unit, remarks, ..Description::default() }.remarked())
}

fn of_frames(format: &'static str, (frames, info): &(Vec<Image>, ImageInfo)) -> Description {
    let mut size = frames.first().map_or_else(Vec::new, |image| image.size().to_vec());
    if frames.len() > 1 {
        size.push(frames.len());
    }
    let stored = match frames.first().map(Image::sample) {
        Some(Sample::Unsigned { bits }) => format!("unsigned integers of {bits} bits"),
        _ => "floats, or integers that are rescaled".to_owned(),
    };
    let spacing_mm = frames.first().and_then(Image::spacing_mm).map_or_else(Vec::new, |spacing| spacing.to_vec());
    let unit = frames.first().map_or(Unit::Arbitrary, Image::unit);
    let mut remarks = Vec::new();
    if info.inverted {
        remarks.push("its smallest values are shown brightest".to_owned());
    }
    if info.spacing_at_detector {
        remarks.push("its spacing is that of the detector's pixels, not of the patient".to_owned());
    }
    if let Some([low, high]) = info.padding {
        let range = if low == high { low.to_string() } else { format!("{low} to {high}") };
        remarks.push(format!("{range} stands for pixels that were not measured"));
    }
    if info.overlays {
        remarks.push("its overlays are ignored".to_owned());
    }
    Description { format, size, stored, spacing_mm, grid: None, unit, remarks, ..Description::default() }.remarked()
}

impl Description {
    /// With what is odd about any file.
    fn remarked(mut self) -> Self {
        let mut add = |remark: &str| self.remarks.push(remark.to_owned());
        if self.spacing_mm.is_empty() {
            add("it states no distances between values");
        }
        if let Some(grid) = &self.grid {
            let orientation = grid.orientation();
            if orientation.determinant() < 0.0 {
                add("its axes are left-handed");
            }
            let along = |axis: usize| orientation.col(axis).abs().max_element();
            let turned = (0..3).map(|axis| along(axis).min(1.0).acos().to_degrees()).fold(0.0, f64::max);
            if turned > LEAST_TURN_DEG {
                add(&format!("its axes are turned by {turned:.1}° against those of the body"));
            }
        }
        if self.unit == Unit::Arbitrary {
            add("it does not say what its values are");
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Volume,
        io::{write_image, write_volume},
    };

    fn volume(name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let grid = Grid::centred([4, 3, 2], [0.5, 1.0, 2.0]).unwrap();
        write_volume(&path, &Volume::new(grid, Unit::Hounsfield, vec![1.0; 24]).unwrap()).unwrap();
        (folder, path)
    }

    #[test]
    fn content_tells_what_a_file_is_whatever_its_name() {
        for (name, format, stored) in [
            ("v.nii", "NIfTI", "floats of 32 bits, little-endian"),
            ("v.nii.gz", "NIfTI packed with gzip", "floats of 32 bits, little-endian"),
            ("v.nrrd", "NRRD", "floats of 32 bits, little-endian"),
            ("v.mha", "MetaImage", "floats of 32 bits, little-endian"),
        ] {
            let (_folder, path) = volume(name);
            let got = describe(&path, None).unwrap();
            assert_eq!((got.format, got.stored.as_str(), &got.size[..]), (format, stored, &[4, 3, 2][..]), "{name}");
            assert_eq!((&got.spacing_mm[..], got.unit, got.remarks.len()), (&[0.5, 1.0, 2.0][..], Unit::Hounsfield, 0));
            let other = path.with_file_name("v.png");
            std::fs::rename(&path, &other).unwrap();
            let got = describe(&other, None).unwrap();
            assert_eq!(got.format, format);
            assert!(got.remarks[0].ends_with("extension says PNG"), "{:?}", got.remarks);
        }
        for (name, format) in [("v.npy", "NumPy"), ("v.tif", "TIFF")] {
            let (_folder, path) = volume(name);
            let got = describe(&path, None).unwrap();
            assert_eq!((got.format, got.size, got.grid), (format, vec![4, 3, 2], None));
            assert!(got.remarks[0].contains("states no distances"), "{:?}", got.remarks);
        }
    }

    #[test]
    fn images_tell_their_bits() {
        let folder = tempfile::tempdir().unwrap();
        let sample = Sample::Unsigned { bits: 12 };
        let image = Image::new([3, 2], Some([0.1, 0.2]), sample, Unit::Counts, vec![5.0; 6]).unwrap();
        for (name, format) in [("i.png", "PNG"), ("i.tif", "TIFF")] {
            let path = folder.path().join(name);
            write_image(&path, &image).unwrap();
            let got = describe(&path, None).unwrap();
            assert_eq!((got.format, &got.size[..], got.unit), (format, &[3, 2][..], Unit::Counts));
            assert_eq!((got.stored.as_str(), &got.spacing_mm[..]), ("unsigned integers of 12 bits", &[0.1, 0.2][..]));
        }
    }

    #[test]
    fn turned_and_mirrored_axes_are_odd() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.nrrd");
        let turned = glam::DMat3::from_rotation_z(0.2) * glam::DMat3::from_diagonal(glam::DVec3::new(1.0, -1.0, 1.0));
        let grid = Grid::new([2, 2, 2], [1.0; 3], [0.0; 3], turned).unwrap();
        write_volume(&path, &Volume::new(grid, Unit::Arbitrary, vec![0.0; 8]).unwrap()).unwrap();
        let remarks = describe(&path, None).unwrap().remarks;
        assert_eq!(
            remarks,
            [
                "its axes are left-handed",
                "its axes are turned by 11.5° against those of the body",
                "it does not say what its values are"
            ]
        );
    }

    #[test]
    fn what_is_not_read_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.nii");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            describe(&path, None).unwrap_err().to_string()
        };
        assert!(refused(b"\x89HDF\r\n\x1A\n....").contains("f.nii: "));
        assert!(refused(b"PK\x03\x04....").contains("f.nii: is damaged: "));
        assert!(refused(b"\x01\x02\x03").contains("f.nii: "));
        assert!(refused(b"\x93NUMPY").contains("f.nii: "));
        assert!(describe(folder.path().join("gone"), None).unwrap_err().to_string().contains("cannot read"));
    }
}
