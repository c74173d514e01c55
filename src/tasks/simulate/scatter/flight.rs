//! The last flight: what reaches the pixels of a detector.

use std::f64::consts::PI;

use glam::DVec3;

use super::{
    cells::Cells,
    groups::{Angle, Band, GROUPS, Groups, SHIFTS},
    orders::{HARMONICS, Harmonics, towards},
};
use crate::{engine::arithmetic::exp, physics::PhysicsError, vectorised::vectorised};

/// Rings of rays around that from the source: where they end, in degrees from it, and their number of rays. Coherent scattering and
/// grids ask for narrow ones.
const RINGS: [(f64, usize); 12] = [
    (2.5, 4),
    (5.5, 8),
    (9.0, 8),
    (13.0, 12),
    (18.0, 12),
    (24.0, 12),
    (31.0, 14),
    (39.0, 14),
    (48.0, 16),
    (59.0, 16),
    (72.0, 16),
    (89.0, 16),
];
/// Points along the two sides of a ray's share of its ring at which the grid's transmission is averaged.
const POINTS: [usize; 2] = [2, 12];

/// Rays to a pixel.
pub(super) struct Rays(Vec<Ray>);

struct Ray {
    /// Along and across the columns, and towards the source.
    towards: [f64; 3],
    solid_angle: f64,
    /// Share that a grid lets pass.
    passes: Band,
}

impl Rays {
    /// `passes` is a grid's transmission by group, of photons that come from a direction.
    pub(super) fn new(passes: impl Fn(usize, [f64; 3]) -> Result<f64, PhysicsError>) -> Result<Self, PhysicsError> {
        let mut rays = Vec::new();
        let mut from = 0.0_f64;
        for (ring, (to_deg, count)) in RINGS.into_iter().enumerate() {
            let to = to_deg.to_radians();
            let [near, far] = [from.cos(), to.cos()];
            let towards = |cosine: f64, azimuth: f64| {
                let sine = (1.0 - cosine * cosine).sqrt();
                [sine * azimuth.cos(), sine * azimuth.sin(), cosine]
            };
            // Every other ring begins half a step further, so that rays do not lie in rows.
            let azimuth = |k: f64| 2.0 * PI * (k + 0.5 * (ring % 2) as f64) / count as f64;
            for k in 0..count {
                let mut mean = [0.0; GROUPS];
                for (group, mean) in mean.iter_mut().enumerate() {
                    let mut sum = 0.0;
                    for point in 0..POINTS[0] * POINTS[1] {
                        let [along, around] = [point % POINTS[0], point / POINTS[0]];
                        let cosine = near + (far - near) * (along as f64 + 0.5) / POINTS[0] as f64;
                        let turn = (around as f64 + 0.5) / POINTS[1] as f64 - 0.5;
                        sum += passes(group, towards(cosine, azimuth(k as f64 + turn)))?;
                    }
                    *mean = (sum / (POINTS[0] * POINTS[1]) as f64) as f32;
                }
                let towards = towards(0.5 * (near + far), azimuth(k as f64));
                rays.push(Ray { towards, solid_angle: 2.0 * PI * (near - far) / count as f64, passes: mean });
            }
            from = to;
        }
        Ok(Self(rays))
    }
}

/// What photons are scattered by and to what a detector makes of them.
pub(super) struct Scene<'a> {
    pub(super) cells: &'a Cells,
    pub(super) groups: &'a Groups,
    /// In mm from the corner of the cells.
    pub(super) source: DVec3,
    /// Photons of the beam that are scattered once, incoherently and coherently, per mm³.
    pub(super) once: Vec<[Band; 2]>,
    /// Photons that are scattered another time, per mm³.
    pub(super) again: Vec<Harmonics>,
    /// First and second moments of the signal of a photon, by group.
    pub(super) response: [Band; 2],
}

/// Signal per mm² of a detector: its mean, the same behind the grid, and the second moment of that.
pub(super) type Signal = [f64; 3];

impl Scene<'_> {
    /// Signal at a place of the detector, with its normal towards the body and its columns, in mm from the corner of the cells.
    pub(super) fn signal(&self, rays: &Rays, place: DVec3, normal: DVec3, columns: DVec3) -> Signal {
        let axis = (self.source - place).normalize();
        let across = (columns - columns.dot(axis) * axis).normalize();
        let along = axis.cross(across);
        let mut signal = [0.0; 3];
        for ray in &rays.0 {
            let [x, y, z] = ray.towards;
            let towards = x * across + y * along + z * axis;
            let cosine = towards.dot(normal);
            if cosine <= 0.0 {
                continue;
            }
            let mut radiance = [0.0; GROUPS];
            self.radiance(place, towards, &mut radiance);
            let [mut mean, mut behind, mut square] = [0.0_f32; 3];
            for group in 0..GROUPS {
                let [first, second] = self.response.map(|response| response[group] * radiance[group]);
                mean += first;
                behind += ray.passes[group] * first;
                square += ray.passes[group] * second;
            }
            let area = ray.solid_angle * cosine;
            signal.iter_mut().zip([mean, behind, square]).for_each(|(sum, part)| *sum += area * f64::from(part));
        }
        signal
    }

    /// Photons per mm² and steradian that come to a place, by group.
    fn radiance(&self, place: DVec3, towards_body: DVec3, radiance: &mut Band) {
        let flight = -towards_body;
        let weights = towards(flight.as_vec3().to_array()).map(|weight| weight / (4.0 * std::f32::consts::PI));
        let mut passed = [1.0; GROUPS];
        self.cells.walk(place, towards_body, |cell, enters, length| {
            let optics = &self.cells.optics[cell];
            if optics.is_empty {
                return;
            }
            let middle = place + (enters + 0.5 * length) * towards_body;
            let cosine = (middle - self.source).normalize().dot(flight);
            let angle = self.groups.at(cosine as f32);
            crossed(
                angle,
                &self.once[cell],
                &self.again[cell],
                &weights,
                &optics.removal,
                length as f32,
                &mut passed,
                radiance,
            );
        });
    }
}

vectorised! {
    /// Adds what a cell sends along a ray, and weakens what comes from behind it.
    #[allow(clippy::too_many_arguments, reason = "all that a cell is")]
    fn crossed(
        angle: &Angle,
        once: &[Band; 2],
        again: &Harmonics,
        weights: &[f32; HARMONICS],
        removal: &Band,
        length: f32,
        passed: &mut Band,
        radiance: &mut Band,
    ) {
        let [compton, coherent] = once;
        let mut sent: Band = std::array::from_fn(|group| angle.coherent[group] * coherent[group]);
        let mut padded = [0.0; GROUPS + SHIFTS];
        padded[..GROUPS].copy_from_slice(compton);
        for shift in 0..SHIFTS {
            for group in 0..GROUPS {
                sent[group] += angle.compton[shift][group] * padded[group + shift];
            }
        }
        for m in 0..HARMONICS {
            for group in 0..GROUPS {
                sent[group] += weights[m] * again[m][group];
            }
        }
        for group in 0..GROUPS {
            let depth = removal[group] * length;
            let left = exp(-depth);
            // Mean of what the cell's own matter leaves.
            let own = if depth < 0.01 { 1.0 - 0.5 * depth } else { (1.0 - left) / depth };
            radiance[group] += passed[group] * (sent[group].max(0.0) * length * own);
            passed[group] *= left;
        }
    }
}
