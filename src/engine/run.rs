use std::time::Duration;

use super::{Error, Output, PeakBytes};

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

/// What a run cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunReport {
    /// Time per pass, in order; empty when the device cannot tell.
    pub passes: Vec<PassTime>,
    /// Wall time of the run.
    pub total: Duration,
    /// Memory the plan asked for.
    pub peak_bytes: PeakBytes,
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
    pub fn take<T: bytemuck::Pod>(&mut self, output: Output<T>) -> Result<Vec<T>, Error> {
        let words = self.words.get_mut(output.entry.index).filter(|_| output.entry.graph == self.graph);
        let words = words.ok_or_else(|| Error::OtherGraph { place: "outputs of a run".to_owned() })?;
        // Word-sized elements of word alignment are handed over; larger elements are copied.
        Ok(match bytemuck::try_cast_vec(std::mem::take(words)) {
            Ok(values) => values,
            Err((_, words)) => bytemuck::pod_collect_to_vec(&words),
        })
    }
}
