use std::{
    borrow::Cow,
    fs::File,
    io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

use super::{
    IoError,
    atomic::{Draft, check_room, refusal, write_file},
    dicom::{self, DicomAttributes},
    folder::{FolderDraft, is_folder},
    hdf5,
    image::open_file,
    input::{Input, Packing},
    metaimage, nifti, npy, nrrd,
    raster::{Header, Raster, read_values},
    raw,
    scalar::write_f32,
    sign::{self, Kind},
    tiff,
};
use crate::data::{Grid, Unit, Volume};

const WRITABLE: &str = ".nii, .nii.gz, .nrrd, .mha, .mhd, .npy or .tif, or a folder of DICOM slices, NAME/";
/// What a file without spacing needs beside it to become a volume.
const GRID_NEEDED: &str = "a grid, NXxNYxNZ@SXxSYxSZ";

/// Formats that hold a volume or a projection stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VolumeFormat {
    /// NIfTI-1 or, read only, NIfTI-2 in one file, `.nii`.
    Nifti,
    /// The same, compressed: `.nii.gz`.
    NiftiGz,
    /// NRRD with or without its data: `.nrrd`, `.nhdr`.
    Nrrd,
    /// MetaImage in one file, `.mha`.
    MetaImage,
    /// MetaImage header with its data beside it: `.mhd`.
    MetaHeader,
    /// NumPy array, `.npy`.
    Npy,
    /// Grey TIFF or BigTIFF with a page for each slice, `.tif`, `.tiff`.
    Tiff,
    /// A dataset of an HDF5 file, `.h5`, `.hdf5`, `.hdf`, `.nxs`: read only.
    Hdf5,
    /// Bare values with a TOML file that describes them, `.toml`: read only.
    Raw,
    /// A DICOM CT slice, `.dcm`: read only, since a folder of slices is written.
    Dicom,
}

impl VolumeFormat {
    /// The format that a file's extension says; upper and lower case alike.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        if name.ends_with(".nii.gz") {
            return Some(Self::NiftiGz);
        }
        Some(match name.rsplit_once('.')?.1 {
            "nii" => Self::Nifti,
            "nrrd" | "nhdr" => Self::Nrrd,
            "mha" => Self::MetaImage,
            "mhd" => Self::MetaHeader,
            "npy" => Self::Npy,
            "tif" | "tiff" => Self::Tiff,
            "h5" | "hdf5" | "hdf" | "nxs" => Self::Hdf5,
            "toml" => Self::Raw,
            "dcm" | "dicom" | "ima" => Self::Dicom,
            _ => return None,
        })
    }
}

/// Reads a volume; the content tells the format, whatever the file's name, and the extension only where content has no sign. A folder is
/// a DICOM series or, without DICOM files, a stack of TIFF files, one for each slice; a .zip is a DICOM series, and so is an enhanced
/// DICOM file of many frames, each at the place that it states. `FILE.h5:/path/to/dataset` names a dataset.
///
/// Spacing, origin and orientation come out in kerma's frame, the voxels in their stored order. `grid` says where the
/// voxels of a `.npy` array `[z][y][x]` or of TIFF pages lie. For a file that knows its voxel axes it takes the place of the spacing
/// and the position alone: the voxels keep the file's axes, and the grid's centre is where it says.
/// Values are as stored after the format's own rescaling: padding such as −2048 is kept for a later step to judge.
/// The unit is arbitrary unless the file says otherwise.
///
/// # Errors
/// [`IoError`] when the file cannot be read, is damaged, holds NaN or infinity, or is not of the given grid's size.
pub fn read_volume(path: impl AsRef<Path>, grid: Option<Grid>) -> Result<Volume, IoError> {
    read_series(path, None, grid)
}

/// Reads one series of a DICOM study, a folder or a .zip; their number counts from 1 on in the order of their SeriesNumber,
/// and may be left out where there is one series. Other files are read as [`read_volume`] reads them.
///
/// # Errors
/// As for [`read_volume`]; of several series where none is chosen, with the list of them; of a number that is none of them.
pub fn read_series(path: impl AsRef<Path>, number: Option<usize>, grid: Option<Grid>) -> Result<Volume, IoError> {
    let path = path.as_ref();
    if let Some(series) = series_of(path, number)? {
        return placed(path, series.read()?, grid);
    }
    if let Some(pages) = pages_of_folder(path)? {
        return of_pages(path, pages, grid);
    }
    match sign::kind(path)?.volume(path, "a volume")? {
        VolumeFormat::Tiff => {
            let (reader, length) = open_file(path)?;
            of_pages(path, tiff::read_pages(path, reader, length)?, grid)
        }
        format => volume(open(format, path)?, grid),
    }
}

/// The series of a folder without TIFF files, a .zip or a DICOM file; none of what is something else.
pub(super) fn series_of(path: &Path, number: Option<usize>) -> Result<Option<dicom::Series>, IoError> {
    let is_study = match path.is_dir() {
        true => tiff::files(path)?.is_empty() || dicom::is_series(path)?,
        false => dicom::is_zip(path) || sign::kind(path)? == Kind::Volume(VolumeFormat::Dicom),
    };
    match (is_study, number) {
        (true, number) => dicom::open_series(path, number).map(Some),
        (false, None) => Ok(None),
        (false, Some(_)) => {
            let what = "a series' number beside what is no DICOM study".to_owned();
            Err(IoError::Unsupported { path: path.to_owned(), what, remedy: "leave it out" })
        }
    }
}

/// Reads a volume from bytes in memory; `name` stands for the path in messages. See [`read_volume`].
///
/// # Errors
/// As for [`read_volume`]; data beside a detached header cannot be reached.
pub fn decode_volume(format: VolumeFormat, name: &Path, bytes: &[u8], grid: Option<Grid>) -> Result<Volume, IoError> {
    match format {
        VolumeFormat::Dicom => placed(name, dicom::decode_series(name, bytes)?, grid),
        VolumeFormat::Tiff => of_pages(name, tiff::read_pages(name, Cursor::new(bytes), bytes.len() as u64)?, grid),
        format => volume(open_bytes(format, name, bytes)?, grid),
    }
}

/// Writes a volume as little-endian `f32`; the extension decides the format.
///
/// The file appears under its name only when it is complete; `.mhd` writes a `.raw` beside it first. The unit is kept in
/// a header field that only kerma reads, of TIFF pages in their description; these and `.npy` keep no grid.
///
/// A path that ends in a separator, or a folder that is there and has no such extension, takes DICOM CT slices, all or none of them; one that holds
/// anything but slices of kerma's is refused. Values become integers of 16 bits: whole numbers within these, and CT numbers
/// rounded to whole ones, as they are; others, for instance 1/mm, by a slope and an intercept from their range, which errs by
/// 2⁻¹⁷ of the range at most. The unit is kept as RescaleType.
///
/// # Errors
/// [`IoError`] when the extension is unknown or the file cannot be written.
pub fn write_volume(path: impl AsRef<Path>, volume: &Volume) -> Result<(), IoError> {
    write_volume_with(path, volume, &DicomAttributes::default())
}

/// As [`write_volume`], with what DICOM slices state besides; other formats keep none of it.
///
/// # Errors
/// As there.
pub fn write_volume_with(path: impl AsRef<Path>, volume: &Volume, attributes: &DicomAttributes) -> Result<(), IoError> {
    let (path, grid, unit) = (path.as_ref(), volume.grid(), volume.unit());
    if !is_folder(path) {
        return write_raster(path, "write a volume", &Raster { grid, unit, values: volume.values() });
    }
    let count = grid.size()[0] * grid.size()[1];
    let slice = |k: usize| Ok(Cow::Borrowed(&volume.values()[k * count..(k + 1) * count]));
    dicom::write_series(FolderDraft::create(path, dicom::is_ours)?, dicom::Stored { grid, unit, slice }, attributes)
}

/// A volume that is written a few slices at a time, first slice first; see [`write_volume`].
///
/// The file appears under its name when [`VolumeWriter::finish`] says so.
pub struct VolumeWriter {
    path: PathBuf,
    grid: Grid,
    unit: Unit,
    target: Target,
    /// Values to come.
    left: usize,
}

/// Where values go.
enum Target {
    File(Draft),
    /// Of slices the range must be known before the first is written: until then values wait in a file beside them.
    Slices(FolderDraft, BufWriter<File>),
}

impl VolumeWriter {
    /// Begins a `.nii`, `.nrrd`, `.mha` or `.npy` file, or a folder of DICOM slices.
    ///
    /// # Errors
    /// [`IoError`] when the extension is another one or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, grid: &Grid, unit: Unit) -> Result<Self, IoError> {
        let path = path.as_ref();
        if !is_folder(path) {
            let allowed = ".nii, .nrrd, .mha or .npy, or a folder of DICOM slices, NAME/";
            return Self::file(path, grid, unit, ("write a volume in parts", allowed));
        }
        check_room(path, (size_of::<f32>() * grid.voxel_count()) as u64)?;
        let folder = FolderDraft::create(path, dicom::is_ours)?;
        let values = BufWriter::new(folder.scratch()?);
        Ok(Self::new(path, grid, unit, Target::Slices(folder, values)))
    }

    fn new(path: &Path, grid: &Grid, unit: Unit, target: Target) -> Self {
        Self { path: path.to_owned(), grid: *grid, unit, target, left: grid.voxel_count() }
    }

    /// Begins a file; `action` and the extensions `allowed` are for errors.
    pub(super) fn file(
        path: &Path,
        grid: &Grid,
        unit: Unit,
        (action, allowed): (&'static str, &'static str),
    ) -> Result<Self, IoError> {
        check_room(path, (size_of::<f32>() * grid.voxel_count()) as u64)?;
        let refused = || extension(path, action, allowed);
        let write = match writable(path, action)? {
            VolumeFormat::Nifti => nifti::write,
            VolumeFormat::Nrrd => nrrd::write,
            VolumeFormat::MetaImage => metaimage::write,
            VolumeFormat::Npy => |out: &mut dyn Write, raster: &Raster<'_>| npy::write(out, &raster.grid.size(), &[]),
            _ => return Err(refused()),
        };
        let mut draft = Draft::create(path)?;
        write(draft.writer(), &Raster { grid, unit, values: &[] }).map_err(|e| refusal(path, e))?;
        Ok(Self::new(path, grid, unit, Target::File(draft)))
    }

    /// Writes what follows, `[z][y][x]`.
    ///
    /// # Errors
    /// [`IoError`] when the file cannot be written, or would hold more than its grid.
    pub fn append(&mut self, values: &[f32]) -> Result<(), IoError> {
        self.left = self.left.checked_sub(values.len()).ok_or_else(|| self.of_another_size("more"))?;
        match &mut self.target {
            Target::File(draft) => write_f32(draft.writer(), values),
            Target::Slices(_, waiting) => write_f32(waiting, values),
        }
        .map_err(|e| refusal(&self.path, e))
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// [`IoError`] when the file cannot be written, or values are missing.
    pub fn finish(self) -> Result<(), IoError> {
        if self.left > 0 {
            return Err(self.of_another_size("fewer"));
        }
        let Self { path, grid, unit, target, .. } = self;
        let refused = |e| refusal(&path, e);
        match target {
            Target::File(mut draft) => {
                draft.writer().flush().map_err(refused)?;
                Draft::publish([draft])
            }
            Target::Slices(folder, waiting) => {
                let mut waiting = waiting.into_inner().map_err(|e| refused(e.into_error()))?;
                let mut bytes = vec![0; grid.size()[0] * grid.size()[1] * size_of::<f32>()];
                let slice = |k: usize| {
                    let start = SeekFrom::Start(k as u64 * bytes.len() as u64);
                    waiting.seek(start).and_then(|_| waiting.read_exact(&mut bytes)).map_err(refused)?;
                    Ok(Cow::Owned(bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()))
                };
                dicom::write_series(folder, dicom::Stored { grid: &grid, unit, slice }, &DicomAttributes::default())
            }
        }
    }

    fn of_another_size(&self, got: &str) -> IoError {
        let allowed = "as many as the grid has voxels".to_owned();
        IoError::Field { path: self.path.clone(), field: "values".to_owned(), got: got.to_owned(), allowed }
    }
}

/// Whether writing to a path makes DICOM: an image by its extension, a volume by the folder that the path names.
#[must_use]
pub fn writes_dicom(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    is_folder(path) || VolumeFormat::of_path(path) == Some(VolumeFormat::Dicom)
}

/// Checks that a volume could be written: the extension, the folder and the right to create a file in it.
///
/// For callers with long work ahead; nothing stays behind.
///
/// # Errors
/// What [`write_volume`] would say.
pub fn check_output(path: impl AsRef<Path>) -> Result<(), IoError> {
    let path = path.as_ref();
    if is_folder(path) {
        return FolderDraft::create(path, dicom::is_ours).map(drop);
    }
    writable(path, "write a volume")?;
    Draft::create(path).map(drop)
}

fn writable(path: &Path, action: &'static str) -> Result<VolumeFormat, IoError> {
    // A detached NRRD header is read, but one file is the better habit.
    let is_detached = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("nhdr"));
    VolumeFormat::of_path(path)
        .filter(|&format| {
            !is_detached && !matches!(format, VolumeFormat::Hdf5 | VolumeFormat::Raw | VolumeFormat::Dicom)
        })
        .ok_or_else(|| extension(path, action, WRITABLE))
}

pub(super) fn extension(path: &Path, action: &'static str, allowed: &'static str) -> IoError {
    let got = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    IoError::Extension { path: path.to_owned(), action, got, allowed }
}

/// Opens a file of any format but DICOM and TIFF at its first value.
pub(super) fn open(format: VolumeFormat, path: &Path) -> Result<(Header, Input<'static>), IoError> {
    match format {
        VolumeFormat::Hdf5 => hdf5::open(path, &hdf5::VALUES).map(|(header, input, _)| (header, input)),
        format => opened(format, Input::open(path)?),
    }
}

/// The same of bytes in memory.
pub(super) fn open_bytes<'a>(
    format: VolumeFormat,
    name: &Path,
    bytes: &'a [u8],
) -> Result<(Header, Input<'a>), IoError> {
    match format {
        VolumeFormat::Hdf5 => hdf5::decode(name, bytes),
        format => opened(format, Input::bytes(name, bytes)),
    }
}

fn opened(format: VolumeFormat, input: Input<'_>) -> Result<(Header, Input<'_>), IoError> {
    match format {
        VolumeFormat::Nifti => nifti::open(input),
        VolumeFormat::NiftiGz => nifti::open(input.unpack(Packing::Gzip)),
        VolumeFormat::Nrrd => nrrd::open(input),
        VolumeFormat::MetaImage | VolumeFormat::MetaHeader => metaimage::open(input),
        VolumeFormat::Npy => npy::open(input),
        VolumeFormat::Raw => raw::open(input),
        VolumeFormat::Tiff | VolumeFormat::Dicom | VolumeFormat::Hdf5 => {
            let remedy = "save it as .nrrd, .mha, .nii, .npy or .h5";
            Err(sign::unread(input.path(), "TIFF or DICOM a few slices at a time", remedy))
        }
    }
}

fn volume((header, input): (Header, Input<'_>), grid: Option<Grid>) -> Result<Volume, IoError> {
    let path = input.path().to_owned();
    let grid = grid_of(&path, &header, grid)?;
    let values = read_values(input, "volume", grid.voxel_count(), &header.encoding)?;
    Volume::new(grid, header.unit, values).map_err(|source| IoError::Data { path, source })
}

/// A volume of pages, whose grid must be given.
fn of_pages(path: &Path, pages: tiff::Pages, grid: Option<Grid>) -> Result<Volume, IoError> {
    let header = pages.header();
    let grid = grid_of(path, &header, grid)?;
    Volume::new(grid, header.unit, pages.values).map_err(|source| IoError::Data { path: path.to_owned(), source })
}

/// Whether a path is a folder of TIFF files, without a DICOM file.
pub(super) fn is_folder_of_pages(path: &Path) -> Result<bool, IoError> {
    Ok(path.is_dir() && !tiff::files(path)?.is_empty() && !dicom::is_series(path)?)
}

/// The TIFF files of a folder, if it has any and no DICOM file.
pub(super) fn pages_of_folder(folder: &Path) -> Result<Option<tiff::Pages>, IoError> {
    is_folder_of_pages(folder)?.then(|| tiff::read_folder(folder)).transpose()
}

/// The grid of a file, where one may be given.
fn grid_of(path: &Path, header: &Header, given: Option<Grid>) -> Result<Grid, IoError> {
    if let Some(grid) = &given
        && header.shape != grid.size()
    {
        return Err(size_mismatch(path, &header.shape, grid));
    }
    let missing = || IoError::SpacingMissing { path: path.to_owned(), needed: GRID_NEEDED };
    match (given, header.grid) {
        (Some(given), Some(own)) => Ok(given.along_axes_of(&own)),
        (Some(given), None) => Ok(given),
        (None, _) => header.stated_grid().ok_or_else(missing),
    }
}

/// Gives a volume the spacing and the centre that the caller prefers.
fn placed(path: &Path, volume: Volume, grid: Option<Grid>) -> Result<Volume, IoError> {
    let Some(grid) = grid else { return Ok(volume) };
    let size = volume.grid().size();
    let along_own_axes = grid.along_axes_of(volume.grid());
    volume.with_grid(along_own_axes).map_err(|_| size_mismatch(path, &size, &grid))
}

fn size_mismatch(path: &Path, file: &[usize], grid: &Grid) -> IoError {
    let text = |size: &[usize]| size.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    IoError::SizeMismatch { path: path.to_owned(), file: text(file), given: text(&grid.size()) }
}

/// Writes values on a grid; the extension decides the format.
pub(super) fn write_raster(path: &Path, action: &'static str, raster: &Raster<'_>) -> Result<(), IoError> {
    match writable(path, action)? {
        VolumeFormat::Nifti => write_file(path, |out| nifti::write(out, raster)),
        VolumeFormat::NiftiGz => write_file(path, |out| {
            // The lowest level: the noise in f32 values hardly shrinks further, at several times the work.
            let mut packed = GzEncoder::new(out, Compression::fast());
            nifti::write(&mut packed, raster)?;
            packed.finish()?;
            Ok(())
        }),
        VolumeFormat::Nrrd => write_file(path, |out| nrrd::write(out, raster)),
        VolumeFormat::MetaImage => write_file(path, |out| metaimage::write(out, raster)),
        VolumeFormat::MetaHeader => write_pair(path, raster),
        VolumeFormat::Npy => write_file(path, |out| npy::write(out, &raster.grid.size(), raster.values)),
        VolumeFormat::Tiff => tiff::write_pages(path, raster),
        VolumeFormat::Hdf5 | VolumeFormat::Raw | VolumeFormat::Dicom => Err(extension(path, action, WRITABLE)),
    }
}

/// Writes `.mhd` and `.raw`. Both are complete before either gets its name; the data come first, so that a new header
/// never stands beside old data.
fn write_pair(path: &Path, raster: &Raster<'_>) -> Result<(), IoError> {
    let raw = path.with_extension("raw");
    let name = raw.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut data = Draft::create(&raw)?;
    write_f32(data.writer(), raster.values).and_then(|()| data.writer().flush()).map_err(|e| refusal(&raw, e))?;
    let mut header = Draft::create(path)?;
    metaimage::write_header(header.writer(), raster, &name).map_err(|e| refusal(path, e))?;
    Draft::publish([data, header])
}
