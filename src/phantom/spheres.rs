use glam::{DQuat, DVec3};

use super::{Phantom, PhantomError, Rule, Shape, tissue};

/// Radius of the ball of water that holds the spheres, in millimetres.
const BODY_RADIUS_MM: f64 = 100.0;
/// Centre and radius in millimetres, and contrast to water in parts of µ of water.
const SPHERES: [([f64; 3], f64, f64); 9] = [
    ([50.0, 0.0, 0.0], 20.0, 0.50),
    ([0.0, 50.0, 0.0], 16.0, 0.20),
    ([-50.0, 0.0, 0.0], 12.0, 0.10),
    ([0.0, -50.0, 0.0], 8.0, 0.05),
    ([0.0, 0.0, 60.0], 12.0, 1.00),
    ([0.0, 0.0, -60.0], 12.0, -1.00),
    ([35.0, 35.0, 35.0], 6.0, 1.00),
    ([-35.0, 35.0, -35.0], 4.0, 1.00),
    ([-35.0, -35.0, 35.0], 2.0, 1.00),
];

/// Nine balls of 4 to 40 mm in a ball of water of 200 mm, at contrasts from −100 % (a void) to +100 % of water's µ.
///
/// Values add up ([`Rule::Add`]); µ of water is that at 60 keV ([`tissue::WATER`]). Centres, radii and contrasts:
///
/// | centre (mm) | radius (mm) | contrast |
/// |---|---|---|
/// | 50, 0, 0 | 20 | +50 % |
/// | 0, 50, 0 | 16 | +20 % |
/// | −50, 0, 0 | 12 | +10 % |
/// | 0, −50, 0 | 8 | +5 % |
/// | 0, 0, 60 | 12 | +100 % |
/// | 0, 0, −60 | 12 | −100 % |
/// | 35, 35, 35 | 6 | +100 % |
/// | −35, 35, −35 | 4 | +100 % |
/// | −35, −35, 35 | 2 | +100 % |
///
/// # Errors
/// None: the shapes are fixed. The type is that of all phantoms.
pub fn spheres() -> Result<Phantom, PhantomError> {
    let ball = |centre, radius| Shape::ellipsoid(centre, DVec3::splat(radius), DQuat::IDENTITY);
    let mut parts = vec![(ball(DVec3::ZERO, BODY_RADIUS_MM)?, tissue::WATER)];
    for (centre, radius, contrast) in SPHERES {
        parts.push((ball(DVec3::from_array(centre), radius)?, contrast * tissue::WATER));
    }
    Ok(Phantom::new(Rule::Add, parts))
}
