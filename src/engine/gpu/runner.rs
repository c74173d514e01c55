//! Runs a plan on the device in bounded batches.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::{
    super::{
        PassTime, RunReport, Shader, Tile,
        buffer::WORD_BYTES,
        graph::Action,
        kernel::Kernel,
        plan::{Binding, Memory, Piece, Placement, Step},
    },
    Control, Error, Export, Gpu, Outputs, Plan,
    fault::{caught, wait},
    pipeline::{Pipeline, address},
    readback::ReadbackRing,
    timing::Timing,
    upload::UploadRing,
};

/// Most dispatches of one batch. A batch also ends when it has as many operations as one dispatch may have, so that
/// progress and cancelling stay prompt.
const BATCH_DISPATCHES: usize = 32;
/// Batches handed to the device ahead of the host.
const BATCHES_IN_FLIGHT: usize = 2;

pub(super) async fn run(
    gpu: &Gpu,
    plan: &Plan<'_, '_>,
    control: &Control<'_>,
    exports: &[Export],
) -> Result<Outputs, Error> {
    let start = Instant::now();
    gpu.faults.ask(&gpu.device)?;
    let memory = allocate(gpu, plan).await?;
    let uniforms = Uniforms::new(gpu, plan).await?;
    let kernels = plan.steps.iter().filter_map(|s| kernel_of(plan, s));
    let pipelines = gpu.pipelines(kernels)?;
    let mut pipelines = pipelines.into_iter();

    let mut runner = Runner {
        gpu,
        plan,
        control,
        memory,
        uniforms,
        groups: HashMap::new(),
        timing: Timing::new(gpu),
        in_flight: VecDeque::new(),
        done: 0,
        all: plan.dispatch_count(),
    };
    let mut uploads = UploadRing::new(gpu, control);
    let mut readbacks = ReadbackRing::new(gpu, control);
    let is_exported = |output: usize| exports.iter().any(|export| export.output.index == output);
    let outputs = plan.graph.outputs.iter().enumerate();
    let mut outputs: Vec<Vec<u32>> =
        outputs.map(|(id, o)| vec![0; if is_exported(id) { 0 } else { o.words }]).collect();

    for (index, step) in plan.steps.iter().enumerate() {
        let pass = &plan.graph.passes[step.pass];
        control.step(&pass.label, runner.done, runner.all)?;
        match &pass.action {
            Action::Upload { data, to } => {
                for (part, range) in runner.parts(*to) {
                    let buffer = runner.buffer(*to, part)?;
                    uploads.write(&pass.label, &buffer, &data[range]).await?;
                }
            }
            Action::Clear { buffer } => runner.clear(&pass.label, *buffer).await?,
            Action::Copy { from, to } => runner.copy(&pass.label, *from, *to).await?,
            Action::Compute { kernel, .. } => {
                let pipeline = pipelines.next().ok_or_else(|| unplaced(&pass.label))?;
                runner.compute(index, step, kernel.as_ref(), &pipeline).await?;
            }
            Action::Download { from, output, first_word } => {
                if is_exported(*output) {
                    for export in exports.iter().filter(|export| export.output.index == *output) {
                        runner.export(&pass.label, *from, export, *first_word).await?;
                    }
                    continue;
                }
                for (part, range) in runner.parts(*from) {
                    let buffer = runner.buffer(*from, part)?;
                    let target = first_word + range.start..first_word + range.end;
                    readbacks.read(&pass.label, &buffer, &mut outputs[*output][target]).await?;
                }
            }
        }
    }
    runner.drain()?;
    control.step("done", runner.all, runner.all)?;
    let mut report = RunReport { peak_bytes: plan.peak_bytes(), ..RunReport::default() };
    if let Some(timing) = &runner.timing {
        let times = timing.read(gpu, &mut readbacks, plan.graph.passes.len()).await?;
        let named = plan.graph.passes.iter().zip(times).filter(|(_, time)| !time.is_zero());
        report.passes = named.map(|(pass, time)| PassTime { pass: pass.label.clone(), time }).collect();
    }
    // What a device that is lost was given to copy comes back as if it had run.
    gpu.faults.ask(&gpu.device)?;
    report.total = start.elapsed();
    Ok(Outputs { graph: plan.graph.id, words: outputs, report })
}

fn kernel_of<'p>(plan: &Plan<'p, '_>, step: &Step) -> Option<&'p dyn Kernel> {
    match &plan.graph.passes[step.pass].action {
        Action::Compute { kernel, .. } => Some(kernel.as_ref()),
        _ => None,
    }
}

/// A pass or buffer that the plan gave nothing: a defect of the planner.
fn unplaced(place: &str) -> Error {
    Error::Internal { place: place.to_owned(), reason: "it has no place in the plan".to_owned() }
}

/// Number of pieces that one batch takes.
fn batch_length(pieces: &[Piece], operations: f64) -> usize {
    let mut sum = 0.0;
    let fits = |piece: &&Piece| {
        sum += piece.operations;
        sum <= operations
    };
    pieces.iter().take(BATCH_DISPATCHES).take_while(fits).count().max(1)
}

async fn allocate(gpu: &Gpu, plan: &Plan<'_, '_>) -> Result<Vec<Vec<wgpu::Buffer>>, Error> {
    let mut memory = Vec::with_capacity(plan.allocations.len());
    for (index, allocation) in plan.allocations.iter().enumerate() {
        // An allocation is named after its first tenant.
        let label = plan.tenants(index).next().unwrap_or_default();
        let create = |words: &u64| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: words * 4,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let parts = caught(&gpu.device, &gpu.faults, label, || allocation.parts.iter().map(create).collect()).await?;
        memory.push(parts);
    }
    Ok(memory)
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

/// Shader, and the allocation and part that each of its storage bindings takes.
type GroupKey = (usize, Vec<(usize, usize)>);

struct Runner<'r, 'g, 'a> {
    gpu: &'r Gpu,
    plan: &'r Plan<'g, 'a>,
    control: &'r Control<'r>,
    memory: Vec<Vec<wgpu::Buffer>>,
    uniforms: Uniforms,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
    timing: Option<Timing>,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
    done: usize,
    all: usize,
}

impl Runner<'_, '_, '_> {
    /// Parts of a buffer with the words each holds.
    fn parts(&self, buffer: usize) -> Vec<(usize, std::ops::Range<usize>)> {
        let Placement::In { parts, .. } = self.plan.placements[buffer] else { return Vec::new() };
        let mut first = 0;
        (0..parts.count())
            .map(|part| {
                let range = first..first + parts.words(part) as usize;
                first = range.end;
                (part, range)
            })
            .collect()
    }

    fn slot(&self, buffer: usize, part: usize) -> Result<(usize, usize), Error> {
        match self.plan.placements[buffer] {
            Placement::In { allocation, .. } => Ok((allocation, part)),
            Placement::Borrowed { .. } | Placement::Nowhere => Err(unplaced(&self.plan.graph.buffers[buffer].label)),
        }
    }

    fn bound_slot(&self, binding: &Binding) -> Result<(usize, usize), Error> {
        match (binding.memory, self.plan.scratch) {
            (Memory::Part(part), _) => self.slot(binding.buffer, part),
            (Memory::Stitch { scratch, .. }, Some(allocation)) => Ok((allocation, scratch)),
            (Memory::Stitch { .. }, None) => Err(unplaced(&self.plan.graph.buffers[binding.buffer].label)),
        }
    }

    /// Copies the rows that a piece needs from several parts into the scratch that it binds.
    fn stitch(&self, encoder: &mut wgpu::CommandEncoder, piece: &Piece) -> Result<(), Error> {
        for binding in &piece.bindings {
            let Some((_, rows)) = binding.stitched() else { continue };
            let Placement::In { parts, .. } = self.plan.placements[binding.buffer] else { continue };
            let (allocation, scratch) = self.bound_slot(binding)?;
            let target = &self.memory[allocation][scratch];
            let mut at = 0;
            for (part, words) in parts.holding(rows) {
                let (source, bytes) = (self.buffer(binding.buffer, part)?, (words.end - words.start) * WORD_BYTES);
                encoder.copy_buffer_to_buffer(&source, words.start * WORD_BYTES, target, at, bytes);
                at += bytes;
            }
        }
        Ok(())
    }

    fn buffer(&self, buffer: usize, part: usize) -> Result<wgpu::Buffer, Error> {
        let (allocation, part) = self.slot(buffer, part)?;
        Ok(self.memory[allocation][part].clone())
    }

    async fn clear(&mut self, label: &str, buffer: usize) -> Result<(), Error> {
        let parts = self.parts(buffer);
        self.encode(label, |runner, encoder| {
            for (part, range) in parts {
                encoder.clear_buffer(&runner.buffer(buffer, part)?, 0, Some(range.len() as u64 * 4));
            }
            Ok(())
        })
        .await
    }

    async fn copy(&mut self, label: &str, from: usize, to: usize) -> Result<(), Error> {
        let parts = self.parts(to);
        self.encode(label, |runner, encoder| {
            for (part, range) in parts {
                let (source, target) = (runner.buffer(from, part)?, runner.buffer(to, part)?);
                encoder.copy_buffer_to_buffer(&source, 0, &target, 0, range.len() as u64 * 4);
            }
            Ok(())
        })
        .await
    }

    /// Copies a buffer, part by part, to where the words of its output from `first_word` on are wanted.
    async fn export(&mut self, label: &str, from: usize, export: &Export, first_word: usize) -> Result<(), Error> {
        let parts = self.parts(from);
        self.encode(label, |runner, encoder| {
            for (part, range) in parts {
                let source = runner.buffer(from, part)?;
                let at = export.offset_bytes + (first_word + range.start) as u64 * WORD_BYTES;
                encoder.copy_buffer_to_buffer(&source, 0, &export.buffer, at, range.len() as u64 * WORD_BYTES);
            }
            Ok(())
        })
        .await
    }

    async fn compute(
        &mut self,
        index: usize,
        step: &Step,
        kernel: &dyn Kernel,
        pipeline: &Arc<Pipeline>,
    ) -> Result<(), Error> {
        let label = &self.plan.graph.passes[step.pass].label;
        let shader = kernel.shader();
        let [wide, high] = shader.workgroup;
        let across = kernel.domain().extent.columns.div_ceil(wide);
        let (params, first_tile) = self.uniforms.offsets[index];
        let stride = self.uniforms.stride;
        let mut tile = first_tile;
        let mut rest = step.pieces.as_slice();
        while !rest.is_empty() {
            self.control.step(label, self.done, self.all)?;
            let (pieces, later) = rest.split_at(batch_length(rest, self.plan.limits.dispatch_operations));
            let first = tile;
            self.encode(label, |runner, encoder| {
                let mut groups = Vec::with_capacity(pieces.len());
                for piece in pieces {
                    groups.push(runner.group(shader, pipeline, piece, kernel)?);
                }
                let mut groups = groups.iter().zip(0..);
                // Commands keep their order, so that one scratch serves all pieces: stitch, run, stitch again.
                for pieces in pieces.chunk_by(|_, next| !next.is_stitched()) {
                    runner.stitch(encoder, &pieces[0])?;
                    let timestamp_writes = runner.timing.as_mut().map(|t| t.stretch(step.pass));
                    let descriptor = wgpu::ComputePassDescriptor { label: Some(label), timestamp_writes };
                    let mut pass = encoder.begin_compute_pass(&descriptor);
                    pass.set_pipeline(&pipeline.pipeline);
                    for (piece, (group, i)) in pieces.iter().zip(&mut groups) {
                        let rows = (piece.rows.end - piece.rows.start) as u32;
                        pass.set_bind_group(0, group, &[first + i * stride, params]);
                        if across > 0 && rows > 0 {
                            pass.dispatch_workgroups(across, rows.div_ceil(high), 1);
                        }
                    }
                }
                Ok(())
            })
            .await?;
            self.done += pieces.len();
            tile += pieces.len() as u32 * stride;
            rest = later;
        }
        Ok(())
    }

    fn group(
        &mut self,
        shader: &'static Shader,
        pipeline: &Pipeline,
        piece: &Piece,
        kernel: &dyn Kernel,
    ) -> Result<wgpu::BindGroup, Error> {
        let slots = piece.bindings.iter().map(|b| self.bound_slot(b)).collect::<Result<Vec<_>, Error>>()?;
        let key = (address(shader), slots);
        if let Some(group) = self.groups.get(&key) {
            return Ok(group.clone());
        }
        let uniform = |bytes: usize| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.uniforms.buffer,
                offset: 0,
                size: wgpu::BufferSize::new(bytes as u64),
            })
        };
        let mut entries = vec![
            wgpu::BindGroupEntry { binding: 0, resource: uniform(size_of::<Tile>()) },
            wgpu::BindGroupEntry { binding: 1, resource: uniform(kernel.params().len()) },
        ];
        for (i, &(allocation, part)) in key.1.iter().enumerate() {
            let resource = self.memory[allocation][part].as_entire_binding();
            entries.push(wgpu::BindGroupEntry { binding: 2 + i as u32, resource });
        }
        let group = self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(shader.name),
            layout: &pipeline.layout,
            entries: &entries,
        });
        self.groups.insert(key, group.clone());
        Ok(group)
    }

    /// Records one batch, hands it to the device and keeps the number of batches in flight bounded.
    async fn encode(
        &mut self,
        label: &str,
        record: impl FnOnce(&mut Self, &mut wgpu::CommandEncoder) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let gpu = self.gpu;
        let submission = caught(&gpu.device, &gpu.faults, label, || {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) });
            record(self, &mut encoder)?;
            Ok(gpu.queue.submit([encoder.finish()]))
        })
        .await??;
        self.in_flight.push_back(submission);
        if self.in_flight.len() > BATCHES_IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            wait(gpu, self.control, &oldest)?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Error> {
        while let Some(oldest) = self.in_flight.pop_front() {
            wait(self.gpu, self.control, &oldest)?;
        }
        Ok(())
    }
}
