use std::{collections::VecDeque, ops::Range, sync::mpsc};

use super::{
    super::staging::{CHUNK_BYTES, RING_DEPTH},
    Control, Error, Gpu,
    fault::{Mapped, caught, wait_mapped},
};

/// Ring of staging buffers through which results reach the host.
pub(super) struct ReadbackRing<'g> {
    gpu: &'g Gpu,
    control: &'g Control<'g>,
    free: Vec<wgpu::Buffer>,
    in_flight: VecDeque<Pending>,
}

struct Pending {
    staging: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    mapped: Mapped,
    words: Range<usize>,
}

impl<'g> ReadbackRing<'g> {
    pub(super) fn new(gpu: &'g Gpu, control: &'g Control<'g>) -> Self {
        Self { gpu, control, free: Vec::new(), in_flight: VecDeque::new() }
    }

    /// Copies the beginning of `source` into `target`.
    pub(super) async fn read(&mut self, place: &str, source: &wgpu::Buffer, target: &mut [u32]) -> Result<(), Error> {
        let chunk_words = CHUNK_BYTES as usize / 4;
        let mut first = 0;
        while first < target.len() {
            let words = first..target.len().min(first + chunk_words);
            first = words.end;
            if self.in_flight.len() >= RING_DEPTH {
                self.finish_oldest(place, target)?;
            }
            let pending = self.begin(place, source, words).await?;
            self.in_flight.push_back(pending);
        }
        while !self.in_flight.is_empty() {
            self.finish_oldest(place, target)?;
        }
        Ok(())
    }

    async fn begin(&mut self, place: &str, source: &wgpu::Buffer, words: Range<usize>) -> Result<Pending, Error> {
        let gpu = self.gpu;
        let reused = self.free.pop();
        caught(&gpu.device, &gpu.faults, place, || {
            let staging = reused.unwrap_or_else(|| {
                gpu.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("kerma readback"),
                    size: CHUNK_BYTES,
                    usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            });
            let mut encoder =
                gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kerma readback") });
            let bytes = words.len() as u64 * 4;
            encoder.copy_buffer_to_buffer(source, words.start as u64 * 4, &staging, 0, bytes);
            let submission = gpu.queue.submit([encoder.finish()]);
            let (sender, mapped) = mpsc::channel();
            staging.slice(..bytes).map_async(wgpu::MapMode::Read, move |result| {
                let _ = sender.send(result);
            });
            Pending { staging, submission, mapped, words }
        })
        .await
    }

    fn finish_oldest(&mut self, place: &str, target: &mut [u32]) -> Result<(), Error> {
        let Some(pending) = self.in_flight.pop_front() else { return Ok(()) };
        let Gpu { device, faults, .. } = self.gpu;
        let failed = |reason: String| faults.blamed(device, Error::Internal { place: place.to_owned(), reason });
        wait_mapped(self.gpu, self.control, place, &pending.submission, &pending.mapped)?;
        let bytes = pending.words.len() as u64 * 4;
        {
            let view = pending.staging.slice(..bytes).get_mapped_range().map_err(|e| failed(e.to_string()))?;
            bytemuck::cast_slice_mut::<u32, u8>(&mut target[pending.words]).copy_from_slice(&view);
        }
        pending.staging.unmap();
        self.free.push(pending.staging);
        Ok(())
    }
}
