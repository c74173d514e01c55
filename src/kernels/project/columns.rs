//! The way of detector columns that are parallel to z: one walk through the plane of x and y, and along it heights of sixteen rows.

use super::axis::{Axis, affine};
use super::rays::ViewRays;
use super::walk::Setting;
use crate::kernels::prelude::*;

/// The way of a detector column's rays through the plane of x and y, within the slab of the block.
#[derive(Default)]
pub(super) struct Walk {
    /// Distances at which columns of voxels begin and end, in mm of the plane.
    pub(super) bounds: Vec<f32>,
    /// First value of each column of voxels, one less than bounds.
    pub(super) voxels: Vec<usize>,
    /// Coordinate of the detector column.
    pub(super) i: f32,
    /// Parameter per mm of the plane.
    pub(super) per_mm: f32,
    /// Whether rays of this direction take part in the block.
    pub(super) is_included: bool,
    /// Whether rays go through no slab after the block's.
    pub(super) is_last: bool,
}

impl Walk {
    #[inline(always)]
    pub(super) fn trace(
        &mut self,
        setting: &Setting,
        [wide, deep]: [u32; 2],
        block: &Block,
        view: &ViewRays,
        column: usize,
    ) {
        let [wide, deep] = [wide, deep].map(|n| n as isize);
        let [nx, ny, _] = setting.voxels.map(|n| n as i32);
        let i = column as f32 - setting.half[0];
        let first_y = block.inputs.start as i32;
        let end_y = block.inputs.end as i32;
        let d = [0, 1].map(|axis| {
            let (head, tail) = affine(&view.direction, axis, i, 0.0);
            head + tail
        });
        let m = [d[0] * setting.spacing[0], d[1] * setting.spacing[1]];
        let square = m[0] * m[0] + m[1] * m[1];
        let per_mm = inverse_square_root(square);
        let length = square * per_mm;
        let [ax, ay] = [0, 1].map(|axis| Axis::new(affine(&view.point, axis, i, 0.0), d[axis] * per_mm));
        let is_descending = ay.inverse < 0.0;
        self.i = i;
        self.per_mm = per_mm;
        self.is_included = block.way.includes(is_descending);
        self.is_last = if is_descending { first_y == 0 } else { end_y == ny };
        self.bounds.clear();
        self.voxels.clear();
        let ex = ax.entry_exit(0, nx);
        let ey = ay.entry_exit(first_y, end_y);
        let start = ex.0.max(ey.0).max(view.range[0] * length);
        let end = ex.1.min(ey.1).min(view.range[1] * length);
        if !(start < end && self.is_included) {
            return;
        }
        let planes = [ax.next_plane(0, nx, start), ay.next_plane(first_y, end_y, start)];
        let [sx, sy] = [&ax, &ay].map(|a| if a.inverse > 0.0 { 1_isize } else { -1 });
        let cell_x = if sx > 0 { planes[0] - 1 } else { planes[0] };
        let cell_y = if sy > 0 { planes[1] - 1 } else { planes[1] };
        let mut voxel = ((cell_y - first_y) as isize * wide + cell_x as isize) * deep;
        let (stride_x, stride_y) = (sx * deep, sy * wide * deep);
        let (mut fx, mut fy) = ((planes[0] - ax.origin) as f32, (planes[1] - ay.origin) as f32);
        let (gx, gy) = (sx as f32, sy as f32);
        let (fraction_x, inverse_x) = (ax.fraction, ax.inverse);
        let (fraction_y, inverse_y) = (ay.fraction, ay.inverse);
        let (mut tx, mut ty) = ((fx - fraction_x) * inverse_x, (fy - fraction_y) * inverse_y);
        // Every step passes a plane of the slab.
        let most = (nx + end_y - first_y) as usize + 2;
        self.bounds.resize(most + 1, 0.0);
        self.voxels.resize(most, 0);
        self.bounds[0] = start;
        let (mut t, mut count) = (start, 0);
        for _ in 0..most {
            let xy = if tx < ty { tx } else { ty };
            let next = if xy < end { xy } else { end };
            // Pieces of no length add nothing.
            self.bounds[count + 1] = next;
            self.voxels[count] = voxel as usize;
            count += usize::from(next > t);
            t = next;
            if t >= end {
                break;
            }
            if tx <= ty {
                fx += gx;
                voxel += stride_x;
                tx = (fx - fraction_x) * inverse_x;
            } else {
                fy += gy;
                voxel += stride_y;
                ty = (fy - fraction_y) * inverse_y;
            }
        }
        self.bounds.truncate(count + 1);
        self.voxels.truncate(count);
    }
}

/// Sixteen rows of a detector column: their planes of z.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) fraction: Lanes,
    pub(super) inverse: Lanes,
    /// Planes per mm, 0 where a ray is parallel to them.
    pub(super) slope: Lanes,
    pub(super) origin: [i32; LANES],
    /// What the third dimension adds to a length.
    pub(super) factor: Lanes,
}

impl Rows {
    /// Rows from `first` on; those beyond the detector's last are like it.
    #[inline(always)]
    pub(super) fn new(setting: &Setting, view: &ViewRays, walk: &Walk, first: usize) -> Self {
        let mut rows = Self {
            fraction: [0.0; LANES],
            inverse: [0.0; LANES],
            slope: [0.0; LANES],
            origin: [0; LANES],
            factor: [0.0; LANES],
        };
        let last = setting.detector[1] as usize - 1;
        for l in 0..LANES {
            let j = (first + l).min(last) as f32 - setting.half[1];
            let (head, tail) = affine(&view.direction, 2, walk.i, j);
            let slope = (head + tail) * walk.per_mm;
            let rise = slope * setting.spacing[2];
            let square = 1.0 + rise * rise;
            let axis = Axis::new(affine(&view.point, 2, walk.i, j), slope);
            rows.fraction[l] = axis.fraction;
            rows.inverse[l] = axis.inverse;
            rows.slope[l] = if axis.is_parallel { 0.0 } else { axis.slope };
            rows.origin[l] = axis.origin;
            rows.factor[l] = square * inverse_square_root(square);
        }
        rows
    }

    /// Voxel of a lane at distance `s`, which rounding may move by one.
    #[inline(always)]
    fn voxel(&self, l: usize, s: f32) -> i32 {
        self.origin[l] + (s * self.slope[l] + self.fraction[l]).floor() as i32
    }

    /// First and last voxel that the rows can meet between two distances.
    #[inline(always)]
    pub(super) fn reach(&self, from: f32, to: f32) -> [i32; 2] {
        // At any distance the places of the rows lie in their order.
        let [a, b] = [from, to].map(|s| [self.voxel(0, s), self.voxel(LANES - 1, s)]);
        [a[0].min(a[1]).min(b[0].min(b[1])) - 2, a[0].max(a[1]).max(b[0].max(b[1])) + 2]
    }
}

/// Where sixteen rows are on their ways.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Voxel.
    pub(super) voxel: [i32; LANES],
    /// Step from voxel to voxel.
    pub(super) step: [i32; LANES],
    /// Number of the next plane from the ray's own origin.
    pub(super) plane: Lanes,
    /// Step from plane to plane.
    pub(super) plane_step: Lanes,
    /// Distance to the next plane.
    pub(super) distance: Lanes,
}

impl Place {
    #[inline(always)]
    pub(super) fn at(rows: &Rows, s: f32) -> Self {
        const ANY: i32 = 1 << 30;
        let mut place = Self {
            voxel: [0; LANES],
            step: [0; LANES],
            plane: [0.0; LANES],
            plane_step: [0.0; LANES],
            distance: [0.0; LANES],
        };
        for l in 0..LANES {
            let axis = Axis {
                fraction: rows.fraction[l],
                inverse: rows.inverse[l],
                origin: rows.origin[l],
                slope: rows.slope[l],
                is_parallel: rows.slope[l] == 0.0,
            };
            let plane = axis.next_plane(-ANY, ANY, s);
            let step = if axis.inverse > 0.0 { 1 } else { -1 };
            place.voxel[l] = if step > 0 { plane - 1 } else { plane };
            place.step[l] = step;
            place.plane[l] = (plane - axis.origin) as f32;
            place.plane_step[l] = step as f32;
            place.distance[l] = (place.plane[l] - axis.fraction) * axis.inverse;
        }
        place
    }
}
