use std::{
    borrow::Cow,
    ops::{Add, Sub},
    time::Duration,
};

use bytemuck::Pod;

use super::{Error, Graph, Input, Output, PeakBytes, buffer::Entry, graph::Action, plan::Plan, words::words_of_data};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress<'a> {
    /// Label of the pass being run.
    pub pass: &'a str,
    /// Share of the plan's dispatches that have been handed to the device, 0 to 1.
    pub fraction: f64,
}

/// What a caller may see and stop while a plan runs.
#[derive(Clone, Copy)]
pub struct Control<'c> {
    /// Called between batches of work.
    pub progress: &'c (dyn Fn(Progress<'_>) + Sync),
    /// Asked between batches of work; `true` ends the run with [`Error::Cancelled`].
    pub is_cancelled: &'c (dyn Fn() -> bool + Sync),
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self { progress: &|_| {}, is_cancelled: &|| false }
    }
}

impl Control<'_> {
    /// Progress of part `number` of `count` equal ones as that of the whole.
    pub(crate) fn share(&self, number: usize, count: usize) -> impl Fn(Progress<'_>) + Sync {
        move |of| {
            let fraction = (number as f64 + of.fraction) / count as f64;
            (self.progress)(Progress { fraction, ..of });
        }
    }

    pub(crate) fn step(&self, pass: &str, done: usize, all: usize) -> Result<(), Error> {
        if (self.is_cancelled)() {
            return Err(Error::Cancelled);
        }
        (self.progress)(Progress { pass, fraction: done as f64 / all.max(1) as f64 });
        Ok(())
    }
}

/// Time that one pass took.
#[derive(Clone, Debug, PartialEq)]
pub struct PassTime {
    /// Label of the pass.
    pub pass: String,
    /// Time on the device, or on the host for the CPU backend.
    pub time: Duration,
}

/// Host data for the inputs of one run; borrowed, and on the CPU backend used where they lie.
#[derive(Clone, Debug, Default)]
pub struct Inputs<'i> {
    given: Vec<(Entry, Cow<'i, [u32]>)>,
}

impl<'i> Inputs<'i> {
    /// No data, for graphs without inputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also `data` for `input`, in place of what was given for it before.
    #[must_use]
    pub fn with<T: Pod>(mut self, input: Input<T>, data: &'i [T]) -> Self {
        self.given.retain(|(entry, _)| *entry != input.entry);
        self.given.push((input.entry, words_of_data(data)));
        self
    }

    /// Checks that every input that is read, and nothing else, is given as many words as it takes.
    pub(crate) fn check(&self, plan: &Plan<'_, '_>) -> Result<(), Error> {
        let graph = plan.graph;
        for (entry, words) in &self.given {
            let info = graph.buffers.get(entry.index).filter(|_| entry.graph == graph.id);
            let info = info.ok_or_else(|| Error::OtherGraph { place: "inputs of a run".to_owned() })?;
            let (needed, got) = (info.words(), words.len() as u64);
            if needed != got {
                return Err(Error::BufferSize { buffer: info.label.clone(), needed, got });
            }
        }
        for step in &plan.steps {
            if let Action::Input { to } = graph.passes[step.pass].action
                && self.words(graph, to).is_none()
            {
                return Err(Error::MissingInput { input: graph.buffers[to].label.clone() });
            }
        }
        Ok(())
    }

    pub(crate) fn words(&self, graph: &Graph<'_>, buffer: usize) -> Option<&[u32]> {
        let wanted = Entry { graph: graph.id, index: buffer };
        self.given.iter().find(|(entry, _)| *entry == wanted).map(|(_, words)| words.as_ref())
    }
}

/// How often something happened that takes time or memory of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Buffers that were allocated: on the device and for staging, on the CPU backend in host memory.
    pub allocations: u64,
    /// Words of host data copied to the device.
    pub uploaded_words: u64,
    /// Words that a device brought to the host.
    pub read_words: u64,
    /// Submissions to the device's queue.
    pub submissions: u64,
    /// Times that the device was asked how far it has come.
    pub polls: u64,
    /// Times that the host waited for data on their way from the device.
    pub blocking_reads: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            allocations: self.allocations + other.allocations,
            uploaded_words: self.uploaded_words + other.uploaded_words,
            read_words: self.read_words + other.read_words,
            submissions: self.submissions + other.submissions,
            polls: self.polls + other.polls,
            blocking_reads: self.blocking_reads + other.blocking_reads,
        }
    }
}

/// What happened between two moments.
impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations - earlier.allocations,
            uploaded_words: self.uploaded_words - earlier.uploaded_words,
            read_words: self.read_words - earlier.read_words,
            submissions: self.submissions - earlier.submissions,
            polls: self.polls - earlier.polls,
            blocking_reads: self.blocking_reads - earlier.blocking_reads,
        }
    }
}

/// What a run cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunReport {
    /// Time per pass, in order; empty when the device cannot tell.
    pub passes: Vec<PassTime>,
    /// Wall time of the run.
    pub total: Duration,
    /// Memory the plan asked for.
    pub peak_bytes: PeakBytes,
    /// Submissions, transfers and allocations.
    pub counts: Counts,
}

/// Host arrays filled by a run, and what the run cost.
#[derive(Debug)]
pub struct Outputs {
    /// The graph whose outputs these are.
    pub(crate) graph: u64,
    pub(crate) words: Vec<Vec<u32>>,
    /// What the run cost.
    pub report: RunReport,
}

impl Outputs {
    /// Takes the values of an output; a second call gives an empty array.
    ///
    /// # Errors
    /// [`Error::OtherGraph`] when it is an output of another graph, or one that was recorded after the run.
    pub fn take<T: Pod>(&mut self, output: Output<T>) -> Result<Vec<T>, Error> {
        let words = self.words.get_mut(output.entry.index).filter(|_| output.entry.graph == self.graph);
        let words = words.ok_or_else(|| Error::OtherGraph { place: "outputs of a run".to_owned() })?;
        // Word-sized elements of word alignment are handed over; larger elements are copied.
        Ok(match bytemuck::try_cast_vec(std::mem::take(words)) {
            Ok(values) => values,
            Err((_, words)) => bytemuck::pod_collect_to_vec(&words),
        })
    }
}
