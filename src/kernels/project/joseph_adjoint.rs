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
use super::seen::{self, ViewForms};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Sum over all rays at every voxel.
    struct JosephAdjoint {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// What is added on both sides of what is seen of a voxel, so that rounding leaves no pixel out.
        margin: f32,
    }
    shader project/joseph_adjoint + project/seen, Pinned, [32, 4];
    structs Line, ViewForms;
    reads
        views[1, view_count]: whole of ViewForms,
        lines[rows, columns]: inputs of Line,
        integrals[rows, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * VIEW_OPERATIONS)
        .over(view_count, Order::Ascending);
}

/// Arithmetic operations of one view at one voxel: four corners and some nine rays.
const VIEW_OPERATIONS: f64 = 300.0;
/// Records the adjoint of the projection on `grid`: `integrals` (extent: views × rows × columns) to a volume.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, integrals: Buffer<f32>, volume: Write) {
    let lines = lines::record(graph, geometry, grid);
    let views = graph.upload_table("joseph.views", &seen::forms(geometry, grid));
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    let (view_count, margin) = (geometry.views().len() as u32, seen::margin(geometry));
    JosephAdjoint { nx, ny, nz, columns, rows, view_count, margin }.compute(
        graph,
        "project back",
        views,
        lines,
        integrals,
        volume,
    );
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
            for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                let run = Run { first, last: first + out.len() as u32 - 1, y: (row % ny) as u32, z: (row / ny) as u32 };
                let mut sums = [0.0; LANES];
                if block.resume {
                    sums[..out.len()].copy_from_slice(out);
                }
                let stacks = lines.chunks_exact(pixels).zip(integrals.chunks_exact(pixels));
                for (view, (lines, integrals)) in views[block.inputs.clone()].iter().zip(stacks) {
                    for axis in (0..3).filter(|axis| view.axes[*axis] != 0) {
                        kernel.gather(view, axis, &run, (lines, integrals), &mut sums);
                    }
                }
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

/// Up to sixteen voxels of a row. What lanes behind the last one sum up is not used.
struct Run {
    first: u32,
    last: u32,
    y: u32,
    z: u32,
}

impl JosephAdjoint {
    /// Adds what the rays of a view with one main axis give to a run. The pixels are those between the corners of all its squares:
    /// a pixel that is not between those of a voxel has weight 0 for it.
    #[inline(always)]
    fn gather(
        &self,
        view: &ViewForms,
        axis: usize,
        run: &Run,
        (lines, integrals): (&[Line], &[f32]),
        sums: &mut Lanes,
    ) {
        let half = [self.nx, self.ny, self.nz].map(|n| n as f32 * 0.5 - 0.5);
        let xs: Lanes = std::array::from_fn(|lane| (run.first + lane as u32) as f32);
        let [y, z] = [run.y, run.z].map(|n| n as f32);
        let ends = [[-1.0, run.first as f32], [1.0, run.last as f32]].map(|[side, x]| {
            let reach = |k: usize| if k == axis { 0.0 } else { side };
            [x - half[0] + reach(0), y - half[1] + reach(1), z - half[2] + reach(2)]
        });
        let [across, along] = seen::pixels(view, ends, [self.columns, self.rows], self.margin);
        for row in along[0]..along[1] {
            for column in across[0]..across[1] {
                let at = (row * self.columns + column) as usize;
                let line = &lines[at];
                if line.axis != axis as u32 {
                    continue;
                }
                let value = line.length * integrals[at];
                if axis == 0 {
                    let (first, end) = (line.first as f32, (line.first + line.count) as f32);
                    for (sum, x) in sums.iter_mut().zip(&xs) {
                        let ahead = x - half[0];
                        let from_b = (line.across + ahead * line.across_step) - y;
                        let from_c = (line.along + ahead * line.along_step) - z;
                        let weight = near(from_b) * near(from_c);
                        let added = *sum + weight * value;
                        *sum = if (*x >= first) & (*x < end) { added } else { *sum };
                    }
                } else {
                    // The run lies in one slice, and along axis b; y or z is along axis c.
                    let (slice, from, half, c) =
                        if axis == 1 { (run.y, y, half[1], z) } else { (run.z, z, half[2], y) };
                    let ahead = from - half;
                    let place = line.across + ahead * line.across_step;
                    let weight_c = near((line.along + ahead * line.along_step) - c);
                    let is_met = slice.wrapping_sub(line.first) < line.count;
                    if !is_met || weight_c == 0.0 || place <= xs[0] - 1.0 || place >= xs[LANES - 1] + 1.0 {
                        continue;
                    }
                    for (sum, x) in sums.iter_mut().zip(&xs) {
                        *sum += near(place - x) * weight_c * value;
                    }
                }
            }
        }
    }
}

/// Weight of a voxel at a distance from a ray, along one axis.
#[inline(always)]
fn near(distance: f32) -> f32 {
    (1.0 - distance.abs()).max(0.0)
}
