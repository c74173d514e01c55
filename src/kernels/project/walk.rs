//! The way of rays from voxel face to voxel face, sixteen of them in lockstep; [`siddon`](super::siddon) tells its rules.

use std::ops::Range;

use super::axis::{Axis, affine};
use super::rays::ViewRays;
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry, vectorised::Vectors};

/// What rays run through and where they end.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    /// Voxels along x, y and z.
    pub(super) voxels: [u32; 3],
    /// Distances between them, in mm.
    pub(super) spacing: [f32; 3],
    /// Columns and rows of the detector.
    pub(super) detector: [u32; 2],
    /// Half the number of gaps between columns, and between rows.
    pub(super) half: [f32; 2],
    pub(super) view_count: u32,
}

impl Setting {
    pub(super) fn of(geometry: &Geometry, grid: &Grid) -> Self {
        let detector = geometry.detector().map(|n| n as u32);
        Self {
            voxels: grid.size().map(|n| n as u32),
            spacing: grid.spacing_mm().as_vec3().to_array(),
            detector,
            half: detector.map(|n| (n as f32 - 1.0) / 2.0),
            view_count: geometry.views().len() as u32,
        }
    }
}

/// Operations of a ray, which takes at most as many steps as there are planes.
pub(super) fn ray_operations(voxels: [u32; 3], step_operations: f64) -> f64 {
    let [nx, ny, nz] = voxels.map(f64::from);
    (nx + ny + nz) * step_operations
}

/// What rays sum up along their pieces: `N` numbers of each.
pub(super) trait Summand<V: Vectors, const N: usize> {
    /// Adds a piece in a voxel to each of sixteen rays; rays that have ended stand in any voxel, with a piece of no length.
    ///
    /// # Safety
    /// The processor has the instruction set, and there is a voxel.
    unsafe fn add(&self, sums: &mut [V::Floats; N], length: V::Floats, voxel: V::Integers);
}

/// Where sums of rows of pixels are kept.
pub(super) struct Sums<'a> {
    /// From the first sum of the first pixel on.
    pub(super) values: &'a mut [f32],
    /// Values of a row of pixels.
    pub(super) pitch: usize,
    /// Sums of a pixel that are kept, each with a row of columns of its own.
    pub(super) count: usize,
}

/// Walks side by side, so that steps of one fill the waits of the other.
const BUNDLES: usize = 2;

/// Walks the rays to the rows of the block, the first of whose pixels has the first of `sums`.
///
/// # Safety
/// The volume is not empty, and the processor has the instruction set.
#[inline(always)]
pub(super) unsafe fn walk_rows<V: Vectors, const N: usize>(
    setting: &Setting,
    block: &Block,
    views: &[ViewRays],
    summand: &impl Summand<V, N>,
    sums: &mut Sums<'_>,
) {
    let rows = setting.detector[1] as usize;
    let mut first = block.rows.start;
    while first < block.rows.end {
        let (view, row) = (first / rows, first % rows);
        let lines = row..rows.min(row + block.rows.end - first);
        let mut sums = Sums { values: &mut sums.values[(first - block.rows.start) * sums.pitch..], ..*sums };
        first += lines.len();
        // SAFETY: as of this function.
        unsafe {
            match lines.len() {
                4.. => walk_lines::<V, N, 8>(setting, block, &views[view], lines, summand, &mut sums),
                _ => walk_lines::<V, N, 1>(setting, block, &views[view], lines, summand, &mut sums),
            }
        }
    }
}

/// Walks the rays to rows of a view. Rays to blocks of `HIGH` rows of pixels are walked side by side: neighbours meet the same
/// lines of the cache.
///
/// # Safety
/// As of [`walk_rows`].
#[inline(always)]
unsafe fn walk_lines<V: Vectors, const N: usize, const HIGH: usize>(
    setting: &Setting,
    block: &Block,
    view: &ViewRays,
    lines: Range<usize>,
    summand: &impl Summand<V, N>,
    sums: &mut Sums<'_>,
) {
    let columns = setting.detector[0] as usize;
    let count = lines.len();
    let wide = BUNDLES * LANES / HIGH;
    for column in (0..columns).step_by(wide) {
        for row in (0..count).step_by(HIGH) {
            // Lanes beyond the detector's edge repeat its last pixels.
            let place = |lane: usize| [(column + lane % wide).min(columns - 1), (row + lane / wide).min(count - 1)];
            // SAFETY: as of this function.
            unsafe {
                let mut walks: [Walk<V, N>; BUNDLES] = std::array::from_fn(|bundle| {
                    let rays: [Ray; LANES] = std::array::from_fn(|lane| {
                        let [u, v] = place(bundle * LANES + lane);
                        let (i, j) = (u as f32 - setting.half[0], (lines.start + v) as f32 - setting.half[1]);
                        Ray::new(setting, block, view, i, j)
                    });
                    let mut begun = [[0.0; LANES]; N];
                    if block.resume {
                        for (n, begun) in begun.iter_mut().enumerate().take(sums.count) {
                            for (lane, sum) in begun.iter_mut().enumerate() {
                                let [u, v] = place(bundle * LANES + lane);
                                *sum = sums.values[v * sums.pitch + n * columns + u];
                            }
                        }
                    }
                    Walk::new(&rays, &begun)
                });
                while walks.iter().any(|walk| V::any(walk.goes)) {
                    for walk in &mut walks {
                        walk.step(summand);
                    }
                }
                for (bundle, walk) in walks.into_iter().enumerate() {
                    for (n, of_rays) in walk.sums.into_iter().enumerate().take(sums.count) {
                        for (lane, sum) in V::lanes(of_rays).into_iter().enumerate() {
                            let [u, v] = place(bundle * LANES + lane);
                            sums.values[v * sums.pitch + n * columns + u] = sum;
                        }
                    }
                }
            }
        }
    }
}

/// A ray where it enters the slab of `block.inputs`.
#[derive(Clone, Copy, Default)]
struct Ray {
    t: f32,
    end: f32,
    fraction: [f32; 3],
    inverse: [f32; 3],
    plane: [f32; 3],
    step: [f32; 3],
    stride: [i32; 3],
    voxel: i32,
}

/// The planes of the ray to a pixel along each axis, and what a unit of its parameter is in mm.
#[inline(always)]
pub(super) fn axes(view: &ViewRays, spacing: [f32; 3], i: f32, j: f32) -> ([Axis; 3], f32) {
    let d = [0, 1, 2].map(|axis| {
        let (head, tail) = affine(&view.direction, axis, i, j);
        head + tail
    });
    let m = [0, 1, 2].map(|axis| d[axis] * spacing[axis]);
    let square = m[0] * m[0] + m[1] * m[1] + m[2] * m[2];
    let per_mm = inverse_square_root(square);
    let axes = [0, 1, 2].map(|axis| Axis::new(affine(&view.point, axis, i, j), d[axis] * per_mm));
    (axes, square * per_mm)
}

impl Ray {
    #[inline(always)]
    fn new(setting: &Setting, block: &Block, view: &ViewRays, i: f32, j: f32) -> Self {
        let [nx, ny, _] = setting.voxels.map(|n| n as i32);
        let (first_z, end_z) = (block.inputs.start as i32, block.inputs.end as i32);
        let (axes, length) = axes(view, setting.spacing, i, j);
        let ex = axes[0].entry_exit(0, nx);
        let ey = axes[1].entry_exit(0, ny);
        let ez = axes[2].entry_exit(first_z, end_z);
        let start = ex.0.max(ey.0).max(ez.0).max(view.range[0] * length);
        let stop = ex.1.min(ey.1).min(ez.1).min(view.range[1] * length);
        let is_hit = start < stop && block.way.includes(axes[2].inverse < 0.0);
        if !is_hit {
            // All planes of a ray that misses lie at its end, 0.
            return Self::default();
        }
        let planes = [
            axes[0].next_plane(0, nx, start),
            axes[1].next_plane(0, ny, start),
            axes[2].next_plane(first_z, end_z, start),
        ];
        let signs = axes.map(|a| if a.inverse > 0.0 { 1 } else { -1 });
        let cell = [0, 1, 2].map(|axis| if signs[axis] > 0 { planes[axis] - 1 } else { planes[axis] });
        Self {
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
struct Walk<V: Vectors, const N: usize> {
    sums: [V::Floats; N],
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
impl<V: Vectors, const N: usize> Walk<V, N> {
    #[inline(always)]
    unsafe fn new(rays: &[Ray; LANES], sums: &[Lanes; N]) -> Self {
        // SAFETY: as of this function.
        unsafe {
            let floats = |of: &dyn Fn(&Ray) -> f32| V::floats(&rays.each_ref().map(of));
            let three = |of: &dyn Fn(&Ray) -> [f32; 3]| [0, 1, 2].map(|axis| floats(&|ray| of(ray)[axis]));
            let (t, end) = (floats(&|ray| ray.t), floats(&|ray| ray.end));
            let mut walk = Self {
                sums: sums.each_ref().map(|of_rays| V::floats(of_rays)),
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
    unsafe fn step(&mut self, summand: &impl Summand<V, N>) {
        // SAFETY: as of this function.
        unsafe {
            let [tx, ty, tz] = self.distance;
            let y_first = V::less(ty, tx);
            let xy = V::choose(y_first, ty, tx);
            let z_first = V::less(tz, xy);
            let xyz = V::choose(z_first, tz, xy);
            self.goes = V::less(xyz, self.end);
            let next = V::choose(self.goes, xyz, self.end);
            summand.add(&mut self.sums, V::sub(next, self.t), self.voxel);
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
