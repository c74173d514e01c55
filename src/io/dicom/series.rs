use std::{
    fs::{self, File},
    io::{BufReader, Cursor, Read, Seek},
    path::{Path, PathBuf},
};

use glam::{DMat3, DVec3};

use super::{
    dataset::{Dataset, Tag},
    is_dicom,
    pixels::PixelLayout,
};
use crate::{
    data::{Grid, Unit, Volume},
    io::{
        IoError,
        frame::{Frame, Placement},
        image::open_file,
        unit_text::unit_of_text,
    },
};

const MODALITY: Tag = Tag(0x0008_0060, "Modality");
const SLICE_THICKNESS: Tag = Tag(0x0018_0050, "SliceThickness");
const SPACING_BETWEEN_SLICES: Tag = Tag(0x0018_0088, "SpacingBetweenSlices");
const SERIES: Tag = Tag(0x0020_000E, "SeriesInstanceUID");
const POSITION: Tag = Tag(0x0020_0032, "ImagePositionPatient");
const ORIENTATION: Tag = Tag(0x0020_0037, "ImageOrientationPatient");
const PIXEL_SPACING: Tag = Tag(0x0028_0030, "PixelSpacing");
const RESCALE_TYPE: Tag = Tag(0x0028_1054, "RescaleType");

/// Deviation of a slice's distance from the series' own that rounding of positions explains, as a part of it.
const EVEN_TOLERANCE: f64 = 0.01;
/// Difference of direction cosines and pixel spacings between slices that rounding explains.
const SAME_TOLERANCE: f64 = 1e-4;
/// Deviation from perpendicular unit vectors that digits left out of direction cosines explain.
const AXIS_TOLERANCE: f64 = 1e-3;
/// Most files of one series.
const MAX_SLICES: usize = 1 << 16;

/// Attributes that place one slice.
struct Slice {
    path: PathBuf,
    series: Option<String>,
    layout: PixelLayout,
    /// Directions of growing column and row, in LPS.
    axes: [DVec3; 2],
    /// Distance between columns and between rows.
    spacing: [f64; 2],
    position: DVec3,
    /// Thickness, for a slice that stands alone.
    thickness: Option<f64>,
    unit: Unit,
}

/// Reads a folder that holds the slices of one series.
///
/// Every file that is DICOM counts; others are left alone, except `.dcm` files, which must be DICOM.
pub(in crate::io) fn read_series(folder: &Path) -> Result<Volume, IoError> {
    let paths = dicom_files(folder)?;
    let mut slices = paths.iter().map(|p| Slice::of(&open(p)?)).collect::<Result<Vec<_>, _>>()?;
    same_series(&slices)?;
    let grid = arrange(folder, &mut slices)?;
    let unit = slices[0].unit;
    let mut values = values_for(folder, &grid)?;
    for slice in &slices {
        slice.layout.append(&mut open(&slice.path)?, &mut values)?;
    }
    Volume::new(grid, unit, values).map_err(|source| IoError::Data { path: folder.to_owned(), source })
}

/// Reads one slice as a volume one voxel deep.
pub(in crate::io) fn read_slice(path: &Path) -> Result<Volume, IoError> {
    single(open(path)?)
}

/// Reads one slice from bytes in memory.
pub(in crate::io) fn decode_slice(name: &Path, bytes: &[u8]) -> Result<Volume, IoError> {
    single(Dataset::open(name, Cursor::new(bytes), bytes.len() as u64)?)
}

fn single<R: Read + Seek>(mut dataset: Dataset<R>) -> Result<Volume, IoError> {
    let slice = Slice::of(&dataset)?;
    let (path, unit, layout) = (slice.path.clone(), slice.unit, slice.layout);
    let grid = arrange(&path, &mut [slice])?;
    let mut values = values_for(&path, &grid)?;
    layout.append(&mut dataset, &mut values)?;
    Volume::new(grid, unit, values).map_err(|source| IoError::Data { path, source })
}

fn values_for(path: &Path, grid: &Grid) -> Result<Vec<f32>, IoError> {
    let (mut values, count) = (Vec::new(), grid.voxel_count());
    let memory = |_| IoError::Memory { path: path.to_owned(), bytes: 4 * count as u64 };
    values.try_reserve_exact(count).map_err(memory)?;
    Ok(values)
}

fn open(path: &Path) -> Result<Dataset<BufReader<File>>, IoError> {
    let (reader, length) = open_file(path)?;
    Dataset::open(path, reader, length)
}

/// The first DICOM file of a folder, by name; none where there is none.
pub(super) fn first_file(folder: &Path) -> Result<Option<PathBuf>, IoError> {
    Ok(listed(folder)?.into_iter().next())
}

/// Whether a folder holds DICOM files.
pub(in crate::io) fn is_series(folder: &Path) -> Result<bool, IoError> {
    Ok(!listed(folder)?.is_empty())
}

fn dicom_files(folder: &Path) -> Result<Vec<PathBuf>, IoError> {
    let paths = listed(folder)?;
    if paths.is_empty() || paths.len() > MAX_SLICES {
        let reason = format!("{} DICOM files are in the folder, 1 to {MAX_SLICES} are allowed", paths.len());
        return Err(IoError::Series { path: folder.to_owned(), reason });
    }
    Ok(paths)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, IoError> {
    let refused = |source| IoError::System { path: folder.to_owned(), action: "list", source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("dcm"));
        let index = path.file_name().is_some_and(|n| n == "DICOMDIR");
        if path.is_file() && !index && (named || File::open(&path).is_ok_and(is_dicom)) {
            paths.push(path);
        }
    }
    // The folder's order is the system's whim; messages should not depend on it.
    paths.sort();
    Ok(paths)
}

impl Slice {
    fn of<R: Read + Seek>(dataset: &Dataset<R>) -> Result<Self, IoError> {
        let layout = PixelLayout::of_single(dataset)?;
        let [xx, xy, xz, yx, yy, yz] = dataset.numbers_value(ORIENTATION)?;
        let axes = [DVec3::new(xx, xy, xz), DVec3::new(yx, yy, yz)];
        if axes.iter().any(|a| (a.length() - 1.0).abs() > AXIS_TOLERANCE) || axes[0].dot(axes[1]).abs() > AXIS_TOLERANCE
        {
            let got = format!("{:?} and {:?}", axes[0].to_array(), axes[1].to_array());
            return Err(dataset.field(ORIENTATION.1, got, "two perpendicular unit vectors"));
        }
        let [rows, columns] = dataset.numbers_value(PIXEL_SPACING)?;
        if rows <= 0.0 || columns <= 0.0 {
            return Err(dataset.field(PIXEL_SPACING.1, format!("{rows} and {columns}"), "positive"));
        }
        let thickness = match dataset.numbers_opt(SPACING_BETWEEN_SLICES)? {
            Some([spacing]) => Some(spacing.abs()),
            None => dataset.numbers_opt(SLICE_THICKNESS)?.map(|[t]| t),
        };
        // Without a rescale type, CT is in HU by definition of its own attribute.
        let is_ct = dataset.text(MODALITY).as_deref() == Some("CT");
        let unit = dataset.text(RESCALE_TYPE).map_or(Unit::Hounsfield, |text| unit_of_text(&text));
        Ok(Self {
            path: dataset.path().to_owned(),
            series: dataset.text(SERIES),
            layout,
            axes: axes.map(DVec3::normalize),
            spacing: [columns, rows],
            position: dataset.numbers_value(POSITION)?.into(),
            thickness,
            unit: if is_ct { unit } else { Unit::Arbitrary },
        })
    }

    fn normal(&self) -> DVec3 {
        self.axes[0].cross(self.axes[1])
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Fails unless all slices are of one series and one shape.
fn same_series(slices: &[Slice]) -> Result<(), IoError> {
    let first = &slices[0];
    for slice in &slices[1..] {
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME_TOLERANCE);
        let axes = |s: &Slice| [s.axes[0].to_array(), s.axes[1].to_array()].concat();
        let differs = if slice.series != first.series {
            SERIES.1
        } else if slice.layout.size != first.layout.size {
            "Rows or Columns"
        } else if !near(&axes(slice), &axes(first)) {
            ORIENTATION.1
        } else if !near(&slice.spacing, &first.spacing) {
            PIXEL_SPACING.1
        } else if slice.unit != first.unit {
            "Modality or RescaleType"
        } else {
            continue;
        };
        let reason = format!("its {differs} differs from that of {}", first.name());
        return Err(IoError::Series { path: slice.path.clone(), reason });
    }
    Ok(())
}

/// Sorts the slices along their normal and gives the grid they fill.
fn arrange(path: &Path, slices: &mut [Slice]) -> Result<Grid, IoError> {
    let series = |reason| IoError::Series { path: path.to_owned(), reason };
    let normal = slices[0].normal();
    let height = |s: &Slice| s.position.dot(normal);
    slices.sort_by(|a, b| height(a).total_cmp(&height(b)));
    let mut gaps: Vec<f64> = slices.windows(2).map(|w| height(&w[1]) - height(&w[0])).collect();
    gaps.sort_by(f64::total_cmp);
    // The median is the series' own distance even when a slice is missing or twice there.
    let step = match gaps.get(gaps.len() / 2) {
        Some(&gap) => gap,
        None => slices[0].thickness.filter(|&t| t > 0.0).ok_or_else(|| {
            series("a slice that stands alone needs SpacingBetweenSlices or SliceThickness".to_owned())
        })?,
    };
    for pair in slices.windows(2) {
        let between = format!("{} and {}", pair[0].name(), pair[1].name());
        let apart = pair[1].position - pair[0].position;
        let gap = apart.dot(normal);
        if gap <= EVEN_TOLERANCE * step {
            return Err(series(format!(
                "{between} lie at the same position, {:.3} mm along the normal",
                height(&pair[0])
            )));
        }
        if (gap - step).abs() > EVEN_TOLERANCE * step {
            return Err(series(format!("{between} lie {gap:.3} mm apart, the others {step:.3} mm")));
        }
        let sideways = (apart - gap * normal).length();
        if sideways > EVEN_TOLERANCE * step {
            return Err(series(format!("{between} are shifted sideways by {sideways:.3} mm (tilted gantry)")));
        }
    }
    let first = &slices[0];
    let last = &slices[slices.len() - 1];
    // Over the whole series the single roundings average out.
    let step = if slices.len() > 1 { (height(last) - height(first)) / (slices.len() - 1) as f64 } else { step };
    let steps = DMat3::from_cols(first.axes[0] * first.spacing[0], first.axes[1] * first.spacing[1], normal * step);
    let placement = Placement { frame: Frame::Lps, steps, origin: first.position };
    let [columns, rows] = first.layout.size;
    placement.grid(path, ORIENTATION.1, [columns, rows, slices.len()])
}
