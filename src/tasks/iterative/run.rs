use std::{borrow::Cow, ops::ControlFlow};

use super::{
    Algorithm, IterativeOptions,
    pair::Pair,
    plans::{Memory, State},
};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Error, Graph, Inputs, Output, Outputs, PeakBytes, Plan, RunReport, Session},
    geometry::Geometry,
    tasks::{Task, TaskError, task::fits},
};

/// Residual over that of the start above which an iteration counts as divergent.
const DIVERGENT: f64 = 2.0;

/// Reconstruction of projections in iterations.
pub struct Iterative<'a> {
    projections: Cow<'a, Projections>,
    geometry: Geometry,
    grid: Grid,
    options: IterativeOptions,
    start: Option<Cow<'a, Volume>>,
    mask: Option<Vec<f32>>,
    reference: Option<Cow<'a, Volume>>,
}

/// One iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iterate {
    /// Its number, from 1.
    pub number: usize,
    /// ‖p − A·x‖/‖p‖ of the volume that the iteration began with; with several subsets of the volumes that these met, with total
    /// variation of the point from which its step went.
    pub residual: f64,
    /// Root mean square difference of the new volume from the reference, in 1/mm.
    pub error_per_mm: Option<f64>,
}

/// Why iterations ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All were done.
    Iterations,
    /// A rule for stopping was met.
    Rule,
    /// They were cancelled, or whoever was told of an iteration wanted no more.
    Stopped,
}

/// What comes of iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Iterated {
    /// The volume, in 1/mm.
    pub volume: Volume,
    /// One after the other.
    pub history: Vec<Iterate>,
    /// What each of them cost.
    pub runs: Vec<RunReport>,
    /// ‖p − A·x‖/‖p‖ of the volume, unless it was cancelled.
    pub residual: Option<f64>,
    /// Share of what was measured on rays that miss the volume: an object that is larger than the volume.
    pub missed: f64,
    /// Mean of the voxels at the grid's sides over that of all: near 0 for an object that lies within, large where it goes on beyond
    /// them.
    pub border: f64,
    /// Line integrals below 0 that counted as 0, since the algorithm knows no negative ones.
    pub negative: usize,
    /// Why they ended.
    pub ending: Ending,
    /// Memory of what stayed on the device and of the prepared iteration.
    pub held: PeakBytes,
}

impl<'a> Iterative<'a> {
    /// Reconstruction of `projections`, line integrals taken in `geometry`, on `grid`.
    ///
    /// # Errors
    /// [`TaskError`] when the projections do not fit the geometry, are in another unit or hold values that are not finite, a source
    /// stands inside the volume, or the options do not go together.
    pub fn new(
        projections: impl Into<Cow<'a, Projections>>,
        geometry: &Geometry,
        grid: &Grid,
        options: IterativeOptions,
    ) -> Result<Self, TaskError> {
        let projections = projections.into();
        fits(&projections, geometry)?;
        if !matches!(projections.unit(), Unit::LineIntegral | Unit::Arbitrary) {
            let got = projections.unit();
            return Err(TaskError::Unit { what: "projections", expected: "line integrals", got });
        }
        projections.check_finite()?;
        geometry.outside(grid)?;
        options.check(geometry.views().len())?;
        if projections.values().iter().all(|value| *value == 0.0) {
            return Err(TaskError::Method { method: "iterations", reason: "need projections that are not all 0" });
        }
        let (geometry, grid) = (geometry.clone(), *grid);
        Ok(Self { projections, geometry, grid, options, start: None, mask: None, reference: None })
    }

    /// The same from a volume in 1/mm in the place of an empty one.
    ///
    /// # Errors
    /// [`TaskError`] when it is in another unit, on another grid, or not finite; for expectation maximisation also when it is
    /// negative somewhere.
    pub fn from_volume(mut self, start: impl Into<Cow<'a, Volume>>) -> Result<Self, TaskError> {
        let start = start.into();
        self.check_volume("the volume to start from", &start)?;
        if self.options.algorithm == Algorithm::Mlem && start.values().iter().any(|value| *value < 0.0) {
            return Err(TaskError::Method {
                method: "expectation maximisation",
                reason: "starts from no negative values",
            });
        }
        self.start = Some(start);
        Ok(self)
    }

    /// The same in voxels alone where `mask` is not 0; elsewhere the volume stays as it begins, with expectation maximisation 0.
    ///
    /// # Errors
    /// [`TaskError`] when it is on another grid, or empty; with total variation, whose proximal step reaches all voxels.
    pub fn within(mut self, mask: &Volume) -> Result<Self, TaskError> {
        self.check_grid("the mask", mask)?;
        if matches!(self.options.algorithm, Algorithm::FistaTv { .. }) {
            return Err(TaskError::Method { method: "total variation", reason: "reaches all voxels: no mask" });
        }
        let allowed: Vec<f32> = mask.values().iter().map(|&value| f32::from(u8::from(value != 0.0))).collect();
        if allowed.iter().all(|&allowed| allowed == 0.0) {
            return Err(TaskError::Method {
                method: "a mask",
                reason: "that is 0 everywhere leaves nothing to reconstruct",
            });
        }
        self.mask = Some(allowed);
        Ok(self)
    }

    /// The same with errors against the volume that is sought, in 1/mm.
    ///
    /// # Errors
    /// [`TaskError`] when it is in another unit, on another grid, or not finite.
    pub fn compared_with(mut self, reference: impl Into<Cow<'a, Volume>>) -> Result<Self, TaskError> {
        let reference = reference.into();
        self.check_volume("the reference", &reference)?;
        self.reference = Some(reference);
        Ok(self)
    }

    fn check_grid(&self, what: &'static str, volume: &Volume) -> Result<(), TaskError> {
        if volume.grid().coincides_with(&self.grid) {
            return Ok(());
        }
        let (expected, got) = (self.grid.to_string(), volume.grid().to_string());
        Err(TaskError::Grid { what, like: "reconstruction", expected, got })
    }

    fn check_volume(&self, what: &'static str, volume: &Volume) -> Result<(), TaskError> {
        self.check_grid(what, volume)?;
        if volume.unit() != Unit::PerMillimetre {
            return Err(TaskError::Unit { what, expected: "mm⁻¹", got: volume.unit() });
        }
        Ok(volume.check_finite()?)
    }

    /// Does it; after each iteration `observer` is told, and given the volume after each `every` of them.
    ///
    /// When `control` cancels it after the first iteration, the volume is that of the last whole one.
    ///
    /// # Errors
    /// [`TaskError::Diverged`], cancelled before the end of the first iteration, or what the engine says.
    pub async fn observed(
        &self,
        device: &Device,
        control: &Control<'_>,
        every: Option<usize>,
        observer: &mut dyn FnMut(&Iterate, Option<&Volume>) -> ControlFlow<()>,
    ) -> Result<Iterated, TaskError> {
        let mut session = Session::new(device);
        let (state, sizes) = self.begun(&mut session).await?;
        let total = self.options.iterations;
        let iteration = state.iteration(sizes.curvature);
        let mut prepared = session.prepare(Plan::repeated(&iteration.graph, session.limits())?).await?;
        let mut history: Vec<Iterate> = Vec::new();
        let mut runs = Vec::new();
        let mut ending = Ending::Iterations;
        let mut momentum = Momentum::default();
        for number in 1..=total {
            let (factor, show) = ([[0.0, 0.0, momentum.next(), 0.0]], control.share(number - 1, total));
            let inputs = match iteration.momentum {
                Some(input) => Inputs::new().with(input, &factor),
                None => Inputs::new(),
            };
            let control = Control { progress: &show, is_cancelled: control.is_cancelled };
            let mut outputs = match session.run(&mut prepared, &inputs, &control).await {
                Err(Error::Cancelled) if number > 1 => {
                    ending = Ending::Stopped;
                    break;
                }
                other => other?,
            };
            let residual = sizes.share(&mut outputs, &iteration.residuals)?;
            let error_per_mm = match iteration.errors {
                Some(errors) => Some((sum(&mut outputs, errors)? / self.grid.voxel_count() as f64).sqrt()),
                None => None,
            };
            let first = history.first().map_or(residual, |first| first.residual);
            if residual.is_nan() || residual > DIVERGENT * first.max(f64::EPSILON) {
                return Err(TaskError::Diverged { iteration: number, residual, first });
            }
            let last = history.last().map(|last| last.residual);
            history.push(Iterate { number, residual, error_per_mm });
            runs.push(outputs.report);
            let is_shown = every.is_some_and(|every| number % every.max(1) == 0);
            let volume = if is_shown { Some(self.volume(&mut session, &state).await?) } else { None };
            if observer(&Iterate { number, residual, error_per_mm }, volume.as_ref()).is_break() {
                ending = Ending::Stopped;
                break;
            }
            let is_small = self.options.stop_residual.is_some_and(|share| residual <= share);
            let is_still =
                self.options.stop_change.zip(last).is_some_and(|(share, last)| residual > last * (1.0 - share));
            if is_small || is_still {
                ending = Ending::Rule;
                break;
            }
        }
        let held = session.held_bytes();
        drop(prepared);
        let residual = match ending {
            Ending::Stopped => None,
            _ => Some(self.last_residual(&mut session, &state, &sizes).await?),
        };
        let volume = self.volume(&mut session, &state).await?;
        volume.check_finite()?;
        let border = border(&volume);
        let Sizes { missed, negative, .. } = sizes;
        Ok(Iterated { volume, history, runs, residual, border, missed, negative, ending, held })
    }

    /// Records one iteration and lends its graph, to be planned and printed.
    ///
    /// # Errors
    /// [`TaskError`] when what stays on the device does not fit it.
    pub fn with_iteration<T>(&self, device: &Device, work: impl FnOnce(&Graph<'_>) -> T) -> Result<T, TaskError> {
        let mut session = Session::new(device);
        let views = self.options.subsets(self.geometry.views().len());
        let state = self.state(&mut session, &views)?;
        // Any curvature will do.
        Ok(work(&state.iteration(1.0).graph))
    }

    async fn volume(&self, session: &mut Session, state: &State) -> Result<Volume, TaskError> {
        Ok(Volume::new(self.grid, Unit::PerMillimetre, session.read(state.volume).await?)?)
    }

    async fn last_residual(&self, session: &mut Session, state: &State, sizes: &Sizes) -> Result<f64, TaskError> {
        let (graph, residuals) = state.check();
        let mut outputs = session.run_once(&graph, &Control::default()).await?;
        sizes.share(&mut outputs, &residuals)
    }

    /// Everything before the first iteration.
    async fn begun(&self, session: &mut Session) -> Result<(State, Sizes), TaskError> {
        let views = self.options.subsets(self.geometry.views().len());
        let state = self.state(session, &views)?;
        let is_positive = self.options.algorithm == Algorithm::Mlem;
        let (mut square, mut absolute, mut negative) = (0.0, 0.0, 0);
        for (subset, views) in state.subsets.iter().zip(&views) {
            let mut values: Vec<f32> =
                views.iter().flat_map(|&view| self.projections.view_values(view)).copied().collect();
            if is_positive {
                negative += values.iter().filter(|value| **value < 0.0).count();
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            square += values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
            absolute += values.iter().map(|value| f64::from(*value)).sum::<f64>();
            session.write(subset.measured, &values).await?;
        }
        if let (Some(kept), Some(reference)) = (state.reference, &self.reference) {
            session.write(kept, reference.values()).await?;
        }
        let preparation = state.preparation(self.mask.as_deref());
        let mut outputs = session.run_once(&preparation.graph, &Control::default()).await?;
        let (mut length, mut seen) = (0.0, 0.0);
        for [lengths, met] in preparation.sums {
            length += sum(&mut outputs, lengths)?;
            seen += sum(&mut outputs, met)?;
        }
        if length == 0.0 {
            return Err(TaskError::Method { method: "no ray", reason: "of the scan meets the volume" });
        }
        let curvature = match preparation.curvature {
            Some(all) => outputs.take(all)?[0][1],
            None => 1.0,
        };
        let missed = if absolute > 0.0 { (1.0 - seen / absolute).max(0.0) } else { 0.0 };
        let start = match (&self.start, is_positive) {
            (Some(start), _) => Some(Cow::Borrowed(start.values())),
            // What is 0 stays so.
            (None, true) => {
                let value = (seen / length) as f32;
                let everywhere = || vec![value; self.grid.voxel_count()];
                let inside = |mask: &Vec<f32>| mask.iter().map(|allowed| allowed * value).collect();
                Some(Cow::Owned(self.mask.as_ref().map_or_else(everywhere, inside)))
            }
            (None, false) => None,
        };
        if let Some(start) = start {
            session.write(state.volume, &start).await?;
            if let Memory::Variation { point, .. } = state.memory {
                session.write(point, &start).await?;
            }
        }
        if let Memory::Gradients { .. } = state.memory {
            session.run_once(&state.beginning(), &Control::default()).await?;
        }
        Ok((state, Sizes { square, curvature: curvature.into(), missed, negative }))
    }

    /// What stays on the device, for subsets of these views.
    fn state(&self, session: &mut Session, views: &[Vec<usize>]) -> Result<State, TaskError> {
        let pairs = views.iter().map(|views| self.pair(views)).collect::<Result<Vec<_>, _>>()?;
        Ok(State::new(session, &self.grid, self.options, pairs, self.reference.is_some())?)
    }

    fn pair(&self, views: &[usize]) -> Result<Pair, TaskError> {
        let chosen = views.iter().map(|&view| self.geometry.views()[view]).collect();
        Ok(Pair {
            projector: self.options.projector,
            backprojector: self.options.backprojector,
            geometry: Geometry::new(self.geometry.detector(), chosen)?,
            grid: self.grid,
        })
    }
}

impl Task for Iterative<'_> {
    type Result = Iterated;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<Iterated, TaskError> {
        self.observed(device, control, None, &mut |_, _| ControlFlow::Continue(())).await
    }
}

/// What is known of the measured before the first iteration.
struct Sizes {
    /// Sum of its squares.
    square: f64,
    /// Bound of the eigenvalues of AᵀA.
    curvature: f64,
    missed: f64,
    negative: usize,
}

impl Sizes {
    /// Norm of what is left, of all subsets, over that of what was measured.
    fn share(&self, outputs: &mut Outputs, residuals: &[Output<[f32; 4]>]) -> Result<f64, TaskError> {
        let mut left = 0.0;
        for residual in residuals {
            left += sum(outputs, *residual)?;
        }
        Ok((left / self.square).sqrt())
    }
}

/// Share of the last step that is added to the next: (t − 1)/t′ with t′ = (1 + √(1 + 4t²))/2, from t = 1 on.
struct Momentum(f64);

impl Default for Momentum {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Momentum {
    fn next(&mut self) -> f32 {
        let next = (1.0 + (1.0 + 4.0 * self.0 * self.0).sqrt()) / 2.0;
        let share = (self.0 - 1.0) / next;
        self.0 = next;
        share as f32
    }
}

/// Mean of the voxels at the sides over that of all, 0 where that is not positive. Along an axis of few voxels there are no sides.
fn border(volume: &Volume) -> f64 {
    let size = volume.grid().size();
    let is_side = |place: [usize; 3]| {
        (0..3).any(|axis| size[axis] >= WITH_SIDES && (place[axis] == 0 || place[axis] == size[axis] - 1))
    };
    let (mut sides, mut all) = ([0.0, 0.0], [0.0, 0.0]);
    for ((z, y, x), value) in volume.view().indexed_iter() {
        let value = f64::from(*value);
        all = [all[0] + value, all[1] + 1.0];
        if is_side([x, y, z]) {
            sides = [sides[0] + value, sides[1] + 1.0];
        }
    }
    let mean = all[0] / all[1];
    if mean > 0.0 && sides[1] > 0.0 { sides[0] / sides[1] / mean } else { 0.0 }
}

/// Fewest voxels along an axis of which the outer ones are few.
const WITH_SIDES: usize = 16;

/// Sum of a buffer's statistics.
fn sum(outputs: &mut Outputs, statistics: Output<[f32; 4]>) -> Result<f64, TaskError> {
    let [_, _, sum, _] = outputs.take(statistics)?[0];
    Ok(sum.into())
}
