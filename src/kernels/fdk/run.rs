//! Sixteen neighbouring voxels whose place on the detector changes evenly from one to the next.
//!
//! ```text
//! v_l = whole + (fraction + l·step)      i = ⌊fraction + l·step⌋,  f = fraction + l·step − i
//! q(v_l) = q[whole + i] + f·(q[whole + i + 1] − q[whole + i])
//! ```
//! Values q are pixels of one line of the detector, 0 to `last`; they go on for half a pixel beyond both ends and are 0 beyond.

use crate::{kernels::prelude::*, vectorised::Vectors};

/// Voxels whose rays pass beside the detector or that lie behind the source.
pub(super) const BESIDE: i32 = 0;
/// Voxels that meet the detector between its first and last pixel.
pub(super) const INSIDE: i32 = 1;
/// Voxels of which some lie beyond the first or the last pixel.
pub(super) const EDGE: i32 = 2;
/// Voxels whose pixels are too far apart for one window.
pub(super) const WIDE: i32 = 3;

/// Largest step for which sixteen voxels and their neighbours lie in 32 pixels.
pub(super) const LARGEST_STEP: f32 = 1.9;

/// Where sixteen voxels meet the line.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// Whole part of the first voxel's place.
    pub(super) whole: f32,
    /// The rest of it.
    pub(super) fraction: f32,
    /// Change from voxel to voxel.
    pub(super) step: f32,
    /// Least whole change among the sixteen; 0 where places increase.
    pub(super) below: f32,
}

impl Run {
    /// Places of the two pixels beside each voxel, from the run's lowest on, and the share of the second.
    #[inline(always)]
    fn place(&self, lane: usize) -> (f32, f32) {
        let v = self.fraction + lane as f32 * self.step;
        let part = v.floor();
        (part, v - part)
    }

    /// Whether a voxel sees the line.
    #[inline(always)]
    fn is_seen(&self, lane: usize, last: f32) -> bool {
        let v = self.whole + (self.fraction + lane as f32 * self.step);
        (v >= -0.5) & (v <= last + 0.5)
    }

    /// Adds voxels that lie between pixels; `pixels` begin with number `first`, and go on for a window behind the last.
    #[inline(always)]
    pub(super) fn inside<V: Vectors>(&self, pixels: &[f32], first: i32, sum: &mut Lanes) {
        // SAFETY: a pixel of the detector.
        let at = unsafe { (self.whole + self.below).to_int_unchecked::<i32>() } - first;
        let Some(window) = pixels.get(at as usize..).and_then(|pixels| pixels.first_chunk()) else { return };
        let [mut index, mut next] = [[0; LANES]; 2];
        let mut share = [0.0; LANES];
        for l in 0..LANES {
            let (part, rest) = self.place(l);
            share[l] = rest;
            // SAFETY: from 0 to 30, since the step is at most LARGEST_STEP.
            index[l] = unsafe { (part - self.below).to_int_unchecked::<i32>() };
            next[l] = index[l] + 1;
        }
        // SAFETY: as above; `V` is what the caller is built for.
        let (low, high) = unsafe { (V::pick(window, &index), V::pick(window, &next)) };
        for l in 0..LANES {
            sum[l] += low[l] + share[l] * (high[l] - low[l]);
        }
    }

    /// Adds voxels of which some lie beyond the line's ends.
    #[inline(always)]
    pub(super) fn at_edge<V: Vectors>(&self, pixels: &[f32], first: i32, last: f32, sum: &mut Lanes) {
        let first = first as f32;
        let start = (self.whole + self.below).max(first).min(last);
        // SAFETY: a pixel of the detector.
        let at = unsafe { (start - first).to_int_unchecked::<i32>() };
        let Some(window) = pixels.get(at as usize..).and_then(|pixels| pixels.first_chunk()) else { return };
        let [mut index, mut next] = [[0; LANES]; 2];
        let mut share = [0.0; LANES];
        let mut is_seen = [false; LANES];
        for l in 0..LANES {
            let (part, rest) = self.place(l);
            share[l] = rest;
            is_seen[l] = self.is_seen(l, last);
            let place = |pixel: f32| {
                let place = pixel.max(0.0).min(last) - start;
                // SAFETY: `max` and `min` leave places of the window, NaN included.
                unsafe { place.max(0.0).min((2 * LANES - 1) as f32).to_int_unchecked::<i32>() }
            };
            (index[l], next[l]) = (place(self.whole + part), place(self.whole + part + 1.0));
        }
        // SAFETY: as above; `V` is what the caller is built for.
        let (low, high) = unsafe { (V::pick(window, &index), V::pick(window, &next)) };
        for l in 0..LANES {
            let added = sum[l] + (low[l] + share[l] * (high[l] - low[l]));
            sum[l] = if is_seen[l] { added } else { sum[l] };
        }
    }

    /// Adds voxels whose pixels lie far apart, one by one.
    #[inline(always)]
    pub(super) fn wide(&self, last: f32, pixel: impl Fn(u32) -> f32, sum: &mut Lanes) {
        for (l, sum) in sum.iter_mut().enumerate() {
            let (part, share) = self.place(l);
            // SAFETY: `max` and `min` leave numbers from 0 to the last pixel, NaN included.
            let at = |v: f32| unsafe { pixel(v.max(0.0).min(last).to_int_unchecked::<i32>() as u32) };
            let (low, high) = (at(self.whole + part), at(self.whole + part + 1.0));
            let added = *sum + (low + share * (high - low));
            *sum = if self.is_seen(l, last) { added } else { *sum };
        }
    }
}
