//! Vessels of the lungs: branching capsules that grow from the hila until they are thin or meet the pleura.

use glam::DVec3;

use super::{Parts, SIDES, lungs::Lungs};
use crate::phantom::{PhantomError, random::Random, tissue};

/// First directions of the arteries and veins of one lung: lateral, anterior, superior.
const STEMS: [[f64; 3]; 9] = [
    [0.35, 0.15, 0.95],
    [0.55, -0.40, 0.75],
    [0.70, 0.55, 0.45],
    [0.95, 0.10, 0.20],
    [0.90, 0.45, -0.25],
    [0.85, -0.45, -0.20],
    [0.65, 0.05, -0.75],
    [0.40, -0.55, -0.75],
    [0.55, -0.20, -0.95],
];
/// Radius of a stem; each branching thins a vessel by one of two factors (Murray's law gives 0.79 for equal branches).
const STEM_RADIUS_MM: f64 = 4.6;
const THINNING: [f64; 2] = [0.84, 0.70];
/// Vessels below this are part of the lung's tissue.
const THINNEST_MM: f64 = 0.55;
/// Length of a branch: a fixed part and one in proportion to its radius.
const LENGTH_MM: [f64; 2] = [7.0, 4.2];
/// How far two branches spread, as the tangent of the angle to their stem.
const SPREAD: [f64; 2] = [0.30, 0.75];
/// Distance that a vessel keeps from the pleura.
const PLEURA_MM: f64 = 4.0;
/// Directions tried before a branch ends.
const TRIES: usize = 6;

pub(super) fn draw(parts: &mut Parts, lungs: &Lungs, random: &mut Random) -> Result<(), PhantomError> {
    for side in SIDES {
        let hilum = DVec3::new(side * 36.0, -14.0, if side > 0.0 { -2.0 } else { 6.0 });
        for stem in STEMS {
            let mirrored = DVec3::new(side * stem[0], stem[1], stem[2]);
            let direction = (mirrored + 0.15 * random.direction()).normalize();
            let start = hilum + 8.0 * random.direction();
            grow(parts, lungs, random, Branch { start, direction, radius: STEM_RADIUS_MM })?;
        }
    }
    Ok(())
}

struct Branch {
    start: DVec3,
    direction: DVec3,
    radius: f64,
}

fn grow(parts: &mut Parts, lungs: &Lungs, random: &mut Random, stem: Branch) -> Result<(), PhantomError> {
    let mut pending = vec![stem];
    while let Some(Branch { start, mut direction, radius }) = pending.pop() {
        let length = (LENGTH_MM[0] + LENGTH_MM[1] * radius) * random.within(0.8, 1.25);
        // Stems begin within the mediastinum, so only where a branch ends is asked for.
        let inside = |direction: DVec3| lungs.hold(start + length * direction, PLEURA_MM);
        for _ in 0..TRIES {
            if inside(direction) {
                break;
            }
            direction = (direction + 0.8 * random.direction()).normalize_or(direction);
        }
        if !inside(direction) {
            continue;
        }
        let end = start + length * direction;
        parts.capsule(start, end, radius, tissue::BLOOD)?;
        let sideways = direction.cross(random.direction()).normalize_or(direction.any_orthonormal_vector());
        for (factor, sign) in [(THINNING[0], 1.0), (THINNING[1], -1.0)] {
            let spread = random.within(SPREAD[0], SPREAD[1]) * if sign > 0.0 { 0.6 } else { 1.2 };
            let branch = Branch {
                start: end,
                direction: (direction + sign * spread * sideways).normalize(),
                radius: radius * factor * random.within(0.94, 1.04),
            };
            if branch.radius >= THINNEST_MM {
                pending.push(branch);
            }
        }
    }
    Ok(())
}
