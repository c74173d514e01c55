use super::{DEEPEST_LINE_INTEGRAL, Node, Quadrature, gauss::Place};
use crate::phantom::random::Random;

/// Steps along either side of a grid over two materials.
const GRID_STEPS: usize = 16;

/// Thicknesses of all materials, and the signal behind them.
pub(super) struct Samples(pub(super) Vec<(Vec<f64>, f64)>);

impl Samples {
    /// The open beam, each material and each two at their longest, all together, and mixtures of random subsets.
    pub(super) fn drawn(beam: &Quadrature, longest_mm: &[f64], count: usize, seed: u64) -> Self {
        let materials = longest_mm.len();
        let with = |is_in: &dyn Fn(usize) -> bool| -> Vec<f64> {
            (0..materials).map(|m| if is_in(m) { longest_mm[m] } else { 0.0 }).collect()
        };
        let mut thicknesses = vec![vec![0.0; materials], longest_mm.to_vec()];
        for a in 0..materials {
            thicknesses.extend((0..=a).map(|b| with(&|m| m == a || m == b)));
        }
        let mut stream = Random::new(seed);
        let mut random = || stream.within(0.0, 1.0);
        thicknesses.resize_with(thicknesses.len() + count, || {
            // From all of them long to most of them thin, where the spectrum changes fastest.
            let power = 2.5 * random();
            let mut drawn = |longest| if random() < 0.5 { 0.0 } else { longest * random().powf(power) };
            longest_mm.iter().map(|&longest| drawn(longest)).collect()
        });
        Self(thicknesses.into_iter().map(|thickness| within(beam, thickness)).collect())
    }

    /// With a grid over every two materials.
    pub(super) fn and_grid(mut self, beam: &Quadrature, longest_mm: &[f64]) -> Self {
        let at = |step: usize| step as f64 / GRID_STEPS as f64;
        for a in 1..longest_mm.len() {
            for b in 0..a {
                for step in 0..(GRID_STEPS + 1).pow(2) {
                    let mut thickness = vec![0.0; longest_mm.len()];
                    thickness[a] = longest_mm[a] * at(step / (GRID_STEPS + 1));
                    thickness[b] = longest_mm[b] * at(step % (GRID_STEPS + 1));
                    self.0.push(within(beam, thickness));
                }
            }
        }
        self
    }

    /// Largest error of −ln T.
    pub(super) fn worst(&self, nodes: &[Node]) -> f64 {
        let error = |(thickness, signal): &(Vec<f64>, f64)| {
            let got: f64 = nodes.iter().map(|node| node.transmission(thickness)).sum();
            (got / signal).ln().abs()
        };
        self.0.iter().map(error).fold(0.0, f64::max)
    }

    /// Largest error of the share that bins have in the signal, by the nodes that stand for them.
    pub(super) fn error_of(&self, bins: &[Node], nodes: &[(Place, Node)]) -> f64 {
        let error = |(thickness, signal): &(Vec<f64>, f64)| {
            let want: f64 = bins.iter().map(|bin| bin.transmission(thickness)).sum();
            let got: f64 = nodes.iter().map(|(_, node)| node.transmission(thickness)).sum();
            (got - want).abs() / signal
        };
        self.0.iter().map(error).fold(0.0, f64::max)
    }

    /// Share of a node in the signal, on average over the samples.
    pub(super) fn mean_share(&self, node: &Node) -> f64 {
        let share = |(thickness, signal): &(Vec<f64>, f64)| node.transmission(thickness) / signal;
        self.0.iter().map(share).sum::<f64>() / self.0.len() as f64
    }

    pub(super) fn shares(&self, nodes: &[Node]) -> Vec<f64> {
        nodes.iter().map(|node| self.mean_share(node)).collect()
    }
}

/// A thickness and the signal behind it; halved until enough comes through.
fn within(beam: &Quadrature, mut thickness: Vec<f64>) -> (Vec<f64>, f64) {
    let least = (-DEEPEST_LINE_INTEGRAL).exp();
    let mut signal = beam.transmission(&thickness);
    while signal < least {
        thickness.iter_mut().for_each(|mm| *mm *= 0.5);
        signal = beam.transmission(&thickness);
    }
    (thickness, signal)
}
