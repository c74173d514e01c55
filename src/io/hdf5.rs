//! HDF5, read only: a dataset of numbers as a volume, a stack or angles, a few slices at a time.
//!
//! - A file in the DXchange layout needs no name of a dataset; of another one `FILE.h5:/path/to/dataset` names it.
//! - `hdf5-reader` decodes: it is Rust throughout, checks every length against the file's before it makes room, and leaves links and data
//!   in other files alone. What a chunk may unpack to is bounded here by the file's length.
//! - Values: integers and floats of either byte order; `units` is read where it names a unit of kerma.

use std::{
    collections::HashSet,
    io::{self, Read},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use hdf5_reader::{
    ByteOrder, BytesStorage, Dataset, Datatype, FileStorage, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem,
    error::Error, group::Group, messages::HdfMessage, storage::DynStorage,
};

use super::{
    IoError,
    error::excerpt,
    input::{Input, MAX_INFLATION, open_file},
    raster::Header,
    scalar::{Encoding, Endian, Scalar},
    sign::{self, Kind},
    unit_text::unit_of_text,
    volume::VolumeFormat,
};

/// Datasets and groups of a file that are looked at to find one.
const MAX_OBJECTS: usize = 4096;
/// Groups in groups that are looked into.
const MAX_DEPTH: usize = 16;
/// Largest chunk that is unpacked, whatever the file's length.
const MAX_CHUNK_BYTES: u64 = 256 << 20;
/// Bytes of unpacked chunks that are kept for the next slices.
const KEPT_BYTES: usize = 64 << 20;
/// Bytes of slices that are decoded together, unless one alone has more.
const TOGETHER_BYTES: u64 = 1 << 20;
/// The same where a chunk reaches over more slices.
const MOST_TOGETHER_BYTES: u64 = KEPT_BYTES as u64;
/// Attribute that says what values are.
const UNITS: &str = "units";
/// Longest text of it.
const MAX_UNITS_CHARS: usize = 64;

/// What a dataset shall be where its name is not given.
pub(super) struct Wanted {
    /// Its place in the DXchange layout.
    usual: &'static str,
    axes: RangeInclusive<usize>,
}

pub(super) const VALUES: Wanted = Wanted { usual: "/exchange/data", axes: 2..=3 };
pub(super) const ANGLES: Wanted = Wanted { usual: "/exchange/theta", axes: 1..=1 };

/// A dataset of an HDF5 file, as [`crate::io::describe`] lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetDescription {
    /// Its name with all groups before it.
    pub name: String,
    /// Number of values along each axis, fastest first; none for a single value.
    pub size: Vec<usize>,
    /// How a value is stored; `None` for text and records, which are not read.
    pub stored: Option<String>,
    /// What it says its values are.
    pub units: Option<String>,
}

/// An open file.
pub(super) struct Container {
    path: PathBuf,
    file: Hdf5File,
    length: u64,
}

/// File and dataset of `FILE.h5:/path/to/dataset`; a path without a dataset, or of an existing file, is the file.
pub(super) fn split(path: &Path) -> (&Path, Option<&str>) {
    let Some(text) = path.to_str() else { return (path, None) };
    match text.rfind(":/").map(|at| (Path::new(&text[..at]), &text[at + 1..])) {
        Some((file, dataset)) if file.is_file() && !path.exists() => (file, Some(dataset)),
        _ => (path, None),
    }
}

/// Opens a dataset of a file at its first value.
pub(super) fn open(path: &Path, wanted: &Wanted) -> Result<(Header, Input<'static>, Option<String>), IoError> {
    let container = Container::open(path)?;
    let name = container.choose(split(path).1, wanted)?;
    container.start(&name)
}

/// The same of bytes in memory.
pub(super) fn decode(name: &Path, bytes: &[u8]) -> Result<(Header, Input<'static>), IoError> {
    let container = Container::of(name, Arc::new(BytesStorage::new(bytes.to_vec())), bytes.len() as u64)?;
    let (header, input, _) = container.start(&container.choose(None, &VALUES)?)?;
    Ok((header, input))
}

impl Container {
    /// Opens a file; a dataset's name in the path is left for [`Self::choose`].
    pub(super) fn open(path: &Path) -> Result<Self, IoError> {
        let (file, length) = open_file(split(path).0)?;
        let storage = FileStorage::from_file(file).map_err(|error| failure(path, "the file", error))?;
        Self::of(path, Arc::new(storage), length)
    }

    fn of(path: &Path, storage: DynStorage, length: u64) -> Result<Self, IoError> {
        let most = length.saturating_mul(MAX_INFLATION);
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(KEPT_BYTES)
            .with_max_chunk_bytes(most.min(MAX_CHUNK_BYTES) as usize)
            .with_max_object_header_bytes(usize::try_from(length).unwrap_or(usize::MAX).min(KEPT_BYTES));
        match Hdf5File::from_storage_with_options(storage, options) {
            Ok(file) => Ok(Self { path: path.to_owned(), file, length }),
            Err(Error::InvalidMagic) => {
                let reason = "it does not begin with \\x89HDF".to_owned();
                Err(IoError::Format { path: path.to_owned(), format: "HDF5", reason })
            }
            Err(error) => Err(failure(path, "the file", error)),
        }
    }

    /// The name of the dataset that is meant, with all groups before it.
    pub(super) fn choose(&self, named: Option<&str>, wanted: &Wanted) -> Result<String, IoError> {
        let name = named.unwrap_or(wanted.usual);
        if self.file.dataset(name).is_ok() {
            return Ok(name.to_owned());
        }
        let suits = |entry: &DatasetDescription| entry.stored.is_some() && wanted.axes.contains(&entry.size.len());
        let mut there: Vec<String> = self.datasets()?.into_iter().filter(suits).map(|entry| entry.name).collect();
        match (named, there.as_slice()) {
            // What is there and cannot be opened says why.
            (Some(name), _) if there.iter().any(|other| other == name) => Ok(name.to_owned()),
            (None, [_]) => Ok(there.remove(0)),
            (named, _) => {
                let path = self.path.clone();
                let (got, field) = (excerpt(named.unwrap_or("none")), "the dataset, FILE:/NAME,".to_owned());
                let allowed = match there.is_empty() {
                    true => format!("one of numbers with {} axes, of which there is none", text(&wanted.axes)),
                    false => excerpt(format!("one of {}", there.join(", "))),
                };
                Err(IoError::Field { path, field, got, allowed })
            }
        }
    }

    /// All datasets, in the order of the groups.
    pub(super) fn datasets(&self) -> Result<Vec<DatasetDescription>, IoError> {
        let failed = |group: &str, error| failure(&self.path, &format!("group {group}"), error);
        let root = self.file.root_group().map_err(|error| failed("/", error))?;
        let mut groups: Vec<(Group, String, usize)> = vec![(root, String::new(), 0)];
        // Groups may hold each other.
        let mut seen = HashSet::new();
        let mut datasets = Vec::new();
        while let Some((group, name, depth)) = groups.pop() {
            if depth > MAX_DEPTH || !seen.insert(group.address()) {
                continue;
            }
            let (inner, here) = group.member_names().map_err(|error| failed(&name, error))?;
            if seen.len() + datasets.len() + inner.len() + here.len() > MAX_OBJECTS {
                let what = format!("a search among more than {MAX_OBJECTS} groups and datasets");
                let remedy = "name the dataset: FILE.h5:/path/to/dataset";
                return Err(IoError::Unsupported { path: self.path.clone(), what, remedy });
            }
            for child in here {
                let name = format!("{name}/{child}");
                datasets.push(match group.dataset(&child) {
                    Ok(dataset) => described(name, &dataset),
                    Err(_) => DatasetDescription { name, size: Vec::new(), stored: None, units: None },
                });
            }
            for child in inner.iter().rev() {
                let name = format!("{name}/{child}");
                groups.push((group.group(child).map_err(|error| failed(&name, error))?, name, depth + 1));
            }
        }
        Ok(datasets)
    }

    /// A dataset's header, its values from the first one on, and what it says they are.
    pub(super) fn start(&self, name: &str) -> Result<(Header, Input<'static>, Option<String>), IoError> {
        let failed = |error| failure(&self.path, &format!("dataset {name}"), error);
        let field = |field: &str, got: String, allowed: &str| IoError::Field {
            path: self.path.clone(),
            field: excerpt(format!("{field} of dataset {name}")),
            got,
            allowed: allowed.to_owned(),
        };
        let dataset = self.file.dataset(name).map_err(failed)?;
        let encoding = encoding(dataset.dtype());
        let encoding = encoding.ok_or_else(|| {
            field("the type", "another one".to_owned(), "integers of 8 to 64 bits or floats of 32 or 64 bits")
        })?;
        let shape: Option<Vec<usize>> = dataset.shape().iter().rev().map(|&n| usize::try_from(n).ok()).collect();
        let shape = shape.filter(|shape| !shape.is_empty() && !shape.contains(&0));
        let shape = shape.ok_or_else(|| {
            field("the shape", format!("{:?}", dataset.shape()), "of one axis or more, none of them 0")
        })?;
        let bytes =
            shape.iter().fold(encoding.scalar.byte_count() as u64, |product, &n| product.saturating_mul(n as u64));
        let header = self.file.get_or_parse_header(dataset.address()).map_err(failed)?;
        let is_packed = header.messages.iter().any(|message| matches!(message, HdfMessage::FilterPipeline(_)));
        let most = if is_packed { self.length.saturating_mul(MAX_INFLATION) } else { self.length };
        if bytes > most {
            let path = self.path.clone();
            return Err(IoError::Truncated { path, what: "the values", expected: bytes, got: most });
        }
        let units = units(&dataset);
        let unit = units.as_deref().map(unit_of_text).unwrap_or_default();
        let rows = Rows::new(self.path.clone(), name, dataset, encoding, bytes);
        let header = Header { grid: None, has_spacing: false, shape, unit, encoding };
        Ok((header, Input::stream(&self.path, Box::new(rows), bytes, is_packed), units))
    }
}

/// Path of the dataset of a name in the group of the one that a path means; none where there is none, or the file is not HDF5.
///
/// In the DXchange layout flat fields are `data_white`, dark fields `data_dark` and angles `theta` beside `data`.
///
/// # Errors
/// [`IoError`] when the file cannot be read or does not say which dataset is meant.
pub fn dataset_beside(path: &Path, name: &str) -> Result<Option<PathBuf>, IoError> {
    if sign::kind(path)? != Kind::Volume(VolumeFormat::Hdf5) {
        return Ok(None);
    }
    let container = Container::open(path)?;
    let (file, named) = split(path);
    let chosen = container.choose(named, &VALUES)?;
    let group = chosen.rsplit_once('/').map_or("", |(group, _)| group);
    let other = format!("{group}/{name}");
    let is_there = container.file.dataset(&other).is_ok();
    let mut place = file.as_os_str().to_owned();
    place.push(format!(":{other}"));
    Ok(is_there.then(|| place.into()))
}

fn text(axes: &RangeInclusive<usize>) -> String {
    let (least, most) = (axes.start(), axes.end());
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

fn described(name: String, dataset: &Dataset) -> DatasetDescription {
    let size = dataset.shape().iter().rev().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let stored = encoding(dataset.dtype()).map(|encoding| encoding.to_string());
    DatasetDescription { name, size, stored, units: units(dataset) }
}

fn units(dataset: &Dataset) -> Option<String> {
    let text = dataset.attribute(UNITS).ok()?.read_string().ok()?;
    let text: String = text.trim().chars().take(MAX_UNITS_CHARS).collect();
    (!text.is_empty()).then(|| excerpt(text))
}

fn encoding(stored: &Datatype) -> Option<Encoding> {
    let (scalar, order) = match stored {
        Datatype::FixedPoint { size, signed, byte_order } => {
            let scalar = match (size, signed) {
                (1, false) => Scalar::U8,
                (1, true) => Scalar::I8,
                (2, false) => Scalar::U16,
                (2, true) => Scalar::I16,
                (4, false) => Scalar::U32,
                (4, true) => Scalar::I32,
                (8, false) => Scalar::U64,
                (8, true) => Scalar::I64,
                _ => return None,
            };
            (scalar, byte_order)
        }
        Datatype::FloatingPoint { size: 4, byte_order } => (Scalar::F32, byte_order),
        Datatype::FloatingPoint { size: 8, byte_order } => (Scalar::F64, byte_order),
        _ => return None,
    };
    let endian = if *order == ByteOrder::BigEndian { Endian::Big } else { Endian::Little };
    Some(Encoding::new(scalar, endian))
}

/// What went wrong with a part of a file.
fn failure(path: &Path, part: &str, error: Error) -> IoError {
    let path = path.to_owned();
    match error {
        Error::Context { source, .. } => failure(&path, part, *source),
        Error::Io(source) if source.raw_os_error().is_some() => IoError::System { path, action: "read", source },
        error => {
            let message = error.to_string();
            match message.strip_prefix("unsupported ") {
                Some(what) => IoError::Unsupported {
                    path,
                    what: excerpt(format!("{what} of {part}")),
                    remedy: "write it anew, for instance with h5repack -f GZIP=1",
                },
                None => IoError::Corrupt { path, reason: excerpt(format!("{part}: {message}")) },
            }
        }
    }
}

/// The bytes of a dataset as they are stored, unpacked, some slices of its first axis at a time.
struct Rows {
    path: PathBuf,
    name: String,
    dataset: Dataset,
    encoding: Encoding,
    next: u64,
    together: u64,
    bytes: Vec<u8>,
    /// Those that are read.
    done: usize,
}

impl Rows {
    fn new(path: PathBuf, name: &str, dataset: Dataset, encoding: Encoding, bytes: u64) -> Self {
        let row_bytes = (bytes / dataset.shape()[0]).max(1);
        let fit = |bytes: u64| (bytes / row_bytes).max(1);
        // Chunks are unpacked once if all of their slices are taken together.
        let chunk = dataset.chunks().and_then(|chunk| chunk.first().copied()).map_or(1, u64::from);
        let together = match chunk.clamp(1, fit(MOST_TOGETHER_BYTES)) {
            chunk if chunk >= fit(TOGETHER_BYTES) => chunk,
            chunk => fit(TOGETHER_BYTES) / chunk * chunk,
        };
        Self { path, name: name.to_owned(), dataset, encoding, next: 0, together, bytes: Vec::new(), done: 0 }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let end = (self.next + self.together).min(self.dataset.shape()[0]);
        self.bytes = match self.encoding.scalar {
            Scalar::U8 => self.slab(end, |v: u8| [v])?,
            Scalar::I8 => self.slab(end, i8::to_le_bytes)?,
            Scalar::U16 => self.slab(end, u16::to_le_bytes)?,
            Scalar::I16 => self.slab(end, i16::to_le_bytes)?,
            Scalar::U32 => self.slab(end, u32::to_le_bytes)?,
            Scalar::I32 => self.slab(end, i32::to_le_bytes)?,
            Scalar::U64 => self.slab(end, u64::to_le_bytes)?,
            Scalar::I64 => self.slab(end, i64::to_le_bytes)?,
            Scalar::F32 => self.slab(end, f32::to_le_bytes)?,
            Scalar::F64 => self.slab(end, f64::to_le_bytes)?,
        };
        (self.next, self.done) = (end, 0);
        Ok(())
    }

    fn slab<T: H5Type + Copy, const N: usize>(
        &self,
        end: u64,
        stored: impl Fn(T) -> [u8; N],
    ) -> Result<Vec<u8>, Error> {
        let mut part = SliceInfo::all(self.dataset.ndim());
        part.selections[0] = SliceInfoElem::Slice { start: self.next, end, step: 1 };
        let values = self.dataset.read_slice::<T>(&part)?;
        let is_big = self.encoding.endian == Endian::Big;
        let mut bytes = Vec::with_capacity(N * values.len());
        for &value in &values {
            let mut word = stored(value);
            if is_big {
                word.reverse();
            }
            bytes.extend(word);
        }
        Ok(bytes)
    }
}

impl Read for Rows {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done == self.bytes.len() && self.next < self.dataset.shape()[0] {
            self.fill()
                .map_err(|error| io::Error::other(failure(&self.path, &format!("dataset {}", self.name), error)))?;
        }
        let count = buffer.len().min(self.bytes.len() - self.done);
        buffer[..count].copy_from_slice(&self.bytes[self.done..][..count]);
        self.done += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Unit,
        io::{ProjectionStream, describe, read_angles, read_projections, read_scan, read_volume},
    };

    /// A file that tests/containers/fixtures.py wrote.
    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containers").join(name)
    }

    fn expected() -> Vec<f32> {
        (0..60).map(|i| (i * 257 % 65536) as f32).collect()
    }

    #[test]
    fn every_layout_gives_the_same_scan() {
        for name in
            ["old.h5", "old-chunked.h5", "new.h5", "new-fixed.h5", "new-extensible.h5", "new-btree.h5", "big-endian.h5"]
        {
            let path = fixture(name);
            let stack = read_projections(&path, Some([1.0; 2])).unwrap();
            assert_eq!(
                (stack.values(), stack.detector(), stack.unit()),
                (&expected()[..], [5, 3], Unit::Counts),
                "{name}"
            );
            let mut stream = ProjectionStream::open(&path, Some([1.0; 2])).unwrap();
            let parts = [stream.read(1), stream.read(2), stream.read(1)].map(Result::unwrap);
            assert_eq!(parts.concat(), expected(), "{name}");
            let grid = crate::data::Grid::centred([5, 3, 4], [1.0; 3]).unwrap();
            assert_eq!(read_volume(&path, Some(grid)).unwrap().values(), expected(), "{name}");
            for (field, views, value) in [("data_white", 2, 60000.0), ("data_dark", 1, 100.0)] {
                let other = dataset_beside(&path, field).unwrap().unwrap();
                let stack = read_projections(other, Some([1.0; 2])).unwrap();
                assert_eq!((stack.views(), stack.values()), (views, &vec![value; 15 * views][..]), "{name}");
            }
            assert_eq!(dataset_beside(&path, "data_grey").unwrap(), None);
            let angles = read_angles(&path).unwrap();
            assert!(
                angles.iter().zip([0.0, 45.0, 90.0, 136.5]).all(|(got, want)| (got - want).abs() < 1e-5),
                "{angles:?}"
            );
        }
        assert_eq!(dataset_beside(&fixture("fixtures.py"), "data").ok(), None);
    }

    #[test]
    fn slices_are_decoded_in_parts_that_chunks_and_memory_allow() {
        let container = Container::open(&fixture("new-fixed.h5")).unwrap();
        let together = |row_bytes: u64| {
            let dataset = container.file.dataset("/exchange/data").unwrap();
            let bytes = dataset.shape()[0] * row_bytes;
            Rows::new(PathBuf::new(), "", dataset, Encoding::new(Scalar::U16, Endian::Little), bytes).together
        };
        // Chunks of two slices.
        assert_eq!(together(30), TOGETHER_BYTES / 30 / 2 * 2);
        assert_eq!((together(TOGETHER_BYTES), together(MOST_TOGETHER_BYTES)), (2, 1));
    }

    #[test]
    fn angles_reach_the_geometry() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(fixture("old.h5"), folder.path().join("scan.h5")).unwrap();
        let path = folder.path().join("scan.toml");
        for place in ["scan.h5", "scan.h5:/exchange/theta"] {
            let text =
                format!("kind = 'parallel'\nviews = 4\nangles = '{place}'\ndetector = [5, 3]\npitch_mm = [1, 1]\n");
            std::fs::write(&path, text).unwrap();
            let crate::geometry::Scan::Parallel(scan) = read_scan(&path).unwrap() else { panic!("another kind") };
            assert_eq!(scan.angles_deg, [0.0, 45.0, 90.0, 136.5]);
        }
    }

    #[test]
    fn datasets_are_listed_with_what_they_hold() {
        let got = describe(fixture("big-endian.h5"), None).unwrap();
        assert_eq!((got.format, &got.size[..], got.unit), ("HDF5", &[5, 3, 4][..], Unit::Counts));
        assert_eq!(got.stored, "integers of 32 bits, big-endian");
        let names: Vec<&str> = got.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
        let all = ["data", "data_dark", "data_white", "theta", "title"].map(|name| format!("/exchange/{name}"));
        assert_eq!(names, all);
        let theta = &got.datasets[3];
        assert_eq!((&theta.size[..], theta.stored.as_deref()), (&[4][..], Some("floats of 32 bits, big-endian")));
        assert_eq!((theta.units.as_deref(), got.datasets[4].stored.as_deref()), (Some("radians"), None));
        let several = describe(fixture("vast.h5"), None).unwrap();
        assert!(several.size.is_empty() && several.remarks[0].contains("which of its datasets is meant"));
    }
}
