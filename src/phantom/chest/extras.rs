//! What only some bodies have: specks of calcium, gas in the bowel, wires and catheters.

use glam::{DQuat, DVec3};

use super::{Habitus, Parts, cavity, lungs::Lungs};
use crate::phantom::{PhantomError, random::Random, tissue};

/// Calcified plaque, in mm⁻¹: between spongy and cortical bone.
const CALCIUM: f64 = 0.5 * (tissue::SPONGY_BONE + tissue::CORTICAL_BONE);
/// Lead of steel or of polymer with barium, in mm⁻¹ at 60 keV, as a mean over its section.
const LEAD: f64 = 0.25;
/// Radius of wires and catheters, in millimetres.
const LEAD_RADIUS_MM: [f64; 2] = [0.3, 0.9];
/// Middle of the arch and of the descending aorta and their radius, where plaques are.
const AORTA_MM: [([f64; 3], f64); 4] = [
    ([-3.0, -2.0, 58.0], 13.5),
    ([-20.0, -22.0, 54.0], 13.5),
    ([-24.0, -36.0, 30.0], 11.5),
    ([-20.0, -41.0, -40.0], 11.5),
];

/// Gas in the bowel, below the domes of the diaphragm; drawn before anything of bone.
pub(super) fn gas(parts: &mut Parts, habitus: &Habitus, random: &mut Random) -> Result<(), PhantomError> {
    for _ in 0..habitus.gas {
        let centre = DVec3::new(random.within(-95.0, 95.0), random.within(-10.0, 55.0), random.within(-225.0, -165.0));
        let semi = DVec3::new(random.within(8.0, 26.0), random.within(8.0, 20.0), random.within(7.0, 16.0));
        parts.ellipsoid(centre, semi, DQuat::from_rotation_y(random.within(-0.8, 0.8)), tissue::AIR)?;
    }
    Ok(())
}

/// Plaques on the aorta and granulomas in the lungs.
pub(super) fn calcium(
    parts: &mut Parts,
    habitus: &Habitus,
    lungs: &Lungs,
    random: &mut Random,
) -> Result<(), PhantomError> {
    for index in 0..habitus.calcifications {
        let turn = DQuat::from_rotation_arc(DVec3::Z, random.direction());
        if index % 2 == 0 {
            let (middle, radius) = AORTA_MM[(random.within(0.0, AORTA_MM.len() as f64)) as usize];
            let semi = DVec3::new(random.within(1.0, 4.0), random.within(1.0, 4.0), random.within(0.5, 1.2));
            let outwards = random.direction();
            let turn = DQuat::from_rotation_arc(DVec3::Z, outwards);
            parts.ellipsoid(DVec3::from_array(middle) + radius * outwards, semi, turn, CALCIUM)?;
        } else {
            let place = cavity::CENTRE + cavity::SEMI * random.direction() * random.within(0.3, 1.0);
            if lungs.hold(place, 4.0) {
                let semi = DVec3::new(random.within(0.7, 2.5), random.within(0.7, 2.5), random.within(0.7, 2.5));
                parts.ellipsoid(place, semi, turn, CALCIUM)?;
            }
        }
    }
    Ok(())
}

/// Broken lines from the shoulder or the side to the middle of the chest, bent at random.
pub(super) fn lines(parts: &mut Parts, habitus: &Habitus, random: &mut Random) -> Result<(), PhantomError> {
    /// Straight pieces of one line.
    const PIECES: usize = 14;
    for _ in 0..habitus.lines {
        let side = if random.within(0.0, 1.0) < 0.5 { 1.0 } else { -1.0 };
        let front = random.within(70.0, 125.0);
        let from = DVec3::new(side * random.within(60.0, 150.0), front - 40.0, random.within(60.0, 190.0));
        let to = DVec3::new(random.within(-50.0, 50.0), front, random.within(-90.0, 40.0));
        let bends = [0; 2].map(|_| 45.0 * random.direction());
        let point = |piece: usize| {
            let s = piece as f64 / PIECES as f64;
            let (rise, fall) = (s * (1.0 - s) * (1.0 - s), s * s * (1.0 - s));
            from.lerp(to, s) + 4.0 * (rise * bends[0] + fall * bends[1])
        };
        let course: Vec<DVec3> = (0..=PIECES).map(point).collect();
        parts.chain(&course, random.within(LEAD_RADIUS_MM[0], LEAD_RADIUS_MM[1]), LEAD)?;
    }
    Ok(())
}
