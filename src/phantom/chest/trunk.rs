//! Body wall: skin over fat over muscle, each the same outline drawn smaller.

use glam::{DQuat, DVec3};

use super::{Parts, SIDES};
use crate::phantom::{PhantomError, Shape, tissue};

/// How far each layer lies under the surface, in millimetres.
const LAYERS: [(f64, f64); 3] = [(0.0, tissue::SOFT), (2.0, tissue::ADIPOSE), (11.0, tissue::MUSCLE)];

pub(super) fn draw(parts: &mut Parts) -> Result<(), PhantomError> {
    for (depth, value) in LAYERS {
        let trunk =
            Shape::ellipsoid(DVec3::new(0.0, -4.0, -70.0), DVec3::new(174.0, 123.0, 310.0) - depth, DQuat::IDENTITY)?;
        parts.push(trunk, value);
        let neck = Shape::cylinder(DVec3::new(0.0, -12.0, 165.0), [60.0 - depth, 62.0 - depth], 60.0, DQuat::IDENTITY)?;
        parts.push(neck, value);
        for side in SIDES {
            let back = Shape::ellipsoid(
                DVec3::new(side * 96.0, -46.0, 45.0),
                DVec3::new(74.0, 68.0, 125.0) - depth,
                DQuat::IDENTITY,
            )?;
            parts.push(back, value);
            // Trapezius and shoulder, then the deltoid over the humerus.
            let (root, tip) = (DVec3::new(side * 40.0, -22.0, 142.0), DVec3::new(side * 150.0, -14.0, 108.0));
            parts.push(Shape::flat_capsule(root, tip, [44.0 - depth, 52.0 - depth], DVec3::Z)?, value);
            let turn = DQuat::from_rotation_y(side * -0.45);
            let deltoid =
                Shape::ellipsoid(DVec3::new(side * 164.0, -10.0, 80.0), DVec3::new(42.0, 52.0, 85.0) - depth, turn)?;
            parts.push(deltoid, value);
        }
    }
    Ok(())
}
