//! Files of a folder or a .zip, and the series that they make.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::{Crc, read::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{
    dataset::{Dataset, Tag},
    is_dicom,
    series::{Series, Slice},
};
use crate::{
    io::{
        IoError,
        error::excerpt,
        input::{MAX_INFLATION, open_file},
    },
    parallel::*,
};

const SERIES: Tag = Tag(0x0020_000E, "SeriesInstanceUID");
const SERIES_NUMBER: Tag = Tag(0x0020_0011, "SeriesNumber");
const SERIES_DESCRIPTION: Tag = Tag(0x0008_103E, "SeriesDescription");
const MODALITY: Tag = Tag(0x0008_0060, "Modality");

/// Most files of one study.
const MAX_FILES: usize = 1 << 16;
/// Depth of folders in folders that is searched.
const MAX_DEPTH: usize = 8;
/// Most bytes that a member of an archive may unpack to.
const MAX_MEMBER_BYTES: u64 = 1 << 31;
/// Series that a message lists.
const MAX_LISTED: usize = 24;

/// What a file's bytes come from.
pub(super) trait Stream: Read + Seek {}

impl<T: Read + Seek> Stream for T {}

/// Where a file's bytes are.
#[derive(Clone)]
pub(super) enum Place {
    File(PathBuf),
    Member(Member),
}

/// A file in a .zip.
#[derive(Clone)]
pub(super) struct Member {
    archive: PathBuf,
    name: String,
    /// Offset of its bytes in the archive.
    at: u64,
    packed_bytes: u64,
    bytes: u64,
    crc: u32,
    deflated: bool,
}

impl Place {
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Member(member) => member.archive.join(&member.name),
        }
    }

    /// Reads the attributes.
    pub(super) fn open(&self) -> Result<Dataset<Box<dyn Stream>>, IoError> {
        match self {
            Self::File(path) => {
                let (file, length) = open_file(path)?;
                Dataset::open(path, Box::new(BufReader::new(file)), length)
            }
            Self::Member(member) => {
                let bytes = member.unpack(member.bytes)?;
                Dataset::open(&self.path(), Box::new(Cursor::new(bytes)), member.bytes)
            }
        }
    }
}

impl Member {
    /// Unpacks so many bytes; all of them are held against their checksum.
    fn unpack(&self, wanted: u64) -> Result<Vec<u8>, IoError> {
        let path = || self.archive.join(&self.name);
        let failed = |source| IoError::System { path: self.archive.clone(), action: "read", source };
        let corrupt = |reason: String| IoError::Corrupt { path: path(), reason: excerpt(reason) };
        let (mut file, _) = open_file(&self.archive)?;
        file.seek(SeekFrom::Start(self.at)).map_err(failed)?;
        let packed = BufReader::new(file).take(self.packed_bytes);
        let mut bytes = Vec::new();
        let unpacked = match self.deflated {
            true => DeflateDecoder::new(packed).take(wanted).read_to_end(&mut bytes),
            false => packed.take(wanted).read_to_end(&mut bytes),
        };
        unpacked.map_err(|error| corrupt(format!("it cannot be unpacked: {error}")))?;
        if wanted < self.bytes {
            return Ok(bytes);
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != self.bytes || crc.sum() != self.crc {
            return Err(corrupt("its length or checksum is not what the archive states".to_owned()));
        }
        Ok(bytes)
    }
}

/// A series of a study.
struct Listed {
    modality: String,
    description: String,
    number: Option<f64>,
    files: usize,
    frames: usize,
    /// Where each slice lies, or why that cannot be said.
    slices: Result<Vec<Slice>, IoError>,
}

/// What one file says of itself.
struct Leaf {
    uid: String,
    modality: String,
    description: String,
    number: Option<f64>,
    has_pixels: bool,
    slices: Result<Vec<Slice>, IoError>,
}

impl Leaf {
    fn of(place: &Place) -> Result<Self, IoError> {
        let mut dataset = place.open()?;
        let text = |tag| dataset.text(tag).unwrap_or_default();
        Ok(Self {
            uid: text(SERIES),
            modality: text(MODALITY),
            description: text(SERIES_DESCRIPTION),
            number: dataset.numbers(SERIES_NUMBER).ok().flatten().and_then(|numbers| numbers.first().copied()),
            has_pixels: dataset.pixels().is_ok(),
            slices: Slice::all_of(&mut dataset, place),
        })
    }
}

/// The series of a folder, a .zip or one file: the only one or, of several, the one of a number from 1 on.
///
/// Every file that is DICOM counts; others are left alone, except `.dcm` files, which must be DICOM. Folders in a folder are
/// searched where it holds no DICOM file itself. Series without pixels, such as reports, have no number.
pub(in crate::io) fn open_series(path: &Path, number: Option<usize>) -> Result<Series, IoError> {
    let places = places(path)?;
    let refused = |reason| Err(IoError::Series { path: path.to_owned(), reason });
    if places.is_empty() || places.len() > MAX_FILES {
        return refused(format!("{} DICOM files are in it, 1 to {MAX_FILES} are allowed", places.len()));
    }
    let leaves: Vec<_> = places.par_iter().map(Leaf::of).collect();
    let mut listed = list(leaves.into_iter().collect::<Result<Vec<_>, _>>()?);
    match number {
        _ if listed.is_empty() => refused("no DICOM file in it holds pixels".to_owned()),
        None if listed.len() > 1 => {
            refused(format!("{} series are in it; choose one with --series: {}", listed.len(), names(&listed)))
        }
        Some(number) if !(1..=listed.len()).contains(&number) => {
            refused(format!("--series {number} is none of them: {}", names(&listed)))
        }
        number => Series::of(path, listed.swap_remove(number.map_or(0, |number| number - 1)).slices?),
    }
}

/// Series by their number and UID, so that their order does not depend on the names of files.
fn list(leaves: Vec<Leaf>) -> Vec<Listed> {
    let mut series: BTreeMap<String, (Listed, bool)> = BTreeMap::new();
    for leaf in leaves {
        let Leaf { uid, modality, description, number, has_pixels, slices } = leaf;
        let new = || Listed { modality, description, number, files: 0, frames: 0, slices: Ok(Vec::new()) };
        let (listed, any_pixels) = series.entry(uid).or_insert_with(|| (new(), false));
        *any_pixels |= has_pixels;
        listed.files += 1;
        match (&mut listed.slices, slices) {
            (Ok(all), Ok(slices)) => {
                listed.frames += slices.len();
                all.extend(slices);
            }
            (Err(_), _) => {}
            (Ok(_), Err(error)) => listed.slices = Err(error),
        }
    }
    let mut listed: Vec<Listed> = series.into_values().filter(|(_, any)| *any).map(|(listed, _)| listed).collect();
    listed.sort_by(|a, b| a.number.unwrap_or(f64::MAX).total_cmp(&b.number.unwrap_or(f64::MAX)));
    listed
}

fn names(listed: &[Listed]) -> String {
    let name = |(index, series): (usize, &Listed)| {
        let Listed { modality, description, files, frames, .. } = series;
        let count = match (files, frames) {
            (1, frames) if *frames > 1 => format!("{frames} frames"),
            (1, _) => "1 file".to_owned(),
            _ => format!("{files} files"),
        };
        let about: Vec<&str> =
            [modality.as_str(), description.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
        let about = if about.is_empty() { String::new() } else { format!("{}, ", excerpt(about.join(" "))) };
        format!("{} ({about}{count})", index + 1)
    };
    let mut names: Vec<String> = listed.iter().enumerate().take(MAX_LISTED).map(name).collect();
    if listed.len() > MAX_LISTED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// Whether a folder holds DICOM files.
pub(in crate::io) fn is_series(folder: &Path) -> Result<bool, IoError> {
    Ok(!files(folder)?.0.is_empty())
}

fn places(path: &Path) -> Result<Vec<Place>, IoError> {
    if !path.is_dir() {
        return if is_zip(path) { members(path) } else { Ok(vec![Place::File(path.to_owned())]) };
    }
    // A level of folders after the other: the first that has DICOM files has the study.
    let mut level = vec![path.to_owned()];
    for _ in 0..MAX_DEPTH {
        let (mut found, mut next) = (Vec::new(), Vec::new());
        for folder in &level {
            let (files, folders) = files(folder)?;
            found.extend(files);
            next.extend(folders);
        }
        if !found.is_empty() || next.is_empty() {
            return Ok(found.into_iter().map(Place::File).collect());
        }
        level = next;
    }
    Ok(Vec::new())
}

/// The DICOM files and the folders of a folder by their names; links to folders are not followed, for they may lead back.
fn files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), IoError> {
    let refused = |source| IoError::System { path: folder.to_owned(), action: "list", source };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(path);
            continue;
        }
        let index = path.file_name().is_some_and(|n| n == "DICOMDIR");
        if !index && (is_named(&path) && !path.is_dir() || path.is_file() && File::open(&path).is_ok_and(is_dicom)) {
            files.push(path);
        }
    }
    // The folder's order is the system's whim; messages should not depend on it.
    files.sort();
    folders.sort();
    Ok((files, folders))
}

fn is_named(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("dcm"))
}

/// Whether a file begins as a .zip does.
pub(in crate::io) fn is_zip(path: &Path) -> bool {
    let mut sign = [0; 4];
    open_file(path).is_ok_and(|(mut file, _)| file.read_exact(&mut sign).is_ok() && sign == *b"PK\x03\x04")
}

/// The DICOM files of a .zip by their names.
///
/// Nothing is unpacked for sizes that packing cannot reach. Only a file's beginning is, to see whether it is DICOM.
fn members(path: &Path) -> Result<Vec<Place>, IoError> {
    let corrupt = |error: ZipError| IoError::Corrupt { path: path.to_owned(), reason: excerpt(error) };
    let (file, _) = open_file(path)?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(corrupt)?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(corrupt)?;
        let name = entry.name().map_err(corrupt)?.into_owned();
        let field = |field: &str, got: String, allowed: &str| IoError::Field {
            path: path.join(excerpt(&name)),
            field: field.to_owned(),
            got,
            allowed: allowed.to_owned(),
        };
        let file_name = Path::new(&name).file_name().unwrap_or_default();
        if entry.is_dir() || file_name == "DICOMDIR" {
            continue;
        }
        if entry.encrypted() {
            return Err(field("its encryption", "a password".to_owned(), "none; unpack the archive"));
        }
        let deflated = match entry.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::DEFLATE => true,
            other => return Err(field("its compression", format!("{other:?}"), "none or deflate; unpack the archive")),
        };
        let (packed_bytes, bytes) = (entry.compressed_size(), entry.size());
        let most = if deflated { packed_bytes.saturating_mul(MAX_INFLATION) } else { packed_bytes };
        if bytes > most.min(MAX_MEMBER_BYTES) {
            let allowed = format!("at most {}, to which {packed_bytes} can unpack", most.min(MAX_MEMBER_BYTES));
            return Err(field("its size", format!("{bytes} bytes"), &allowed));
        }
        let Some(at) = entry.data_start() else { continue };
        let (archive, crc) = (path.to_owned(), entry.crc32());
        let member = Member { archive, name: name.clone(), at, packed_bytes, bytes, crc, deflated };
        let first = member.unpack(bytes.min(super::syntax::START_BYTES as u64))?;
        let known = is_named(Path::new(&name));
        if known || is_dicom(first.as_slice()) {
            members.push(Place::Member(member));
        }
        if members.len() > MAX_FILES {
            break;
        }
    }
    members.sort_by_key(Place::path);
    Ok(members)
}
