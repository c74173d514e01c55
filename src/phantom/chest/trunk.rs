//! Body wall: skin over fat over muscle, each the same outline drawn smaller; breasts and upper arms likewise.

use glam::{DQuat, DVec3};

use super::{Arms, Habitus, Parts, SIDES};
use crate::phantom::{PhantomError, Shape, tissue};

/// How far each layer lies under the surface, in millimetres.
const LAYERS: [(f64, f64); 3] = [(0.0, tissue::SOFT), (2.0, tissue::ADIPOSE), (11.0, tissue::MUSCLE)];
/// Semi-axes of a breast across and upwards for one of `BREAST_MM` height.
const BREAST_SEMI_MM: [f64; 2] = [62.0, 70.0];
const BREAST_MM: f64 = 45.0;
/// Glandular tissue, in mm⁻¹: half of it fat.
const GLAND: f64 = 0.5 * (tissue::SOFT + tissue::ADIPOSE);
/// Radius of the upper arm at its surface, in millimetres.
const ARM_MM: f64 = 46.0;

pub(super) fn draw(parts: &mut Parts, habitus: &Habitus) -> Result<(), PhantomError> {
    for (layer, (depth, value)) in LAYERS.into_iter().enumerate() {
        // More fat moves the surface outwards and leaves the muscle where it is.
        let depth = if layer == LAYERS.len() - 1 { depth } else { depth - habitus.fat_mm };
        let trunk =
            Shape::ellipsoid(DVec3::new(0.0, -4.0, -70.0), DVec3::new(174.0, 123.0, 310.0) - depth, DQuat::IDENTITY)?;
        parts.push(trunk, value);
        neck(parts, habitus, depth, value)?;
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
            arm(parts, habitus.arms, side, depth, value)?;
            if layer < LAYERS.len() - 1 && habitus.breast_mm > 0.0 {
                breast(parts, habitus, side, depth, value)?;
            }
        }
    }
    Ok(())
}

/// The neck takes half of the fat; that of a whole body goes on to the top of its box.
fn neck(parts: &mut Parts, habitus: &Habitus, depth: f64, value: f64) -> Result<(), PhantomError> {
    let depth = depth.max(-0.5 * habitus.fat_mm);
    let half_length = if habitus.is_whole() { 100.0 } else { 60.0 };
    let centre = DVec3::new(0.0, -12.0, 105.0 + half_length);
    parts.push(Shape::cylinder(centre, [60.0 - depth, 62.0 - depth], half_length, DQuat::IDENTITY)?, value);
    Ok(())
}

/// Deltoid, and the upper arm of a whole body.
fn arm(parts: &mut Parts, arms: Arms, side: f64, depth: f64, value: f64) -> Result<(), PhantomError> {
    let at = |x: f64, y: f64, z: f64| DVec3::new(side * x, y, z);
    let (tilt, height) = if arms == Arms::Raised { (0.15, 108.0) } else { (-0.45, 80.0) };
    let turn = DQuat::from_rotation_y(side * tilt);
    let deltoid = Shape::ellipsoid(at(164.0, -10.0, height), DVec3::new(42.0, 52.0, 85.0) - depth, turn)?;
    parts.push(deltoid, value);
    match arms {
        Arms::Cut => Ok(()),
        Arms::Lowered => parts.capsule(at(172.0, -10.0, 96.0), at(244.0, 8.0, -160.0), ARM_MM - depth, value),
        Arms::Raised => parts.capsule(at(168.0, -8.0, 118.0), at(196.0, 20.0, 320.0), ARM_MM - depth, value),
    }
}

/// Skin and fat of a breast, and its gland within the fat.
fn breast(parts: &mut Parts, habitus: &Habitus, side: f64, depth: f64, value: f64) -> Result<(), PhantomError> {
    let size = (habitus.breast_mm / BREAST_MM).sqrt();
    // Grows out of the chest wall, which lies about 100 mm before the spine there.
    let centre = DVec3::new(side * 78.0, 88.0 + 0.3 * habitus.fat_mm, -32.0 - 0.3 * habitus.breast_mm);
    let semi = DVec3::new(size * BREAST_SEMI_MM[0], habitus.breast_mm, size * BREAST_SEMI_MM[1]);
    let surface = depth + habitus.fat_mm;
    let turn = DQuat::from_rotation_z(side * -0.25);
    parts.ellipsoid(centre, semi - surface, turn, value)?;
    if surface > 0.0 {
        parts.ellipsoid(centre, 0.7 * (semi - surface), turn, GLAND)?;
    }
    Ok(())
}
