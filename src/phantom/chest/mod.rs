//! The chest phantom of kerma's own: a schematic adult, drawn from a seed.

mod cavity;
mod extras;
mod great_vessels;
mod habitus;
mod lungs;
mod nodules;
mod pulmonary_tree;
mod ribs;
mod shoulder_girdle;
mod spine;
mod trunk;

use glam::{DQuat, DVec3};

use cavity::Cavity;
pub use habitus::{Arms, Habitus};

use super::{HalfSpace, Phantom, PhantomError, Rule, Shape, random::Random, solid::Relation};

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
    chest_of(&Habitus::standard(), seed)
}

/// The chest of a body, drawn from a seed as [`chest`] is.
///
/// Whole bodies ([`Arms::Lowered`], [`Arms::Raised`]) go on to the faces of their own box: neck, abdomen and upper arms
/// are longer. `habitus.scale` is left to who looks at the body.
///
/// # Errors
/// [`PhantomError`] when a length of the habitus is not finite, or leaves an organ without size.
pub fn chest_of(habitus: &Habitus, seed: u64) -> Result<Phantom, PhantomError> {
    let mut random = Random::new(seed);
    // Of its own, so that what is added leaves everything else where it is.
    let mut added = Random::of(seed, &[ADDED]);
    let build = Build::new(&mut random, habitus);
    let cavity = Cavity::new()?;
    let mut parts = Parts::new(habitus)?;
    trunk::draw(&mut parts, habitus)?;
    let lungs = lungs::draw(&mut parts, &cavity, &build)?;
    extras::gas(&mut parts, habitus, &mut added)?;
    pulmonary_tree::draw(&mut parts, &lungs, &mut random)?;
    nodules::draw(&mut parts, &lungs, habitus.nodules, &mut random)?;
    great_vessels::draw(&mut parts, &lungs)?;
    extras::calcium(&mut parts, habitus, &lungs, &mut added)?;
    spine::draw(&mut parts, habitus)?;
    ribs::draw(&mut parts, &cavity, &build)?;
    shoulder_girdle::draw(&mut parts, habitus.arms)?;
    extras::lines(&mut parts, habitus, &mut added)?;
    Ok(Phantom::new(Rule::Overwrite, parts.list))
}

/// Label of the stream that [`extras`] are drawn from.
const ADDED: u64 = 2;

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
    fn new(random: &mut Random, habitus: &Habitus) -> Self {
        let heart = random.within(0.94, 1.06) * habitus.heart;
        let mut rise = || random.within(-5.0, 5.0) - habitus.inspiration_mm;
        Self { heart, dome_rise_mm: [rise(), rise()], rib_fall: random.within(0.92, 1.08) }
    }
}

/// The patient's right and left, as signs of x.
const SIDES: [f64; 2] = [1.0, -1.0];

/// The chest ends at the faces of this box about the origin.
const HALF_BOX_MM: DVec3 = DVec3::new(190.0, 130.0, 200.0);

/// The list under construction, the first at the bottom.
struct Parts {
    list: Vec<(Shape, f64)>,
    faces: Vec<HalfSpace>,
}

impl Parts {
    fn new(habitus: &Habitus) -> Result<Self, PhantomError> {
        let half_box = DVec3::from_array(habitus.half_box_mm);
        let [x, y, z] = [DVec3::X, DVec3::Y, DVec3::Z];
        let faces = [x, -x, y, -y, z, -z].map(|outwards| HalfSpace::below(outwards, outwards.abs().dot(half_box)));
        Ok(Self { list: Vec::new(), faces: faces.into_iter().collect::<Result<_, _>>()? })
    }

    /// Adds the part of a shape that lies in the box.
    fn push(&mut self, shape: Shape, value: f64) {
        let (low, high) = shape.bounds();
        let (middle, half) = (low.midpoint(high), (high - low) / 2.0);
        let crossed = self.faces.iter().filter(|face| face.relation(middle, half) != Relation::Inside);
        self.list.push((crossed.fold(shape, |shape, face| shape.clipped(*face)), value));
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
