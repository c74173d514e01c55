//! Exact adjoint of [Joseph's projector](super::joseph), by gathering: a voxel takes from all rays that take from it, with the same weights.
//!
//! ```text
//! x[n, b, c] = Σ_view Σ_(j, i) w(b(n) − b)·w(c(n) − c)·l·p(view, j, i)        w(d) = max(0, 1 − |d|)
//! ```
//! over the rays whose main axis has slice n. They are looked for where the square of two voxels by two about the voxel is seen on the
//! detector: its corners, in the slice, span a quadrilateral there, whose pixels have weights above 0. Where a corner lies behind the
//! source all pixels are looked at.
//!
//! Shapes: `[z][y][x]` ← lines `[view][v][u]`, `[view][v][u]`; the unit is that of p in mm. Tier P.

use super::lines::{self, Line};
use crate::kernels::{
    fdk::backproject::{ViewMatrix, matrices},
    prelude::*,
};
use crate::{
    data::Grid,
    geometry::{DetectorAxis, Geometry, Source, View},
};

kernel! {
    /// Sum over all rays at every voxel.
    struct JosephAdjoint {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// What is added to both sides of a quadrilateral, so that rounding leaves no pixel out.
        margin: f32,
    }
    shader project/joseph_adjoint, Pinned, [32, 4];
    structs Line, ViewForms;
    reads
        views[1, view_count]: whole of ViewForms,
        lines[rows, columns]: inputs of Line,
        integrals[rows, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * VIEW_OPERATIONS)
        .over(view_count, Order::Ascending);
}

shader_struct! {
    /// Where a view sees a voxel.
    pub struct ViewForms {
        /// Numerators of the column and of the row, and their denominator: factors of x, y, z from the volume's centre, and a constant.
        pub u, v, w: [f32; 4],
        /// 1 where x, y, z may be the main axis of a ray.
        pub axes: [u32; 4],
    }
}

/// Arithmetic operations of one view at one voxel: four corners and some nine rays.
const VIEW_OPERATIONS: f64 = 300.0;
/// Least denominator of a corner before the source.
const LEAST_W: f32 = 1e-6;

/// Records the adjoint of the projection on `grid`: `integrals` (extent: views × rows × columns) to a volume.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, integrals: Buffer<f32>, volume: Write) {
    let lines = lines::record(graph, geometry, grid);
    let forms = matrices(geometry, DetectorAxis::U, 0, grid);
    let forms = forms.iter().zip(geometry.views()).map(|(&ViewMatrix { u, v, w }, view)| {
        let axes = main_axes(view, geometry.detector(), grid).map(u32::from);
        ViewForms { u, v, w, axes: [axes[0], axes[1], axes[2], 0] }
    });
    let views = graph.upload_table("joseph.views", &forms.collect::<Vec<_>>());
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    let (view_count, margin) = (geometry.views().len() as u32, 1e-2 + 1e-6 * columns.max(rows) as f32);
    JosephAdjoint { nx, ny, nz, columns, rows, view_count, margin }.compute(
        graph,
        "project back",
        views,
        lines,
        integrals,
        volume,
    );
}

/// Which axes may be the main ones of a view's rays: those whose step, in voxels, is somewhere as large as that of each other one
/// is somewhere at least. Steps are affine in the pixel.
fn main_axes(view: &View, [columns, rows]: [usize; 2], grid: &Grid) -> [bool; 3] {
    let steps = |world: glam::DVec3| (grid.orientation().transpose() * world / grid.spacing_mm()).to_array();
    let half = [columns, rows].map(|n| n as f64 / 2.0);
    let corners = [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]].map(|[i, j]| match view.source {
        Source::Point(source) => {
            steps(view.detector_centre + i * half[0] * view.u_step + j * half[1] * view.v_step - source)
        }
        Source::Direction(direction) => steps(direction),
    });
    let range = |axis: usize| {
        let of = corners.map(|corner| corner[axis]);
        let (low, high) = of.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let least = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
        [least, low.abs().max(high.abs())]
    };
    let ranges = [0, 1, 2].map(range);
    [0, 1, 2].map(|axis| (0..3).all(|other| ranges[axis][1] * (1.0 + 1e-5) >= ranges[other][0]))
}

/// Pixels from the first to before the last, along columns or rows.
#[derive(Clone, Copy)]
struct Span {
    first: u32,
    end: u32,
}

impl Span {
    #[inline(always)]
    fn of(places: [f32; 4], margin: f32, count: u32) -> Self {
        let low = places[0].min(places[1]).min(places[2]).min(places[3]) - margin;
        let high = places[0].max(places[1]).max(places[2]).max(places[3]) + margin;
        let first = low.ceil().max(0.0).min(count as f32);
        let end = (high.floor() + 1.0).max(first).min(count as f32);
        Self { first: first as u32, end: end as u32 }
    }
}

vectorised! {
    fn twin(
        kernel: &JosephAdjoint,
        block: &Block,
        views: &[ViewForms],
        lines: &[Line],
        integrals: &[f32],
        volume: &mut [f32],
    ) {
        let [nx, ny] = [kernel.nx, kernel.ny].map(|n| n as usize);
        let pixels = (kernel.columns * kernel.rows) as usize;
        for (row, out) in block.rows.clone().zip(volume.chunks_exact_mut(nx)) {
            for (x, voxel) in out.iter_mut().enumerate() {
                let place = [x, row % ny, row / ny].map(|n| n as u32);
                let mut sum = if block.resume { *voxel } else { 0.0 };
                let stacks = lines.chunks_exact(pixels).zip(integrals.chunks_exact(pixels));
                for (view, (lines, integrals)) in views[block.inputs.clone()].iter().zip(stacks) {
                    sum = kernel.gathered(view, lines, integrals, place, sum);
                }
                *voxel = sum;
            }
        }
    }
}

impl JosephAdjoint {
    /// The sum with what a view gives to a voxel.
    #[inline(always)]
    fn gathered(&self, view: &ViewForms, lines: &[Line], integrals: &[f32], place: [u32; 3], mut sum: f32) -> f32 {
        let counts = [self.nx, self.ny, self.nz];
        let centred: [f32; 3] = std::array::from_fn(|k| place[k] as f32 - (counts[k] as f32 * 0.5 - 0.5));
        let form = |f: &[f32; 4]| f[0] * centred[0] + f[1] * centred[1] + (f[2] * centred[2] + f[3]);
        let middle = [form(&view.u), form(&view.v), form(&view.w)];
        for (axis, [b, c]) in [[1, 2], [0, 2], [0, 1]].into_iter().enumerate() {
            if view.axes[axis] == 0 {
                continue;
            }
            let corner = |form: &[f32; 4], middle: f32| {
                let (sum, difference) = (form[b] + form[c], form[b] - form[c]);
                [middle - sum, middle - difference, middle + difference, middle + sum]
            };
            let w = corner(&view.w, middle[2]);
            let mut across = Span { first: 0, end: self.columns };
            let mut along = Span { first: 0, end: self.rows };
            if w.iter().all(|w| *w > LEAST_W) {
                let scale = w.map(reciprocal);
                let [u, v] = [(&view.u, middle[0]), (&view.v, middle[1])].map(|(form, middle)| {
                    let corners = corner(form, middle);
                    std::array::from_fn(|k| corners[k] * scale[k])
                });
                across = Span::of(u, self.margin, self.columns);
                along = Span::of(v, self.margin, self.rows);
            }
            let ahead = place[axis] as f32 - (counts[axis] as f32 * 0.5 - 0.5);
            let (place_b, place_c) = (place[b] as f32, place[c] as f32);
            for row in along.first..along.end {
                for column in across.first..across.end {
                    let at = (row * self.columns + column) as usize;
                    let line = &lines[at];
                    if line.axis != axis as u32 || place[axis].wrapping_sub(line.first) >= line.count {
                        continue;
                    }
                    let from_b = (line.across + ahead * line.across_step) - place_b;
                    let from_c = (line.along + ahead * line.along_step) - place_c;
                    let weight = (1.0 - from_b.abs()).max(0.0) * (1.0 - from_c.abs()).max(0.0);
                    sum += weight * (line.length * integrals[at]);
                }
            }
        }
        sum
    }
}
