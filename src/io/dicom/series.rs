use std::path::{Path, PathBuf};

use glam::{DMat3, DVec3};

use super::{
    dataset::{Dataset, FRAME_GROUPS, MODALITY_LUT, Region, SHARED_GROUPS, Tag, text_of},
    pixels::{PixelLayout, RESCALE_INTERCEPT, RESCALE_SLOPE},
    study::{Place, Stream},
};
use crate::{
    data::{Grid, Unit, Volume},
    io::{
        IoError,
        frame::{Frame, Placement},
        unit_text::unit_of_text,
    },
    parallel::*,
};

const MODALITY: Tag = Tag(0x0008_0060, "Modality");
const SLICE_THICKNESS: Tag = Tag(0x0018_0050, "SliceThickness");
const SPACING_BETWEEN_SLICES: Tag = Tag(0x0018_0088, "SpacingBetweenSlices");
const POSITION: Tag = Tag(0x0020_0032, "ImagePositionPatient");
const ORIENTATION: Tag = Tag(0x0020_0037, "ImageOrientationPatient");
const PIXEL_SPACING: Tag = Tag(0x0028_0030, "PixelSpacing");
const RESCALE_TYPE: Tag = Tag(0x0028_1054, "RescaleType");
const LUT_TYPE: Tag = Tag(0x0028_3004, "ModalityLUTType");
const PLANE_POSITION: Tag = Tag(0x0020_9113, "PlanePositionSequence");
const PLANE_ORIENTATION: Tag = Tag(0x0020_9116, "PlaneOrientationSequence");
const PIXEL_MEASURES: Tag = Tag(0x0028_9110, "PixelMeasuresSequence");
const PIXEL_TRANSFORMATION: Tag = Tag(0x0028_9145, "PixelValueTransformationSequence");
/// Longest value that is read from a functional group.
const MAX_VALUE_BYTES: u64 = 1024;

/// Deviation of a slice's distance from the series' own that rounding of positions explains, as a part of it.
const EVEN_TOLERANCE: f64 = 0.01;
/// Difference of direction cosines and pixel spacings between slices that rounding explains.
const SAME_TOLERANCE: f64 = 1e-4;
/// Deviation from perpendicular unit vectors that digits left out of direction cosines explain.
const AXIS_TOLERANCE: f64 = 1e-3;
/// Attributes that place one slice: a file, or a frame of one.
pub(super) struct Slice {
    place: Place,
    frame: usize,
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

/// Slices of one series in order, and the grid that they fill.
pub(in crate::io) struct Series {
    path: PathBuf,
    slices: Vec<Slice>,
    pub(in crate::io) grid: Grid,
    pub(in crate::io) unit: Unit,
}

impl Series {
    /// Sorts slices; fails unless they are of one shape and lie at even distances.
    pub(super) fn of(path: &Path, mut slices: Vec<Slice>) -> Result<Self, IoError> {
        alike(&slices)?;
        let grid = arrange(path, &mut slices)?;
        let unit = slices[0].unit;
        Ok(Self { path: path.to_owned(), slices, grid, unit })
    }

    /// Reads the pixels, on all cores, each slice to where it belongs.
    pub(in crate::io) fn read(&self) -> Result<Volume, IoError> {
        self.read_by(|slice, values| slice.layout.read(&mut slice.place.open()?, slice.frame, values))
    }

    fn read_by(&self, read: impl Fn(&Slice, &mut [f32]) -> Result<(), IoError> + Sync) -> Result<Volume, IoError> {
        let count = self.grid.voxel_count();
        let mut values = Vec::new();
        let memory = |_| IoError::Memory { path: self.path.clone(), bytes: 4 * count as u64 };
        values.try_reserve_exact(count).map_err(memory)?;
        values.resize(count, 0.0);
        let planes = values.chunks_exact_mut(count / self.slices.len());
        let work: Vec<_> = self.slices.iter().zip(planes).collect();
        // The first slice that fails is the one that is named, whichever thread comes first.
        let outcomes: Vec<_> = work.into_par_iter().map(|(slice, plane)| read(slice, plane)).collect();
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Volume::new(self.grid, self.unit, values).map_err(|source| IoError::Data { path: self.path.clone(), source })
    }

    /// The lowest slice.
    pub(super) fn first(&self) -> &Place {
        &self.slices[0].place
    }

    /// What is odd about the slices.
    pub(in crate::io) fn remarks(&self) -> Result<Vec<String>, IoError> {
        let first = &self.slices[0];
        let mut remarks = Vec::new();
        if let Some([low, high]) = first.layout.padding() {
            let range = if low == high { low.to_string() } else { format!("{low} to {high}") };
            remarks.push(format!("{range} stands for voxels that were not measured"));
        }
        if super::has_overlays(&first.place.open()?) {
            remarks.push("its overlays are ignored".to_owned());
        }
        Ok(remarks)
    }
}

/// Reads the slice or slices of one file in memory.
pub(in crate::io) fn decode(name: &Path, bytes: &[u8]) -> Result<Volume, IoError> {
    let open = || Dataset::open(name, std::io::Cursor::new(bytes), bytes.len() as u64);
    let slices = Slice::all_of(&mut open()?, &Place::File(name.to_owned()))?;
    Series::of(name, slices)?.read_by(|slice, values| slice.layout.read(&mut open()?, slice.frame, values))
}

/// Attributes of the frames of an enhanced file: a frame's own or, where it has none, those of all frames.
struct Groups {
    shared: Option<Region>,
    own: Vec<Region>,
}

impl Groups {
    fn text<R: Stream>(
        &self,
        dataset: &mut Dataset<R>,
        frame: usize,
        group: Tag,
        tag: Tag,
    ) -> Result<Option<String>, IoError> {
        for item in [self.own.get(frame), self.shared.as_ref()].into_iter().flatten() {
            if let Some(value) = dataset.find_in(*item, group, tag)? {
                return Ok(text_of(&dataset.value(value, tag, MAX_VALUE_BYTES)?));
            }
        }
        Ok(dataset.text(tag))
    }
}

impl Slice {
    /// The slices of a file: one for each frame.
    pub(super) fn all_of<R: Stream>(dataset: &mut Dataset<R>, place: &Place) -> Result<Vec<Self>, IoError> {
        let layout = PixelLayout::of(dataset)?;
        let groups =
            Groups { shared: dataset.items(SHARED_GROUPS)?.first().copied(), own: dataset.items(FRAME_GROUPS)? };
        if layout.frames > 1 && groups.own.len() != layout.frames {
            let (got, frames) = (groups.own.len(), layout.frames);
            let allowed = format!("one group for each of the {frames} frames, to say where each lies");
            return Err(dataset.field(FRAME_GROUPS.1, format!("{got} groups"), &allowed));
        }
        (0..layout.frames).map(|frame| Self::of(dataset, place, frame, &layout, &groups)).collect()
    }

    fn of<R: Stream>(
        dataset: &mut Dataset<R>,
        place: &Place,
        frame: usize,
        layout: &PixelLayout,
        groups: &Groups,
    ) -> Result<Self, IoError> {
        let mut text = |group, tag| groups.text(dataset, frame, group, tag);
        let [position, orientation] = [text(PLANE_POSITION, POSITION)?, text(PLANE_ORIENTATION, ORIENTATION)?];
        let [spacing, between, thickness] =
            [PIXEL_SPACING, SPACING_BETWEEN_SLICES, SLICE_THICKNESS].map(|tag| text(PIXEL_MEASURES, tag));
        let [slope, intercept, rescale_type] =
            [RESCALE_SLOPE, RESCALE_INTERCEPT, RESCALE_TYPE].map(|tag| text(PIXEL_TRANSFORMATION, tag));
        let rescale_type = match dataset.items(MODALITY_LUT)?.first() {
            Some(&item) => match dataset.find(item, LUT_TYPE)? {
                Some(value) => text_of(&dataset.value(value, LUT_TYPE, MAX_VALUE_BYTES)?),
                None => None,
            },
            None => rescale_type?,
        };
        let [xx, xy, xz, yx, yy, yz] = needed(dataset, ORIENTATION, orientation)?;
        let axes = [DVec3::new(xx, xy, xz), DVec3::new(yx, yy, yz)];
        if axes.iter().any(|a| (a.length() - 1.0).abs() > AXIS_TOLERANCE) || axes[0].dot(axes[1]).abs() > AXIS_TOLERANCE
        {
            let got = format!("{:?} and {:?}", axes[0].to_array(), axes[1].to_array());
            return Err(dataset.field(ORIENTATION.1, got, "two perpendicular unit vectors"));
        }
        let [rows, columns] = needed(dataset, PIXEL_SPACING, spacing?)?;
        if rows <= 0.0 || columns <= 0.0 {
            return Err(dataset.field(PIXEL_SPACING.1, format!("{rows} and {columns}"), "positive"));
        }
        let one = |tag, text: Option<String>| match text {
            Some(text) => dataset.numbers_exactly::<1>(tag, &text).map(|[number]| Some(number)),
            None => Ok(None),
        };
        let thickness = match one(SPACING_BETWEEN_SLICES, between?)? {
            Some(spacing) => Some(spacing.abs()),
            None => one(SLICE_THICKNESS, thickness?)?,
        };
        let slope = one(RESCALE_SLOPE, slope?)?.unwrap_or(layout.slope);
        let intercept = one(RESCALE_INTERCEPT, intercept?)?.unwrap_or(layout.intercept);
        if slope == 0.0 {
            return Err(dataset.field(RESCALE_SLOPE.1, slope, "other than 0"));
        }
        let mut layout = layout.clone();
        (layout.slope, layout.intercept) = (slope, intercept);
        // Without a rescale type, CT is in HU by definition of its own attribute.
        let is_ct = dataset.text(MODALITY).as_deref() == Some("CT");
        let unit = rescale_type.map_or(Unit::Hounsfield, |text| unit_of_text(&text));
        Ok(Self {
            place: place.clone(),
            frame,
            layout,
            axes: axes.map(DVec3::normalize),
            spacing: [columns, rows],
            position: needed(dataset, POSITION, position)?.into(),
            thickness,
            unit: if is_ct { unit } else { Unit::Arbitrary },
        })
    }

    fn normal(&self) -> DVec3 {
        self.axes[0].cross(self.axes[1])
    }

    fn name(&self) -> String {
        let name = self.place.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        if self.layout.frames == 1 { name } else { format!("{name} frame {}", self.frame + 1) }
    }
}

/// `N` decimal numbers that must be there.
fn needed<R, const N: usize>(dataset: &Dataset<R>, tag: Tag, text: Option<String>) -> Result<[f64; N], IoError> {
    match text {
        Some(text) => dataset.numbers_exactly(tag, &text),
        None => Err(dataset.field(tag.1, "nothing", &format!("{N} numbers"))),
    }
}

/// Fails unless all slices are of one shape.
fn alike(slices: &[Slice]) -> Result<(), IoError> {
    let first = &slices[0];
    for slice in &slices[1..] {
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME_TOLERANCE);
        let axes = |s: &Slice| [s.axes[0].to_array(), s.axes[1].to_array()].concat();
        let differs = if slice.layout.size != first.layout.size {
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
        return Err(IoError::Series { path: slice.place.path(), reason });
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
