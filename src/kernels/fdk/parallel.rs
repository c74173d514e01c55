//! Voxel-driven back-projection of parallel beams perpendicular to z.
//!
//! ```text
//! f(x, y, z) = Σ_k q_k(u, v)      u = u_0(y) + x·s_u,  v = v_0 + z·s_v
//! ```
//! The formula of [`super::backproject`] where w is 1, v depends on z alone and u on x and y: every slice of the volume meets one
//! line of the detector, whose rows are joined once for all voxels of the slice, and what is left is to interpolate along u, which
//! is affine in x. u is computed as v is in [`super::axial`]: from that of the last voxel whose number is a multiple of 16,
//! as a whole number and a fraction.
//!
//! Shapes: `[z][y][x]` ← `[view][v][u]`. Tier P.

use super::backproject::ViewMatrix;
use super::run::{LARGEST_STEP, Run};
use crate::{data::Grid, kernels::prelude::*};

/// Operations of one view at one voxel, those of other kernels that take as long.
const UPDATE_OPERATIONS: f64 = 8.0;

kernel! {
    /// Sum over views at every voxel.
    struct Parallel {
        /// Voxels along x and y; columns and rows of the filtered stack; views.
        nx, ny, columns, rows, view_count: u32,
        /// Half the number of gaps between voxels along x, y and z.
        half_x, half_y, half_z: f32,
        /// Numbers of the last column and row.
        last_column, last_row: f32,
    }
    shader fdk/parallel, Pinned, [128, 4];
    structs ViewMatrix;
    reads views[1, view_count]: whole of ViewMatrix, filtered[rows, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * UPDATE_OPERATIONS)
        .over(view_count, Order::Ascending);
}

/// Whether the forms of all views are those of parallel beams perpendicular to z.
#[must_use]
pub fn applies(views: &[ViewMatrix]) -> bool {
    views.iter().all(|m| m.w == [0.0, 0.0, 0.0, 1.0] && m.v[..2] == [0.0; 2] && m.u[2] == 0.0)
}

/// Records the back-projection of `filtered` (views × rows × columns) into `volume` on `grid`.
pub fn record(graph: &mut Graph<'_>, matrices: &[ViewMatrix], grid: &Grid, filtered: Buffer<f32>, volume: Write) {
    let views = graph.upload_table("backproject.views", matrices);
    let kernel = Parallel::of(matrices.len() as u32, graph.extent(filtered), grid);
    kernel.compute(graph, "backproject", views, filtered, volume);
}

impl Parallel {
    fn of(view_count: u32, Extent { rows, columns, .. }: Extent, grid: &Grid) -> Self {
        let [nx, ny, _] = grid.size().map(|n| n as u32);
        let [half_x, half_y, half_z] = grid.size().map(|n| (n as f32 - 1.0) / 2.0);
        let [last_column, last_row] = [columns, rows].map(|n| n as f32 - 1.0);
        Self { nx, ny, columns, rows, view_count, half_x, half_y, half_z, last_column, last_row }
    }
}

/// Views whose lines stay in the first-level cache.
const VIEWS: usize = 4;

vectorised! {
    fn twin(kernel: &Parallel, block: &Block, views: &[ViewMatrix], filtered: &[f32], volume: &mut [f32]) {
        let [nx, ny, columns, rows] = [kernel.nx, kernel.ny, kernel.columns, kernel.rows].map(|n| n as usize);
        if !block.resume {
            volume.fill(0.0);
        }
        let mut lines = vec![0.0; VIEWS * (columns + 2 * LANES)];
        let mut row = block.rows.start;
        let mut rest = volume;
        while row < block.rows.end {
            // The block's rows of one slice.
            let z = row / ny;
            let count = ((z + 1) * ny).min(block.rows.end) - row;
            let (slice, behind) = rest.split_at_mut(count * nx);
            let views = views[block.inputs.clone()].chunks(VIEWS).zip(filtered.chunks(VIEWS * columns * rows));
            for (views, pixels) in views {
                let pixels = pixels.chunks_exact(columns * rows);
                let mut seen = [None; VIEWS];
                for (((m, pixels), line), seen) in
                    views.iter().zip(pixels).zip(lines.chunks_exact_mut(columns + 2 * LANES)).zip(&mut seen)
                {
                    let v = m.v[2] * (z as f32 - kernel.half_z) + m.v[3];
                    if (v >= -0.5) & (v <= kernel.last_row + 0.5) {
                        join(pixels, columns, v.max(0.0).min(kernel.last_row), line);
                        *seen = Some(*m);
                    }
                }
                for (y, out) in (row % ny..).zip(slice.chunks_exact_mut(nx)) {
                    for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                        let mut sum = [0.0; LANES];
                        sum[..out.len()].copy_from_slice(out);
                        for (m, line) in seen.iter().zip(lines.chunks_exact(columns + 2 * LANES)) {
                            if let Some(m) = m {
                                let place = [first as f32 - kernel.half_x, y as f32 - kernel.half_y];
                                add::<V>(m, place, line, kernel.last_column, &mut sum);
                            }
                        }
                        out.copy_from_slice(&sum[..out.len()]);
                    }
                }
            }
            (row, rest) = (row + count, behind);
        }
    }
}

/// The line of the detector at row `v`, which lies between the first and the last.
#[inline(always)]
fn join(pixels: &[f32], columns: usize, v: f32, line: &mut [f32]) {
    let low = v.floor();
    let share = v - low;
    let lower = &pixels[low as usize * columns..][..columns];
    let upper = pixels.get((low as usize + 1) * columns..).and_then(|rest| rest.get(..columns)).unwrap_or(lower);
    for ((value, lower), upper) in line.iter_mut().zip(lower).zip(upper) {
        *value = (1.0 - share) * lower + share * upper;
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
