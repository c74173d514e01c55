use glam::{DQuat, DVec3};

use super::{Phantom, PhantomError, Rule, Shape};

/// Millimetres per unit of the table in the built-in phantom: the unit cube [−1, 1]³ becomes a cube of 256 mm.
pub const SHEPP_LOGAN_RADIUS_MM: f64 = 128.0;

/// Density, semi-axes, centre and turn about z in degrees (counter-clockwise seen from +z).
const TABLE: [(f64, [f64; 3], [f64; 3], f64); 10] = [
    (1.0, [0.69, 0.92, 0.81], [0.0, 0.0, 0.0], 0.0),
    (-0.8, [0.6624, 0.874, 0.78], [0.0, -0.0184, 0.0], 0.0),
    (-0.2, [0.11, 0.31, 0.22], [0.22, 0.0, 0.0], -18.0 + 10.0),
    (-0.2, [0.16, 0.41, 0.28], [-0.22, 0.0, 0.0], 18.0 + 10.0),
    (0.1, [0.21, 0.25, 0.41], [0.0, 0.35, -0.15], 0.0),
    (0.1, [0.046, 0.046, 0.05], [0.0, 0.1, 0.25], 0.0),
    (0.1, [0.046, 0.046, 0.05], [0.0, -0.1, 0.25], 0.0),
    (0.1, [0.046, 0.023, 0.05], [-0.08, -0.605, 0.0], 0.0),
    (0.1, [0.023, 0.023, 0.02], [0.0, -0.606, 0.0], 0.0),
    (0.1, [0.023, 0.046, 0.02], [0.06, -0.605, 0.0], 0.0),
];

/// The 3-D Shepp–Logan head with high contrast, one unit of its table being `radius_mm`.
///
/// Ten ellipsoids whose densities add up: 1.0 in the skull, 0.2 in the flat brain, 0 to 0.4 in the structures within.
/// The densities are used as published, as if in mm⁻¹.
///
/// Source: the "modified Shepp–Logan" table of M. Schabel's `phantom3d` (MATLAB Central 9416), whose densities are
/// those of P. Toft, *The Radon Transform* (PhD thesis, DTU 1996, p. 199). Its Euler angles φ and ψ have θ = 0 between
/// them and so add up to one turn about z, here about the ellipsoid's own centre; `phantom3d` itself turns the centres
/// too. Tables that circulate differ in single digits and in the order of axes; this one is the reference of kerma's
/// tests.
///
/// # Errors
/// [`PhantomError`] when the radius is not positive.
pub fn shepp_logan(radius_mm: f64) -> Result<Phantom, PhantomError> {
    let mut parts = Vec::with_capacity(TABLE.len());
    for (density, semi, centre, turn_deg) in TABLE {
        let [semi, centre] = [semi, centre].map(|v| radius_mm * DVec3::from_array(v));
        parts.push((Shape::ellipsoid(centre, semi, DQuat::from_rotation_z(turn_deg.to_radians()))?, density));
    }
    Ok(Phantom::new(Rule::Add, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_are_those_of_the_published_picture() {
        let phantom = shepp_logan(1.0).unwrap();
        let value = |x, y, z| phantom.value_at(DVec3::new(x, y, z));
        for (got, want) in [
            (value(0.0, 0.9, 0.0), 1.0),
            (value(0.0, -0.75, 0.0), 0.2),
            (value(0.22, 0.0, 0.0), 0.0),
            (value(-0.22, 0.0, 0.0), 0.0),
            (value(0.0, 0.35, -0.15), 0.3),
            (value(0.0, 0.1, 0.25), 0.3),
            (value(0.0, 1.0, 0.0), 0.0),
        ] {
            assert!((got - want).abs() < 1e-15, "{got}, want {want}");
        }
    }

    #[test]
    fn the_built_in_size_fits_its_cube_and_keeps_the_skull_out_of_the_measured_cylinder() {
        let phantom = shepp_logan(SHEPP_LOGAN_RADIUS_MM).unwrap();
        for step in 0..360 {
            let angle = f64::from(step).to_radians();
            let rim = DVec3::new(70.0 * angle.cos(), 70.0 * angle.sin(), 45.0);
            assert!(phantom.parts()[1].0.contains(rim), "skull at {rim}");
        }
        let reach = phantom.line_integral(DVec3::new(0.0, 0.0, 127.0), DVec3::Y, -500.0, 500.0);
        assert_eq!(reach, 0.0);
    }
}
