//! Exact radiological path through voxels.
//!
//! ```text
//! p(view, j, i) = Σ_n µ[n] · l_n          µ in 1/mm, l_n in mm: p has no unit
//! ```
//! where n runs over the voxels that the ray from the source to the centre of pixel (i, j) crosses and l_n is the
//! length of the crossing. Siddon, Med. Phys. 12:252, 1985; walked plane by plane as Jacobs et al., 1998, but with
//! every plane's distance computed from its number rather than summed up, so errors do not grow along the ray and a
//! ray that is interrupted at a slab of the volume continues with the same bits.
//!
//! Rules for rays that the formula leaves open:
//! - voxels are half-open boxes: a ray that lies in a voxel face belongs to the voxel on the positive side, and one
//!   that lies in the volume's last face misses;
//! - where planes of several axes are met at once, x steps first, then y, then z;
//! - a ray ends after at most nx + ny + nz steps, since every step passes a plane and planes beyond the volume's end
//!   are never reached: the end is the distance of such a plane, computed in the same way.
//!
//! Shapes: `[view][v][u]` ← `[z][y][x]`. Tier P.

use super::axis::{Axis, affine};
use super::rays::{Affine, ViewRays, view_rays};
use crate::kernels::prelude::*;
use crate::{data::Grid, engine::Kernel, geometry::Geometry};

kernel! {
    /// Line integrals along rays.
    struct Siddon {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/siddon + project/axis, Pinned, [16, 4];
    structs Affine, ViewRays;
    reads views[1, view_count]: whole of ViewRays, volume[ny, nx]: inputs of f32;
    writes integrals[rows, columns]: f32;
    domain |output| Domain::rows(output, f64::from(columns) * ray_operations([nx, ny, nz])).over(nz, Order::BothWays);
}

/// Arithmetic operations of one step from plane to plane.
const STEP_OPERATIONS: f64 = 16.0;

/// Operations of a ray, which takes at most as many steps as there are planes.
fn ray_operations(voxels: [u32; 3]) -> f64 {
    let [nx, ny, nz] = voxels.map(f64::from);
    (nx + ny + nz) * STEP_OPERATIONS
}

/// Records the projection of `volume` on `grid` into `integrals` (extent: views × rows × columns).
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, volume: Buffer<f32>, integrals: Write) {
    let views = graph.upload_table("siddon.views", &view_rays(geometry, grid));
    Siddon::of(geometry, grid).compute(graph, "project", views, volume, integrals);
}

/// The kernel alone, for those who record it otherwise: it reads [`view_rays`] as a whole and the volume's slices as inputs, and
/// writes the integrals.
#[must_use]
pub fn kernel(geometry: &Geometry, grid: &Grid) -> impl Kernel + use<> {
    Siddon::of(geometry, grid)
}

impl Siddon {
    fn of(geometry: &Geometry, grid: &Grid) -> Self {
        let [nx, ny, nz] = grid.size().map(|n| n as u32);
        let [columns, rows] = geometry.detector().map(|n| n as u32);
        let [spacing_x, spacing_y, spacing_z] = grid.spacing_mm().as_vec3().to_array();
        let [half_columns, half_rows] = [columns, rows].map(|n| (n as f32 - 1.0) / 2.0);
        let view_count = geometry.views().len() as u32;
        Self { nx, ny, nz, columns, rows, view_count, spacing_x, spacing_y, spacing_z, half_columns, half_rows }
    }
}

vectorised! {
    fn twin(kernel: &Siddon, block: &Block, views: &[ViewRays], volume: &[f32], integrals: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        if volume.is_empty() {
            return;
        }
        for (row, out) in block.rows.clone().zip(integrals.chunks_exact_mut(columns)) {
            let view = &views[row / rows];
            let j = (row % rows) as f32 - kernel.half_rows;
            for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                let mut sum = [0.0; LANES];
                if block.resume {
                    sum[..out.len()].copy_from_slice(out);
                }
                let mut i = [0.0; LANES];
                for (lane, i) in i.iter_mut().enumerate() {
                    *i = (first + lane).min(columns - 1) as f32 - kernel.half_columns;
                }
                march(kernel, block, view, &i, j, volume, &mut sum);
                out.copy_from_slice(&sum[..out.len()]);
            }
        }
    }
}

/// Walks sixteen neighbouring rays through the slab of `block.inputs`, which `volume` holds, in lockstep; a ray that has
/// ended adds pieces of no length.
#[inline(always)]
fn march(kernel: &Siddon, block: &Block, view: &ViewRays, i: &Lanes, j: f32, volume: &[f32], sum: &mut Lanes) {
    let [nx, ny] = [kernel.nx, kernel.ny].map(|n| n as i32);
    let spacing = [kernel.spacing_x, kernel.spacing_y, kernel.spacing_z];
    let first_z = block.inputs.start as i32;
    let end_z = block.inputs.end as i32;

    let mut t = [0.0; LANES];
    let mut end = [0.0; LANES];
    let mut fraction = [[0.0; LANES]; 3];
    let mut inverse = [[0.0; LANES]; 3];
    let mut plane = [[0.0; LANES]; 3];
    let mut step = [[0.0; LANES]; 3];
    let mut stride = [[0i32; LANES]; 3];
    let mut voxel = [0i32; LANES];
    for l in 0..LANES {
        let d = [0, 1, 2].map(|axis| {
            let (head, tail) = affine(&view.direction, axis, i[l], j);
            head + tail
        });
        let m = [0, 1, 2].map(|axis| d[axis] * spacing[axis]);
        let square = m[0] * m[0] + m[1] * m[1] + m[2] * m[2];
        let per_mm = inverse_square_root(square);
        let length = square * per_mm;
        let axes = [0, 1, 2].map(|axis| Axis::new(affine(&view.point, axis, i[l], j), d[axis] * per_mm));
        let ex = axes[0].entry_exit(0, nx);
        let ey = axes[1].entry_exit(0, ny);
        let ez = axes[2].entry_exit(first_z, end_z);
        let start = ex.0.max(ey.0).max(ez.0).max(view.range[0] * length);
        let stop = ex.1.min(ey.1).min(ez.1).min(view.range[1] * length);
        let is_included = block.way.includes(axes[2].inverse < 0.0);
        let is_hit = start < stop && is_included;
        t[l] = if is_hit { start } else { 0.0 };
        end[l] = if is_hit { stop } else { 0.0 };
        let planes = [
            axes[0].next_plane(0, nx, t[l]),
            axes[1].next_plane(0, ny, t[l]),
            axes[2].next_plane(first_z, end_z, t[l]),
        ];
        let signs = axes.map(|a| if a.inverse > 0.0 { 1 } else { -1 });
        let cell = [0, 1, 2].map(|axis| if signs[axis] > 0 { planes[axis] - 1 } else { planes[axis] });
        let strides = [1, nx, nx * ny];
        voxel[l] = if is_hit { ((cell[2] - first_z) * ny + cell[1]) * nx + cell[0] } else { 0 };
        for axis in 0..3 {
            fraction[axis][l] = axes[axis].fraction;
            // All planes of a ray that misses lie at its end, 0, so that it never moves.
            inverse[axis][l] = if is_hit { axes[axis].inverse } else { 0.0 };
            plane[axis][l] = (planes[axis] - axes[axis].origin) as f32;
            step[axis][l] = signs[axis] as f32;
            stride[axis][l] = signs[axis] * strides[axis];
        }
    }

    let mut distance = [[0.0; LANES]; 3];
    for axis in 0..3 {
        for l in 0..LANES {
            distance[axis][l] = (plane[axis][l] - fraction[axis][l]) * inverse[axis][l];
        }
    }
    let mut is_busy = (0..LANES).any(|l| t[l] < end[l]);
    while is_busy {
        let mut busy = 0u32;
        for l in 0..LANES {
            let [tx, ty, tz] = [distance[0][l], distance[1][l], distance[2][l]];
            let xy = if tx < ty { tx } else { ty };
            let xyz = if xy < tz { xy } else { tz };
            let next = if xyz < end[l] { xyz } else { end[l] };
            // SAFETY: the volume is not empty, as the caller checked.
            let mu = unsafe { gather(volume, voxel[l] as u32) };
            sum[l] += (next - t[l]) * mu;
            t[l] = next;
            let goes = next < end[l];
            let on_x = goes & (tx <= ty) & (tx <= tz);
            let on_y = goes & !on_x & (ty <= tz);
            let on_z = goes & !on_x & !on_y;
            plane[0][l] += if on_x { step[0][l] } else { 0.0 };
            plane[1][l] += if on_y { step[1][l] } else { 0.0 };
            plane[2][l] += if on_z { step[2][l] } else { 0.0 };
            let moved = if on_x {
                stride[0][l]
            } else if on_y {
                stride[1][l]
            } else {
                stride[2][l]
            };
            voxel[l] += if goes { moved } else { 0 };
            distance[0][l] = (plane[0][l] - fraction[0][l]) * inverse[0][l];
            distance[1][l] = (plane[1][l] - fraction[1][l]) * inverse[1][l];
            distance[2][l] = (plane[2][l] - fraction[2][l]) * inverse[2][l];
            busy |= u32::from(goes);
        }
        is_busy = busy != 0;
    }
}
