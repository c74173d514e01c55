//! One axis of a ray: its planes by their numbers, and where the ray meets them.

use super::rays::Affine;
use crate::engine::arithmetic::reciprocal;

/// Rays whose direction changes by less than this many voxels per millimetre along an axis are parallel to it.
const PARALLEL: f32 = 1e-12;
/// A parallel ray that is as close to a plane, in voxels, lies in it.
const IN_PLANE: f32 = 1e-6;
/// Distance that no ray reaches, in mm.
const FAR: f32 = 1e30;

/// One axis of one ray: `(k − fraction)·inverse` is the distance to plane `origin + k`.
#[derive(Clone, Copy, Default)]
pub(super) struct Axis {
    pub(super) fraction: f32,
    pub(super) inverse: f32,
    pub(super) origin: i32,
    pub(super) slope: f32,
    pub(super) is_parallel: bool,
}

impl Axis {
    #[inline(always)]
    pub(super) fn new(point: (f32, f32), slope: f32) -> Self {
        let nearest = (point.0 + 0.5).floor();
        let is_parallel = slope.abs() < PARALLEL;
        let slope = if is_parallel { PARALLEL } else { slope };
        let fraction = (point.0 - nearest) + point.1;
        Self {
            // A ray in a plane lies behind it all along: rounding would have it pass the plane on the way.
            fraction: if is_parallel && fraction.abs() < IN_PLANE { 0.0 } else { fraction },
            inverse: if is_parallel { 1.0 / PARALLEL } else { reciprocal(slope) },
            origin: nearest as i32,
            slope,
            is_parallel,
        }
    }

    #[inline(always)]
    pub(super) fn distance_to(&self, plane: i32) -> f32 {
        ((plane - self.origin) as f32 - self.fraction) * self.inverse
    }

    /// Distances at which the ray enters and leaves `first..end`.
    #[inline(always)]
    pub(super) fn entry_exit(&self, first: i32, end: i32) -> (f32, f32) {
        let cell = self.origin + self.fraction.floor() as i32;
        let is_inside = cell >= first && cell < end;
        let (p, q) = (self.distance_to(first), self.distance_to(end));
        let (low, high) = if p < q { (p, q) } else { (q, p) };
        match (self.is_parallel, is_inside) {
            (false, _) => (low, high),
            (true, true) => (-FAR, FAR),
            (true, false) => (FAR, -FAR),
        }
    }

    /// First plane that the ray meets after distance `t`.
    #[inline(always)]
    pub(super) fn next_plane(&self, first: i32, end: i32, t: f32) -> i32 {
        let along = if self.is_parallel { 0.0 } else { t * self.slope };
        let cell = (self.origin + (along + self.fraction).floor() as i32).clamp(first, end - 1);
        let is_up = self.inverse > 0.0;
        let step = if is_up { 1 } else { -1 };
        let plane = if is_up { cell + 1 } else { cell };
        let is_passed = self.distance_to(plane) <= t;
        let is_early = self.distance_to(plane - step) > t && !self.is_parallel;
        if is_passed {
            plane + step
        } else if is_early {
            plane - step
        } else {
            plane
        }
    }
}

/// Sum of head and tail of `base + i·u + j·v` along one axis, as an unevaluated pair.
#[inline(always)]
pub(super) fn affine(a: &Affine, axis: usize, i: f32, j: f32) -> (f32, f32) {
    let u = i * a.u[axis];
    let v = j * a.v[axis];
    let first = a.base[axis] + u;
    let second = first + v;
    let errors = sum_error(a.base[axis], u, first) + sum_error(first, v, second);
    let tail = a.base_tail[axis] + i * a.u_tail[axis] + j * a.v_tail[axis];
    (second, tail + errors)
}

/// What `sum = a + b` lost by rounding (Knuth's TwoSum).
#[inline(always)]
fn sum_error(a: f32, b: f32, sum: f32) -> f32 {
    let t = sum - a;
    (a - (sum - t)) + (b - t)
}
