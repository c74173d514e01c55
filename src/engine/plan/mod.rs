//! From a recorded graph to a schedule: what runs, in which pieces, in which memory.

mod batch;
mod binding;
mod liveness;
mod placement;
mod print;
mod tiles;
mod window;

use std::ops::Range;

use super::{Error, Graph, Limits, Way, graph::Action};

use batch::Staging;
pub(crate) use batch::{Batch, Command, RING_DEPTH, Transfer};
pub(crate) use binding::{Binding, Memory};
pub(crate) use liveness::check_extent;
pub(crate) use placement::{Allocation, Parts, Placement};

/// Bytes that a plan holds at its fullest moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeakBytes {
    /// In host memory: uploads, outputs, staging, and on the CPU backend all buffers.
    pub host: u64,
    /// In device memory; 0 on the CPU backend.
    pub device: u64,
}

/// One dispatch, or one call of a twin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) rows: Range<u64>,
    pub(crate) inputs: Range<u32>,
    pub(crate) way: Way,
    pub(crate) resume: bool,
    /// What each storage binding of the shader sees.
    pub(crate) bindings: Vec<Binding>,
    /// Rough count of arithmetic operations.
    pub(crate) operations: f64,
}

impl Piece {
    /// Whether rows must be stitched together before it can run.
    pub(crate) fn is_stitched(&self) -> bool {
        self.bindings.iter().any(|binding| binding.stitched().is_some())
    }
}

/// One live pass with its pieces and the allocations that begin and end with it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) pass: usize,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) acquires: Vec<usize>,
    pub(crate) releases: Vec<usize>,
    /// A download that hands its buffer over instead of copying it.
    pub(crate) moves: bool,
    /// An upload that is done before the first run and never again.
    pub(crate) is_once: bool,
}

/// Schedule of a graph under the limits of a device; printable and comparable without one.
pub struct Plan<'g, 'a> {
    pub(crate) graph: &'g Graph<'a>,
    pub(crate) limits: Limits,
    pub(crate) is_repeated: bool,
    pub(crate) steps: Vec<Step>,
    pub(crate) placements: Vec<Placement>,
    pub(crate) allocations: Vec<Allocation>,
    /// The allocation in which rows are stitched together; its parts are those of [`Memory::Stitch`].
    pub(crate) scratch: Option<usize>,
    /// What a device is handed before the first run; empty unless the plan is repeated.
    pub(crate) preparation: Vec<Batch>,
    /// What a device is handed for every run; empty on the CPU backend.
    pub(crate) batches: Vec<Batch>,
    pub(crate) upload_staging: Staging,
    pub(crate) download_staging: Staging,
    peak: PeakBytes,
}

impl<'g, 'a> Plan<'g, 'a> {
    /// Plans a graph for one run: memory is given back as early as possible, uploads stream.
    ///
    /// # Errors
    /// [`Error`] when extents do not match, a buffer is read before it is written, or limits cannot be met.
    pub fn new(graph: &'g Graph<'a>, limits: Limits) -> Result<Self, Error> {
        Self::of(graph, limits, false)
    }

    /// Plans a graph for many runs in a [`super::Session`]: all memory is held from the first run to the last, and what is
    /// uploaded and never written again is uploaded once.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn repeated(graph: &'g Graph<'a>, limits: Limits) -> Result<Self, Error> {
        Self::of(graph, limits, true)
    }

    fn of(graph: &'g Graph<'a>, limits: Limits, is_repeated: bool) -> Result<Self, Error> {
        liveness::check(graph)?;
        let live = liveness::live_passes(graph);
        let parts = placement::parts(graph, &limits);
        let placement::Placed { mut steps, placements, mut allocations, mut peak } =
            placement::place(graph, &live, &parts, &limits, is_repeated);
        for step in &mut steps {
            let pass = &graph.passes[step.pass];
            if let Action::Compute { kernel, domain, reads, writes } = &pass.action {
                step.pieces =
                    tiles::pieces(graph, &pass.label, (kernel.shader(), domain), reads, writes, &parts, &limits)?;
            }
        }
        let mut scratch = None;
        // Twins see whole buffers.
        if !limits.host_memory && steps.iter().flat_map(|s| &s.pieces).any(Piece::is_stitched) {
            let words = binding::scratch_words(steps.iter().flat_map(|s| &s.pieces), &parts);
            let allocation = Allocation { parts: words, is_kept: false };
            peak.device += allocation.bytes();
            scratch = Some(allocations.len());
            allocations.push(allocation);
        }
        let (mut preparation, mut batches) = (Vec::new(), Vec::new());
        if !limits.host_memory {
            let numbered = |is_once| steps.iter().enumerate().filter(move |(_, step)| step.is_once == is_once);
            preparation = batch::batches(graph, numbered(true), &placements, &limits);
            batches = batch::batches(graph, numbered(false), &placements, &limits);
        }
        let all = || preparation.iter().chain(&batches);
        let upload_staging = Staging::of(all().map(|batch| batch.upload_words), is_repeated);
        let download_staging = Staging::of(all().map(|batch| batch.download_words), is_repeated);
        peak.host += upload_staging.all_bytes() + download_staging.all_bytes();
        let needed_bytes = if limits.host_memory { peak.host } else { peak.device };
        if needed_bytes > limits.memory_bytes {
            return Err(Error::MemoryBudget { needed_bytes, budget_bytes: limits.memory_bytes });
        }
        Ok(Self {
            graph,
            limits,
            is_repeated,
            steps,
            placements,
            allocations,
            scratch,
            preparation,
            batches,
            upload_staging,
            download_staging,
            peak,
        })
    }

    /// Memory at the fullest moment, known before anything runs.
    #[must_use]
    pub fn peak_bytes(&self) -> PeakBytes {
        self.peak
    }

    /// Number of dispatches.
    #[must_use]
    pub fn dispatch_count(&self) -> usize {
        self.steps.iter().map(|s| s.pieces.len()).sum()
    }

    /// Submissions of one run; 0 on the CPU backend.
    #[must_use]
    pub fn submission_count(&self) -> usize {
        self.batches.len()
    }

    /// Host memory through which data pass on their way to and from a device, counted in [`PeakBytes::host`] too.
    #[must_use]
    pub fn staging_bytes(&self) -> u64 {
        self.upload_staging.all_bytes() + self.download_staging.all_bytes()
    }

    /// What an allocation is for: the labels of the buffers that take turns in it.
    pub(crate) fn tenants(&self, allocation: usize) -> impl Iterator<Item = &str> {
        let is_here =
            move |b: &usize| matches!(self.placements[*b], Placement::In { allocation: a, .. } if a == allocation);
        let buffers = (0..self.placements.len()).filter(is_here).map(|b| self.graph.buffers[b].label.as_str());
        buffers.chain((self.scratch == Some(allocation)).then_some("stitched rows"))
    }

    /// Number of passes that were dropped because nobody reads their results.
    #[must_use]
    pub fn dropped_count(&self) -> usize {
        self.graph.passes.len() - self.steps.len()
    }
}
