//! Lungs and what shapes them: mediastinum, heart and the domes of the diaphragm.

use glam::{DQuat, DVec3};

use super::{Build, Parts, SIDES, cavity::Cavity};
use crate::phantom::{HalfSpace, PhantomError, Shape, tissue};

/// Lowest reach of the lungs, in the recess behind the diaphragm.
const FLOOR_Z_MM: f64 = -142.0;

/// Where there is lung, for those that grow within it.
pub(super) struct Lungs {
    lungs: Vec<Shape>,
    /// What overwrites them, to be drawn after the vessels.
    pub(super) organs: Vec<(Shape, f64)>,
}

impl Lungs {
    /// Whether everything within about `margin_mm` of a point is lung.
    pub(super) fn hold(&self, point: DVec3, margin_mm: f64) -> bool {
        let is_lung =
            |p: DVec3| self.lungs.iter().any(|s| s.contains(p)) && !self.organs.iter().any(|(s, _)| s.contains(p));
        let faces = [DVec3::X, DVec3::Y, DVec3::Z].into_iter().flat_map(|axis| [axis, -axis]);
        is_lung(point) && faces.into_iter().all(|d| is_lung(point + margin_mm * d))
    }
}

/// Draws the lungs, and the diaphragm with the abdomen; the other organs are left to be drawn over the vessels.
pub(super) fn draw(parts: &mut Parts, cavity: &Cavity, build: &Build) -> Result<Lungs, PhantomError> {
    let mut lungs = Vec::new();
    for (side, gutter) in SIDES.into_iter().zip(&cavity.gutters) {
        let above_floor = HalfSpace::above(DVec3::Z, FLOOR_Z_MM)?;
        let beside_midline = HalfSpace::above(DVec3::X * side, 3.0)?;
        for whole in [&cavity.main, gutter] {
            lungs.push(whole.clone().clipped(above_floor).clipped(beside_midline));
        }
    }
    for lung in &lungs {
        parts.push(lung.clone(), tissue::LUNG);
    }
    let abdomen = abdomen(build)?;
    for (shape, value) in &abdomen {
        parts.push(shape.clone(), *value);
    }
    let organs = abdomen.into_iter().chain(mediastinum(cavity, build)?).collect();
    Ok(Lungs { lungs, organs })
}

/// Domes of the diaphragm over liver and spleen, and the air bubble of the stomach.
fn abdomen(build: &Build) -> Result<Vec<(Shape, f64)>, PhantomError> {
    let [right, left] = build.dome_rise_mm;
    let dome = |x: f64, top: f64, half_width: f64| {
        let bottom = FLOOR_Z_MM - 6.0;
        let semi = DVec3::new(half_width, 90.0, top - bottom);
        Shape::ellipsoid(DVec3::new(x, 2.0, bottom), semi, DQuat::IDENTITY)
    };
    let bubble_top = -112.0 + left;
    let bubble = Shape::ellipsoid(
        DVec3::new(-58.0, 12.0, bubble_top - 12.0),
        DVec3::new(26.0, 24.0, 13.0),
        DQuat::from_rotation_y(0.15),
    )?;
    Ok(vec![
        (dome(62.0, -74.0 + right, 68.0)?, tissue::SOFT),
        (dome(-64.0, -88.0 + left, 66.0)?, tissue::SOFT),
        (dome(0.0, -104.0, 70.0)?, tissue::SOFT),
        (bubble, tissue::AIR),
    ])
}

/// Tissue between the lungs, and the heart.
fn mediastinum(cavity: &Cavity, build: &Build) -> Result<Vec<(Shape, f64)>, PhantomError> {
    let septum =
        cavity.main.clone().clipped(HalfSpace::below(DVec3::X, 4.0)?).clipped(HalfSpace::above(DVec3::X, -4.0)?);
    let middle = Shape::cylinder(DVec3::new(0.0, -14.0, -5.0), [21.0, 46.0], 140.0, DQuat::IDENTITY)?;
    let prevertebral = Shape::cylinder(DVec3::new(0.0, -68.0, -5.0), [25.0, 28.0], 150.0, DQuat::IDENTITY)?;
    let heart = |centre: [f64; 3], semi: [f64; 3], turn: DQuat, value| -> Result<_, PhantomError> {
        let semi = build.heart * DVec3::from_array(semi);
        Ok((Shape::ellipsoid(DVec3::from_array(centre), semi, turn)?, value))
    };
    let thymus = Shape::ellipsoid(DVec3::new(0.0, 62.0, 0.0), DVec3::new(26.0, 40.0, 84.0), DQuat::IDENTITY)?;
    // Fat between heart, diaphragm and sternum, where the lungs do not reach.
    let fat_pad = Shape::ellipsoid(DVec3::new(-6.0, 62.0, -104.0), DVec3::new(50.0, 42.0, 54.0), DQuat::IDENTITY)?;
    // The long axis of the left ventricle points left, forwards and down.
    let apex = DVec3::new(-0.80, 0.38, -0.46).normalize();
    let long_axis = DQuat::from_rotation_arc(DVec3::X, -apex);
    Ok(vec![
        (septum, tissue::SOFT),
        (middle, tissue::SOFT),
        (thymus, tissue::ADIPOSE),
        (fat_pad, tissue::ADIPOSE),
        (prevertebral, tissue::SOFT),
        // Right atrium, right ventricle, left ventricle with its blood, left atrium, outflow to the lungs.
        heart([15.0, 22.0, -58.0], [27.0, 36.0, 44.0], DQuat::IDENTITY, tissue::BLOOD)?,
        heart([-12.0, 46.0, -74.0], [46.0, 38.0, 38.0], long_axis, tissue::MUSCLE)?,
        heart([-38.0, 26.0, -66.0], [58.0, 42.0, 42.0], long_axis, tissue::MUSCLE)?,
        heart([-36.0, 24.0, -64.0], [44.0, 27.0, 27.0], long_axis, tissue::BLOOD)?,
        heart([-4.0, -12.0, -32.0], [36.0, 24.0, 27.0], DQuat::IDENTITY, tissue::BLOOD)?,
        heart([-22.0, 32.0, -14.0], [22.0, 24.0, 40.0], DQuat::from_rotation_y(0.45), tissue::BLOOD)?,
    ])
}
