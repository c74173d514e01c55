use std::time::Duration;

use super::{Error, Gpu, readback::ReadbackRing};

/// Most timed stretches of one run; WebGPU's limit for a query set is 4096 entries.
const STRETCHES: u32 = 2048;

/// Device time of passes, where the device can tell.
pub(super) struct Timing {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    /// Pass of each stretch.
    stretches: Vec<usize>,
}

impl Timing {
    /// `None` when the device has no timestamps.
    pub(super) fn new(gpu: &Gpu) -> Option<Self> {
        if !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
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
        Some(Self { queries, resolved, stretches: Vec::new() })
    }

    /// Timestamps around one stretch of a pass; `None` when the set is full.
    pub(super) fn stretch(&mut self, pass: usize) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let index = self.stretches.len() as u32;
        if index == STRETCHES {
            return None;
        }
        self.stretches.push(pass);
        Some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * index),
            end_of_pass_write_index: Some(2 * index + 1),
        })
    }

    /// Time per pass, indexed like the graph's passes.
    pub(super) async fn read(&self, gpu: &Gpu, pass_count: usize) -> Result<Vec<Duration>, Error> {
        let mut times = vec![Duration::ZERO; pass_count];
        if self.stretches.is_empty() {
            return Ok(times);
        }
        let count = 2 * self.stretches.len() as u32;
        let mut encoder =
            gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("kerma timing") });
        encoder.resolve_query_set(&self.queries, 0..count, &self.resolved, 0);
        gpu.queue.submit([encoder.finish()]);
        let mut words = vec![0u32; 2 * count as usize];
        ReadbackRing::new(gpu).read("timing", &self.resolved, &mut words).await?;
        let ticks: &[u64] = bytemuck::try_cast_slice(&words).unwrap_or(&[]);
        let period_ns = f64::from(gpu.queue.get_timestamp_period());
        for (stretch, &pass) in ticks.chunks_exact(2).zip(&self.stretches) {
            let ns = stretch[1].saturating_sub(stretch[0]) as f64 * period_ns;
            times[pass] += Duration::from_nanos(ns as u64);
        }
        Ok(times)
    }
}
