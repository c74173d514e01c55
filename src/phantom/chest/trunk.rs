//! Body wall: skin over fat over muscle, each the same outline drawn smaller.

use glam::{DQuat, DVec3};

use super::{Parts, SIDES};
use crate::phantom::{HalfSpace, PhantomError, Shape, tissue};

/// How far each layer lies under the surface, in millimetres.
const LAYERS: [(f64, f64); 3] = [(0.0, tissue::SOFT), (2.0, tissue::ADIPOSE), (11.0, tissue::MUSCLE)];
/// The chest ends at the faces of its box.
const HALF_BOX_MM: DVec3 = DVec3::new(190.0, 130.0, 200.0);

pub(super) fn draw(parts: &mut Parts) -> Result<(), PhantomError> {
    for (depth, value) in LAYERS {
        let trunk =
            Shape::ellipsoid(DVec3::new(0.0, -4.0, -70.0), DVec3::new(174.0, 123.0, 310.0) - depth, DQuat::IDENTITY)?;
        parts.push(boxed(trunk)?, value);
        let neck = Shape::cylinder(DVec3::new(0.0, -12.0, 165.0), [60.0 - depth, 62.0 - depth], 60.0, DQuat::IDENTITY)?;
        parts.push(boxed(neck)?, value);
        for side in SIDES {
            // Trapezius and shoulder, then the deltoid over the head of the humerus.
            let (root, tip) = (DVec3::new(side * 40.0, -22.0, 142.0), DVec3::new(side * 150.0, -14.0, 108.0));
            parts.push(boxed(Shape::flat_capsule(root, tip, [44.0 - depth, 52.0 - depth], DVec3::Z)?)?, value);
            let turn = DQuat::from_rotation_y(side * -0.25);
            let deltoid =
                Shape::ellipsoid(DVec3::new(side * 158.0, -10.0, 85.0), DVec3::new(42.0, 52.0, 85.0) - depth, turn)?;
            parts.push(boxed(deltoid)?, value);
        }
    }
    Ok(())
}

/// The part of a shape within the box of the chest.
pub(super) fn boxed(shape: Shape) -> Result<Shape, PhantomError> {
    let mut shape = shape;
    for axis in [DVec3::X, DVec3::Y, DVec3::Z] {
        let half = axis.dot(HALF_BOX_MM);
        shape = shape.clipped(HalfSpace::below(axis, half)?).clipped(HalfSpace::above(axis, -half)?);
    }
    Ok(shape)
}
