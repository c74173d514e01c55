//! Rays of a view as affine functions of the pixel, in voxel units, exact enough for single precision.
//!
//! A ray runs along `P(i, j) + t·D(i, j)`, where (i, j) are pixel coordinates counted from the detector's centre and
//! both P and D are affine in them. `P` lies on a plane through the volume's centre, so that t is small where it
//! matters. Coefficients are split: the head of a step has so few bits that its product with a pixel coordinate is
//! exact, the tail carries the rest. That keeps rays that are almost parallel to a voxel face, whose line integrals
//! are the most sensitive to rounding, right to about 10⁻⁹ voxel.

use glam::DVec3;

use crate::{
    data::Grid,
    geometry::{Geometry, Source, View},
    shader_struct,
};

shader_struct! {
    /// `base + i·u + j·v` per axis, each coefficient as a head and a tail.
    pub struct Affine {
        /// Value at the detector's centre.
        pub base: [f32; 4],
        /// What `base` lost by rounding.
        pub base_tail: [f32; 4],
        /// Step per column, with few bits.
        pub u: [f32; 4],
        /// What `u` lacks.
        pub u_tail: [f32; 4],
        /// Step per row, with few bits.
        pub v: [f32; 4],
        /// What `v` lacks.
        pub v_tail: [f32; 4],
    }
}

shader_struct! {
    /// Rays of one view.
    pub struct ViewRays {
        /// Point on the ray, in voxels from the corner of the volume's first voxel.
        pub point: Affine,
        /// Direction, in voxels per unit of t.
        pub direction: Affine,
        /// Range of t that belongs to the ray: from the source to the pixel; two numbers that fill the vector.
        pub range: [f32; 4],
    }
}

/// Bits of a step's head on a detector whose longer side has so many pixels.
///
/// The product of a head with a pixel coordinate must be exact in single precision. Coordinates are half-integers up to
/// half of the gaps between the pixels, and have as many bits as the number of gaps: 14 on up to 16,384 pixels, which
/// leaves 10 for the head; smaller detectors have no more. Shorter heads lose little: what they lack is in the tail, whose
/// product errs by 2⁻²⁴ of a part that is below 2⁻ʰ of the whole, h being the bits of the head.
fn head_bits(pixels: usize) -> u32 {
    const FEWEST_COORDINATE_BITS: u32 = 14;
    let coordinate_bits = usize::BITS - pixels.saturating_sub(1).leading_zeros();
    f32::MANTISSA_DIGITS - coordinate_bits.max(FEWEST_COORDINATE_BITS)
}

impl Affine {
    fn new(base: DVec3, u: DVec3, v: DVec3, head_bits: u32) -> Self {
        let four = |f: &dyn Fn(f64) -> f32, w: DVec3| [f(w.x), f(w.y), f(w.z), 0.0];
        let head = |x: f64| {
            let keep = f64::from_bits(x.to_bits() & !((1 << (52 - (head_bits - 1))) - 1));
            keep as f32
        };
        let head_tail = |x: f64| (x - f64::from(head(x))) as f32;
        let single = |x: f64| x as f32;
        let single_tail = |x: f64| (x - f64::from(x as f32)) as f32;
        Self {
            base: four(&single, base),
            base_tail: four(&single_tail, base),
            u: four(&head, u),
            u_tail: four(&head_tail, u),
            v: four(&head, v),
            v_tail: four(&head_tail, v),
        }
    }
}

/// Rays of every view of a geometry through a grid, computed in double precision.
#[must_use]
pub fn view_rays(geometry: &Geometry, grid: &Grid) -> Vec<ViewRays> {
    let [columns, rows] = geometry.detector();
    let head_bits = head_bits(columns.max(rows));
    geometry.views().iter().map(|view| rays_of(view, grid, head_bits)).collect()
}

fn rays_of(view: &View, grid: &Grid, head_bits: u32) -> ViewRays {
    // Voxel coordinates from the corner of the first voxel: planes between voxels are integers.
    let position = |world: DVec3| grid.index_of(world) + 0.5;
    let vector = |world: DVec3| grid.orientation().transpose() * world / grid.spacing_mm();
    let centre = grid.centre_mm();
    let (u, v) = (view.u_step, view.v_step);
    match view.source {
        Source::Point(source) => {
            // The plane through the volume's centre, parallel to the detector, is a fraction `t0` of the way.
            let normal = u.cross(v);
            let axis = view.detector_centre - source;
            let t0 = (centre - source).dot(normal) / axis.dot(normal);
            let point = Affine::new(position(source + t0 * axis), t0 * vector(u), t0 * vector(v), head_bits);
            let direction = Affine::new(vector(axis), vector(u), vector(v), head_bits);
            ViewRays { point, direction, range: [(-t0) as f32, (1.0 - t0) as f32, 0.0, 0.0] }
        }
        Source::Direction(direction) => {
            // One unit of t crosses the whole volume; parallel rays have no end.
            let reach = grid.extent_mm().length();
            let along = direction.normalize();
            let across = |w: DVec3| w - along * w.dot(along);
            let base = centre + across(view.detector_centre - centre);
            let point = Affine::new(position(base), vector(across(u)), vector(across(v)), head_bits);
            let direction = Affine::new(vector(along * reach), DVec3::ZERO, DVec3::ZERO, head_bits);
            ViewRays { point, direction, range: [-1.0, 1.0, 0.0, 0.0] }
        }
    }
}
