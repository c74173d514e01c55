//! A plan on the device: its memory, pipelines and bind groups, and how its batches are filled and submitted.

mod encode;
mod running;
mod uniforms;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    super::{
        Counts, Inputs,
        buffer::WORD_BYTES,
        graph::Action,
        plan::{Batch, Command, RING_DEPTH},
    },
    Control, Error, Export, Gpu, Plan,
    fault::{caught, now},
    pipeline::Pipeline,
    staging::{Fill, Readback, ReadbackPool, UploadRing},
    timing::Timing,
    waiting::wait,
};
use encode::Staged;
pub(crate) use running::Running;
use uniforms::Uniforms;

/// Batches handed to the device ahead of the host.
const BATCHES_IN_FLIGHT: usize = 2;

/// Memory of a buffer, or of several that take turns in it, in parts that can be bound.
#[derive(Clone)]
pub(crate) struct Memory {
    /// Told apart from all other memory of the process.
    id: u64,
    parts: Vec<wgpu::Buffer>,
}

impl Memory {
    /// Zeros, in parts of so many words; `label` is their name.
    pub(crate) fn new(gpu: &Gpu, label: &str, words: &[u64]) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let create = |words: &u64| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: words * WORD_BYTES,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let parts = now(caught(&gpu.device, &gpu.faults, label, || words.iter().map(create).collect()))?;
        Ok(Self { id: COUNT.fetch_add(1, Ordering::Relaxed), parts })
    }
}

/// A pass or buffer that the plan gave nothing: a defect of the planner.
fn unplaced(place: &str) -> Error {
    Error::Internal { place: place.to_owned(), reason: "it has no place in the plan".to_owned() }
}

/// What one run is given.
pub(crate) struct Call<'c> {
    pub(crate) inputs: &'c Inputs<'c>,
    pub(crate) exports: &'c [Export],
    pub(crate) control: &'c Control<'c>,
}

impl<'c> Call<'c> {
    /// A run whose outputs all come to the host.
    pub(crate) fn new(inputs: &'c Inputs<'c>, control: &'c Control<'c>) -> Self {
        Self { inputs, exports: &[], control }
    }
}

/// Shader, and the memory and part that each of its storage bindings takes.
type GroupKey = (usize, Vec<(u64, usize)>);

/// Everything that runs of a plan need, made once.
pub(crate) struct Prepared {
    /// Of every allocation of the plan; those of kept buffers are the session's.
    memory: Vec<Memory>,
    uniforms: Uniforms,
    /// Of every step that computes.
    pipelines: HashMap<usize, Arc<Pipeline>>,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
    timing: Option<Timing>,
    uploads: UploadRing,
    readbacks: ReadbackPool,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
}

impl Prepared {
    /// Allocates, compiles, and uploads what never changes.
    pub(crate) async fn new(gpu: &Gpu, plan: &Plan<'_, '_>) -> Result<(Self, Counts), Error> {
        gpu.faults.ask(&gpu.device)?;
        let mut counts = Counts::default();
        let mut memory = Vec::with_capacity(plan.allocations.len());
        for (index, allocation) in plan.allocations.iter().enumerate() {
            // An allocation is named after its first tenant.
            let label = plan.tenants(index).next().unwrap_or_default();
            // Imports come with every run.
            let parts: &[u64] = if allocation.is_kept { &[] } else { &allocation.parts };
            counts.allocations += parts.len() as u64;
            memory.push(Memory::new(gpu, label, parts)?);
        }
        let uniforms = Uniforms::new(gpu, plan).await?;
        counts.allocations += 1;
        let kernels = || {
            plan.steps.iter().enumerate().filter_map(|(index, step)| match &plan.graph.passes[step.pass].action {
                Action::Compute { kernel, .. } => Some((index, kernel.as_ref())),
                _ => None,
            })
        };
        let compiled = gpu.pipelines(kernels().map(|(_, kernel)| kernel))?;
        let pipelines = kernels().map(|(index, _)| index).zip(compiled).collect();
        let mut prepared = Self {
            memory,
            uniforms,
            pipelines,
            groups: HashMap::new(),
            timing: Timing::new(gpu, plan, &mut counts).await?,
            uploads: UploadRing::new(plan.upload_staging.bytes),
            readbacks: ReadbackPool::new(plan.download_staging.bytes),
            in_flight: VecDeque::new(),
        };
        if plan.is_repeated {
            prepared.fill_rings(gpu, plan, &mut counts).await?;
        }
        let call = Call { inputs: &Inputs::default(), exports: &[], control: &Control::default() };
        let mut running = Running::new(plan, None, &call);
        for batch in &plan.preparation {
            prepared.submit(gpu, plan, batch, &call, &mut running, false).await?;
        }
        Ok((prepared, counts + running.report.counts))
    }

    /// Allocates all staging buffers, so that no run has to.
    async fn fill_rings(&mut self, gpu: &Gpu, plan: &Plan<'_, '_>, counts: &mut Counts) -> Result<(), Error> {
        self.uploads.fill(gpu, plan.upload_staging.count, counts).await?;
        self.readbacks.fill(gpu, plan.download_staging.count, counts).await?;
        match &self.timing {
            Some(timing) => timing.pool.fill(gpu, RING_DEPTH as u64, counts).await,
            None => Ok(()),
        }
    }

    /// Hands all batches of a run to the device; `kept` are the session's buffers.
    pub(crate) async fn start(
        &mut self,
        gpu: &Gpu,
        plan: &Plan<'_, '_>,
        kept: &mut [Memory],
        call: &Call<'_>,
    ) -> Result<Running, Error> {
        gpu.faults.check(&gpu.device)?;
        for (buffer, entry) in plan.graph.imports() {
            let (allocation, _) = self.slot(plan, buffer, 0)?;
            self.memory[allocation] = kept[entry.index].clone();
        }
        let mut running = Running::new(plan, self.timing.as_ref(), call);
        if let Some(timing) = &mut self.timing {
            timing.begin();
        }
        let mut done = 0;
        for (index, batch) in plan.batches.iter().enumerate() {
            call.control.step(place(plan, batch), done, running.dispatches)?;
            let is_last = index + 1 == plan.batches.len();
            self.submit(gpu, plan, batch, call, &mut running, is_last).await?;
            done += batch.dispatches;
        }
        for keep in &plan.graph.keeps {
            let (allocation, _) = self.slot(plan, keep.from, 0)?;
            if let Some(entry) = plan.graph.buffers[keep.to].kept {
                std::mem::swap(&mut self.memory[allocation], &mut kept[entry.index]);
            }
        }
        Ok(running)
    }

    /// Encodes one batch, hands it to the device and keeps the number of batches in flight bounded.
    async fn submit(
        &mut self,
        gpu: &Gpu,
        plan: &Plan<'_, '_>,
        batch: &Batch,
        call: &Call<'_>,
        running: &mut Running,
        is_last: bool,
    ) -> Result<(), Error> {
        let (label, control) = (place(plan, batch), call.control);
        let upload = match batch.upload_words {
            0 => None,
            _ => Some(self.filled(gpu, plan, batch, call, &mut running.report.counts).await?),
        };
        let fills = fills(plan, batch, call.exports);
        let mut download = None;
        if !fills.is_empty() {
            running.make_room(gpu, control).await?;
            download = Some(self.readbacks.take(gpu, label, &mut running.report.counts).await?);
        }
        let mut ticks = None;
        if let Some(timing) = self.timing.as_ref().filter(|_| is_last) {
            ticks = Some(timing.pool.take(gpu, label, &mut running.report.counts).await?);
        }
        let submission = caught(&gpu.device, &gpu.faults, label, || {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) });
            let staging = Staged { upload: upload.as_ref(), download: download.as_ref() };
            for command in &batch.commands {
                self.encode(gpu, plan, command, &staging, call.exports, &mut encoder)?;
            }
            if let (Some(timing), Some(ticks)) = (&self.timing, &ticks) {
                timing.resolve(&mut encoder, ticks);
            }
            Ok(gpu.queue.submit([encoder.finish()]))
        })
        .await??;
        running.report.counts.submissions += 1;
        let is_awaited = download.is_none() && ticks.is_none();
        if let Some(staging) = upload {
            self.uploads.submitted(staging, submission.clone());
        }
        if let Some(staging) = download {
            running.pending.push_back(Readback::new(self.readbacks.clone(), staging, submission.clone(), fills));
        }
        if let (Some(staging), Some(timing)) = (ticks, &self.timing) {
            // Ticks are kept behind the outputs.
            let fill = Fill { staging_word: 0, output: plan.graph.outputs.len(), words: 0..timing.words() };
            let readback = Readback::new(timing.pool.clone(), staging, submission.clone(), vec![fill]);
            running.pending.push_back(readback);
        }
        // What is read back has run.
        running.last = is_awaited.then(|| submission.clone());
        self.in_flight.push_back(submission);
        if self.in_flight.len() > BATCHES_IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            running.report.counts.polls += wait(gpu, control, &oldest).await?;
        }
        Ok(())
    }

    /// A staging buffer with all host data that a batch takes to the device.
    async fn filled(
        &mut self,
        gpu: &Gpu,
        plan: &Plan<'_, '_>,
        batch: &Batch,
        call: &Call<'_>,
        counts: &mut Counts,
    ) -> Result<wgpu::Buffer, Error> {
        let label = place(plan, batch);
        let staging = self.uploads.mapped(gpu, call.control, label, counts).await?;
        match staging.get_mapped_range_mut(..) {
            Ok(mut view) => {
                for command in &batch.commands {
                    let Command::Upload { step, transfer } = command else { continue };
                    let pass = &plan.graph.passes[plan.steps[*step].pass];
                    let data: &[u32] = match &pass.action {
                        Action::Upload { data, .. } => data,
                        Action::Input { to } => call.inputs.words(plan.graph, *to).unwrap_or_default(),
                        _ => &[],
                    };
                    let words = data.get(transfer.words.clone()).ok_or_else(|| unplaced(&pass.label))?;
                    let start = (transfer.staging_word * WORD_BYTES) as usize;
                    let bytes: &[u8] = bytemuck::cast_slice(words);
                    view.slice(start..start + bytes.len()).copy_from_slice(bytes);
                }
            }
            Err(error) => {
                let error = Error::Internal { place: label.to_owned(), reason: error.to_string() };
                return Err(gpu.faults.blamed(&gpu.device, error));
            }
        }
        staging.unmap();
        counts.uploaded_words += batch.upload_words;
        Ok(staging)
    }
}

/// Name of a batch in errors and traces: its first pass that computes, or its first command.
fn place<'p>(plan: &'p Plan<'_, '_>, batch: &Batch) -> &'p str {
    let computes = |command: &&Command| matches!(command, Command::Compute { .. });
    let named = batch.commands.iter().find(computes).or(batch.commands.first());
    named.map_or("", |command| &plan.graph.passes[plan.steps[command.step()].pass].label)
}

/// What a batch brings to the host: all downloads but those that are exported.
fn fills(plan: &Plan<'_, '_>, batch: &Batch, exports: &[Export]) -> Vec<Fill> {
    let fill = |command: &Command| {
        let Command::Download { step, transfer } = command else { return None };
        let Action::Download { output, first_word, .. } = plan.graph.passes[plan.steps[*step].pass].action else {
            return None;
        };
        let is_exported = exports.iter().any(|export| export.output.index == output);
        let words = first_word + transfer.words.start..first_word + transfer.words.end;
        (!is_exported).then_some(Fill { staging_word: transfer.staging_word as usize, output, words })
    };
    batch.commands.iter().filter_map(fill).collect()
}
