use std::collections::VecDeque;

use web_time::Instant;

use super::{
    super::{
        super::{Counts, RunReport, plan::RING_DEPTH},
        Control, Error, Gpu, Outputs, Plan,
        staging::Readback,
        timing::{Passes, Timing},
        waiting::wait,
    },
    Call,
};

/// A run that the device works on.
pub(crate) struct Running {
    graph: u64,
    began: Instant,
    /// Outputs, then the ticks of the passes.
    words: Vec<Vec<u32>>,
    pub(super) pending: VecDeque<Readback>,
    /// The last submission, unless it is among those that are pending.
    pub(super) last: Option<wgpu::SubmissionIndex>,
    passes: Option<Passes>,
    pub(super) dispatches: usize,
    pub(super) report: RunReport,
}

impl Running {
    pub(super) fn new(plan: &Plan<'_, '_>, timing: Option<&Timing>, call: &Call<'_>) -> Self {
        let is_exported = |output: usize| call.exports.iter().any(|export| export.output.index == output);
        let outputs = plan.graph.outputs.iter().enumerate();
        let outputs = outputs.map(|(id, output)| if is_exported(id) { 0 } else { output.words });
        let words = outputs.chain(timing.map(Timing::words)).map(|words| vec![0; words]).collect();
        Self {
            graph: plan.graph.id,
            began: Instant::now(),
            words,
            pending: VecDeque::new(),
            last: None,
            passes: timing.map(|timing| timing.passes.clone()),
            dispatches: plan.dispatch_count(),
            report: RunReport { peak_bytes: plan.peak_bytes(), ..RunReport::default() },
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.report.counts
    }

    /// Takes what came first to the host where as much is on its way as may be.
    pub(super) async fn make_room(&mut self, gpu: &Gpu, control: &Control<'_>) -> Result<(), Error> {
        if self.pending.len() < RING_DEPTH {
            return Ok(());
        }
        match self.pending.pop_front() {
            Some(oldest) => oldest.finish(gpu, control, &mut self.words, &mut self.report.counts).await,
            None => Ok(()),
        }
    }

    /// Waits until the run is done and everything has arrived.
    pub(crate) async fn finish(mut self, gpu: &Gpu, control: &Control<'_>) -> Result<Outputs, Error> {
        while let Some(oldest) = self.pending.pop_front() {
            oldest.finish(gpu, control, &mut self.words, &mut self.report.counts).await?;
        }
        if let Some(last) = &self.last {
            self.report.counts.polls += wait(gpu, control, last).await?;
        }
        control.step("done", self.dispatches, self.dispatches)?;
        if let Some(passes) = &self.passes {
            self.report.passes = passes.times(&self.words.pop().unwrap_or_default());
        }
        // What a device that is lost was given to copy comes back as if it had run.
        gpu.faults.ask(&gpu.device)?;
        self.report.total = self.began.elapsed();
        Ok(Outputs { graph: self.graph, words: self.words, report: self.report })
    }
}
