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
use crate::{data::Grid, engine::Kernel, geometry::Geometry, vectorised::Vectors};

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

/// Walks side by side, so that steps of one fill the waits of the other.
const BUNDLES: usize = 2;

vectorised! {
    fn twin(kernel: &Siddon, block: &Block, views: &[ViewRays], volume: &[f32], integrals: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        if volume.is_empty() {
            return;
        }
        let mut first = block.rows.start;
        while first < block.rows.end {
            let (view, row) = (first / rows, first % rows);
            let count = (rows - row).min(block.rows.end - first);
            let out = &mut integrals[(first - block.rows.start) * columns..][..count * columns];
            // SAFETY: the volume is not empty, and the processor has the instruction set of `V`.
            unsafe {
                match count {
                    4.. => project::<V, 8>(kernel, block, &views[view], row, volume, out),
                    _ => project::<V, 1>(kernel, block, &views[view], row, volume, out),
                }
            }
            first += count;
        }
    }
}

/// Projects rows of a view from `first` on, whose integrals are `out`. Rays to blocks of `HIGH` rows of pixels are walked side by
/// side: neighbours meet the same lines of the cache.
///
/// # Safety
/// The volume is not empty, and the processor has the instruction set.
#[inline(always)]
unsafe fn project<V: Vectors, const HIGH: usize>(
    kernel: &Siddon,
    block: &Block,
    view: &ViewRays,
    first: usize,
    volume: &[f32],
    out: &mut [f32],
) {
    let columns = kernel.columns as usize;
    let count = out.len() / columns;
    let wide = BUNDLES * LANES / HIGH;
    for column in (0..columns).step_by(wide) {
        for row in (0..count).step_by(HIGH) {
            // Lanes beyond the detector's edge repeat its last pixels.
            let place = |lane: usize| [(column + lane % wide).min(columns - 1), (row + lane / wide).min(count - 1)];
            // SAFETY: as of this function.
            unsafe {
                let mut walks: [Walk<V>; BUNDLES] = std::array::from_fn(|bundle| {
                    let rays: [Ray; LANES] = std::array::from_fn(|lane| {
                        let [u, v] = place(bundle * LANES + lane);
                        let (i, j) = (u as f32 - kernel.half_columns, (first + v) as f32 - kernel.half_rows);
                        let sum = if block.resume { out[v * columns + u] } else { 0.0 };
                        Ray::new(kernel, block, view, i, j, sum)
                    });
                    Walk::new(&rays)
                });
                while walks.iter().any(|walk| V::any(walk.goes)) {
                    for walk in &mut walks {
                        walk.step(volume);
                    }
                }
                for (bundle, walk) in walks.into_iter().enumerate() {
                    for (lane, sum) in V::lanes(walk.sum).into_iter().enumerate() {
                        let [u, v] = place(bundle * LANES + lane);
                        out[v * columns + u] = sum;
                    }
                }
            }
        }
    }
}

/// A ray where it enters the slab of `block.inputs`.
#[derive(Clone, Copy, Default)]
struct Ray {
    sum: f32,
    t: f32,
    end: f32,
    fraction: [f32; 3],
    inverse: [f32; 3],
    plane: [f32; 3],
    step: [f32; 3],
    stride: [i32; 3],
    voxel: i32,
}

impl Ray {
    #[inline(always)]
    fn new(kernel: &Siddon, block: &Block, view: &ViewRays, i: f32, j: f32, sum: f32) -> Self {
        let [nx, ny] = [kernel.nx, kernel.ny].map(|n| n as i32);
        let spacing = [kernel.spacing_x, kernel.spacing_y, kernel.spacing_z];
        let (first_z, end_z) = (block.inputs.start as i32, block.inputs.end as i32);
        let d = [0, 1, 2].map(|axis| {
            let (head, tail) = affine(&view.direction, axis, i, j);
            head + tail
        });
        let m = [0, 1, 2].map(|axis| d[axis] * spacing[axis]);
        let square = m[0] * m[0] + m[1] * m[1] + m[2] * m[2];
        let per_mm = inverse_square_root(square);
        let length = square * per_mm;
        let axes = [0, 1, 2].map(|axis| Axis::new(affine(&view.point, axis, i, j), d[axis] * per_mm));
        let ex = axes[0].entry_exit(0, nx);
        let ey = axes[1].entry_exit(0, ny);
        let ez = axes[2].entry_exit(first_z, end_z);
        let start = ex.0.max(ey.0).max(ez.0).max(view.range[0] * length);
        let stop = ex.1.min(ey.1).min(ez.1).min(view.range[1] * length);
        let is_hit = start < stop && block.way.includes(axes[2].inverse < 0.0);
        if !is_hit {
            // All planes of a ray that misses lie at its end, 0.
            return Self { sum, ..Self::default() };
        }
        let planes = [
            axes[0].next_plane(0, nx, start),
            axes[1].next_plane(0, ny, start),
            axes[2].next_plane(first_z, end_z, start),
        ];
        let signs = axes.map(|a| if a.inverse > 0.0 { 1 } else { -1 });
        let cell = [0, 1, 2].map(|axis| if signs[axis] > 0 { planes[axis] - 1 } else { planes[axis] });
        Self {
            sum,
            t: start,
            end: stop,
            fraction: axes.map(|a| a.fraction),
            inverse: axes.map(|a| a.inverse),
            plane: [0, 1, 2].map(|axis| (planes[axis] - axes[axis].origin) as f32),
            step: signs.map(|s| s as f32),
            stride: [signs[0], signs[1] * nx, signs[2] * nx * ny],
            voxel: ((cell[2] - first_z) * ny + cell[1]) * nx + cell[0],
        }
    }
}

/// Sixteen rays in lockstep; one that has ended adds pieces of no length.
struct Walk<V: Vectors> {
    sum: V::Floats,
    t: V::Floats,
    end: V::Floats,
    fraction: [V::Floats; 3],
    inverse: [V::Floats; 3],
    plane: [V::Floats; 3],
    step: [V::Floats; 3],
    stride: [V::Integers; 3],
    voxel: V::Integers,
    distance: [V::Floats; 3],
    goes: V::Mask,
}

/// # Safety
/// Of all functions: the processor has the instruction set.
impl<V: Vectors> Walk<V> {
    #[inline(always)]
    unsafe fn new(rays: &[Ray; LANES]) -> Self {
        // SAFETY: as of this function.
        unsafe {
            let floats = |of: &dyn Fn(&Ray) -> f32| V::floats(&rays.each_ref().map(of));
            let three = |of: &dyn Fn(&Ray) -> [f32; 3]| [0, 1, 2].map(|axis| floats(&|ray| of(ray)[axis]));
            let (t, end) = (floats(&|ray| ray.t), floats(&|ray| ray.end));
            let mut walk = Self {
                sum: floats(&|ray| ray.sum),
                t,
                end,
                fraction: three(&|ray| ray.fraction),
                inverse: three(&|ray| ray.inverse),
                plane: three(&|ray| ray.plane),
                step: three(&|ray| ray.step),
                stride: [0, 1, 2].map(|axis| V::integers(&rays.each_ref().map(|ray| ray.stride[axis]))),
                voxel: V::integers(&rays.each_ref().map(|ray| ray.voxel)),
                distance: [t; 3],
                goes: V::less(t, end),
            };
            for axis in 0..3 {
                walk.distance[axis] = walk.distance_to_plane(axis);
            }
            walk
        }
    }

    #[inline(always)]
    unsafe fn distance_to_plane(&self, axis: usize) -> V::Floats {
        // SAFETY: as of this function.
        unsafe { V::mul(V::sub(self.plane[axis], self.fraction[axis]), self.inverse[axis]) }
    }

    /// Adds a piece to each ray. The volume is not empty.
    #[inline(always)]
    unsafe fn step(&mut self, volume: &[f32]) {
        // SAFETY: as of this function.
        unsafe {
            let [tx, ty, tz] = self.distance;
            let y_first = V::less(ty, tx);
            let xy = V::choose(y_first, ty, tx);
            let z_first = V::less(tz, xy);
            let xyz = V::choose(z_first, tz, xy);
            self.goes = V::less(xyz, self.end);
            let next = V::choose(self.goes, xyz, self.end);
            self.sum = V::add(self.sum, V::mul(V::sub(next, self.t), V::gather(volume, self.voxel)));
            self.t = next;
            self.pass(0, V::neither(y_first, z_first));
            self.pass(1, V::and_not(y_first, z_first));
            self.pass(2, z_first);
        }
    }

    /// Goes on to the next plane of an axis and into the voxel behind the one that has been met.
    #[inline(always)]
    unsafe fn pass(&mut self, axis: usize, met: V::Mask) {
        // SAFETY: as of this function.
        unsafe {
            self.plane[axis] = V::choose(met, V::add(self.plane[axis], self.step[axis]), self.plane[axis]);
            self.voxel = V::choose_integers(met, V::add_integers(self.voxel, self.stride[axis]), self.voxel);
            self.distance[axis] = self.distance_to_plane(axis);
        }
    }
}
