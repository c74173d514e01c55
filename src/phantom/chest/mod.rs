//! The chest phantom of kerma's own: a schematic adult, drawn from a seed.

mod great_vessels;
mod lungs;
mod nodules;
mod pulmonary_tree;
mod ribs;
mod shoulder_girdle;
mod spine;
mod trunk;

use glam::{DQuat, DVec3};

use super::{Phantom, PhantomError, Rule, Shape, random::Random};

/// A schematic adult chest at full inspiration, drawn from a seed: the same seed always gives the same chest.
///
/// x points to the patient's right, y forwards, z up; the centre lies at the origin and everything fits in
/// 380 × 260 × 400 mm. Later shapes overwrite earlier ones ([`Rule::Overwrite`]). Values are µ at 60 keV
/// ([`super::tissue`]); outside the body it is 0.
///
/// Body wall (skin, fat, muscle), lungs with their vessels, mediastinum with heart, aorta, great veins, trachea and main
/// bronchi, the domes of the diaphragm with liver and gastric air bubble, spine, 12 pairs of ribs, sternum, clavicles,
/// scapulae and humeral heads, and three to six nodules of 4 to 20 mm. The seed moves the size of the heart, the
/// height of the domes, the slope of the ribs, every branch of the vessels and the nodules. Proportions are those of
/// textbook adults, simplified until every organ is a convex body or a few of them; it is a test object, not an atlas.
///
/// # Errors
/// None: every seed gives valid shapes. The type is that of all phantoms.
pub fn chest(seed: u64) -> Result<Phantom, PhantomError> {
    let mut random = Random::new(seed);
    let build = Build::new(&mut random);
    let mut parts = Parts::default();
    trunk::draw(&mut parts)?;
    let lungs = lungs::draw(&mut parts, &build)?;
    pulmonary_tree::draw(&mut parts, &lungs, &mut random)?;
    nodules::draw(&mut parts, &lungs, &mut random)?;
    great_vessels::draw(&mut parts, &lungs)?;
    spine::draw(&mut parts)?;
    ribs::draw(&mut parts, &build)?;
    shoulder_girdle::draw(&mut parts)?;
    Ok(Phantom::new(Rule::Overwrite, parts.0))
}

/// What differs from one chest to the next, besides its vessels and nodules.
struct Build {
    /// Size of the heart relative to the standard one.
    heart: f64,
    /// How much higher than usual the right and the left dome of the diaphragm stand, in millimetres.
    dome_rise_mm: [f64; 2],
    /// Fall of the ribs from back to front relative to the standard one.
    rib_fall: f64,
}

impl Build {
    fn new(random: &mut Random) -> Self {
        Self {
            heart: random.within(0.94, 1.06),
            dome_rise_mm: [random.within(-5.0, 5.0), random.within(-5.0, 5.0)],
            rib_fall: random.within(0.92, 1.08),
        }
    }
}

/// The patient's right and left, as signs of x.
const SIDES: [f64; 2] = [1.0, -1.0];

/// The list under construction, the first at the bottom.
#[derive(Default)]
struct Parts(Vec<(Shape, f64)>);

impl Parts {
    fn push(&mut self, shape: Shape, value: f64) {
        self.0.push((shape, value));
    }

    fn ellipsoid(&mut self, centre: DVec3, semi: DVec3, turn: DQuat, value: f64) -> Result<(), PhantomError> {
        self.push(Shape::ellipsoid(centre, semi, turn)?, value);
        Ok(())
    }

    fn capsule(&mut self, from: DVec3, to: DVec3, radius: f64, value: f64) -> Result<(), PhantomError> {
        self.push(Shape::capsule(from, to, radius)?, value);
        Ok(())
    }

    /// Capsules along a broken line.
    fn chain(&mut self, points: &[DVec3], radius: f64, value: f64) -> Result<(), PhantomError> {
        points.windows(2).try_for_each(|pair| self.capsule(pair[0], pair[1], radius, value))
    }
}

/// The inside of the rib cage: the upper part of an ellipsoid, on which lungs and ribs agree.
mod cavity {
    use glam::DVec3;

    pub(super) const CENTRE: DVec3 = DVec3::new(0.0, -2.0, -60.0);
    pub(super) const SEMI: DVec3 = DVec3::new(138.0, 94.0, 195.0);

    /// Half-width and half-depth of the cavity at a height, never smaller than near its top.
    pub(super) fn section(z: f64) -> [f64; 2] {
        const SMALLEST: f64 = 0.25;
        let height = (z - CENTRE.z) / SEMI.z;
        let scale = (1.0 - height * height).max(0.0).sqrt().max(SMALLEST);
        [scale * SEMI.x, scale * SEMI.y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::tissue;

    #[test]
    fn a_seed_is_a_chest() {
        let parts = |seed| chest(seed).unwrap().parts().to_vec();
        assert_eq!(parts(7), parts(7));
        assert_ne!(parts(7), parts(8));
    }

    #[test]
    fn every_chest_stays_in_its_box() {
        let phantom = chest(3).unwrap();
        for (face, normal) in [(190.0, DVec3::X), (130.0, DVec3::Y), (200.0, DVec3::Z)] {
            let (u, v) = normal.any_orthonormal_pair();
            for step in -40..=40 {
                for sign in [1.0, -1.0] {
                    let origin = sign * (face + 0.01) * normal + f64::from(step) * 5.0 * u;
                    assert_eq!(phantom.line_integral(origin, v, -1e3, 1e3), 0.0, "{origin}");
                }
            }
        }
    }

    #[test]
    fn organs_lie_where_they_belong() {
        let phantom = chest(0).unwrap();
        let mean = |x, y, z, r: f64| {
            let offsets = [-1.0, -0.5, 0.0, 0.5, 1.0];
            let points = offsets.iter().flat_map(|i| offsets.iter().map(move |j| r * DVec3::new(*i, 0.0, *j)));
            points.map(|o| phantom.value_at(DVec3::new(x, y, z) + o)).sum::<f64>() / 25.0
        };
        for side in SIDES {
            assert!(mean(side * 90.0, 20.0, 30.0, 10.0) < 0.5 * tissue::WATER, "lung {side}");
            assert!(mean(side * 60.0, 0.0, -170.0, 10.0) > 0.9 * tissue::WATER, "abdomen {side}");
        }
        assert!(mean(-60.0, 30.0, -60.0, 5.0) > 0.9 * tissue::WATER, "heart on the left");
        assert!(mean(75.0, 30.0, -40.0, 5.0) < 0.6 * tissue::WATER, "no heart on the right");
        assert!(mean(0.0, -4.0, 120.0, 2.0) < 0.1 * tissue::WATER, "trachea");
    }
}
