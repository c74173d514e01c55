//! Voxel-driven back-projection of parallel beams perpendicular to z.
//!
//! ```text
//! f(x, y, z) = Σ_k s_k(u, z)      u = u_0(y) + x·s_u
//! ```
//! The formula of [`super::backproject`] where w is 1, v depends on z alone and u on x and y: every slice of the volume meets one
//! line of the detector, which [`super::slices`] has joined, and what is left is to interpolate along u, which is affine in x. u is
//! computed as v is in [`super::axial`]: from that of the last voxel whose number is a multiple of 16, as a whole number and a
//! fraction.
//!
//! Shapes: `[z][y][x]` ← `[view][z][u]`. Tier P.

use super::backproject::{Slab, ViewMatrix, middle_of};
use super::run::{LARGEST_STEP, Run};
use super::slices;
use crate::{data::Grid, engine::Limits, kernels::prelude::*};

/// Operations of one view at one voxel, those of other kernels that take as long.
const UPDATE_OPERATIONS: f64 = 8.0;

kernel! {
    /// Sum over views at every voxel.
    struct Parallel {
        /// Voxels along x, y and z; columns of the stack; views.
        nx, ny, nz, columns, view_count: u32,
        /// Half the number of gaps between voxels along x and y.
        half_x, half_y: f32,
        /// Number of the last column.
        last_column: f32,
    }
    shader fdk/parallel, Pinned, [128, 4];
    structs ViewMatrix;
    reads views[1, view_count]: whole of ViewMatrix, met[nz, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * UPDATE_OPERATIONS)
        .over(view_count, Order::Ascending);
}

/// Whether the forms of all views are those of parallel beams perpendicular to z.
///
/// Not where the lines of all slices are more than what any device binds at once.
#[must_use]
pub fn applies(views: &[ViewMatrix], columns: u32, grid: &Grid) -> bool {
    let line_bytes = u64::from(columns) * size_of::<f32>() as u64;
    let is_parallel = |m: &ViewMatrix| m.w == [0.0, 0.0, 0.0, 1.0] && m.v[..2] == [0.0; 2] && m.u[2] == 0.0;
    views.iter().all(is_parallel) && grid.size()[2] as u64 * line_bytes <= Limits::portable().binding_bytes
}

/// Records the back-projection of `filtered` (views × rows × columns) into `volume`, the slices of `slab`.
pub fn record(graph: &mut Graph<'_>, matrices: &[ViewMatrix], slab: Slab<'_>, filtered: Buffer<f32>, volume: Write) {
    let views = graph.upload_table("backproject.views", matrices);
    let kernel = Parallel::of(matrices.len() as u32, graph.extent(filtered).columns, &slab);
    let met = slices::record(graph, views, &slab, filtered);
    kernel.compute(graph, "backproject", views, met, volume);
}

impl Parallel {
    fn of(view_count: u32, columns: u32, (grid, slices): &Slab<'_>) -> Self {
        let [nx, ny, _] = grid.size().map(|n| n as u32);
        let nz = slices.len() as u32;
        let [half_x, half_y, _] = middle_of(grid, slices);
        Self { nx, ny, nz, columns, view_count, half_x, half_y, last_column: columns as f32 - 1.0 }
    }
}

/// Views whose lines stay in the first-level cache.
const VIEWS: usize = 4;

vectorised! {
    fn twin(kernel: &Parallel, block: &Block, views: &[ViewMatrix], met: &[f32], volume: &mut [f32]) {
        let [nx, ny, nz, columns] = [kernel.nx, kernel.ny, kernel.nz, kernel.columns].map(|n| n as usize);
        if !block.resume {
            volume.fill(0.0);
        }
        // Each with the window that a run may read behind its end.
        let mut lines = vec![0.0; VIEWS * (columns + 2 * LANES)];
        let mut row = block.rows.start;
        let mut rest = volume;
        while row < block.rows.end {
            // The block's rows of one slice.
            let z = row / ny;
            let count = ((z + 1) * ny).min(block.rows.end) - row;
            let (slice, behind) = rest.split_at_mut(count * nx);
            let views = views[block.inputs.clone()].chunks(VIEWS).zip(met.chunks(VIEWS * nz * columns));
            for (views, stack) in views {
                let stack = stack.chunks_exact(nz * columns);
                for (line, met) in lines.chunks_exact_mut(columns + 2 * LANES).zip(stack) {
                    line[..columns].copy_from_slice(&met[z * columns..][..columns]);
                }
                for (y, out) in (row % ny..).zip(slice.chunks_exact_mut(nx)) {
                    for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                        let mut sum = [0.0; LANES];
                        sum[..out.len()].copy_from_slice(out);
                        for (m, line) in views.iter().zip(lines.chunks_exact(columns + 2 * LANES)) {
                            let place = [first as f32 - kernel.half_x, y as f32 - kernel.half_y];
                            add::<V>(m, place, line, kernel.last_column, &mut sum);
                        }
                        out.copy_from_slice(&sum[..out.len()]);
                    }
                }
            }
            (row, rest) = (row + count, behind);
        }
    }
}

/// Adds one view to sixteen voxels, the first of which lies at x and y.
#[inline(always)]
fn add<V: crate::vectorised::Vectors>(m: &ViewMatrix, [x, y]: [f32; 2], line: &[f32], last: f32, sum: &mut Lanes) {
    let (step, start) = (m.u[0], (m.u[1] * y + m.u[3]) + m.u[0] * x);
    let whole = start.floor();
    let change = ((LANES - 1) as f32 * step).floor();
    let (below, above) = (change.min(0.0), change.max(-1.0) + 2.0);
    let run = Run { whole, fraction: start - whole, step, below };
    let (low, high) = (whole + below, whole + above);
    if !((high >= -1.0) & (low <= last + 1.0)) {
        return;
    }
    if step.abs() > LARGEST_STEP {
        // SAFETY: the line is not empty.
        run.wide(last, |pixel| unsafe { gather(line, pixel) }, sum);
    } else if (low >= 0.0) & (high <= last) {
        run.inside::<V>(line, 0, sum);
    } else {
        run.at_edge::<V>(line, 0, last, sum);
    }
}
