//! Commands of a plan as a device takes them.

use std::ops::Range;

use super::{
    super::{
        super::{
            Domain, Shader, Tile,
            buffer::WORD_BYTES,
            graph::Action,
            kernel::Kernel,
            plan::{Binding, Command, Memory as Bound, Piece, Placement, Transfer},
        },
        Error, Export, Gpu, Plan,
        pipeline::{Pipeline, address},
        timing::Timing,
    },
    Prepared, unplaced,
};

/// Staging buffers of a batch.
pub(super) struct Staged<'s> {
    pub(super) upload: Option<&'s wgpu::Buffer>,
    pub(super) download: Option<&'s wgpu::Buffer>,
}

impl Prepared {
    pub(super) fn encode(
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
            (Command::Compute { pieces, .. }, Action::Compute { kernel, domain, .. }) => {
                self.compute(gpu, plan, step, pieces.clone(), (kernel.as_ref(), domain), encoder)?;
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
        range: Range<usize>,
        (kernel, domain): (&dyn Kernel, &Domain),
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<(), Error> {
        let label = &plan.graph.passes[plan.steps[step].pass].label;
        let pipeline = self.pipelines.get(&step).cloned().ok_or_else(|| unplaced(label))?;
        let shader = kernel.shader();
        let [wide, high, deep] = shader.workgroup;
        let across = domain.extent.columns.div_ceil(wide);
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
                let [down, layers] = match domain.extent.rows {
                    slice_rows if deep > 1 => [slice_rows.div_ceil(high), (rows / slice_rows).div_ceil(deep)],
                    _ => [rows.div_ceil(high), 1],
                };
                if across * down * layers > 0 {
                    pass.dispatch_workgroups(across, down, layers);
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

    pub(super) fn slot(&self, plan: &Plan<'_, '_>, buffer: usize, part: usize) -> Result<(usize, usize), Error> {
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
