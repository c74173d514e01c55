use glam::DVec3;

use super::tables::{NODE_COUNT, node_kev};

/// Largest amount of a photon: its square fits 32 bits.
const MAX_AMOUNT: f64 = 65_535.0;

/// A plane of pixels that photons cross on their way out. Those from behind do not count.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorPlane {
    corner_mm: DVec3,
    steps_mm: [DVec3; 2],
    size: [u32; 2],
    /// By energy of the coefficients' table.
    response: Vec<f64>,
    expects: bool,
}

impl DetectorPlane {
    /// Plane of `size` columns and rows from a corner (not the centre of a pixel), with the steps from column to column and from row
    /// to row, at a right angle; photons come from where column × row points. `response` is what a photon of an energy (keV) adds to
    /// a pixel: 1 for a counter, the energy for an ideal integrating detector.
    ///
    /// # Panics
    /// When there is no pixel, steps are 0 or not at a right angle, or a response is negative or not finite or all are 0.
    #[must_use]
    pub fn new(corner_mm: DVec3, steps_mm: [DVec3; 2], size: [u32; 2], response: impl Fn(f64) -> f64) -> Self {
        let [u, v] = steps_mm;
        assert!(size.iter().all(|&n| n > 0), "a detector has pixels");
        assert!(u.length() > 0.0 && v.length() > 0.0, "pixels have a size");
        assert!(u.dot(v).abs() < 1e-9 * u.length() * v.length(), "columns and rows stand at a right angle");
        let response: Vec<f64> = (0..NODE_COUNT).map(|node| response(node_kev(node))).collect();
        assert!(response.iter().all(|r| *r >= 0.0 && r.is_finite()), "responses are 0 or more");
        assert!(response.iter().any(|r| *r > 0.0), "a detector sees something");
        Self { corner_mm, steps_mm, size, response, expects: false }
    }

    /// The same plane, which gets of scattered photons what is expected instead of what arrives: wherever one is scattered, the
    /// share of it that would come through without another interaction. Means are the same, errors smaller.
    #[must_use]
    pub fn of_expected(self) -> Self {
        Self { expects: true, ..self }
    }

    /// Whether it gets what is expected.
    pub(super) fn expects(&self) -> bool {
        self.expects
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Response that an amount of 1 stands for.
    pub(super) fn unit(&self) -> f64 {
        self.response.iter().fold(0.0, |most: f64, r| most.max(*r)) / MAX_AMOUNT
    }

    /// Amounts by energy of the coefficients' table.
    pub(super) fn amounts(&self) -> impl Iterator<Item = u32> {
        let unit = self.unit();
        self.response.iter().map(move |r| (r / unit).round() as u32)
    }

    /// Height above the plane in mm, column and row of a position in the world: a normal and a value at the origin each.
    pub(super) fn affine(&self) -> [(DVec3, f64); 3] {
        let [u, v] = self.steps_mm;
        [u.cross(v).normalize(), u / u.length_squared(), v / v.length_squared()]
            .map(|along| (along, -along.dot(self.corner_mm)))
    }
}
