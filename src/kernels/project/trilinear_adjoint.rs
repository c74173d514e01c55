//! Exact adjoint of [the projector by trilinear samples](super::trilinear), by gathering.
//!
//! ```text
//! x[z, y, x] = Σ_view Σ_(j, i) Σ_k w(x_k − x)·w(y_k − y)·w(z_k − z)·h·p(view, j, i)        w(d) = max(0, 1 − |d|)
//! ```
//! over the rays that pass the box of two voxels by two by two about the voxel, which are looked for where its corners are seen, and of these the
//! samples between where they enter and leave it. What is asked for beyond has weight 0.
//!
//! Shapes: `[z][y][x]` ← samples `[view][v][u]`, `[view][v][u]`; the unit is that of p in mm. Tier P.

use super::samples::{self, LEAST_STEP, Samples};
use super::seen::{self, ViewForms};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Sum over all samples at every voxel.
    struct TrilinearAdjoint {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// From sample to sample, in mm.
        length: f32,
        /// What is added on both sides of what is seen of a voxel, so that rounding leaves no pixel out.
        margin: f32,
    }
    shader project/trilinear_adjoint + project/seen, Pinned, [32, 4];
    structs Samples, ViewForms;
    reads
        views[1, view_count]: whole of ViewForms,
        samples[rows, columns]: inputs of Samples,
        integrals[rows, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * VIEW_OPERATIONS)
        .over(view_count, Order::Ascending);
}

/// Arithmetic operations of one view at one voxel: eight corners and some nine rays of eight samples.
const VIEW_OPERATIONS: f64 = 1000.0;

/// Records the adjoint of the projection on `grid`: `integrals` (extent: views × rows × columns) to a volume.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, integrals: Buffer<f32>, volume: Write) {
    let samples = samples::record(graph, geometry, grid);
    let views = graph.upload_table("trilinear.views", &seen::forms(geometry, grid));
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    let (view_count, margin) = (geometry.views().len() as u32, seen::margin(geometry));
    let length = samples::length_mm(grid) as f32;
    TrilinearAdjoint { nx, ny, nz, columns, rows, view_count, length, margin }.compute(
        graph,
        "project back",
        views,
        samples,
        integrals,
        volume,
    );
}

vectorised! {
    fn twin(
        kernel: &TrilinearAdjoint,
        block: &Block,
        views: &[ViewForms],
        samples: &[Samples],
        integrals: &[f32],
        volume: &mut [f32],
    ) {
        let [nx, ny] = [kernel.nx, kernel.ny].map(|n| n as usize);
        let pixels = (kernel.columns * kernel.rows) as usize;
        for (row, out) in block.rows.clone().zip(volume.chunks_exact_mut(nx)) {
            for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                let last = (first + out.len() - 1) as f32;
                let [y, z] = [row % ny, row / ny].map(|n| n as f32);
                let ends = [[first as f32 - 1.0, y - 1.0, z - 1.0], [last + 1.0, y + 1.0, z + 1.0]];
                let mut sums = [0.0; LANES];
                if block.resume {
                    sums[..out.len()].copy_from_slice(out);
                }
                let stacks = samples.chunks_exact(pixels).zip(integrals.chunks_exact(pixels));
                for (view, (samples, integrals)) in views[block.inputs.clone()].iter().zip(stacks) {
                    kernel.gather(view, ends, (samples, integrals), &mut sums);
                }
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

impl TrilinearAdjoint {
    /// Adds what the rays of a view give to a run of up to sixteen voxels, the box about which is given by its ends.
    #[inline(always)]
    fn gather(
        &self,
        view: &ViewForms,
        ends: [[f32; 3]; 2],
        (samples, integrals): (&[Samples], &[f32]),
        sums: &mut Lanes,
    ) {
        let half = [self.nx, self.ny, self.nz].map(|n| n as f32 * 0.5 - 0.5);
        let centred = ends.map(|end| std::array::from_fn(|axis| end[axis] - half[axis]));
        let [across, along] = seen::pixels(view, centred, [self.columns, self.rows], self.margin);
        let [x, y, z] = ends[0].map(|end| end + 1.0);
        for row in along[0]..along[1] {
            for column in across[0]..across[1] {
                let at = (row * self.columns + column) as usize;
                let ray = &samples[at];
                let value = self.length * integrals[at];
                let [first, end] = numbers(ray, ends);
                for k in first..end {
                    let k = k as f32;
                    let near_y = near((ray.y + k * ray.step_y) - y);
                    let near_z = near((ray.z + k * ray.step_z) - z);
                    let share = (near_y * near_z) * value;
                    let place = ray.x + k * ray.step_x;
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        *sum += near(place - (x + lane as f32)) * share;
                    }
                }
            }
        }
    }
}

/// Samples of a ray, from the first to before the last, that may lie in a box.
#[inline(always)]
fn numbers(ray: &Samples, ends: [[f32; 3]; 2]) -> [i32; 2] {
    let first = ray.first as f32;
    let mut range = [first, first + ray.count as f32 - 1.0];
    let axes = [(ray.x, ray.step_x), (ray.y, ray.step_y), (ray.z, ray.step_z)];
    for (axis, (place, step)) in axes.into_iter().enumerate() {
        if step.abs() < LEAST_STEP {
            continue;
        }
        let per_step = reciprocal(step);
        let [from, to] = [ends[0][axis], ends[1][axis]].map(|end| (end - place) * per_step);
        range = [range[0].max(from.min(to).floor()), range[1].min(from.max(to).ceil())];
    }
    [range[0] as i32, range[1] as i32 + 1]
}

/// Weight of a voxel at a distance from a sample, along one axis.
#[inline(always)]
fn near(distance: f32) -> f32 {
    (1.0 - distance.abs()).max(0.0)
}
