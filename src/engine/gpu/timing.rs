use std::{sync::Arc, time::Duration};

use super::{
    super::{Counts, PassTime, Plan, plan::Command},
    Error, Gpu,
    fault::caught,
    staging::ReadbackPool,
};

/// Stretches of one query set: WebGPU's limit for a set is 4096 entries.
const STRETCHES: usize = 2048;
const TICK_BYTES: u64 = 8;
const SET_BYTES: u64 = 2 * STRETCHES as u64 * TICK_BYTES;

/// Device time of passes, where the device can tell.
pub(super) struct Timing {
    sets: Vec<wgpu::QuerySet>,
    resolved: wgpu::Buffer,
    pub(super) pool: ReadbackPool,
    pub(super) passes: Passes,
    /// Stretches of this run so far.
    next: usize,
}

/// What ticks mean: the pass of every stretch, the passes' labels and the clock's period.
#[derive(Clone)]
pub(super) struct Passes {
    stretches: Arc<[usize]>,
    labels: Arc<[String]>,
    period_ns: f64,
}

impl Timing {
    /// `None` when the device has no timestamps, or nothing is dispatched.
    pub(super) async fn new(gpu: &Gpu, plan: &Plan<'_, '_>, counts: &mut Counts) -> Result<Option<Self>, Error> {
        let stretches: Vec<usize> = stretches(plan).collect();
        if stretches.is_empty() || !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let set_count = stretches.len().div_ceil(STRETCHES);
        let bytes = set_count as u64 * SET_BYTES;
        counts.allocations += 1;
        let (sets, resolved) = caught(&gpu.device, &gpu.faults, "timing", || {
            let set = || {
                gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("kerma timing"),
                    ty: wgpu::QueryType::Timestamp,
                    count: 2 * STRETCHES as u32,
                })
            };
            let resolved = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("kerma timing"),
                size: bytes,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            (std::iter::repeat_with(set).take(set_count).collect(), resolved)
        })
        .await?;
        let labels = plan.graph.passes.iter().map(|pass| pass.label.clone()).collect();
        let period_ns = f64::from(gpu.queue.get_timestamp_period());
        let pool = ReadbackPool::new(2 * stretches.len() as u64 * TICK_BYTES);
        let passes = Passes { stretches: stretches.into(), labels, period_ns };
        Ok(Some(Self { sets, resolved, pool, passes, next: 0 }))
    }

    /// Begins a run.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// Timestamps around the next stretch.
    pub(super) fn stretch(&mut self) -> wgpu::ComputePassTimestampWrites<'_> {
        let (set, index) = (self.next / STRETCHES, (self.next % STRETCHES) as u32);
        self.next += 1;
        wgpu::ComputePassTimestampWrites {
            query_set: &self.sets[set],
            beginning_of_pass_write_index: Some(2 * index),
            end_of_pass_write_index: Some(2 * index + 1),
        }
    }

    /// Copies the ticks of the whole run to a staging buffer of the pool.
    pub(super) fn resolve(&self, encoder: &mut wgpu::CommandEncoder, staging: &wgpu::Buffer) {
        let count = self.passes.stretches.len();
        for (index, set) in self.sets.iter().enumerate() {
            let ticks = 2 * (count - index * STRETCHES).min(STRETCHES) as u32;
            encoder.resolve_query_set(set, 0..ticks, &self.resolved, index as u64 * SET_BYTES);
        }
        encoder.copy_buffer_to_buffer(&self.resolved, 0, staging, 0, 2 * count as u64 * TICK_BYTES);
    }

    /// Words of the ticks of a run.
    pub(super) fn words(&self) -> usize {
        2 * self.passes.stretches.len() * (TICK_BYTES / 4) as usize
    }
}

impl Passes {
    /// Time per pass from the words of all ticks; passes that took none are left out.
    pub(super) fn times(&self, words: &[u32]) -> Vec<PassTime> {
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(words);
        let mut times = vec![Duration::ZERO; self.labels.len()];
        for (stretch, &pass) in ticks.chunks_exact(2).zip(self.stretches.iter()) {
            let ns = stretch[1].saturating_sub(stretch[0]) as f64 * self.period_ns;
            times[pass] += Duration::from_nanos(ns as u64);
        }
        let named = self.labels.iter().zip(times).filter(|(_, time)| !time.is_zero());
        named.map(|(pass, time)| PassTime { pass: pass.clone(), time }).collect()
    }
}

/// The pass of every stretch of dispatches that are encoded as one compute pass.
fn stretches<'p>(plan: &'p Plan<'_, '_>) -> impl Iterator<Item = usize> + 'p {
    plan.batches.iter().flat_map(|batch| &batch.commands).flat_map(|command| {
        let Command::Compute { step, pieces } = command else { return Vec::new() };
        let step = &plan.steps[*step];
        let stretches = step.pieces[pieces.clone()].chunk_by(|_, next| !next.is_stitched()).count();
        vec![step.pass; stretches]
    })
}
