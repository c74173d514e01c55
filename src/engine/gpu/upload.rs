use std::{collections::VecDeque, sync::mpsc};

use super::{
    super::staging::{CHUNK_BYTES, RING_DEPTH},
    Control, Error, Gpu,
    fault::{Mapped, caught, wait_mapped},
};

/// Ring of staging buffers through which host data reach the device.
///
/// wgpu's own staging belt would do, but it panics when the device is lost among its writes.
pub(super) struct UploadRing<'g> {
    gpu: &'g Gpu,
    control: &'g Control<'g>,
    in_flight: VecDeque<Pending>,
}

struct Pending {
    staging: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    mapped: Mapped,
}

impl<'g> UploadRing<'g> {
    pub(super) fn new(gpu: &'g Gpu, control: &'g Control<'g>) -> Self {
        Self { gpu, control, in_flight: VecDeque::new() }
    }

    /// Copies `data` to the beginning of `target`, at most a ring's worth of chunks ahead of the device.
    pub(super) async fn write(&mut self, place: &str, target: &wgpu::Buffer, data: &[u32]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(data);
        let gpu = self.gpu;
        for (index, chunk) in bytes.chunks(CHUNK_BYTES as usize).enumerate() {
            let staging = self.mapped_staging(place).await?;
            let length = chunk.len() as u64;
            match staging.slice(..length).get_mapped_range_mut() {
                Ok(mut view) => view.copy_from_slice(chunk),
                Err(error) => return Err(self.failed(place, &error.to_string())),
            }
            staging.unmap();
            let offset = index as u64 * CHUNK_BYTES;
            let pending = caught(&gpu.device, &gpu.faults, place, || {
                let mut encoder =
                    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kerma upload") });
                encoder.copy_buffer_to_buffer(&staging, 0, target, offset, length);
                let submission = gpu.queue.submit([encoder.finish()]);
                let (sender, mapped) = mpsc::channel();
                staging.slice(..).map_async(wgpu::MapMode::Write, move |result| {
                    let _ = sender.send(result);
                });
                Pending { staging, submission, mapped }
            })
            .await?;
            self.in_flight.push_back(pending);
        }
        Ok(())
    }

    /// The oldest staging buffer of a full ring, once the device has read it, or else a new one.
    async fn mapped_staging(&mut self, place: &str) -> Result<wgpu::Buffer, Error> {
        let gpu = self.gpu;
        let oldest = if self.in_flight.len() < RING_DEPTH { None } else { self.in_flight.pop_front() };
        let Some(oldest) = oldest else {
            return caught(&gpu.device, &gpu.faults, place, || {
                gpu.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("kerma upload"),
                    size: CHUNK_BYTES,
                    usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                    mapped_at_creation: true,
                })
            })
            .await;
        };
        wait_mapped(gpu, self.control, place, &oldest.submission, &oldest.mapped)?;
        Ok(oldest.staging)
    }

    fn failed(&self, place: &str, reason: &str) -> Error {
        let error = Error::Internal { place: place.to_owned(), reason: reason.to_owned() };
        self.gpu.faults.blamed(&self.gpu.device, error)
    }
}
