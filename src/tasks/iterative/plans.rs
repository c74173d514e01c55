//! Graphs of what is computed once, and of one iteration of each algorithm.

use super::{Algorithm, IterativeOptions, Weights, options::FREE, pair::Pair};
use crate::{
    data::Grid,
    engine::{Buffer, Error, Extent, Graph, Input, Kept, Output, Session},
    kernels::{
        pointwise::{add_scaled, clamp, fill, inverse, multiply, scale_add, transmission},
        statistics, variation,
    },
};

/// Steps of the dual field in every iteration; the field is kept from one to the next.
const VARIATION_STEPS: usize = 20;

/// What stays on the device from iteration to iteration.
pub(super) struct State {
    pub(super) grid: Grid,
    pub(super) options: IterativeOptions,
    /// The volume.
    pub(super) volume: Kept<f32>,
    pub(super) subsets: Vec<Subset>,
    /// The volume that is sought, for errors.
    pub(super) reference: Option<Kept<f32>>,
    pub(super) memory: Memory,
}

/// A subset of the views.
pub(super) struct Subset {
    pub(super) pair: Pair,
    /// What was measured; for conjugate gradients what is left of it.
    pub(super) measured: Kept<f32>,
    /// R, for simultaneous iterations.
    pub(super) weights: Option<Kept<f32>>,
    /// C, or the inverse of Aᵀ·1, or 1; 0 where no voxel may change.
    pub(super) steps: Kept<f32>,
}

/// What an algorithm remembers besides the volume.
pub(super) enum Memory {
    Nothing,
    /// Direction, and the square of the gradient's length.
    Gradients {
        direction: Kept<f32>,
        square: Kept<[f32; 4]>,
    },
    /// The point of the gradient step, and the dual field.
    Variation {
        point: Kept<f32>,
        field: [Kept<f32>; 3],
    },
}

/// An iteration, and the sums that come back from it.
pub(super) struct Iteration {
    pub(super) graph: Graph<'static>,
    /// Squares of p − A·x, summed, one for each subset; of the volume that it met.
    pub(super) residuals: Vec<Output<[f32; 4]>>,
    /// Squares of the difference from the reference, of the new volume.
    pub(super) errors: Option<Output<[f32; 4]>>,
    /// How much of the last step is added to the next, as a quotient of two sums.
    pub(super) momentum: Option<Input<[f32; 4]>>,
}

impl State {
    /// Extent of the volume.
    pub(super) fn voxels(grid: &Grid) -> Extent {
        let [nx, ny, nz] = grid.size();
        Extent::new(nz, ny, nx)
    }

    /// Keeps what the algorithm needs.
    pub(super) fn new(
        session: &mut Session,
        grid: &Grid,
        options: IterativeOptions,
        pairs: Vec<Pair>,
        has_reference: bool,
    ) -> Result<Self, Error> {
        let voxels = Self::voxels(grid);
        let has_weights = matches!(options.algorithm, Algorithm::Sirt { .. });
        let subsets = pairs
            .into_iter()
            .map(|pair| {
                let measured = session.keep("iteration.measured", pair.pixels())?;
                let weights = has_weights.then(|| session.keep("iteration.weights", pair.pixels())).transpose()?;
                let steps = session.keep("iteration.steps", voxels)?;
                Ok(Subset { pair, measured, weights, steps })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let memory = match options.algorithm {
            Algorithm::Sirt { .. } | Algorithm::Mlem => Memory::Nothing,
            Algorithm::Cgls => Memory::Gradients {
                direction: session.keep("iteration.direction", voxels)?,
                square: session.keep("iteration.square", Extent::table(1))?,
            },
            Algorithm::FistaTv { .. } => {
                let mut field = || session.keep("iteration.field", voxels);
                let field = [field()?, field()?, field()?];
                Memory::Variation { point: session.keep("iteration.point", voxels)?, field }
            }
        };
        let volume = session.keep("iteration.volume", voxels)?;
        let reference = has_reference.then(|| session.keep("iteration.reference", voxels)).transpose()?;
        Ok(Self { grid: *grid, options, volume, subsets, reference, memory })
    }

    /// What is computed once: weights of the rays, and how far each voxel goes. `allowed` is 1 in voxels that may change, else 0.
    pub(super) fn preparation<'a>(&self, allowed: Option<&'a [f32]>) -> Preparation<'a> {
        let mut graph = Graph::new();
        let voxels = Self::voxels(&self.grid);
        let ones = fill::record(&mut graph, voxels, 1.0);
        let allowed = allowed.map(|allowed| graph.upload("iteration.mask", voxels, allowed));
        let least_mm = (LEAST_LENGTH * self.grid.spacing_mm().min_element()) as f32;
        let (mut sums, mut curvature) = (Vec::new(), None);
        for subset in &self.subsets {
            let measured = graph.import(subset.measured);
            let length = subset.pair.project(&mut graph, ones);
            let inverted = inverse::record(&mut graph, least_mm, length);
            let is_met = multiply::record(&mut graph, length, inverted);
            let seen = multiply::record(&mut graph, measured, is_met);
            let [length_sum, seen_sum] = [length, seen].map(|values| statistics::record(&mut graph, values));
            sums.push([length_sum, seen_sum].map(|sum| graph.result(sum)));
            // Weights of the rays, and what of them a step is divided by.
            let (weights, summed) = match (self.options.algorithm, self.options.weights) {
                (Algorithm::Sirt { .. }, Weights::Even) => (inverted, is_met),
                (Algorithm::Sirt { .. }, Weights::Counts) => {
                    let through = transmission::record(&mut graph, measured);
                    let weights = multiply::record(&mut graph, through, is_met);
                    (weights, multiply::record(&mut graph, weights, length))
                }
                (Algorithm::FistaTv { .. } | Algorithm::Cgls, _) => (is_met, length),
                (Algorithm::Mlem, _) => (is_met, is_met),
            };
            if let Some(kept) = subset.weights {
                graph.keep(weights, kept);
            }
            let steps = match self.options.algorithm {
                Algorithm::Sirt { .. } | Algorithm::Mlem => {
                    let gathered = subset.pair.gathered(&mut graph, summed);
                    let inverted = inverse::record(&mut graph, least_mm * LEAST_LENGTH as f32, gathered);
                    allowed.map_or(inverted, |allowed| multiply::record(&mut graph, inverted, allowed))
                }
                Algorithm::FistaTv { .. } => {
                    let gathered = subset.pair.gathered(&mut graph, summed);
                    let all = statistics::record(&mut graph, gathered);
                    curvature = Some(graph.result(all));
                    allowed.unwrap_or(ones)
                }
                Algorithm::Cgls => allowed.unwrap_or(ones),
            };
            graph.keep(steps, subset.steps);
        }
        Preparation { graph, sums, curvature }
    }
}

/// Shortest way through the volume that counts, in voxels.
const LEAST_LENGTH: f64 = 0.1;

/// What is computed once, and the sums that come back from it.
pub(super) struct Preparation<'a> {
    pub(super) graph: Graph<'a>,
    /// For every subset the lengths of its rays in the volume, and what was measured on rays that meet it.
    pub(super) sums: Vec<[Output<[f32; 4]>; 2]>,
    /// Of Aᵀ·A·1, the largest of which bounds the eigenvalues of AᵀA, where that is asked for.
    pub(super) curvature: Option<Output<[f32; 4]>>,
}

fn squares(graph: &mut Graph<'_>, values: Buffer<f32>) -> Buffer<[f32; 4]> {
    let squared = multiply::record(graph, values, values);
    statistics::record(graph, squared)
}

impl State {
    /// Records p − A·x of a subset.
    fn difference(&self, graph: &mut Graph<'_>, subset: &Subset, volume: Buffer<f32>) -> Buffer<f32> {
        let integrals = subset.pair.project(graph, volume);
        let measured = graph.import(subset.measured);
        scale_add::record(graph, 1.0, measured, -1.0, integrals)
    }

    /// The residual of the volume as it is: for the last one.
    pub(super) fn check(&self) -> (Graph<'static>, Vec<Output<[f32; 4]>>) {
        let mut graph = Graph::new();
        let volume = graph.import(self.volume);
        let mut residuals = Vec::new();
        for subset in &self.subsets {
            let difference = match self.memory {
                Memory::Gradients { .. } => graph.import(subset.measured),
                _ => self.difference(&mut graph, subset, volume),
            };
            let sum = squares(&mut graph, difference);
            residuals.push(graph.result(sum));
        }
        (graph, residuals)
    }

    /// One iteration: all subsets, one after the other.
    ///
    /// `curvature` bounds the largest eigenvalue of AᵀA.
    pub(super) fn iteration(&self, curvature: f64) -> Iteration {
        let mut graph = Graph::new();
        let mut residuals = Vec::new();
        let mut momentum = None;
        let before = graph.import(self.volume);
        let volume = match (&self.memory, self.options.algorithm) {
            (Memory::Gradients { direction, square }, _) => {
                let subset = &self.subsets[0];
                self.conjugate(&mut graph, subset, before, (*direction, *square), &mut residuals)
            }
            (Memory::Variation { point, field }, Algorithm::FistaTv { weight_per_mm }) => {
                let sum = graph.input("iteration.momentum", Extent::table(1));
                momentum = Some(sum);
                let weight = weight_per_mm / curvature;
                self.proximal(&mut graph, before, (*point, *field), (weight, curvature), sum.buffer(), &mut residuals)
            }
            _ => {
                self.subsets.iter().fold(before, |volume, subset| self.step(&mut graph, subset, volume, &mut residuals))
            }
        };
        graph.keep(volume, self.volume);
        let errors = self.reference.map(|reference| {
            let reference = graph.import(reference);
            let error = scale_add::record(&mut graph, 1.0, volume, -1.0, reference);
            let sum = squares(&mut graph, error);
            graph.result(sum)
        });
        Iteration { graph, residuals, errors, momentum }
    }

    /// Records a step of simultaneous iteration or of expectation maximisation with one subset.
    fn step(
        &self,
        graph: &mut Graph<'_>,
        subset: &Subset,
        volume: Buffer<f32>,
        residuals: &mut Vec<Output<[f32; 4]>>,
    ) -> Buffer<f32> {
        let steps = graph.import(subset.steps);
        let measured = graph.import(subset.measured);
        let integrals = subset.pair.project(graph, volume);
        let difference = scale_add::record(graph, 1.0, measured, -1.0, integrals);
        let sum = squares(graph, difference);
        residuals.push(graph.result(sum));
        match (self.options.algorithm, subset.weights) {
            (Algorithm::Sirt { relaxation }, Some(weights)) => {
                let weights = graph.import(weights);
                let weighted = multiply::record(graph, weights, difference);
                let gathered = subset.pair.gathered(graph, weighted);
                let scaled = multiply::record(graph, steps, gathered);
                let moved = scale_add::record(graph, 1.0, volume, relaxation as f32, scaled);
                if self.options.bounds == FREE { moved } else { clamp::record(graph, self.options.bounds, moved) }
            }
            _ => {
                let inverted = inverse::record(graph, LEAST_INTEGRAL, integrals);
                let quotient = multiply::record(graph, measured, inverted);
                let gathered = subset.pair.gathered(graph, quotient);
                let scaled = multiply::record(graph, steps, gathered);
                multiply::record(graph, volume, scaled)
            }
        }
    }

    /// Records a step of conjugate gradients; `measured` holds the residual.
    fn conjugate(
        &self,
        graph: &mut Graph<'_>,
        subset: &Subset,
        volume: Buffer<f32>,
        (kept_direction, kept_square): (Kept<f32>, Kept<[f32; 4]>),
        residuals: &mut Vec<Output<[f32; 4]>>,
    ) -> Buffer<f32> {
        let [direction, left] = [kept_direction, subset.measured].map(|kept| graph.import(kept));
        let square = graph.import(kept_square);
        let sum = squares(graph, left);
        residuals.push(graph.result(sum));
        let projected = subset.pair.project(graph, direction);
        let curvature = squares(graph, projected);
        let moved = add_scaled::record(graph, volume, 1.0, [square, curvature], direction);
        let left = add_scaled::record(graph, left, -1.0, [square, curvature], projected);
        let gradient = self.gradient(graph, subset, left);
        let next = squares(graph, gradient);
        let turned = add_scaled::record(graph, gradient, 1.0, [next, square], direction);
        graph.keep(left, subset.measured);
        graph.keep(turned, kept_direction);
        graph.keep(next, kept_square);
        moved
    }

    /// Records Aᵀ·r, in the voxels that may change.
    fn gradient(&self, graph: &mut Graph<'_>, subset: &Subset, left: Buffer<f32>) -> Buffer<f32> {
        let gathered = subset.pair.gathered(graph, left);
        let allowed = graph.import(subset.steps);
        multiply::record(graph, allowed, gathered)
    }

    /// Records the first direction of conjugate gradients, and makes of `measured` what is left of it.
    pub(super) fn beginning(&self) -> Graph<'static> {
        let mut graph = Graph::new();
        if let Memory::Gradients { direction, square } = self.memory {
            let volume = graph.import(self.volume);
            let subset = &self.subsets[0];
            let left = self.difference(&mut graph, subset, volume);
            let gradient = self.gradient(&mut graph, subset, left);
            let sum = squares(&mut graph, gradient);
            graph.keep(left, subset.measured);
            graph.keep(gradient, direction);
            graph.keep(sum, square);
        }
        graph
    }

    /// Records a gradient step from the point and the proximal step of total variation; `weight` is that of the variation over the
    /// curvature.
    fn proximal(
        &self,
        graph: &mut Graph<'_>,
        before: Buffer<f32>,
        (kept_point, kept_field): (Kept<f32>, [Kept<f32>; 3]),
        (weight, curvature): (f64, f64),
        momentum: Buffer<[f32; 4]>,
        residuals: &mut Vec<Output<[f32; 4]>>,
    ) -> Buffer<f32> {
        let point = graph.import(kept_point);
        let subset = &self.subsets[0];
        let difference = self.difference(graph, subset, point);
        let sum = squares(graph, difference);
        residuals.push(graph.result(sum));
        let gradient = self.gradient(graph, subset, difference);
        let moved = scale_add::record(graph, 1.0, point, (1.0 / curvature) as f32, gradient);
        let field = kept_field.map(|component| graph.import(component));
        // |∇x| dV, with dV the same everywhere.
        let t = weight * self.grid.spacing_mm().element_product();
        let (volume, field) =
            variation::record(graph, &self.grid, t, self.options.bounds, VARIATION_STEPS, moved, field);
        let step = scale_add::record(graph, 1.0, volume, -1.0, before);
        let one = statistics_of_one(graph);
        let next = add_scaled::record(graph, volume, 1.0, [momentum, one], step);
        graph.keep(next, kept_point);
        field.into_iter().zip(kept_field).for_each(|(component, kept)| graph.keep(component, kept));
        volume
    }
}

/// A line integral below this divides nothing.
const LEAST_INTEGRAL: f32 = 1e-6;

/// A sum of 1, to divide by.
fn statistics_of_one(graph: &mut Graph<'_>) -> Buffer<[f32; 4]> {
    graph.upload_table("iteration.one", &[[1.0_f32; 4]])
}
