use std::time::Duration;

use super::{Error, Gpu, fault::caught, readback::ReadbackRing};

/// Most timed stretches of one run; WebGPU's limit for a query set is 4096 entries.
const STRETCHES: u32 = 2048;

/// Device time of passes, where the device can tell.
pub(super) struct Timing {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    /// Pass of each stretch.
    stretches: Vec<usize>,
    /// Whether a stretch found no place.
    is_full: bool,
}

impl Timing {
    /// `None` when the device has no timestamps.
    pub(super) async fn new(gpu: &Gpu) -> Result<Option<Self>, Error> {
        if !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        caught(&gpu.device, &gpu.faults, "timing", || Some(Self::create(gpu))).await
    }

    fn create(gpu: &Gpu) -> Self {
        let queries = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("kerma timing"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * STRETCHES,
        });
        let resolved = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("kerma timing"),
            size: u64::from(2 * STRETCHES) * 8,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        Self { queries, resolved, stretches: Vec::new(), is_full: false }
    }

    /// Timestamps around one stretch of a pass; `None` when the set is full.
    pub(super) fn stretch(&mut self, pass: usize) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let index = self.stretches.len() as u32;
        if index == STRETCHES {
            self.is_full = true;
            return None;
        }
        self.stretches.push(pass);
        Some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * index),
            end_of_pass_write_index: Some(2 * index + 1),
        })
    }

    /// Time per pass, indexed like the graph's passes; all zero when some could not be timed.
    pub(super) async fn read(
        &self,
        gpu: &Gpu,
        readbacks: &mut ReadbackRing<'_>,
        pass_count: usize,
    ) -> Result<Vec<Duration>, Error> {
        let mut times = vec![Duration::ZERO; pass_count];
        if self.stretches.is_empty() || self.is_full {
            return Ok(times);
        }
        let count = 2 * self.stretches.len() as u32;
        caught(&gpu.device, &gpu.faults, "timing", || {
            let mut encoder =
                gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kerma timing") });
            encoder.resolve_query_set(&self.queries, 0..count, &self.resolved, 0);
            gpu.queue.submit([encoder.finish()]);
        })
        .await?;
        let mut ticks = vec![0u64; count as usize];
        readbacks.read("timing", &self.resolved, bytemuck::cast_slice_mut(&mut ticks)).await?;
        let period_ns = f64::from(gpu.queue.get_timestamp_period());
        for (stretch, &pass) in ticks.chunks_exact(2).zip(&self.stretches) {
            let ns = stretch[1].saturating_sub(stretch[0]) as f64 * period_ns;
            times[pass] += Duration::from_nanos(ns as u64);
        }
        Ok(times)
    }
}
