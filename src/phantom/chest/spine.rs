//! Vertebrae from the sixth cervical to the third lumbar, or as far as a whole body goes, with pedicles and processes.

use glam::{DQuat, DVec3};

use super::{Habitus, Parts, SIDES};
use crate::phantom::{PhantomError, Shape, tissue};

/// Thickness of cortical bone around the vertebral bodies, in millimetres.
const SHELL_MM: f64 = 0.8;
/// Gap between two vertebral bodies, filled by the disc.
const DISC_MM: f64 = 5.0;
/// No vertebra has its centre closer to the ends of the box.
const MARGIN_MM: f64 = 5.0;
/// Height of the upper face of the first thoracic vertebra.
const TOP_Z_MM: f64 = 146.0;

/// Height of the centre of vertebra `index`, 1 to 12 being thoracic; neighbours lie 20 to 27 mm apart, more below.
pub(super) fn level_mm(index: f64) -> f64 {
    TOP_Z_MM - 10.0 - 20.2 * (index - 1.0) - 0.30 * (index - 1.0) * (index - 1.0)
}

/// Centre of the vertebral body at a height: the thoracic curve, convex to the back.
fn centre(z: f64) -> DVec3 {
    DVec3::new(0.0, -66.0 + 12.0 * ((z - 10.0) / 140.0).powi(2), z)
}

pub(super) fn draw(parts: &mut Parts, habitus: &Habitus) -> Result<(), PhantomError> {
    let indices = if habitus.is_whole() { -4..=17 } else { -1..=15 };
    for index in indices {
        vertebra(parts, f64::from(index), habitus.half_box_mm[2] - MARGIN_MM)?;
    }
    Ok(())
}

fn vertebra(parts: &mut Parts, index: f64, highest_mm: f64) -> Result<(), PhantomError> {
    let z = level_mm(index);
    if z.abs() > highest_mm {
        return Ok(());
    }
    let body = centre(z);
    let lean = centre(z + 5.0) - centre(z - 5.0);
    let turn = DQuat::from_rotation_arc(DVec3::Z, lean.normalize());
    let half_height = (level_mm(index - 0.5) - level_mm(index + 0.5) - DISC_MM) / 2.0;
    let semi = [14.0 + 0.45 * index.max(0.0), 11.5 + 0.4 * index.max(0.0)];
    let place = |x: f64, y: f64, dz: f64| body + turn * DVec3::new(x, y, dz);

    // Arch: pedicles, transverse and spinous processes; shells filled with spongy bone.
    let back = -semi[1];
    let span = if index < 1.0 { 20.0 } else { 30.0 };
    let (spine, end) = (place(0.0, back - 22.0, -2.0), place(0.0, back - 40.0, -half_height - 6.0));
    for (shell, value) in [(0.0, tissue::CORTICAL_BONE), (SHELL_MM, tissue::SPONGY_BONE)] {
        for side in SIDES {
            let root = place(side * 10.5, back + 1.0, half_height * 0.35);
            let joint = place(side * 12.5, back - 14.0, half_height * 0.35);
            let tip = place(side * span, back - 21.0, half_height * 0.5);
            parts.capsule(root, joint, 4.2 - 1.5 * shell, value)?;
            parts.capsule(joint, tip, 4.5 - shell, value)?;
            parts.capsule(joint, place(0.0, back - 24.0, 0.0), 3.0 - shell, value)?;
        }
        parts.push(Shape::flat_capsule(spine, end, [4.8 - shell, 2.6 - shell], DVec3::Z)?, value);
    }

    let shell = Shape::cylinder(body, semi, half_height, turn)?;
    let core = Shape::cylinder(body, semi.map(|s| s - SHELL_MM), half_height - SHELL_MM, turn)?;
    parts.push(shell, tissue::CORTICAL_BONE);
    parts.push(core, tissue::SPONGY_BONE);
    Ok(())
}
