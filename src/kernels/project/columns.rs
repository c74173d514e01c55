//! Rays of a detector column as one line through the plane of x and y: what Joseph's method weighs voxels by where the columns are parallel
//! to z of the grid.
//!
//! ```text
//! b(n) = across + m·across_step                    m = n − (n_a − 1)/2
//! z(n, j) = (height + m·height_step) + j′·(rise + m·rise_step)          j′ = j − (rows − 1)/2
//! ```
//! All rays of a column have one main axis a, x or y, the one along which they pass more voxels, and one line b(n) along the other;
//! their places along z are affine in the row j. Places are in voxels from the centre of the first. The numbers are computed in double
//! precision, a few for each column in the place of eight for each ray ([`super::lines`]); whoever projects and whoever projects back reads
//! the same ones.

use glam::DVec3;

use crate::{
    data::Grid,
    engine::Limits,
    geometry::{Geometry, Source, View},
    kernels::project::reorder,
    shader_struct,
    vectorised::{LANES, Lanes},
};

shader_struct! {
    /// A detector column.
    pub struct Column {
        /// Place along the other axis halfway through the slices, and its step from slice to slice.
        pub across, across_step: f32,
        /// The same along z for the middle of the column.
        pub height, height_step: f32,
        /// Change of the place along z from row to row, halfway through the slices, and its step from slice to slice.
        pub rise, rise_step: f32,
        /// Square of the length from slice to slice in the plane of x and y, in mm².
        pub square: f32,
        /// First slice that is met, and how many are.
        pub first, count: u32,
        /// Main axis: 0 for x, 1 for y.
        pub axis: u32,
    }
}

/// Where a column's line passes a slice: the lower one of the two columns of voxels beside it, and the weights of both, 0 for one that
/// the grid does not have.
#[derive(Clone, Copy)]
pub(super) struct Crossings {
    pub low: [i32; LANES],
    pub weights: [Lanes; 2],
}

impl Column {
    /// Whether rays meet all slices at the same heights: parallel beams at right angles to z.
    #[inline(always)]
    pub(super) fn is_level(&self) -> bool {
        self.height_step == 0.0 && self.rise_step == 0.0
    }

    /// Slice in which the first row lies and the step from row to row, 1 or −1, where every row lies in the middle of a slice, the same one
    /// all along its ray.
    #[inline(always)]
    pub(super) fn matched(&self, half_rows: f32) -> Option<(i32, i32)> {
        let first = self.height - half_rows * self.rise;
        let is_matched = self.is_level() && self.rise.abs() == 1.0 && first.floor() == first && first.abs() < FARTHEST;
        // SAFETY: a whole number that is not large.
        is_matched.then(|| unsafe { (first.to_int_unchecked(), self.rise.to_int_unchecked()) })
    }

    /// Heights of the middle row and the change from row to row, `ahead` slices from the middle one.
    #[inline(always)]
    pub(super) fn heights(&self, ahead: f32) -> [f32; 2] {
        [self.height + ahead * self.height_step, self.rise + ahead * self.rise_step]
    }

    /// Crossings of sixteen slices from the one that lies `ahead` of the middle on, of a grid with `count` voxels across.
    #[inline(always)]
    pub(super) fn crossings(&self, ahead: f32, count: u32) -> Crossings {
        let mut crossings = Crossings { low: [0; LANES], weights: [[0.0; LANES]; 2] };
        let last = count as f32 - 1.0;
        for lane in 0..LANES {
            let place = self.across + (ahead + lane as f32) * self.across_step;
            let low = place.floor();
            // A voxel's distance is the same bits from either side.
            let (near, far) = (1.0 - (place - low), 1.0 - ((low + 1.0) - place));
            crossings.weights[0][lane] = if low >= 0.0 && low <= last { near } else { 0.0 };
            crossings.weights[1][lane] = if low >= -1.0 && low < last { far } else { 0.0 };
            // SAFETY: a number of a voxel, or one beside them.
            crossings.low[lane] = unsafe { low.max(-1.0).min(last).to_int_unchecked() };
        }
        crossings
    }
}

/// Slices from the first one that a row may be away.
const FARTHEST: f32 = 1e6;
/// Fewest rows and slices for which lanes along z pay.
const FEWEST: usize = 8;
/// Least and largest change of the place along z from row to row, in voxels.
const STEPS: [f64; 2] = [1.0 / 16.0, 8.0];

/// Columns of all views, `[view][u]`; none where detector columns are not parallel to z, where a ray passes more voxels along z than along
/// x and y, where rows are far apart or close together, or where buffers could not be divided on any device.
#[must_use]
pub fn columns(geometry: &Geometry, grid: &Grid) -> Option<Vec<Column>> {
    let [_, rows] = geometry.detector();
    let extent = reorder::extent(grid);
    let slice_bytes = extent.rows as u64 * extent.columns as u64 * size_of::<f32>() as u64;
    // Interpolation needs two slices at once.
    if rows < FEWEST || grid.size()[2] < FEWEST || 3 * slice_bytes > Limits::portable().binding_bytes {
        return None;
    }
    let mut all = Vec::with_capacity(geometry.views().len() * geometry.detector()[0]);
    for view in geometry.views() {
        let frame = Frame::of(view, geometry.detector(), grid)?;
        for column in 0..geometry.detector()[0] {
            all.push(frame.column(column, grid)?);
        }
    }
    Some(all)
}

/// A view in voxel numbers.
struct Frame {
    /// The source; none for parallel beams.
    source: Option<DVec3>,
    /// Along the rays of parallel beams.
    direction: DVec3,
    centre: DVec3,
    u_step: DVec3,
    /// Along z.
    v_step: f64,
    half: [f64; 2],
}

impl Frame {
    fn of(view: &View, detector: [usize; 2], grid: &Grid) -> Option<Self> {
        let vector = |world: DVec3| grid.orientation().transpose() * world / grid.spacing_mm();
        let v_step = vector(view.v_step);
        if v_step.truncate().length() > 1e-9 * v_step.z.abs() {
            return None;
        }
        let (source, direction) = match view.source {
            Source::Point(source) => (Some(grid.index_of(source)), DVec3::ZERO),
            Source::Direction(direction) => (None, vector(direction.normalize())),
        };
        let centre = grid.index_of(view.detector_centre);
        let half = detector.map(|n| (n as f64 - 1.0) / 2.0);
        Some(Self { source, direction, centre, u_step: vector(view.u_step), v_step: v_step.z, half })
    }

    fn column(&self, column: usize, grid: &Grid) -> Option<Column> {
        let pixel = self.centre + (column as f64 - self.half[0]) * self.u_step;
        // Rays from a point: their directions change from row to row. Parallel ones: their points do.
        let (point, along, turned, moved) = match self.source {
            Some(source) => (source, pixel - source, self.v_step, 0.0),
            None => (pixel, self.direction, 0.0, self.v_step),
        };
        let axis = usize::from(along.y.abs() > along.x.abs());
        let size = grid.size().map(|n| n as f64);
        let ([d_a, d_b], [p_a, p_b]) =
            if axis == 0 { ([along.x, along.y], [point.x, point.y]) } else { ([along.y, along.x], [point.y, point.x]) };
        if along.z.abs() + self.half[1] * turned.abs() > d_a.abs() {
            return None;
        }
        let (n_a, n_b) = (size[axis], size[1 - axis]);
        let step = 1.0 / d_a;
        let middle = ((n_a - 1.0) / 2.0 - p_a) * step;
        let (across, across_step) = (p_b + middle * d_b, step * d_b);
        let (height, height_step) = (point.z + middle * along.z, step * along.z);
        let (rise, rise_step) = (moved + middle * turned, step * turned);
        // Slices between source and pixel, and beside which no voxel lies.
        let mut range = [0.0, n_a - 1.0];
        let mut narrow = |a: f64, b: f64| range = [range[0].max(a.min(b)), range[1].min(a.max(b))];
        if self.source.is_some() {
            narrow(p_a, p_a + d_a);
        }
        let slice = |place: f64| (place - across) / across_step + (n_a - 1.0) / 2.0;
        if across_step.abs() > 1e-9 {
            narrow(slice(-1.0), slice(n_b));
        } else if across <= -1.0 || across >= n_b {
            range = [1.0, 0.0];
        }
        let (first, end) = (range[0].ceil(), range[1].floor() + 1.0);
        let count = (end - first).max(0.0);
        let rise_at = |n: f64| (rise + (n - (n_a - 1.0) / 2.0) * rise_step).abs();
        if count > 0.0 && [rise_at(first), rise_at(end - 1.0)].iter().any(|rise| !(STEPS[0]..=STEPS[1]).contains(rise))
        {
            return None;
        }
        let spacing = grid.spacing_mm().to_array();
        let square = spacing[axis].powi(2) + (across_step * spacing[1 - axis]).powi(2);
        let [across, across_step, height, height_step, rise, rise_step, square] =
            [across, across_step, height, height_step, rise, rise_step, square].map(|number| number as f32);
        let first = if count > 0.0 { first as u32 } else { 0 };
        Some(Column {
            across,
            across_step,
            height,
            height_step,
            rise,
            rise_step,
            square,
            first,
            count: count as u32,
            axis: axis as u32,
        })
    }
}
