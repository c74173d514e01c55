//! The inside of the rib cage, on which lungs and ribs agree.

use glam::{DQuat, DVec3};

use super::SIDES;
use crate::phantom::{PhantomError, Shape};

/// Centre and semi-axes of the ellipsoid whose upper part is the cavity, in millimetres.
pub(super) const CENTRE: DVec3 = DVec3::new(0.0, -2.0, -60.0);
pub(super) const SEMI: DVec3 = DVec3::new(138.0, 94.0, 195.0);
/// The cavity's sections are never taken smaller than this part of the widest one, so that ribs pass over its top.
const SMALLEST: f64 = 0.38;

/// A main ellipsoid, and on each side the gutter beside the spine that it would cut off.
pub(super) struct Cavity {
    pub(super) main: Shape,
    pub(super) gutters: [Shape; 2],
}

impl Cavity {
    pub(super) fn new() -> Result<Self, PhantomError> {
        let gutter = |side: f64| {
            let (centre, semi) = (DVec3::new(side * 62.0, -38.0, -62.0), DVec3::new(55.0, 57.0, 172.0));
            Shape::ellipsoid(centre, semi, DQuat::from_rotation_y(side * 0.10))
        };
        let [right, left] = SIDES;
        Ok(Self { main: Shape::ellipsoid(CENTRE, SEMI, DQuat::IDENTITY)?, gutters: [gutter(right)?, gutter(left)?] })
    }

    /// Point `outside_mm` beyond the wall at a height, in the direction `angle` from straight back to the given side.
    pub(super) fn wall_mm(&self, side: f64, angle: f64, z: f64, outside_mm: f64) -> DVec3 {
        let axis = CENTRE.with_z(z);
        let direction = DVec3::new(side * angle.sin(), -angle.cos(), 0.0);
        let smallest = SMALLEST / (direction / SEMI).length();
        let shapes = std::iter::once(&self.main).chain(&self.gutters);
        let exits = shapes.filter_map(|shape| shape.interval(axis, direction)).map(|(_, exit)| exit);
        axis + (exits.fold(smallest, f64::max) + outside_mm) * direction
    }

    /// Angle from straight back at which the main wall lies `x` from the midline, on its front or its back.
    pub(super) fn angle_at(x: f64, z: f64, front: bool) -> f64 {
        let height = (z - CENTRE.z) / SEMI.z;
        let scale = (1.0 - height * height).max(0.0).sqrt().max(SMALLEST);
        let across = (x / (scale * SEMI.x)).min(1.0);
        let depth = scale * SEMI.y * (1.0 - across * across).sqrt();
        f64::atan2(across * scale * SEMI.x, if front { -depth } else { depth })
    }
}
