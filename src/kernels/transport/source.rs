use glam::DVec3;

use crate::physics::Spectrum;

/// Largest [spread](Source::spread) of a field. Photons are drawn by area and kept by solid angle, of which the same area has 1.58⁻³, about
/// a quarter, at the farthest corner.
pub const MOST_SPREAD: f64 = 1.58;

/// A point that sends photons into a field: a parallelogram, filled evenly in solid angle as by an isotropic source behind a collimator.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Position in the world, in mm.
    pub position_mm: DVec3,
    /// Corner of the field in the world, in mm.
    pub corner_mm: DVec3,
    /// Edges of the field from its corner, in mm; both 0: one ray.
    pub edges_mm: [DVec3; 2],
    /// Corners of the polygon that a collimator leaves open in the field, in order, as shares of the edges; none: the whole field.
    pub blades: Vec<[f64; 2]>,
    /// Energies of the photons, those of the bins' centres.
    pub spectrum: Spectrum,
}

impl Source {
    /// How many times as far from the source the field's farthest corner is as its nearest point; infinite for a source in the field.
    /// Photons are followed for at most [`MOST_SPREAD`].
    #[must_use]
    pub fn spread(&self) -> f64 {
        let [least, most] = self.distances_mm();
        if least > 0.0 { most / least } else { f64::INFINITY }
    }

    /// Least distance of the source to the field, in mm.
    ///
    /// # Panics
    /// When the field [spreads](Self::spread) too far.
    pub(super) fn least_distance_mm(&self) -> f64 {
        let spread = self.spread();
        assert!(
            spread <= MOST_SPREAD,
            "a field's corners are at most {MOST_SPREAD} times as far away as its nearest point"
        );
        self.distances_mm()[0]
    }

    /// Distances of the nearest point of the field and of its farthest corner, in mm.
    fn distances_mm(&self) -> [f64; 2] {
        let [u, v] = self.edges_mm;
        let to_corner = self.corner_mm - self.position_mm;
        let distance = |a: f64, b: f64| (to_corner + a * u + b * v).length();
        // Foot of the perpendicular by the normal equations, and feet on the edges; the field is convex.
        let (uu, uv, vv) = (u.dot(u), u.dot(v), v.dot(v));
        let determinant = uu * vv - uv * uv;
        let (pu, pv) = (-to_corner.dot(u), -to_corner.dot(v));
        let mut candidates = vec![];
        if determinant > 0.0 {
            let [a, b] = [(pu * vv - pv * uv) / determinant, (pv * uu - pu * uv) / determinant];
            if (0.0..=1.0).contains(&a) && (0.0..=1.0).contains(&b) {
                candidates.push(distance(a, b));
            }
        }
        let share = |part: f64, whole: f64| if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 };
        for end in [0.0, 1.0] {
            candidates.push(distance(share(pu - end * uv, uu), end));
            candidates.push(distance(end, share(pv - end * uv, vv)));
        }
        let least = candidates.into_iter().fold(f64::INFINITY, f64::min);
        let most = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)].map(|(a, b)| distance(a, b));
        let most = most.into_iter().fold(0.0, f64::max);
        [least, most]
    }

    /// Whether the blades leave a place of the field open.
    #[must_use]
    pub fn is_open(&self, [a, b]: [f64; 2]) -> bool {
        self.blades.is_empty() || polygon_holds(&self.blades, [a, b])
    }

    /// Sides of the polygon: where one begins along both edges, where it ends along the second, and its slope; bits of single precision.
    pub(super) fn sides(&self) -> Vec<u32> {
        let sides = self.blades.iter().zip(self.blades.iter().cycle().skip(1));
        let side = |([a0, b0], [a1, b1]): (&[f64; 2], &[f64; 2])| {
            let slope = if b1 == b0 { 0.0 } else { (a1 - a0) / (b1 - b0) };
            [*a0, *b0, *b1, slope].map(|number| (number as f32).to_bits())
        };
        sides.flat_map(side).collect()
    }

    /// Table to draw energies from by two words: of each bin a threshold of the second word, the energy below it and the one from
    /// it on, in eV (A. J. Walker, *ACM Trans. Math. Softw.* 3:253, 1977).
    pub(super) fn energies(&self) -> Vec<u32> {
        let ev = |bin: usize| (1000.0 * self.spectrum.energies_kev()[bin]).round() as u32;
        let fluence = self.spectrum.fluence_per_mm2();
        let total: f64 = fluence.iter().sum();
        let mut shares: Vec<f64> = fluence.iter().map(|n| n / total * fluence.len() as f64).collect();
        let mut rows: Vec<[u32; 3]> = (0..shares.len()).map(|bin| [u32::MAX, ev(bin), ev(bin)]).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..shares.len()).partition(|&bin| shares[bin] < 1.0);
        while let (Some(&less), Some(&more)) = (small.last(), large.last()) {
            small.pop();
            // What a bin lacks comes from one that has too much.
            rows[less] = [(shares[less] * 2f64.powi(32)) as u32, ev(less), ev(more)];
            shares[more] -= 1.0 - shares[less];
            if shares[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        rows.concat()
    }
}

/// Whether a point lies in a polygon: an odd number of its sides cross the line from it along the first coordinate.
pub(crate) fn polygon_holds(corners: &[[f64; 2]], [u, v]: [f64; 2]) -> bool {
    let sides = corners.iter().zip(corners.iter().cycle().skip(1));
    let crosses = |([u0, v0], [u1, v1]): (&[f64; 2], &[f64; 2])| {
        (*v0 > v) != (*v1 > v) && u < (u1 - u0) * (v - v0) / (v1 - v0) + u0
    };
    sides.filter(|side| crosses(*side)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(energies: Vec<f64>, fluence: Vec<f64>) -> Source {
        Source {
            position_mm: DVec3::ZERO,
            corner_mm: DVec3::new(-200.0, -100.0, 1000.0),
            edges_mm: [DVec3::X * 400.0, DVec3::Y * 300.0],
            blades: Vec::new(),
            spectrum: Spectrum::new(energies, fluence).unwrap(),
        }
    }

    #[test]
    fn shares_of_the_energies_are_those_of_the_spectrum() {
        let fluence = vec![1.0, 0.0, 7.0, 2.0, 30.0];
        let source = source(vec![20.0, 30.0, 40.0, 50.0, 60.0], fluence.clone());
        let table = source.energies();
        let mut got = [0.0_f64; 5];
        for row in table.chunks(3) {
            let below = f64::from(row[0]) / 2f64.powi(32);
            got[(row[1] / 10_000 - 2) as usize] += below / 5.0;
            got[(row[2] / 10_000 - 2) as usize] += (1.0 - below) / 5.0;
        }
        for (got, want) in got.into_iter().zip(fluence) {
            assert!((got - want / 40.0).abs() < 1e-8, "{got}");
        }
    }

    #[test]
    fn blades_leave_a_polygon_open() {
        let mut field = source(vec![60.0], vec![1.0]);
        assert!(field.is_open([0.1, 0.9]) && field.sides().is_empty());
        field.blades = vec![[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]];
        assert!(field.is_open([0.5, 0.5]) && field.is_open([0.26, 0.5]));
        assert!(!field.is_open([0.24, 0.5]) && !field.is_open([0.76, 0.5]) && !field.is_open([0.1, 0.9]));
        assert_eq!(field.sides().len(), 12);
    }

    #[test]
    fn the_nearest_point_of_a_field_is_its_foot_an_edge_or_a_corner() {
        let mut field = source(vec![60.0], vec![1.0]);
        assert_eq!(field.least_distance_mm(), 1000.0);
        field.corner_mm = DVec3::new(30.0, -100.0, 1000.0);
        assert!((field.least_distance_mm() - 1000.0_f64.hypot(30.0)).abs() < 1e-9);
        field.corner_mm = DVec3::new(30.0, 40.0, 1000.0);
        assert!((field.least_distance_mm() - 1000.0_f64.hypot(50.0)).abs() < 1e-9);
        field.edges_mm = [DVec3::ZERO; 2];
        assert!((field.least_distance_mm() - 1000.0_f64.hypot(50.0)).abs() < 1e-9);
        assert_eq!(field.spread(), 1.0);
        field.edges_mm = [DVec3::X * 1000.0, DVec3::Y];
        field.corner_mm = DVec3::new(0.0, 0.0, 1000.0);
        assert!((field.spread() - 2.0_f64.sqrt()).abs() < 1e-6);
        field.corner_mm = DVec3::ZERO;
        assert_eq!(field.spread(), f64::INFINITY);
    }
}
