//! Exact adjoint of [Siddon's projector](super::siddon), by gathering: a voxel takes from all rays that cross it, by the same lengths.
//!
//! ```text
//! x[n] = Σ_view Σ_(j, i) l_n(view, j, i)·p(view, j, i)
//! ```
//! where l_n is the length of the ray within voxel n, from the last of the planes by which it enters to the first by which it
//! leaves ([`planes`]). Rays are looked for where the voxel's corners are seen on the detector, at all pixels
//! between them; where a corner lies behind the source, at all pixels.
//!
//! Shapes: `[z][y][x]` ← planes `[view][v][u]`, `[view][v][u]`; the unit is that of p in mm. Tier P.

use super::planes::{self, Planar};
use super::seen::{self, ViewForms};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Sum over all rays at every voxel.
    struct SiddonAdjoint {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// What is added on both sides of what is seen of a voxel, so that rounding leaves no pixel out.
        margin: f32,
    }
    shader project/siddon_adjoint + project/seen, Pinned, [32, 4];
    structs Planar, ViewForms;
    reads
        views[1, view_count]: whole of ViewForms,
        planes[rows, columns]: inputs of Planar,
        integrals[rows, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * VIEW_OPERATIONS)
        .over(view_count, Order::Ascending);
}

/// Arithmetic operations of one view at one voxel: eight corners and some four rays.
const VIEW_OPERATIONS: f64 = 300.0;
/// Values that are held for each pixel: its planes and its integral.
pub const PIXEL_VALUES: usize = size_of::<Planar>() / size_of::<f32>() + 1;

/// Records the adjoint of the projection on `grid`: `integrals` (extent: views × rows × columns) to a volume.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, integrals: Buffer<f32>, volume: Write) {
    let planes = planes::record(graph, geometry, grid);
    let views = graph.upload_table("siddon.views", &seen::forms(geometry, grid));
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    let (view_count, margin) = (geometry.views().len() as u32, seen::margin(geometry));
    SiddonAdjoint { nx, ny, nz, columns, rows, view_count, margin }.compute(
        graph,
        "project back",
        views,
        planes,
        integrals,
        volume,
    );
}

vectorised! {
    fn twin(
        kernel: &SiddonAdjoint,
        block: &Block,
        views: &[ViewForms],
        planes: &[Planar],
        integrals: &[f32],
        volume: &mut [f32],
    ) {
        let [nx, ny] = [kernel.nx, kernel.ny].map(|n| n as usize);
        let pixels = (kernel.columns * kernel.rows) as usize;
        for (row, out) in block.rows.clone().zip(volume.chunks_exact_mut(nx)) {
            for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                let last = first + out.len() - 1;
                let [first, last, y, z] = [first, last, row % ny, row / ny].map(|n| n as i32);
                let run = Run { first, last, y, z };
                let mut sums = [0.0; LANES];
                if block.resume {
                    sums[..out.len()].copy_from_slice(out);
                }
                let stacks = planes.chunks_exact(pixels).zip(integrals.chunks_exact(pixels));
                for (view, (planes, integrals)) in views[block.inputs.clone()].iter().zip(stacks) {
                    kernel.gather(view, &run, (planes, integrals), &mut sums);
                }
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

/// Up to sixteen voxels of a row. What lanes behind the last one sum up is not used.
struct Run {
    first: i32,
    last: i32,
    y: i32,
    z: i32,
}

impl SiddonAdjoint {
    /// Adds what the rays of a view give to a run, at all pixels between its corners.
    #[inline(always)]
    fn gather(&self, view: &ViewForms, run: &Run, (planes, integrals): (&[Planar], &[f32]), sums: &mut Lanes) {
        let middle = [self.nx, self.ny, self.nz].map(|n| n as f32 * 0.5);
        let corner = |place: [i32; 3]| std::array::from_fn(|axis| place[axis] as f32 - middle[axis]);
        let ends = [corner([run.first, run.y, run.z]), corner([run.last + 1, run.y + 1, run.z + 1])];
        let [across, along] = seen::pixels(view, ends, [self.columns, self.rows], self.margin);
        for row in along[0]..along[1] {
            for column in across[0]..across[1] {
                let at = (row * self.columns + column) as usize;
                let ray = &planes[at];
                let y = crossed(run.y, ray.origin_y, ray.fraction_y, ray.inverse_y, ray.parallel & 2 != 0);
                let z = crossed(run.z, ray.origin_z, ray.fraction_z, ray.inverse_z, ray.parallel & 4 != 0);
                let (start, end) = (ray.start.max(y.0.max(z.0)), ray.end.min(y.1.min(z.1)));
                if start >= end {
                    continue;
                }
                for (lane, sum) in sums.iter_mut().enumerate() {
                    let place = run.first + lane as i32;
                    let x = crossed(place, ray.origin_x, ray.fraction_x, ray.inverse_x, ray.parallel & 1 != 0);
                    let length = (end.min(x.1) - start.max(x.0)).max(0.0);
                    *sum += length * integrals[at];
                }
            }
        }
    }
}

/// Distance that no ray reaches, in mm.
const FAR: f32 = 1e30;

/// Where a ray enters and leaves a cell between two planes of an axis.
#[inline(always)]
fn crossed(cell: i32, origin: i32, fraction: f32, inverse: f32, is_parallel: bool) -> (f32, f32) {
    let near = ((cell - origin) as f32 - fraction) * inverse;
    let far = ((cell + 1 - origin) as f32 - fraction) * inverse;
    match (is_parallel, cell == origin) {
        (false, _) => (near.min(far), near.max(far)),
        (true, true) => (-FAR, FAR),
        (true, false) => (FAR, -FAR),
    }
}
