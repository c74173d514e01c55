use glam::{DMat3, DVec3};
use kerma::{
    data::{Image, Projections, Unit, Volume},
    geometry::Geometry,
};

/// How far a picture's axis may lean from a body axis and still carry its letters: cos 25°.
const LETTER_COSINE: f64 = 0.906;

/// A plane through the body, named as on a viewing station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plane {
    /// Across the body; anterior on top, the patient's right on the left.
    Axial,
    /// Front view; superior on top, the patient's right on the left.
    Coronal,
    /// Side view; superior on top, anterior on the left.
    Sagittal,
}

impl Plane {
    /// All planes, in the order in which they are shown.
    pub(crate) const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Name for a title.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axial => "Axial",
            Self::Coronal => "Coronal",
            Self::Sagittal => "Sagittal",
        }
    }

    /// World axes across, down and through the picture. In the radiological convention the first two always run
    /// towards the negative end of their axis: from right to left, anterior to posterior, superior to inferior.
    fn world_axes(self) -> [usize; 3] {
        match self {
            Self::Axial => [0, 1, 2],
            Self::Coronal => [0, 2, 1],
            Self::Sagittal => [1, 2, 0],
        }
    }
}

/// Where a picture lies in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    /// Centre of the first pixel of the top row.
    first_mm: DVec3,
    /// Unit vector from one column to the next.
    right: DVec3,
    /// Unit vector from one row to the next.
    down: DVec3,
}

/// A flat picture of numbers the way it is looked at: top row first, left column first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    size: [usize; 2],
    pixel_mm: Option<[f64; 2]>,
    unit: Unit,
    frame: Option<Frame>,
    values: Vec<f32>,
}

impl Slice {
    /// The plane of voxels nearest to a world position, in radiological convention.
    ///
    /// Volumes stored along permuted or flipped axes are turned upright. An oblique volume is cut along those of its
    /// own axes that lie nearest to the body's. A position outside the volume gives its nearest plane.
    pub(crate) fn of_volume(volume: &Volume, plane: Plane, through_mm: DVec3) -> Self {
        let (grid, values) = (volume.grid(), volume.values());
        let (size, orientation) = (grid.size(), grid.orientation());
        let stride = [1, size[0], size[0] * size[1]];
        let nearest = voxel_axes(orientation);
        let [across, down, through] = plane.world_axes().map(|world| nearest[world]);
        let [from_last_column, from_last_row] =
            [0, 1].map(|i| orientation.col([across, down][i])[plane.world_axes()[i]] > 0.0);

        let last = |axis: usize| size[axis] - 1;
        let depth = grid.index_of(through_mm)[through].round().clamp(0.0, last(through) as f64) as usize;
        let mut first = DVec3::ZERO;
        first[across] = if from_last_column { last(across) as f64 } else { 0.0 };
        first[down] = if from_last_row { last(down) as f64 } else { 0.0 };
        first[through] = depth as f64;

        let place = |i: usize, axis: usize, reversed: bool| (if reversed { last(axis) - i } else { i }) * stride[axis];
        let mut picture = Vec::with_capacity(size[across] * size[down]);
        for row in 0..size[down] {
            let start = depth * stride[through] + place(row, down, from_last_row);
            picture.extend((0..size[across]).map(|column| values[start + place(column, across, from_last_column)]));
        }
        let spacing = grid.spacing_mm();
        let sign = |reversed: bool| if reversed { -1.0 } else { 1.0 };
        Self {
            size: [size[across], size[down]],
            pixel_mm: Some([spacing[across], spacing[down]]),
            unit: volume.unit(),
            frame: Some(Frame {
                first_mm: grid.world_mm(first),
                right: sign(from_last_column) * orientation.col(across),
                down: sign(from_last_row) * orientation.col(down),
            }),
            values: picture,
        }
    }

    /// One reading of the detector: superior on top, the patient's right (in side views: anterior) on the left.
    ///
    /// `None` when there is no such view, or the geometry is that of another detector.
    pub(crate) fn of_view(projections: &Projections, geometry: &Geometry, view: usize) -> Option<Self> {
        let [columns, rows] = projections.detector();
        if geometry.detector() != [columns, rows] || view >= projections.views() {
            return None;
        }
        let pose = geometry.views().get(view)?;
        let [flip_u, flip_v] = [pose.u_step, pose.v_step].map(|step| step[main_axis(step)] > 0.0);
        let stored = projections.view_values(view);
        let column_of = |i: usize| if flip_u { columns - 1 - i } else { i };
        let row_of = |j: usize| if flip_v { rows - 1 - j } else { j };
        let mut values = Vec::with_capacity(columns * rows);
        for j in 0..rows {
            values.extend((0..columns).map(|i| stored[row_of(j) * columns + column_of(i)]));
        }
        let along = |step: DVec3, flip: bool| if flip { -step.normalize() } else { step.normalize() };
        Some(Self {
            size: [columns, rows],
            pixel_mm: Some([pose.u_step.length(), pose.v_step.length()]),
            unit: projections.unit(),
            frame: Some(Frame {
                first_mm: pose.pixel_mm([columns, rows], column_of(0) as f64, row_of(0) as f64),
                right: along(pose.u_step, flip_u),
                down: along(pose.v_step, flip_v),
            }),
            values,
        })
    }

    /// What one detector row saw during the scan: u from left to right, views from top to bottom.
    ///
    /// `None` when there is no such row.
    pub(crate) fn sinogram(projections: &Projections, row: usize) -> Option<Self> {
        let [columns, rows] = projections.detector();
        if row >= rows {
            return None;
        }
        let line = row * columns..(row + 1) * columns;
        let views = 0..projections.views();
        let values = views.flat_map(|view| projections.view_values(view)[line.clone()].iter().copied()).collect();
        let size = [columns, projections.views()];
        Some(Self { size, pixel_mm: None, unit: projections.unit(), frame: None, values })
    }

    /// The image as it is.
    pub(crate) fn of_image(image: &Image) -> Self {
        Self {
            size: image.size(),
            pixel_mm: image.spacing_mm(),
            unit: image.unit(),
            frame: None,
            values: image.values().to_vec(),
        }
    }

    /// This picture minus another of the same size and unit; `None` when they do not match.
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        if self.size != other.size || self.unit != other.unit {
            return None;
        }
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a - b).collect();
        Some(Self { values, ..self.clone() })
    }

    /// An image of the same size in this picture's place; `None` when the sizes differ.
    pub(crate) fn showing(&self, image: &Image) -> Option<Self> {
        let is_alike = self.size == image.size();
        is_alike.then(|| Self { unit: image.unit(), values: image.values().to_vec(), ..self.clone() })
    }

    /// The part within `half_mm` of a world position across and down, as far as the picture reaches; all of one that has no
    /// place in the world.
    #[cfg(any(test, feature = "nn"))]
    pub(crate) fn about(&self, centre_mm: DVec3, half_mm: f64) -> Self {
        let (Some(frame), Some(pixel), Some(centre)) = (self.frame, self.pixel_mm, self.pixel_of(centre_mm)) else {
            return self.clone();
        };
        let [columns, rows] = [0, 1].map(|axis| {
            let (reach, last) = (half_mm / pixel[axis], self.size[axis] as f64 - 1.0);
            let [first, end] = [centre[axis] - reach, centre[axis] + reach].map(|at| at.round().clamp(0.0, last));
            first as usize..end as usize + 1
        });
        let kept = rows.clone().flat_map(|row| &self.values[row * self.size[0]..][columns.clone()]);
        let offset = [columns.start, rows.start].map(|first| first as f64);
        let first_mm = frame.first_mm + offset[0] * pixel[0] * frame.right + offset[1] * pixel[1] * frame.down;
        Self {
            size: [columns.len(), rows.len()],
            frame: Some(Frame { first_mm, ..frame }),
            values: kept.copied().collect(),
            ..*self
        }
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Size of a pixel across and down, in millimetres, if known.
    pub(crate) fn pixel_mm(&self) -> Option<[f64; 2]> {
        self.pixel_mm
    }

    /// Unit of the values.
    pub(crate) fn unit(&self) -> Unit {
        self.unit
    }

    /// Values, top row first.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Letters at the left, right, top and bottom edge (R, L, A, P, S, I), where the picture lies along the body.
    pub(crate) fn edge_letters(&self) -> [Option<char>; 4] {
        let Some(Frame { right, down, .. }) = self.frame else { return [None; 4] };
        [-right, right, -down, down].map(letter)
    }

    /// Column and row of a world position seen along the picture's normal; integers are pixel centres.
    pub(crate) fn pixel_of(&self, world_mm: DVec3) -> Option<[f64; 2]> {
        let (frame, pixel) = (self.frame?, self.pixel_mm?);
        let offset = world_mm - frame.first_mm;
        Some([offset.dot(frame.right) / pixel[0], offset.dot(frame.down) / pixel[1]])
    }
}

/// For each world axis the voxel axis nearest to it, every voxel axis being used once.
fn voxel_axes(orientation: DMat3) -> [usize; 3] {
    const WAYS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let agreement = |way: &[usize; 3]| (0..3).map(|world| orientation.col(way[world])[world].abs()).sum::<f64>();
    WAYS.into_iter().fold(WAYS[0], |best, way| if agreement(&way) > agreement(&best) { way } else { best })
}

/// World axis along which a vector is longest.
fn main_axis(vector: DVec3) -> usize {
    (1..3).fold(0, |best, axis| if vector[axis].abs() > vector[best].abs() { axis } else { best })
}

fn letter(direction: DVec3) -> Option<char> {
    let axis = main_axis(direction);
    let [negative, positive] = [['L', 'R'], ['P', 'A'], ['I', 'S']][axis];
    (direction[axis].abs() >= LETTER_COSINE).then_some(if direction[axis] > 0.0 { positive } else { negative })
}

#[cfg(test)]
mod tests {
    use kerma::{
        data::Grid,
        geometry::{Source, View},
    };

    use super::*;

    /// A volume of zeros with a one at the voxel nearest to `world`.
    fn marked(size: [usize; 3], orientation: DMat3, world: DVec3) -> Volume {
        let grid = Grid::new(size, [1.0, 2.0, 3.0], [0.0; 3], orientation).unwrap().with_centre(DVec3::ZERO);
        let mut volume = Volume::zeros(grid, Unit::Hounsfield);
        let [i, j, k] = grid.index_of(world).to_array().map(|c| c.round() as usize);
        volume.view_mut()[[k, j, i]] = 1.0;
        volume
    }

    fn mark(slice: &Slice) -> [usize; 2] {
        let at = slice.values.iter().position(|&v| v == 1.0).unwrap();
        [at % slice.size[0], at / slice.size[0]]
    }

    #[test]
    fn planes_follow_the_radiological_convention() {
        // Right, anterior and superior of the centre: left and top of every picture.
        let point = DVec3::new(4.0, 4.0, 6.0);
        let volume = marked([11, 7, 9], DMat3::IDENTITY, point);
        let cut = |plane| Slice::of_volume(&volume, plane, point);
        assert_eq!((mark(&cut(Plane::Axial)), cut(Plane::Axial).size), ([1, 1], [11, 7]));
        assert_eq!((mark(&cut(Plane::Coronal)), cut(Plane::Coronal).size), ([1, 2], [11, 9]));
        assert_eq!((mark(&cut(Plane::Sagittal)), cut(Plane::Sagittal).size), ([1, 2], [7, 9]));
        assert_eq!(cut(Plane::Axial).edge_letters(), ['R', 'L', 'A', 'P'].map(Some));
        assert_eq!(cut(Plane::Coronal).edge_letters(), ['R', 'L', 'S', 'I'].map(Some));
        assert_eq!(cut(Plane::Sagittal).edge_letters(), ['A', 'P', 'S', 'I'].map(Some));
        assert_eq!(cut(Plane::Sagittal).pixel_mm, Some([2.0, 3.0]));
    }

    #[test]
    fn permuted_and_flipped_volumes_stand_upright() {
        // Voxel axes towards −z, +x and −y.
        let orientation = DMat3::from_cols(DVec3::NEG_Z, DVec3::X, DVec3::NEG_Y);
        let point = DVec3::new(4.0, 3.0, 2.0);
        let volume = marked([9, 11, 7], orientation, point);
        for plane in Plane::ALL {
            let slice = Slice::of_volume(&volume, plane, point);
            let upright = Slice::of_volume(&marked([11, 11, 11], DMat3::IDENTITY, point), plane, point);
            assert_eq!(slice.edge_letters(), upright.edge_letters(), "{plane:?}");
            let [column, row] = slice.pixel_of(point).unwrap();
            assert_eq!(mark(&slice), [column.round() as usize, row.round() as usize], "{plane:?}");
            assert!(column < slice.size[0] as f64 / 2.0 && row < slice.size[1] as f64 / 2.0, "{plane:?}");
        }
    }

    #[test]
    fn a_point_outside_gives_the_nearest_plane() {
        let volume = marked([5, 5, 5], DMat3::IDENTITY, DVec3::new(0.0, 0.0, 6.0));
        let slice = Slice::of_volume(&volume, Plane::Axial, DVec3::new(0.0, 0.0, 1e6));
        assert_eq!(mark(&slice), [2, 2]);
    }

    #[test]
    fn parts_keep_their_place_in_the_world() {
        let point = DVec3::new(4.0, 4.0, 6.0);
        let volume = marked([11, 7, 9], DMat3::IDENTITY, point);
        for plane in Plane::ALL {
            let part = Slice::of_volume(&volume, plane, point).about(point, 3.0);
            let [column, row] = part.pixel_of(point).unwrap().map(|c| c.round() as usize);
            assert_eq!(mark(&part), [column, row], "{plane:?}");
            assert!(part.size[0] * part.size[1] < 40 && part.values.len() == part.size[0] * part.size[1]);
        }
        let beyond = Slice::of_volume(&volume, Plane::Axial, point).about(DVec3::splat(1e6), 3.0);
        assert_eq!(beyond.size, [1, 1]);
    }

    #[test]
    fn radiograph_has_the_head_on_top_and_the_right_side_on_the_left() {
        let view = View {
            source: Source::Point(DVec3::new(0.0, -1000.0, 0.0)),
            detector_centre: DVec3::new(0.0, 500.0, 0.0),
            u_step: DVec3::X,
            v_step: DVec3::Z,
        };
        let geometry = Geometry::new([3, 2], vec![view]).unwrap();
        let stored = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let projections = Projections::new(1, [3, 2], [1.0, 1.0], Unit::LineIntegral, stored).unwrap();
        let slice = Slice::of_view(&projections, &geometry, 0).unwrap();
        assert_eq!(slice.values, [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
        assert_eq!(slice.edge_letters(), ['R', 'L', 'S', 'I'].map(Some));
        assert!(Slice::of_view(&projections, &geometry, 1).is_none());
        assert_eq!(Slice::sinogram(&projections, 1).unwrap().values, [3.0, 4.0, 5.0]);
    }
}
