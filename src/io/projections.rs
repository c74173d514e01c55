use std::{
    fs::File,
    io::{BufReader, Cursor},
    path::Path,
};

use glam::{DMat3, DVec3};

use super::{
    IoError,
    folder::is_folder,
    image::open_file,
    input::Input,
    raster::{Header, Raster, check_finite, read_values},
    scalar::Encoding,
    sign, tiff,
    volume::{
        VolumeFormat, VolumeWriter, check_output, extension, is_folder_of_pages, open, open_bytes, pages_of_folder,
        write_raster,
    },
};
use crate::{
    data::{DataError, Grid, Projections, Unit},
    geometry::Geometry,
};

const WRITABLE: &str = ".nii, .nii.gz, .nrrd, .mha, .mhd, .npy or .tif";
/// What `.npy` needs beside it to become a stack.
const PITCH_NEEDED: &str = "the detector's pitch along u and v, for instance from its geometry";
/// What a stack is in messages.
const WHAT: &str = "projections";
/// Distance between views in file formats that know only space.
const VIEW_STEP: f64 = 1.0;

/// Reads a projection stack; the content tells the format as for [`crate::io::read_volume`].
///
/// The file's three axes are u, v and view, its spacing along the first two is the detector's pitch; its position is
/// ignored, for where the detector stood is the geometry's business. A `.npy` array is `[view][v][u]`, or `[view][u]`
/// for a detector of one row, and needs `pitch_mm`, as TIFF pages do, one for each view, in one file or one each in the files of a folder;
/// for any other format that takes the place of what the file says.
///
/// # Errors
/// [`IoError`] when the file cannot be read, is damaged, or holds NaN or infinity.
pub fn read_projections(path: impl AsRef<Path>, pitch_mm: Option<[f64; 2]>) -> Result<Projections, IoError> {
    let path = path.as_ref();
    if path.is_dir()
        && let Some(pages) = pages_of_folder(path)?
    {
        return of_pages(path, pages, pitch_mm);
    }
    match sign::kind(path)?.volume(path, WHAT)? {
        VolumeFormat::Tiff => {
            let (reader, length) = open_file(path)?;
            of_pages(path, tiff::read_pages(path, reader, length)?, pitch_mm)
        }
        VolumeFormat::Dicom => Err(unread(path)),
        format => stack(open(format, path)?, pitch_mm),
    }
}

/// Reads a stack from bytes in memory; `name` stands for the path in messages. See [`read_projections`].
///
/// # Errors
/// As for [`read_projections`]; data beside a detached header cannot be reached.
pub fn decode_projections(
    format: VolumeFormat,
    name: &Path,
    bytes: &[u8],
    pitch_mm: Option<[f64; 2]>,
) -> Result<Projections, IoError> {
    match format {
        VolumeFormat::Tiff => of_pages(name, tiff::read_pages(name, Cursor::new(bytes), bytes.len() as u64)?, pitch_mm),
        VolumeFormat::Dicom => Err(unread(name)),
        format => stack(open_bytes(format, name, bytes)?, pitch_mm),
    }
}

/// Writes a projection stack as little-endian `f32`; see [`crate::io::write_volume`].
///
/// # Errors
/// [`IoError`] when the extension is unknown or the file cannot be written.
pub fn write_projections(path: impl AsRef<Path>, projections: &Projections) -> Result<(), IoError> {
    let path = path.as_ref();
    refuse_folder(path)?;
    let grid = grid(path, projections.views(), projections.detector(), projections.pitch_mm())?;
    let raster = Raster { grid: &grid, unit: projections.unit(), values: projections.values() };
    write_raster(path, "write a projection stack", &raster)
}

/// Where a stack lies as a volume.
fn grid(path: &Path, views: usize, [nu, nv]: [usize; 2], [du, dv]: [f64; 2]) -> Result<Grid, IoError> {
    // A stack lies nowhere in the patient: the file's own axes are used, which MetaImage calls LPS.
    let own_axes = match VolumeFormat::of_path(path) {
        Some(VolumeFormat::MetaImage | VolumeFormat::MetaHeader) => DVec3::new(-1.0, -1.0, 1.0),
        _ => DVec3::ONE,
    };
    Grid::new([nu, nv, views], [du, dv, VIEW_STEP], [0.0; 3], DMat3::from_diagonal(own_axes))
        .map_err(|source| IoError::Data { path: path.to_owned(), source })
}

/// A projection stack that is written a few views at a time, first view first; see [`write_projections`].
///
/// The file appears under its name when [`ProjectionWriter::finish`] says so.
pub struct ProjectionWriter(VolumeWriter);

impl ProjectionWriter {
    /// Begins a `.nii`, `.nrrd`, `.mha` or `.npy` file of the views of `geometry`.
    ///
    /// # Errors
    /// [`IoError`] when the extension is another one or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, geometry: &Geometry, unit: Unit) -> Result<Self, IoError> {
        let path = path.as_ref();
        refuse_folder(path)?;
        let grid = grid(path, geometry.views().len(), geometry.detector(), geometry.pitch_mm())?;
        let words = ("write a projection stack in batches", ".nii, .nrrd, .mha or .npy");
        VolumeWriter::file(path, &grid, unit, words).map(Self)
    }

    /// Writes what follows, `[view][v][u]`.
    ///
    /// # Errors
    /// [`IoError`] when the file cannot be written, or would hold more views.
    pub fn append(&mut self, values: &[f32]) -> Result<(), IoError> {
        self.0.append(values)
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// [`IoError`] when the file cannot be written, or views are missing.
    pub fn finish(self) -> Result<(), IoError> {
        self.0.finish()
    }
}

/// Checks that a stack could be written, as [`crate::io::check_output`] does for volumes.
///
/// # Errors
/// What [`write_projections`] would say.
pub fn check_projections_output(path: impl AsRef<Path>) -> Result<(), IoError> {
    let path = path.as_ref();
    refuse_folder(path)?;
    check_output(path)
}

/// Folders are for volumes.
fn refuse_folder(path: &Path) -> Result<(), IoError> {
    if is_folder(path) { Err(extension(path, "write a projection stack", WRITABLE)) } else { Ok(()) }
}

fn unread(path: &Path) -> IoError {
    sign::unread(path, "DICOM as projections", "save the line integrals of all views as .nrrd, .npy or .h5")
}

/// A projection stack that is read a few views at a time, first view first.
pub struct ProjectionStream {
    source: Source,
    /// Views, detector, pitch and unit.
    layout: Layout,
    next: usize,
}

enum Source {
    Values(Input<'static>, Encoding),
    Pages(tiff::PageStream<BufReader<File>>),
}

impl ProjectionStream {
    /// Opens a file that [`read_projections`] would read whole.
    ///
    /// # Errors
    /// As there, but for the values.
    pub fn open(path: impl AsRef<Path>, pitch_mm: Option<[f64; 2]>) -> Result<Self, IoError> {
        let path = path.as_ref();
        let is_folder = path.is_dir();
        if is_folder && !is_folder_of_pages(path)? {
            return Err(unread(path));
        }
        let format = if is_folder { VolumeFormat::Tiff } else { sign::kind(path)?.volume(path, WHAT)? };
        let (header, source) = match format {
            VolumeFormat::Tiff => {
                (tiff::PageStream::open(path)?.header()?, Source::Pages(tiff::PageStream::open(path)?))
            }
            VolumeFormat::Dicom => return Err(unread(path)),
            format => {
                let (header, input) = open(format, path)?;
                let encoding = header.encoding;
                (header, Source::Values(input, encoding))
            }
        };
        let layout = Layout::of(&header, path, pitch_mm)?;
        Ok(Self { source, layout, next: 0 })
    }

    /// Number of views.
    #[must_use]
    pub fn views(&self) -> usize {
        self.layout.views
    }

    /// Number of detector columns and rows.
    #[must_use]
    pub fn detector(&self) -> [usize; 2] {
        self.layout.detector
    }

    /// Distances between pixels along u and v, in millimetres.
    #[must_use]
    pub fn pitch_mm(&self) -> [f64; 2] {
        self.layout.pitch_mm
    }

    /// What the values are.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.layout.unit
    }

    /// Number of the view that comes next.
    #[must_use]
    pub fn next_view(&self) -> usize {
        self.next
    }

    /// Reads `count` views, `[view][v][u]`; the end of the file is checked behind the last one.
    ///
    /// # Errors
    /// [`IoError`] when the file ends early, goes on, or holds NaN or infinity.
    pub fn read(&mut self, count: usize) -> Result<Vec<f32>, IoError> {
        let (pixels, is_last) = (self.pixels(), self.next + count == self.views());
        self.next += count;
        match &mut self.source {
            Source::Values(input, encoding) => {
                let values = input.values(count * pixels, encoding)?;
                check_finite(input.path(), WHAT, &values)?;
                if is_last {
                    input.finish()?;
                }
                Ok(values)
            }
            Source::Pages(pages) => {
                for _ in 0..count {
                    pages.read()?;
                }
                Ok(pages.take())
            }
        }
    }

    /// Passes over `count` views.
    ///
    /// # Errors
    /// [`IoError`] when the file ends early.
    pub fn skip(&mut self, count: usize) -> Result<(), IoError> {
        let pixels = self.pixels();
        self.next += count;
        match &mut self.source {
            Source::Values(input, encoding) => {
                input.skip((count * pixels * encoding.scalar.byte_count()) as u64, "the views")
            }
            Source::Pages(pages) => (0..count).try_for_each(|_| pages.pass().map(drop)),
        }
    }

    fn pixels(&self) -> usize {
        self.detector()[0] * self.detector()[1]
    }
}

/// What a stack's header says.
struct Layout {
    views: usize,
    detector: [usize; 2],
    pitch_mm: [f64; 2],
    unit: Unit,
}

impl Layout {
    fn of(header: &Header, path: &Path, pitch_mm: Option<[f64; 2]>) -> Result<Self, IoError> {
        let [nu, nv, views] = match *header.shape {
            [nu, views] => [nu, 1, views],
            [nu, nv, views] => [nu, nv, views],
            _ => {
                let (field, got) = ("shape".to_owned(), format!("{} axes", header.shape.len()));
                let allowed = "[view][v][u] or [view][u]".to_owned();
                return Err(IoError::Field { path: path.to_owned(), field, got, allowed });
            }
        };
        let from_file = header.stated_grid().map(|g| [g.spacing_mm().x, g.spacing_mm().y]);
        let missing = || IoError::SpacingMissing { path: path.to_owned(), needed: PITCH_NEEDED };
        let pitch_mm = pitch_mm.or(from_file).ok_or_else(missing)?;
        // A grid of the same size is subject to the same limits, and is checked before anything is read.
        Grid::centred([nu, nv, views], [1.0; 3])
            .map_err(|error| IoError::Data { path: path.to_owned(), source: renamed(error) })?;
        Ok(Self { views, detector: [nu, nv], pitch_mm, unit: header.unit })
    }
}

fn stack((header, input): (Header, Input<'_>), pitch_mm: Option<[f64; 2]>) -> Result<Projections, IoError> {
    let path = input.path().to_owned();
    let Layout { views, detector, pitch_mm, unit } = Layout::of(&header, &path, pitch_mm)?;
    let values = read_values(input, WHAT, detector[0] * detector[1] * views, &header.encoding)?;
    Projections::new(views, detector, pitch_mm, unit, values).map_err(|source| IoError::Data { path, source })
}

fn of_pages(path: &Path, pages: tiff::Pages, pitch_mm: Option<[f64; 2]>) -> Result<Projections, IoError> {
    let Layout { views, detector, pitch_mm, unit } = Layout::of(&pages.header(), path, pitch_mm)?;
    Projections::new(views, detector, pitch_mm, unit, pages.values)
        .map_err(|source| IoError::Data { path: path.to_owned(), source })
}

/// The same complaint in the words of a stack.
fn renamed(error: DataError) -> DataError {
    match error {
        DataError::Size { axis, got, max, .. } => {
            let axis = match axis {
                'x' => 'u',
                'y' => 'v',
                _ => 'k',
            };
            DataError::Size { what: WHAT, axis, got, max }
        }
        DataError::TooLarge { shape, max, .. } => DataError::TooLarge { what: WHAT, shape, max },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Image, Sample},
        geometry::Scan,
        io::write_image,
    };

    fn stack() -> Projections {
        let values = (0..24).map(|i| i as f32 * 0.25).collect();
        Projections::new(4, [3, 2], [0.4, 0.7], Unit::LineIntegral, values).unwrap()
    }

    #[test]
    fn every_format_gives_back_the_stack_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["p.nii", "p.nii.gz", "p.nrrd", "p.mha", "p.mhd"] {
            let path = folder.path().join(name);
            write_projections(&path, &stack()).unwrap();
            let back = read_projections(&path, None).unwrap();
            assert_eq!((back.values(), back.detector(), back.views()), (stack().values(), [3, 2], 4), "{name}");
            assert_eq!(back.unit(), Unit::LineIntegral, "{name}");
            for (got, want) in back.pitch_mm().into_iter().zip([0.4, 0.7]) {
                assert!((got - want).abs() < 1e-7, "{name}: {got}");
            }
            assert_eq!(read_projections(&path, Some([1.0, 2.0])).unwrap().pitch_mm(), [1.0, 2.0]);
        }
        let header = std::fs::read_to_string(folder.path().join("p.mhd")).unwrap();
        assert!(header.contains("TransformMatrix = 1 0 0 0 1 0 0 0 1\n"), "{header}");
    }

    #[test]
    fn pages_are_streamed_from_a_file_and_from_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.tif");
        write_projections(&file, &stack()).unwrap();
        let pages = folder.path().join("pages");
        std::fs::create_dir(&pages).unwrap();
        for view in 0..4 {
            let values = stack().view_values(view).to_vec();
            let page = Image::new([3, 2], None, Sample::Float, Unit::LineIntegral, values).unwrap();
            write_image(pages.join(format!("{}.tif", view + 8)), &page).unwrap();
        }
        for path in [&file, &pages] {
            let mut stream = ProjectionStream::open(path, Some([0.4, 0.7])).unwrap();
            assert_eq!((stream.views(), stream.detector(), stream.pitch_mm()), (4, [3, 2], [0.4, 0.7]));
            assert_eq!(stream.unit(), Unit::LineIntegral);
            assert_eq!(stream.read(1).unwrap(), stack().view_values(0));
            stream.skip(1).unwrap();
            assert_eq!(stream.read(2).unwrap(), &stack().values()[12..]);
            assert_eq!(read_projections(path, Some([0.4, 0.7])).unwrap().values(), stack().values());
            let missing = ProjectionStream::open(path, None).err().unwrap().to_string();
            assert!(missing.contains("pitch"), "{missing}");
        }
        std::fs::write(pages.join("9.tif"), "no picture").unwrap();
        let refused = ProjectionStream::open(&pages, Some([1.0; 2])).err().unwrap().to_string();
        assert!(refused.contains("9.tif"), "{refused}");
    }

    #[test]
    fn a_stack_that_is_written_in_batches_is_that_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let scan = "kind = 'parallel'\nviews = 4\narc_deg = 180\ndetector = [3, 2]\npitch_mm = [0.4, 0.7]";
        let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
        for name in ["p.nii", "p.nrrd", "p.mha", "p.npy"] {
            let (whole, parts) = (folder.path().join(name), folder.path().join(format!("parts-{name}")));
            write_projections(&whole, &stack()).unwrap();
            let mut writer = ProjectionWriter::create(&parts, &geometry, Unit::LineIntegral).unwrap();
            stack().values().chunks(12).for_each(|views| writer.append(views).unwrap());
            assert!(!parts.exists());
            writer.finish().unwrap();
            assert!(std::fs::read(whole).unwrap() == std::fs::read(parts).unwrap(), "{name}");
        }
        for name in ["p.tif", "p.nii.gz", "slices/"] {
            let error = ProjectionWriter::create(folder.path().join(name), &geometry, Unit::LineIntegral).err();
            assert!(error.unwrap().to_string().contains(".nii, "), "{name}");
        }
        let path = folder.path().join("short.nrrd");
        let mut writer = ProjectionWriter::create(&path, &geometry, Unit::LineIntegral).unwrap();
        writer.append(&[0.0; 6]).unwrap();
        assert!(writer.finish().is_err() && !path.exists());
    }

    #[test]
    fn npy_takes_its_pitch_from_the_caller() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.npy");
        write_projections(&path, &stack()).unwrap();
        let back = read_projections(&path, Some([0.4, 0.7])).unwrap();
        assert_eq!((back.values(), back.pitch_mm(), back.unit()), (stack().values(), [0.4, 0.7], Unit::Arbitrary));
        let message = read_projections(&path, None).unwrap_err().to_string();
        assert!(message.contains("carries no spacing; give the detector's pitch"), "{message}");
        let message = read_projections(&path, Some([0.0, 1.0])).unwrap_err().to_string();
        assert!(message.ends_with("projections spacing must be positive, got 0 mm along u"), "{message}");
    }

    #[test]
    fn sinogram_of_two_axes_has_one_row() {
        let mut bytes = Vec::new();
        crate::io::npy::write(&mut bytes, &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let decode = |bytes: &[u8]| decode_projections(VolumeFormat::Npy, Path::new("s.npy"), bytes, Some([0.2, 1.0]));
        let back = decode(&bytes).unwrap();
        assert_eq!((back.views(), back.detector()), (2, [3, 1]));
        let mut bytes = Vec::new();
        crate::io::npy::write(&mut bytes, &[6], &[1.0; 6]).unwrap();
        assert_eq!(
            decode(&bytes).unwrap_err().to_string(),
            "s.npy: shape must be [view][v][u] or [view][u], got 1 axes"
        );
    }
}
