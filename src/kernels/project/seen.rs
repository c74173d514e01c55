//! Where a view sees a box about voxels: between which pixels all rays lie that pass through it.
//!
//! The box's corners are projected on the detector; where one of them lies behind the source, all pixels may see it. What gathers
//! by this asks more pixels than have rays through the box, whose weights are 0.

use glam::DVec3;

use crate::kernels::{
    fdk::backproject::{ViewMatrix, matrices},
    prelude::*,
};
use crate::{
    data::Grid,
    geometry::{DetectorAxis, Geometry, Source, View},
};

shader_struct! {
    /// Where a view sees a point.
    pub struct ViewForms {
        /// Numerators of the column and of the row, and their denominator: factors of x, y, z from the volume's centre, and a constant.
        pub u, v, w: [f32; 4],
        /// 1 where x, y, z may be the main axis of a ray; the fourth fills the vector.
        pub axes: [u32; 4],
    }
}

/// Least denominator of a corner before the source.
const LEAST_W: f32 = 1e-6;

/// Forms of all views.
pub(super) fn forms(geometry: &Geometry, grid: &Grid) -> Vec<ViewForms> {
    let of = |(ViewMatrix { u, v, w }, view)| {
        let [x, y, z] = main_axes(view, geometry.detector(), grid).map(u32::from);
        ViewForms { u, v, w, axes: [x, y, z, 0] }
    };
    matrices(geometry, DetectorAxis::U, 0, grid).into_iter().zip(geometry.views()).map(of).collect()
}

/// What rounding may move the places of corners by, in pixels.
pub(super) fn margin(geometry: &Geometry) -> f32 {
    let [columns, rows] = geometry.detector();
    1e-2 + 1e-6 * columns.max(rows) as f32
}

/// Which axes may be the main ones of a view's rays: those whose step, in voxels, is somewhere as large as that of each other one
/// is somewhere at least. Steps are affine in the pixel.
fn main_axes(view: &View, [columns, rows]: [usize; 2], grid: &Grid) -> [bool; 3] {
    let steps = |world: DVec3| (grid.orientation().transpose() * world / grid.spacing_mm()).to_array();
    let half = [columns, rows].map(|n| n as f64 / 2.0);
    let corners = [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]].map(|[i, j]| match view.source {
        Source::Point(source) => {
            steps(view.detector_centre + i * half[0] * view.u_step + j * half[1] * view.v_step - source)
        }
        Source::Direction(direction) => steps(direction),
    });
    let range = |axis: usize| {
        let of = corners.map(|corner| corner[axis]);
        let (low, high) = of.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let least = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
        [least, low.abs().max(high.abs())]
    };
    let ranges = [0, 1, 2].map(range);
    [0, 1, 2].map(|axis| (0..3).all(|other| ranges[axis][1] * (1.0 + 1e-5) >= ranges[other][0]))
}

/// Columns and rows, from the first to before the last, between the corners of a box, whose lowest and highest one are given from
/// the volume's centre.
#[inline(always)]
pub(super) fn pixels(view: &ViewForms, ends: [[f32; 3]; 2], detector: [u32; 2], margin: f32) -> [[u32; 2]; 2] {
    let corners: [[f32; 3]; 8] = std::array::from_fn(|n| std::array::from_fn(|axis| ends[n >> axis & 1][axis]));
    let at = |f: &[f32; 4]| corners.map(|[x, y, z]| f[0] * x + f[1] * y + (f[2] * z + f[3]));
    let w = at(&view.w);
    if w.iter().any(|w| *w <= LEAST_W) {
        return detector.map(|count| [0, count]);
    }
    let scale = w.map(reciprocal);
    let span = |form: &[f32; 4], count: u32| {
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for (numerator, scale) in at(form).iter().zip(&scale) {
            let place = numerator * scale;
            (low, high) = (low.min(place), high.max(place));
        }
        let first = (low - margin).ceil().max(0.0).min(count as f32);
        let end = ((high + margin).floor() + 1.0).max(first).min(count as f32);
        [first as u32, end as u32]
    };
    [span(&view.u, detector[0]), span(&view.v, detector[1])]
}
