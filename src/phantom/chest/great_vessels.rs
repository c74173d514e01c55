//! Organs of the mediastinum, the great vessels and the airways.

use glam::DVec3;

use super::{Parts, lungs::Lungs};
use crate::phantom::{PhantomError, tissue};

/// Course and radius in millimetres of the great vessels.
const VESSELS: [(&[[f64; 3]], f64); 9] = [
    // Ascending aorta, arch and descending aorta.
    (&[[2.0, 22.0, -20.0], [12.0, 26.0, 22.0], [9.0, 18.0, 46.0]], 15.0),
    (&[[9.0, 18.0, 46.0], [-3.0, -2.0, 58.0], [-20.0, -22.0, 54.0], [-24.0, -36.0, 40.0]], 13.5),
    (&[[-24.0, -36.0, 40.0], [-22.0, -42.0, -10.0], [-16.0, -40.0, -80.0], [-8.0, -36.0, -170.0]], 11.5),
    // Superior vena cava with the right and left brachiocephalic veins, inferior vena cava.
    (&[[24.0, 18.0, -20.0], [25.0, 14.0, 55.0], [20.0, 10.0, 105.0]], 10.0),
    (&[[24.0, 16.0, 66.0], [-16.0, 26.0, 86.0], [-26.0, 10.0, 112.0]], 7.5),
    (&[[20.0, 4.0, -70.0], [20.0, 0.0, -130.0]], 11.0),
    // Left subclavian and carotid, right carotid.
    (&[[-14.0, -18.0, 58.0], [-22.0, -14.0, 96.0], [-24.0, -4.0, 150.0]], 6.0),
    // Pulmonary trunk with its right and left branch.
    (&[[-20.0, 30.0, -20.0], [-20.0, 14.0, 12.0], [-38.0, -14.0, 14.0]], 12.0),
    (&[[-16.0, 12.0, 8.0], [10.0, 0.0, 4.0], [38.0, -8.0, -2.0]], 11.0),
];

/// Course and radius in millimetres of trachea, right and left main bronchus and the right intermediate bronchus.
const AIRWAYS: [(&[[f64; 3]], f64); 4] = [
    (&[[0.0, 0.0, 190.0], [0.0, -4.0, 120.0], [2.0, -20.0, 34.0]], 9.0),
    (&[[2.0, -20.0, 34.0], [30.0, -22.0, 8.0]], 7.0),
    (&[[2.0, -20.0, 34.0], [-38.0, -24.0, 2.0]], 6.0),
    (&[[30.0, -22.0, 8.0], [40.0, -26.0, -18.0]], 5.0),
];

pub(super) fn draw(parts: &mut Parts, lungs: &Lungs) -> Result<(), PhantomError> {
    for (shape, value) in &lungs.organs {
        parts.push(shape.clone(), *value);
    }
    for (courses, value) in [(VESSELS.as_slice(), tissue::BLOOD), (AIRWAYS.as_slice(), tissue::AIR)] {
        for (course, radius) in courses {
            let points: Vec<DVec3> = course.iter().copied().map(DVec3::from_array).collect();
            parts.chain(&points, *radius, value)?;
        }
    }
    Ok(())
}
