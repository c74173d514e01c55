use std::time::Duration;

use super::{Error, Gpu, fault::caught, readback::ReadbackRing};

/// Stretches of one query set: WebGPU's limit for a set is 4096 entries.
const STRETCHES: usize = 2048;
const SET_BYTES: u64 = 2 * STRETCHES as u64 * 8;

/// Device time of passes, where the device can tell.
pub(super) struct Timing {
    device: wgpu::Device,
    /// As many sets as there are stretches to time; another is made when all are full.
    sets: Vec<wgpu::QuerySet>,
    /// Pass of each stretch.
    stretches: Vec<usize>,
}

impl Timing {
    /// `None` when the device has no timestamps.
    pub(super) fn new(gpu: &Gpu) -> Option<Self> {
        let has_timestamps = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        has_timestamps.then(|| Self { device: gpu.device.clone(), sets: Vec::new(), stretches: Vec::new() })
    }

    /// Timestamps around one stretch of a pass.
    pub(super) fn stretch(&mut self, pass: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        let (set, index) = (self.stretches.len() / STRETCHES, (self.stretches.len() % STRETCHES) as u32);
        self.stretches.push(pass);
        if set == self.sets.len() {
            self.sets.push(self.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("kerma timing"),
                ty: wgpu::QueryType::Timestamp,
                count: 2 * STRETCHES as u32,
            }));
        }
        wgpu::ComputePassTimestampWrites {
            query_set: &self.sets[set],
            beginning_of_pass_write_index: Some(2 * index),
            end_of_pass_write_index: Some(2 * index + 1),
        }
    }

    /// Time per pass, indexed like the graph's passes.
    pub(super) async fn read(
        &self,
        gpu: &Gpu,
        readbacks: &mut ReadbackRing<'_>,
        pass_count: usize,
    ) -> Result<Vec<Duration>, Error> {
        let mut times = vec![Duration::ZERO; pass_count];
        if self.stretches.is_empty() {
            return Ok(times);
        }
        let mut ticks = vec![0u64; 2 * self.stretches.len()];
        let resolved = caught(&gpu.device, &gpu.faults, "timing", || {
            let resolved = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("kerma timing"),
                size: self.sets.len() as u64 * SET_BYTES,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder =
                gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kerma timing") });
            for (index, (set, ticks)) in self.sets.iter().zip(ticks.chunks(2 * STRETCHES)).enumerate() {
                encoder.resolve_query_set(set, 0..ticks.len() as u32, &resolved, index as u64 * SET_BYTES);
            }
            gpu.queue.submit([encoder.finish()]);
            resolved
        })
        .await?;
        readbacks.read("timing", &resolved, bytemuck::cast_slice_mut(&mut ticks)).await?;
        let period_ns = f64::from(gpu.queue.get_timestamp_period());
        for (stretch, &pass) in ticks.chunks_exact(2).zip(&self.stretches) {
            let ns = stretch[1].saturating_sub(stretch[0]) as f64 * period_ns;
            times[pass] += Duration::from_nanos(ns as u64);
        }
        Ok(times)
    }
}
