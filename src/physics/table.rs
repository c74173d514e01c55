//! Embedded tables, and how they are read between their rows.

use super::PhysicsError;

/// Lowest and highest photon energy with cross sections, in keV.
pub const ENERGY_RANGE_KEV: [f64; 2] = [5.0, 150.0];

/// Rows of an embedded table behind its header.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().skip(1)
}

/// Numbers of a row; what is no number is NaN, which the tests of the tables find.
pub(super) fn numbers(row: &str) -> Vec<f64> {
    row.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
}

/// An energy within the range of the cross sections.
pub(super) fn check_energy(energy_kev: f64, place: impl FnOnce() -> String) -> Result<(), PhysicsError> {
    let [low, high] = ENERGY_RANGE_KEV;
    match (low..=high).contains(&energy_kev) {
        true => Ok(()),
        false => Err(PhysicsError::Energy { place: place(), range_kev: ENERGY_RANGE_KEV, got_kev: energy_kev }),
    }
}

/// Segment of ascending nodes in which x lies, and how far along it, by their logarithms when these are given; the first and
/// the last segment go on beyond the ends. Where two nodes are equal, x belongs to the upper one.
pub(crate) fn place(nodes: &[f64], x: f64) -> (usize, f64) {
    let upper = nodes.partition_point(|&node| node <= x).clamp(1, nodes.len() - 1);
    (upper - 1, (x - nodes[upper - 1]) / (nodes[upper] - nodes[upper - 1]))
}

/// Straight line between two values.
pub(crate) fn lerp(from: f64, to: f64, share: f64) -> f64 {
    from + share * (to - from)
}

/// Natural cubic spline of ln y over ln x, for quantities that no absorption edge breaks.
#[derive(Debug)]
pub(super) struct LogSpline {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Second derivatives at the nodes.
    bend: Vec<f64>,
}

impl LogSpline {
    /// Spline through pairs with positive numbers and ascending x; two or more.
    pub(super) fn new(pairs: impl Iterator<Item = [f64; 2]>) -> Self {
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.map(|[x, y]| (x.ln(), y.ln())).unzip();
        // Thomas' algorithm; the ends have no bend.
        let (mut bend, mut factor) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for i in 1..x.len() - 1 {
            let [before, after] = [x[i] - x[i - 1], x[i + 1] - x[i]];
            let jump = (y[i + 1] - y[i]) / after - (y[i] - y[i - 1]) / before;
            let pivot = 2.0 * (before + after) - before * factor[i - 1];
            factor[i] = after / pivot;
            bend[i] = (6.0 * jump - before * bend[i - 1]) / pivot;
        }
        for i in (1..x.len() - 1).rev() {
            bend[i] -= factor[i] * bend[i + 1];
        }
        Self { x, y, bend }
    }

    /// Value at x > 0.
    pub(super) fn at(&self, x: f64) -> f64 {
        let (i, share) = place(&self.x, x.ln());
        let step = self.x[i + 1] - self.x[i];
        let rest = 1.0 - share;
        let bow = (rest.powi(3) - rest) * self.bend[i] + (share.powi(3) - share) * self.bend[i + 1];
        (lerp(self.y[i], self.y[i + 1], share) + bow * step * step / 6.0).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_at_a_doubled_node_is_above_it() {
        let nodes = [1.0, 2.0, 2.0, 4.0];
        for (x, want) in [(0.5, (0, -0.5)), (1.0, (0, 0.0)), (1.5, (0, 0.5)), (2.0, (2, 0.0)), (4.0, (2, 1.0))] {
            assert_eq!(place(&nodes, x), want, "{x}");
        }
        assert_eq!(place(&nodes, 5.0), (2, 1.5));
    }

    #[test]
    fn a_spline_keeps_its_nodes_and_is_smoother_than_lines() {
        // In logarithms a sine, which has no bend at either end of this range.
        let truth = |x: f64| (x.ln() * std::f64::consts::PI).sin().exp();
        let nodes = (0..9).map(|i| (f64::from(i) / 8.0).exp()).map(|x| [x, truth(x)]);
        let spline = LogSpline::new(nodes.clone());
        assert!(nodes.clone().all(|[x, y]| (spline.at(x) / y - 1.0).abs() < 1e-14));
        let worst = |at: &dyn Fn(f64) -> f64| {
            (0..400).map(|i| (f64::from(i) / 400.0).exp()).map(|x| (at(x) / truth(x) - 1.0).abs()).fold(0.0, f64::max)
        };
        let line = |x: f64| {
            let i = ((8.0 * x.ln()) as i32).min(7);
            let [a, b] = [i, i + 1].map(|i| truth((f64::from(i) / 8.0).exp()).ln());
            lerp(a, b, 8.0 * x.ln() - f64::from(i)).exp()
        };
        assert!(worst(&|x| spline.at(x)) < 5e-4 && worst(&line) > 1e-2);
    }

    #[test]
    fn energies_outside_the_table_are_named_with_what_is_allowed() {
        let message = check_energy(3.0, || "water".to_owned()).unwrap_err().to_string();
        assert_eq!(message, "energy in water must be 5 to 150 keV, got 3 keV");
        assert!([f64::NAN, 150.1, -1.0].iter().all(|&energy| check_energy(energy, String::new).is_err()));
        assert!(ENERGY_RANGE_KEV.iter().all(|&energy| check_energy(energy, String::new).is_ok()));
    }
}
