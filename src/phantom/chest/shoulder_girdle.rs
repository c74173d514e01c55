//! Sternum, clavicles, scapulae and the upper ends of the humeri.

use glam::{DMat3, DQuat, DVec3};

use super::{Arms, Parts, SIDES};
use crate::phantom::{HalfSpace, PhantomError, Shape, tissue};

pub(super) fn draw(parts: &mut Parts, arms: Arms) -> Result<(), PhantomError> {
    sternum(parts)?;
    for side in SIDES {
        let at = |x: f64, y: f64, z: f64| DVec3::new(side * x, y, z);
        clavicle(parts, at)?;
        scapula(parts, side, at)?;
        humerus(parts, arms, at)?;
    }
    Ok(())
}

/// Manubrium and body, leaning forwards.
fn sternum(parts: &mut Parts) -> Result<(), PhantomError> {
    for (shrink, value) in [(0.0, tissue::CORTICAL_BONE), (1.2, tissue::SPONGY_BONE)] {
        for (top, bottom, half_width) in [
            (DVec3::new(0.0, 74.0, 88.0), DVec3::new(0.0, 84.0, 48.0), 24.0),
            (DVec3::new(0.0, 86.0, 42.0), DVec3::new(0.0, 97.0, -48.0), 15.0),
        ] {
            let semi = DVec3::new(half_width, 5.0, top.distance(bottom) / 2.0) - shrink;
            let turn = DQuat::from_rotation_arc(DVec3::Z, (top - bottom).normalize());
            parts.push(Shape::cuboid(top.midpoint(bottom), semi, turn)?, value);
        }
    }
    Ok(())
}

/// S-shaped from the manubrium to the acromion.
fn clavicle(parts: &mut Parts, at: impl Fn(f64, f64, f64) -> DVec3) -> Result<(), PhantomError> {
    let course = [
        at(20.0, 76.0, 96.0),
        at(45.0, 74.0, 103.0),
        at(75.0, 58.0, 111.0),
        at(105.0, 34.0, 119.0),
        at(132.0, 12.0, 121.0),
        at(150.0, 0.0, 120.0),
    ];
    parts.chain(&course, 6.2, tissue::CORTICAL_BONE)?;
    parts.chain(&course, 3.9, tissue::SPONGY_BONE)
}

/// Triangular blade turned out of the lung, its spine, and the socket of the shoulder.
fn scapula(parts: &mut Parts, side: f64, at: impl Fn(f64, f64, f64) -> DVec3) -> Result<(), PhantomError> {
    let (inner, tip, socket) = (at(98.0, -98.0, 98.0), at(120.0, -92.0, -22.0), at(150.0, -36.0, 100.0));
    let down = (tip - inner.midpoint(socket)).normalize();
    let across = (socket - inner).reject_from_normalized(down).normalize();
    let normal = across.cross(down) * side;
    let turn = DQuat::from_mat3(&DMat3::from_cols(down, normal.cross(down), normal));
    let centre = (inner + tip + socket) / 3.0;
    for (thickness, value) in [(2.2, tissue::CORTICAL_BONE), (1.0, tissue::SPONGY_BONE)] {
        let mut blade = Shape::cuboid(centre, DVec3::new(120.0, 120.0, thickness), turn)?;
        for (a, b) in [(inner, tip), (tip, socket), (socket, inner)] {
            let outwards = (b - a).cross(normal);
            let outwards = outwards * (a - centre).dot(outwards).signum();
            blade = blade.clipped(HalfSpace::below(outwards, outwards.normalize().dot(a))?);
        }
        parts.push(blade, value);
    }
    // Rim along the side, then the spine of the scapula up to the acromion.
    let ridge = [at(108.0, -102.0, 84.0), at(140.0, -62.0, 118.0), at(160.0, -14.0, 126.0)];
    for (radius, value) in [(4.0, tissue::CORTICAL_BONE), (2.6, tissue::SPONGY_BONE)] {
        parts.chain(&[tip, socket], radius, value)?;
        parts.chain(&ridge, radius + 1.0, value)?;
        parts.capsule(at(150.0, -32.0, 88.0), at(150.0, -32.0, 108.0), radius + 6.0, value)?;
    }
    Ok(())
}

/// Head and shaft, the arm held away from the body.
fn humerus(parts: &mut Parts, arms: Arms, at: impl Fn(f64, f64, f64) -> DVec3) -> Result<(), PhantomError> {
    let head = at(164.0, -16.0, 100.0);
    let (neck, shaft) = match arms {
        Arms::Cut => (at(174.0, -10.0, 80.0), at(215.0, 4.0, 5.0)),
        Arms::Lowered => (at(176.0, -10.0, 80.0), at(244.0, 8.0, -160.0)),
        Arms::Raised => (at(170.0, -8.0, 122.0), at(196.0, 20.0, 320.0)),
    };
    for (shell, value) in [(0.0, tissue::CORTICAL_BONE), (1.5, tissue::SPONGY_BONE)] {
        let ball = Shape::ellipsoid(head, DVec3::splat(22.0 - shell), DQuat::IDENTITY)?;
        parts.push(ball, value);
        parts.capsule(head, neck, 17.0 - shell, value)?;
        parts.capsule(neck, shaft, 11.0 - 2.5 * shell, value)?;
    }
    Ok(())
}
