//! Blades of the collimator.

use super::{ProtocolError, sections::Collimator};
use crate::kernels::transport::polygon_holds;

/// Points along each side of a pixel that decide how much of it lies in the field.
const POINTS: usize = 4;
/// Share of a side that is none.
const NEXT_TO: f64 = 1e-9;
/// Most corners of a field.
const MOST_CORNERS: usize = 64;

impl Collimator {
    /// What contradicts itself.
    pub(super) fn check(&self) -> Result<(), ProtocolError> {
        let corners = &self.corners_mm;
        if !(3..=MOST_CORNERS).contains(&corners.len()) {
            let allowed = format!("3 to {MOST_CORNERS} corners");
            return Err(ProtocolError::value("beam.collimator.corners_mm", allowed, corners.len()));
        }
        if let Some(corner) = corners.iter().find(|corner| corner.iter().any(|mm| !mm.is_finite())) {
            return Err(ProtocolError::value("beam.collimator.corners_mm", "finite", format!("{corner:?}")));
        }
        Ok(())
    }

    /// Share of each pixel that lies in the field, row by row.
    pub(super) fn coverage(&self, [columns, rows]: [usize; 2], pitch_mm: [f64; 2]) -> Vec<f32> {
        let place = |pixel: usize, point: usize, count: usize, pitch: f64| {
            (pixel as f64 + (point as f64 + 0.5) / POINTS as f64 - count as f64 / 2.0) * pitch
        };
        let share = |column: usize, row: usize| {
            let points = (0..POINTS * POINTS).filter(|point| {
                let u = place(column, point % POINTS, columns, pitch_mm[0]);
                let v = place(row, point / POINTS, rows, pitch_mm[1]);
                self.holds([u, v])
            });
            points.count() as f32 / (POINTS * POINTS) as f32
        };
        (0..columns * rows).map(|pixel| share(pixel % columns, pixel / columns)).collect()
    }

    /// Middle and half-sizes of the rectangle around the field, as far as it lies on a detector of given half-sizes.
    pub(super) fn bounds(&self, half_mm: [f64; 2]) -> [[f64; 2]; 2] {
        let along = |axis: usize| self.corners_mm.iter().map(move |corner| corner[axis]);
        let ends = [0, 1].map(|axis| {
            let [least, most] =
                [along(axis).fold(f64::INFINITY, f64::min), along(axis).fold(f64::NEG_INFINITY, f64::max)];
            [least, most].map(|end| end.clamp(-half_mm[axis], half_mm[axis]))
        });
        [ends.map(|[least, most]| 0.5 * (least + most)), ends.map(|[least, most]| 0.5 * (most - least))]
    }

    /// The corners as shares of a rectangle's sides, if they are not the rectangle itself or what holds it.
    pub(super) fn corners_within(&self, middle: [f64; 2], half: [f64; 2]) -> Vec<[f64; 2]> {
        let share = |corner: &[f64; 2]| [0, 1].map(|axis| 0.5 + 0.5 * (corner[axis] - middle[axis]) / half[axis]);
        let corners: Vec<[f64; 2]> = self.corners_mm.iter().map(share).collect();
        let is_outside = |share: f64| share <= NEXT_TO || share >= 1.0 - NEXT_TO;
        let sides = self.corners_mm.iter().zip(self.corners_mm.iter().cycle().skip(1));
        let is_upright = corners.len() == 4
            && corners.iter().flatten().all(|share| is_outside(*share))
            && sides.into_iter().all(|(from, to)| from[0] == to[0] || from[1] == to[1]);
        if is_upright { Vec::new() } else { corners }
    }

    /// Whether a point lies in the field.
    pub(super) fn holds(&self, point: [f64; 2]) -> bool {
        polygon_holds(&self.corners_mm, point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_covered_by_the_share_of_their_area() {
        let field = Collimator { corners_mm: vec![[-3.0, -1.0], [2.5, -1.0], [2.5, 2.0], [-3.0, 2.0]] };
        let shares = field.coverage([8, 6], [1.0, 1.0]);
        assert_eq!(shares.iter().sum::<f32>(), 5.5 * 3.0);
        assert_eq!((shares[2 * 8 + 1], shares[2 * 8 + 6], shares[0]), (1.0, 0.5, 0.0));
        let triangle = Collimator { corners_mm: vec![[-3.0, -3.0], [3.0, -3.0], [0.0, 3.0]] };
        let area: f32 = triangle.coverage([60, 60], [0.1, 0.1]).iter().sum::<f32>() * 0.01;
        assert!((area - 18.0).abs() < 0.05, "{area}");
    }

    #[test]
    fn a_rectangle_has_no_corners_within_itself_and_a_triangle_has_three() {
        let upright = Collimator { corners_mm: vec![[-30.0, -10.0], [20.0, -10.0], [20.0, 25.0], [-30.0, 25.0]] };
        let [middle, half] = upright.bounds([100.0; 2]);
        assert!(upright.corners_within(middle, half).is_empty());
        // One that reaches beyond the detector is cut off by it.
        let [middle, half] = upright.bounds([22.0; 2]);
        assert!(upright.corners_within(middle, half).is_empty());
        let triangle = Collimator { corners_mm: vec![[-30.0, -10.0], [20.0, -10.0], [-5.0, 25.0]] };
        let [middle, half] = triangle.bounds([100.0; 2]);
        assert_eq!(triangle.corners_within(middle, half), [[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]);
    }

    #[test]
    fn a_field_has_three_corners_at_least() {
        assert!(Collimator { corners_mm: vec![[0.0; 2]; 2] }.check().is_err());
        assert!(Collimator { corners_mm: vec![[f64::NAN; 2]; 3] }.check().is_err());
    }
}
