use std::collections::VecDeque;

use super::{
    super::staging::{CHUNK_BYTES, RING_DEPTH},
    Control, Error, Gpu,
    fault::{caught, wait},
};

/// Ring of staging buffers through which host data reach the device.
pub(super) struct UploadRing<'g> {
    gpu: &'g Gpu,
    control: &'g Control<'g>,
    belt: wgpu::util::StagingBelt,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
}

impl<'g> UploadRing<'g> {
    pub(super) fn new(gpu: &'g Gpu, control: &'g Control<'g>) -> Self {
        let belt = wgpu::util::StagingBelt::new(gpu.device.clone(), CHUNK_BYTES);
        Self { gpu, control, belt, in_flight: VecDeque::new() }
    }

    /// Copies `data` to the beginning of `target`, at most a ring's worth of chunks ahead of the device.
    pub(super) async fn write(&mut self, place: &str, target: &wgpu::Buffer, data: &[u32]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(data);
        for (index, chunk) in bytes.chunks(CHUNK_BYTES as usize).enumerate() {
            if self.in_flight.len() >= RING_DEPTH
                && let Some(oldest) = self.in_flight.pop_front()
            {
                wait(self.gpu, self.control, &oldest)?;
            }
            let offset = index as u64 * CHUNK_BYTES;
            let Some(size) = wgpu::BufferSize::new(chunk.len() as u64) else { continue };
            let (gpu, belt) = (self.gpu, &mut self.belt);
            let submission = caught(&gpu.device, &gpu.faults, place, || {
                let mut encoder =
                    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kerma upload") });
                belt.write_buffer(&mut encoder, target, offset, size).copy_from_slice(chunk);
                belt.finish();
                gpu.queue.submit([encoder.finish()])
            })
            .await?;
            self.belt.recall();
            self.in_flight.push_back(submission);
        }
        Ok(())
    }
}
