use glam::{DQuat, DVec3};

use super::{Phantom, PhantomError, Rule, Shape, tissue};

/// Radius and half-height of the cylinder, in millimetres.
const RADIUS_MM: f64 = 100.0;
const HALF_HEIGHT_MM: f64 = 100.0;

/// Cylinder of water about the z axis, 200 mm wide and 200 mm high, with µ at 60 keV ([`tissue::WATER`]).
///
/// # Errors
/// None: the shape is fixed. The type is that of all phantoms.
pub fn water_cylinder() -> Result<Phantom, PhantomError> {
    let cylinder = Shape::cylinder(DVec3::ZERO, [RADIUS_MM; 2], HALF_HEIGHT_MM, DQuat::IDENTITY)?;
    Ok(Phantom::new(Rule::Add, vec![(cylinder, tissue::WATER)]))
}
