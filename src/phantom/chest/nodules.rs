//! Nodules: a few round lesions of soft tissue, clear of the pleura and of one another.

use glam::{DQuat, DVec3};

use super::{Parts, cavity, lungs::Lungs};
use crate::phantom::{PhantomError, random::Random, tissue};

/// Smallest and largest diameter, in millimetres.
const DIAMETER_MM: [f64; 2] = [4.0, 20.0];
/// Positions tried per nodule; about half of the cavity is lung, so none is lost in practice.
const TRIES: usize = 200;

pub(super) fn draw(
    parts: &mut Parts,
    lungs: &Lungs,
    counts: [f64; 2],
    random: &mut Random,
) -> Result<(), PhantomError> {
    let count = random.within(counts[0], counts[1]) as usize;
    let mut placed: Vec<(DVec3, f64)> = Vec::new();
    for index in 0..count {
        // Evenly over the range, so that every chest has small and large ones.
        let part = (index as f64 + random.within(0.0, 1.0)) / count as f64;
        let radius = (DIAMETER_MM[0] + part * (DIAMETER_MM[1] - DIAMETER_MM[0])) / 2.0;
        let centre = (0..TRIES)
            .map(|_| cavity::CENTRE + cavity::SEMI * random.direction() * random.within(0.0, 1.0).cbrt())
            .find(|&p| lungs.hold(p, radius + 2.0) && placed.iter().all(|(q, r)| p.distance(*q) > 3.0 * (radius + r)));
        let Some(centre) = centre else { continue };
        placed.push((centre, radius));
        let semi = radius * DVec3::new(1.0, random.within(0.85, 1.0), random.within(0.85, 1.0));
        let turn = DQuat::from_rotation_arc(DVec3::X, random.direction());
        parts.ellipsoid(centre, semi, turn, tissue::SOFT)?;
    }
    Ok(())
}
