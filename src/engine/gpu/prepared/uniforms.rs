use super::super::{
    super::{Tile, graph::Action, plan::Piece},
    Error, Gpu, Plan,
    fault::caught,
};

/// One buffer holding what every dispatch of the plan is told, addressed by dynamic offsets.
pub(super) struct Uniforms {
    pub(super) buffer: wgpu::Buffer,
    /// Per step: offset of its parameters, offset of its first tile.
    pub(super) offsets: Vec<(u32, u32)>,
    pub(super) stride: u32,
}

impl Uniforms {
    pub(super) async fn new(gpu: &Gpu, plan: &Plan<'_, '_>) -> Result<Self, Error> {
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
