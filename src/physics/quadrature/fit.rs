use super::{LEAST_WEIGHT, Node, gauss::Place, product, samples::Samples};
use crate::physics::{Material, PhysicsError};

/// How much more the open beam counts than another thickness: its signal is 1 exactly.
const OPEN_BEAM: f64 = 30.0;

/// Least squares of T/T_bins − 1 over the logarithms of energies and weights.
pub(super) struct Fit<'a> {
    pub(super) materials: &'a [Material],
    pub(super) places: &'a [Place],
    pub(super) samples: &'a Samples,
    /// Factor of each sample's error.
    pub(super) importance: Vec<f64>,
}

/// Factors of the samples' errors: the open beam's is larger.
pub(super) fn importance(samples: &Samples) -> Vec<f64> {
    let mut importance = vec![1.0; samples.0.len()];
    importance[0] = OPEN_BEAM;
    importance
}

impl Fit<'_> {
    /// Fits one behind the other, and steps of each.
    pub(super) const ROUNDS: usize = 5;
    const STEPS: usize = 20;
    /// Step of ln E over which attenuation coefficients are differenced.
    const DIFFERENCE: f64 = 1e-5;
    /// Gain of a step below which the fit has come to rest.
    const REST: f64 = 1e-4;

    pub(super) fn run(&self, mut nodes: Vec<Node>) -> Result<Vec<Node>, PhysicsError> {
        let (mut damping, mut rests) = (1e-2, 0);
        let mut cost = self.cost(&nodes);
        let mut system = self.system(&nodes)?;
        for _ in 0..Self::STEPS {
            let step = system.solved(damping);
            let tried = self.moved(&nodes, &step)?;
            let new = self.cost(&tried);
            if new < cost {
                rests = if new > (1.0 - Self::REST) * cost { rests + 1 } else { 0 };
                (nodes, cost, damping) = (tried, new, 0.2 * damping);
                system = self.system(&nodes)?;
            } else {
                damping *= 5.0;
            }
            if rests == 3 || damping > 1e8 {
                break;
            }
        }
        Ok(nodes)
    }

    /// Nodes after a step, energies within their part of the beam.
    fn moved(&self, nodes: &[Node], step: &[f64]) -> Result<Vec<Node>, PhysicsError> {
        let moved =
            nodes.iter().zip(self.places).zip(step.as_chunks::<2>().0).map(|((node, place), [energy, weight])| {
                let [low, high] = place.range;
                let ln_energy = (node.energy_kev.ln() + energy).clamp(low, high);
                // A weight changes e-fold at most.
                let weight = (node.weight * weight.clamp(-1.0, 1.0).exp()).max(LEAST_WEIGHT);
                Node::of(place.energy_kev(ln_energy), weight, self.materials)
            });
        moved.collect()
    }

    /// Gives more weight to the samples that err most (Lawson): the next fit has a smaller largest error.
    pub(super) fn weigh(&mut self, nodes: &[Node]) {
        /// Least factor, so that no sample is forgotten.
        const LEAST: f64 = 0.3;
        let errors: Vec<f64> = self.errors(nodes).map(f64::abs).collect();
        let mean_square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
        let scale = mean_square.sqrt().max(f64::MIN_POSITIVE);
        // The open beam keeps its own.
        for (importance, error) in self.importance.iter_mut().zip(&errors).skip(1) {
            *importance *= (error / scale).sqrt().max(LEAST);
        }
    }

    /// Relative error of each sample.
    fn errors(&self, nodes: &[Node]) -> impl Iterator<Item = f64> {
        self.samples.0.iter().map(|(thickness, signal)| {
            nodes.iter().map(|node| node.transmission(thickness)).sum::<f64>() / signal - 1.0
        })
    }

    fn cost(&self, nodes: &[Node]) -> f64 {
        self.errors(nodes).zip(&self.importance).map(|(error, importance)| (importance * error).powi(2)).sum()
    }

    /// The linearised problem: for each node its energy, then its weight.
    fn system(&self, nodes: &[Node]) -> Result<Triangle, PhysicsError> {
        let slopes = nodes.iter().zip(self.places).map(|(node, place)| {
            let [low, high] = place.range;
            let ends = [-1.0, 1.0].map(|side| (node.energy_kev.ln() + side * Self::DIFFERENCE).clamp(low, high));
            let between = (ends[1] - ends[0]).max(f64::MIN_POSITIVE);
            let [below, above] = ends.map(|end| Node::of(place.energy_kev(end), 1.0, self.materials));
            let pairs = below?.attenuation_per_mm.into_iter().zip(above?.attenuation_per_mm);
            Ok(pairs.map(|(below, above)| (above - below) / between).collect())
        });
        let slopes: Vec<Vec<f64>> = slopes.collect::<Result<_, PhysicsError>>()?;
        let mut system = Triangle::zero(2 * nodes.len());
        let mut row = vec![0.0; 2 * nodes.len()];
        for ((thickness, signal), &factor) in self.samples.0.iter().zip(&self.importance) {
            let mut residual = -factor;
            for ((node, slope), row) in nodes.iter().zip(&slopes).zip(row.as_chunks_mut::<2>().0) {
                let share = factor * node.transmission(thickness) / signal;
                *row = [-share * product(slope, thickness), share];
                residual += share;
            }
            system.add(&mut row, -residual);
        }
        Ok(system)
    }
}

/// Least squares J·x = −r as a triangle R and a right side, into which rows are turned one by one (Givens).
///
/// JᵀJ would have the square of J's condition, and exponentials resemble each other: half of the digits would be lost.
#[derive(Clone)]
struct Triangle {
    rows: Vec<Vec<f64>>,
    right: Vec<f64>,
}

impl Triangle {
    fn zero(size: usize) -> Self {
        Self { rows: vec![vec![0.0; size]; size], right: vec![0.0; size] }
    }

    /// Takes in a row, which is used up, and its right side.
    fn add(&mut self, row: &mut [f64], mut right: f64) {
        for (i, (of_triangle, of_right)) in self.rows.iter_mut().zip(&mut self.right).enumerate() {
            let length = of_triangle[i].hypot(row[i]);
            if length == 0.0 {
                continue;
            }
            let (cosine, sine) = (of_triangle[i] / length, row[i] / length);
            let turned = |a: &mut f64, b: &mut f64| (*a, *b) = (cosine * *a + sine * *b, cosine * *b - sine * *a);
            of_triangle[i..].iter_mut().zip(&mut row[i..]).for_each(|(a, b)| turned(a, b));
            turned(of_right, &mut right);
        }
    }

    /// The solution of the equations and √damping·D·x = 0, where D has the lengths of J's columns.
    fn solved(&self, damping: f64) -> Vec<f64> {
        let size = self.right.len();
        let mut damped = self.clone();
        for i in 0..size {
            let length = self.rows[..=i].iter().map(|row| row[i] * row[i]).sum::<f64>().sqrt();
            let mut row = vec![0.0; size];
            // A parameter without a slope, at the end of its range, stays.
            row[i] = (damping.sqrt() * length).max(f64::MIN_POSITIVE.sqrt());
            damped.add(&mut row, 0.0);
        }
        let mut x = damped.right;
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|k| damped.rows[i][k] * x[k]).sum();
            x[i] = (x[i] - known) / damped.rows[i][i];
        }
        x
    }
}
