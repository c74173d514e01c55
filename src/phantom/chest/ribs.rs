//! Twelve pairs of ribs that follow the wall of the cavity round the chest and fall towards the front.

use glam::DVec3;

use super::{Build, Parts, SIDES, cavity, cavity::Cavity, spine};
use crate::phantom::{PhantomError, Shape, tissue};

/// Per rib: fall from the spine to the front end, and the distance of that end from the midline, in millimetres.
/// Ribs 11 and 12 end at the side or behind it, so their distance counts from the back.
const RIBS: [(f64, f64); 12] = [
    (34.0, 30.0),
    (56.0, 40.0),
    (74.0, 48.0),
    (88.0, 55.0),
    (98.0, 62.0),
    (105.0, 74.0),
    (108.0, 88.0),
    (104.0, 100.0),
    (94.0, 110.0),
    (82.0, 118.0),
    (46.0, 120.0),
    (24.0, 85.0),
];
/// First rib that ends behind the side.
const FLOATING: usize = 10;
/// Semi-axes of the section: radial and along the wall, outside and inside the cortical bone.
const SECTION_MM: [f64; 2] = [3.8, 6.6];
const MARROW_MM: [f64; 2] = [2.7, 5.5];
/// The middle of the bone lies this far outside the cavity.
const OUTSIDE_MM: f64 = 5.0;
/// Where the rib leaves the transverse process, from the midline.
const TUBERCLE_X_MM: f64 = 33.0;
/// Straight pieces of one rib.
const PIECES: usize = 18;

pub(super) fn draw(parts: &mut Parts, cavity: &Cavity, build: &Build) -> Result<(), PhantomError> {
    let courses: Vec<Vec<DVec3>> =
        (0..RIBS.len()).flat_map(|rib| SIDES.map(|side| course(rib, side, cavity, build))).collect();
    // All shells first, so that no shell closes the marrow of the piece before it.
    for (semi, value) in [(SECTION_MM, tissue::CORTICAL_BONE), (MARROW_MM, tissue::SPONGY_BONE)] {
        for points in &courses {
            for pair in points.windows(2) {
                let radial = (pair[0].midpoint(pair[1]) - cavity::CENTRE).with_z(0.0);
                parts.push(Shape::flat_capsule(pair[0], pair[1], semi, radial)?, value);
            }
        }
    }
    Ok(())
}

/// Points along the middle of a rib, from its head to its front end.
fn course(rib: usize, side: f64, cavity: &Cavity, build: &Build) -> Vec<DVec3> {
    let (fall, end_x) = RIBS[rib];
    let fall = fall * build.rib_fall;
    let top = spine::level_mm(rib as f64 + 1.0) + 6.0;
    let on_wall = |angle: f64, z: f64| cavity.wall_mm(side, angle, z, OUTSIDE_MM);
    let first = Cavity::angle_at(TUBERCLE_X_MM, top, false);
    let last = Cavity::angle_at(end_x, top - fall, rib < FLOATING);
    let wall = (0..=PIECES).map(|piece| {
        let s = piece as f64 / PIECES as f64;
        // Gentle behind, steeper in front.
        on_wall(first + s * (last - first), top - fall * s * (0.45 + 0.55 * s))
    });
    let head = DVec3::new(side * 17.0, on_wall(first, top).y + 16.0, top + 1.0);
    std::iter::once(head).chain(wall).collect()
}
