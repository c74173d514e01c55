//! A plan on the device: its memory, pipelines and bind groups, and how its batches are encoded and submitted.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{
    super::{
        Counts, Inputs, RunReport, Shader, Tile,
        buffer::WORD_BYTES,
        graph::Action,
        kernel::Kernel,
        plan::{Batch, Binding, Command, Memory as Bound, Piece, Placement, RING_DEPTH, Transfer},
    },
    Control, Error, Export, Gpu, Outputs, Plan,
    fault::{caught, wait},
    pipeline::{Pipeline, address},
    staging::{Fill, Readback, ReadbackPool, UploadRing},
    timing::{Passes, Timing},
};

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
    pub(crate) async fn new(gpu: &Gpu, label: &str, words: &[u64]) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let create = |words: &u64| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: words * WORD_BYTES,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let parts = caught(&gpu.device, &gpu.faults, label, || words.iter().map(create).collect()).await?;
        Ok(Self { id: COUNT.fetch_add(1, Ordering::Relaxed), parts })
    }
}

/// One buffer holding what every dispatch of the plan is told, addressed by dynamic offsets.
struct Uniforms {
    buffer: wgpu::Buffer,
    /// Per step: offset of its parameters, offset of its first tile.
    offsets: Vec<(u32, u32)>,
    stride: u32,
}

impl Uniforms {
    async fn new(gpu: &Gpu, plan: &Plan<'_, '_>) -> Result<Self, Error> {
        let align = gpu.device.limits().min_uniform_buffer_offset_alignment as usize;
        let stride = size_of::<Tile>().next_multiple_of(align);
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let Action::Compute { kernel, .. } = &plan.graph.passes[step.pass].action else {
                offsets.push((0, 0));
                continue;
            };
            let params = bytes.len();
            bytes.extend_from_slice(kernel.params());
            bytes.resize(bytes.len().next_multiple_of(align), 0);
            offsets.push((params as u32, bytes.len() as u32));
            for piece in &step.pieces {
                let tile = tile(piece);
                bytes.extend_from_slice(bytemuck::bytes_of(&tile));
                bytes.resize(bytes.len().next_multiple_of(align), 0);
            }
        }
        bytes.resize(bytes.len().max(align), 0);
        let buffer = caught(&gpu.device, &gpu.faults, "uniforms", || {
            let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("kerma uniforms"),
                size: bytes.len() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            gpu.queue.write_buffer(&buffer, 0, &bytes);
            buffer
        })
        .await?;
        Ok(Self { buffer, offsets, stride: stride as u32 })
    }
}

/// What the shader is told about a piece.
fn tile(piece: &Piece) -> Tile {
    let mut base = [[0u32; 4]; 2];
    for (index, binding) in piece.bindings.iter().enumerate() {
        base[index / 4][index % 4] = binding.first_row as u32;
    }
    Tile {
        first_row: piece.rows.start as u32,
        row_count: (piece.rows.end - piece.rows.start) as u32,
        first_input: piece.inputs.start,
        input_count: piece.inputs.end - piece.inputs.start,
        way: piece.way.bits(),
        resume: piece.resume.into(),
        zero: 0,
        unused: 0,
        base,
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
            memory.push(Memory::new(gpu, label, parts).await?);
        }
        let uniforms = Uniforms::new(gpu, plan).await?;
        let kernels = || {
            plan.steps.iter().enumerate().filter_map(|(index, step)| match &plan.graph.passes[step.pass].action {
                Action::Compute { kernel, .. } => Some((index, kernel.as_ref())),
                _ => None,
            })
        };
        let compiled = gpu.pipelines(kernels().map(|(_, kernel)| kernel))?;
        let pipelines = kernels().map(|(index, _)| index).zip(compiled).collect();
        counts.allocations += 1;
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
            running.make_room(gpu, control)?;
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
        running.last = Some(submission.clone());
        self.in_flight.push_back(submission);
        if self.in_flight.len() > BATCHES_IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            running.report.counts.polls += wait(gpu, control, &oldest)?;
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

    fn encode(
        &mut self,
        gpu: &Gpu,
        plan: &Plan<'_, '_>,
        command: &Command,
        staging: &Staged<'_>,
        exports: &[Export],
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<(), Error> {
        let step = command.step();
        let action = &plan.graph.passes[plan.steps[step].pass].action;
        match (command, action) {
            (Command::Upload { transfer, .. }, Action::Upload { to, .. } | Action::Input { to }) => {
                if let Some(staging) = staging.upload {
                    let Transfer { part_word, staging_word, .. } = transfer;
                    let (target, bytes) = (self.part(plan, *to, transfer.part)?, bytes(transfer));
                    encoder.copy_buffer_to_buffer(
                        staging,
                        staging_word * WORD_BYTES,
                        target,
                        part_word * WORD_BYTES,
                        bytes,
                    );
                }
            }
            (Command::Clear { .. }, Action::Clear { buffer }) => {
                for (part, words) in parts(plan, *buffer) {
                    encoder.clear_buffer(self.part(plan, *buffer, part)?, 0, Some(words * WORD_BYTES));
                }
            }
            (Command::Copy { .. }, Action::Copy { from, to }) => {
                for (part, words) in parts(plan, *to) {
                    let (source, target) = (self.part(plan, *from, part)?, self.part(plan, *to, part)?);
                    encoder.copy_buffer_to_buffer(source, 0, target, 0, words * WORD_BYTES);
                }
            }
            (Command::Compute { pieces, .. }, Action::Compute { kernel, .. }) => {
                self.compute(gpu, plan, step, pieces.clone(), kernel.as_ref(), encoder)?;
            }
            (Command::Download { transfer, .. }, Action::Download { from, output, first_word }) => {
                let source = self.part(plan, *from, transfer.part)?;
                let (at, bytes) = (transfer.part_word * WORD_BYTES, bytes(transfer));
                let mut exports = exports.iter().filter(|export| export.output.index == *output).peekable();
                if exports.peek().is_none()
                    && let Some(staging) = staging.download
                {
                    encoder.copy_buffer_to_buffer(source, at, staging, transfer.staging_word * WORD_BYTES, bytes);
                }
                for export in exports {
                    let target = export.offset_bytes + (first_word + transfer.words.start) as u64 * WORD_BYTES;
                    encoder.copy_buffer_to_buffer(source, at, &export.buffer, target, bytes);
                }
            }
            _ => return Err(unplaced(&plan.graph.passes[plan.steps[step].pass].label)),
        }
        Ok(())
    }

    fn compute(
        &mut self,
        gpu: &Gpu,
        plan: &Plan<'_, '_>,
        step: usize,
        range: std::ops::Range<usize>,
        kernel: &dyn Kernel,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<(), Error> {
        let label = &plan.graph.passes[plan.steps[step].pass].label;
        let pipeline = self.pipelines.get(&step).cloned().ok_or_else(|| unplaced(label))?;
        let shader = kernel.shader();
        let [wide, high] = shader.workgroup;
        let across = kernel.domain().extent.columns.div_ceil(wide);
        let (params, first_tile) = self.uniforms.offsets[step];
        let mut tile = first_tile + range.start as u32 * self.uniforms.stride;
        // Commands keep their order, so that one scratch serves all pieces: stitch, run, stitch again.
        for pieces in plan.steps[step].pieces[range].chunk_by(|_, next| !next.is_stitched()) {
            self.stitch(plan, encoder, &pieces[0])?;
            let timestamp_writes = self.timing.as_mut().map(Timing::stretch);
            let descriptor = wgpu::ComputePassDescriptor { label: Some(label), timestamp_writes };
            let mut pass = encoder.begin_compute_pass(&descriptor);
            pass.set_pipeline(&pipeline.pipeline);
            for piece in pieces {
                let group = self.group(gpu, plan, shader, &pipeline, piece, kernel)?;
                let rows = (piece.rows.end - piece.rows.start) as u32;
                pass.set_bind_group(0, group, &[tile, params]);
                tile += self.uniforms.stride;
                if across > 0 && rows > 0 {
                    pass.dispatch_workgroups(across, rows.div_ceil(high), 1);
                }
            }
        }
        Ok(())
    }

    /// Copies the rows that a piece needs from several parts into the scratch that it binds.
    fn stitch(&self, plan: &Plan<'_, '_>, encoder: &mut wgpu::CommandEncoder, piece: &Piece) -> Result<(), Error> {
        for binding in &piece.bindings {
            let Some((_, rows)) = binding.stitched() else { continue };
            let Placement::In { parts, .. } = plan.placements[binding.buffer] else { continue };
            let (allocation, scratch) = self.bound_slot(plan, binding)?;
            let target = &self.memory[allocation].parts[scratch];
            let mut at = 0;
            for (part, words) in parts.holding(rows) {
                let (source, bytes) = (self.part(plan, binding.buffer, part)?, (words.end - words.start) * WORD_BYTES);
                encoder.copy_buffer_to_buffer(source, words.start * WORD_BYTES, target, at, bytes);
                at += bytes;
            }
        }
        Ok(())
    }

    fn group(
        &mut self,
        gpu: &Gpu,
        plan: &Plan<'_, '_>,
        shader: &'static Shader,
        pipeline: &Pipeline,
        piece: &Piece,
        kernel: &dyn Kernel,
    ) -> Result<&wgpu::BindGroup, Error> {
        let slots = piece.bindings.iter().map(|b| self.bound_slot(plan, b)).collect::<Result<Vec<_>, Error>>()?;
        let key = (address(shader), slots.iter().map(|&(a, part)| (self.memory[a].id, part)).collect());
        let (memory, uniforms) = (&self.memory, &self.uniforms.buffer);
        Ok(self.groups.entry(key).or_insert_with(|| {
            let uniform = |bytes: usize| {
                wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: uniforms,
                    offset: 0,
                    size: wgpu::BufferSize::new(bytes as u64),
                })
            };
            let mut entries = vec![
                wgpu::BindGroupEntry { binding: 0, resource: uniform(size_of::<Tile>()) },
                wgpu::BindGroupEntry { binding: 1, resource: uniform(kernel.params().len()) },
            ];
            for (i, &(allocation, part)) in slots.iter().enumerate() {
                let resource = memory[allocation].parts[part].as_entire_binding();
                entries.push(wgpu::BindGroupEntry { binding: 2 + i as u32, resource });
            }
            gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(shader.name),
                layout: &pipeline.layout,
                entries: &entries,
            })
        }))
    }

    fn slot(&self, plan: &Plan<'_, '_>, buffer: usize, part: usize) -> Result<(usize, usize), Error> {
        match plan.placements[buffer] {
            Placement::In { allocation, .. } => Ok((allocation, part)),
            Placement::Borrowed { .. } | Placement::Nowhere => Err(unplaced(&plan.graph.buffers[buffer].label)),
        }
    }

    fn bound_slot(&self, plan: &Plan<'_, '_>, binding: &Binding) -> Result<(usize, usize), Error> {
        match (binding.memory, plan.scratch) {
            (Bound::Part(part), _) => self.slot(plan, binding.buffer, part),
            (Bound::Stitch { scratch, .. }, Some(allocation)) => Ok((allocation, scratch)),
            (Bound::Stitch { .. }, None) => Err(unplaced(&plan.graph.buffers[binding.buffer].label)),
        }
    }

    fn part(&self, plan: &Plan<'_, '_>, buffer: usize, part: usize) -> Result<&wgpu::Buffer, Error> {
        let (allocation, part) = self.slot(plan, buffer, part)?;
        Ok(&self.memory[allocation].parts[part])
    }
}

/// Staging buffers of a batch.
struct Staged<'s> {
    upload: Option<&'s wgpu::Buffer>,
    download: Option<&'s wgpu::Buffer>,
}

/// Parts of a buffer with the words each holds.
fn parts(plan: &Plan<'_, '_>, buffer: usize) -> impl Iterator<Item = (usize, u64)> {
    let parts = match plan.placements[buffer] {
        Placement::In { parts, .. } => Some(parts),
        Placement::Borrowed { .. } | Placement::Nowhere => None,
    };
    parts.into_iter().flat_map(|parts| parts.each().map(|(part, _, words)| (part, words)).collect::<Vec<_>>())
}

fn bytes(transfer: &Transfer) -> u64 {
    transfer.words.len() as u64 * WORD_BYTES
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

/// A run that the device works on.
pub(crate) struct Running {
    graph: u64,
    began: Instant,
    /// Outputs, then the ticks of the passes.
    words: Vec<Vec<u32>>,
    pending: VecDeque<Readback>,
    last: Option<wgpu::SubmissionIndex>,
    passes: Option<Passes>,
    dispatches: usize,
    report: RunReport,
}

impl Running {
    fn new(plan: &Plan<'_, '_>, timing: Option<&Timing>, call: &Call<'_>) -> Self {
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
    fn make_room(&mut self, gpu: &Gpu, control: &Control<'_>) -> Result<(), Error> {
        if self.pending.len() < RING_DEPTH {
            return Ok(());
        }
        match self.pending.pop_front() {
            Some(oldest) => oldest.finish(gpu, control, &mut self.words, &mut self.report.counts),
            None => Ok(()),
        }
    }

    /// Waits until the run is done and everything has arrived.
    pub(crate) async fn finish(mut self, gpu: &Gpu, control: &Control<'_>) -> Result<Outputs, Error> {
        while let Some(oldest) = self.pending.pop_front() {
            oldest.finish(gpu, control, &mut self.words, &mut self.report.counts)?;
        }
        if let Some(last) = &self.last {
            self.report.counts.polls += wait(gpu, control, last)?;
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
