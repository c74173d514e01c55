use burn::{
    module::Module,
    tensor::{Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};

use super::Physics;
use crate::{
    Error,
    networks::{Conv3x3, Fresh},
    ops::in_pool,
};

/// Sizes of a [`PrimalDual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimalDualOptions {
    /// Times that it projects and back-projects.
    pub iterations: usize,
    /// Images, and stacks, that are handed from one iteration to the next; two or more.
    pub memory: usize,
    /// Channels within the networks.
    pub width: usize,
}

impl PrimalDualOptions {
    /// What is wrong with these sizes, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let ranges =
            [("iterations", self.iterations, 1..=64), ("memory", self.memory, 2..=64), ("width", self.width, 1..=256)];
        let (name, got, range) = ranges.into_iter().find(|(_, got, range)| !range.contains(got))?;
        Some(format!("{name} must be {} to {}, got {got}", range.start(), range.end()))
    }
}

/// Learned Primal-Dual: a primal-dual scheme whose proximal steps are small networks.
///
/// ```text
/// h ← h + Γᵢ(h, Ã·f₁, g)        f ← f + Λᵢ(f, Ãᵀ·h₀)        i = 1 … iterations, from h = 0 and f = 0
/// ```
/// where Ã = A/‖A‖, g are the projections in the units of [`Physics`], f some images of which the first is the result and the second is
/// projected, h as many stacks, and Γᵢ and Λᵢ are three 3 × 3 convolutions with ReLU between them, each with weights of its own. Adler and Öktem
/// (IEEE Trans. Med. Imaging 37:1322, 2018, algorithm 3), but for their PReLU.
#[derive(Module, Debug)]
pub struct PrimalDual {
    dual: Vec<Step>,
    primal: Vec<Step>,
}

impl PrimalDual {
    /// The network with fresh weights.
    #[must_use]
    pub fn new(options: &PrimalDualOptions, fresh: &Fresh) -> Self {
        let PrimalDualOptions { iterations, memory, width } = *options;
        let steps = |name: &str, added: usize| {
            let fresh = fresh.part(name);
            (0..iterations).map(|i| Step::new(memory + added, width, memory, &fresh.part(i))).collect()
        };
        Self { dual: steps("dual", 2), primal: steps("primal", 1) }
    }

    /// Slices of projections, in the units of [`Physics`].
    ///
    /// # Shapes
    /// - `projections`: `[batch, 1, view, u]`
    /// - output: `[batch, 1, y, x]`
    ///
    /// # Errors
    /// As those of [`ScanOperator`](crate::operators::ScanOperator).
    pub fn forward(&self, physics: &Physics, projections: Tensor<4>) -> Result<Tensor<4>, Error> {
        in_pool(|| self.evaluate(physics, projections))
    }

    fn evaluate(&self, physics: &Physics, projections: Tensor<4>) -> Result<Tensor<4>, Error> {
        let device = projections.device();
        let [batch, _, views, columns] = projections.dims();
        let [rows, across] = physics.slice();
        let memory = self.primal.first().map_or(2, |step| step.outputs());
        let mut h = Tensor::<4>::zeros([batch, memory, views, columns], &device);
        let mut f = Tensor::<4>::zeros([batch, memory, rows, across], &device);
        for (dual, primal) in self.dual.iter().zip(&self.primal) {
            let projected = physics.project(f.clone().narrow(1, 1, 1))?;
            h = dual.forward(vec![h.clone(), projected, projections.clone()], h);
            let back = physics.backproject(h.clone().narrow(1, 0, 1))?;
            f = primal.forward(vec![f.clone(), back], f);
        }
        Ok(f.narrow(1, 0, 1))
    }
}

/// Three convolutions, whose output is added to what they step on from.
#[derive(Module, Debug)]
struct Step {
    first: Conv3x3,
    second: Conv3x3,
    last: Conv3x3,
    #[module(skip)]
    outputs: usize,
}

impl Step {
    fn new(inputs: usize, width: usize, outputs: usize, fresh: &Fresh) -> Self {
        Self {
            first: Conv3x3::new(inputs, width, &fresh.part("first")),
            second: Conv3x3::new(width, width, &fresh.part("second")),
            last: Conv3x3::new(width, outputs, &fresh.part("last")),
            outputs,
        }
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn forward(&self, seen: Vec<Tensor<4>>, onto: Tensor<4>) -> Tensor<4> {
        let x = relu(self.first.forward(Tensor::cat(seen, 1)));
        let x = relu(self.second.forward(x));
        self.last.forward_onto(x, onto)
    }
}
