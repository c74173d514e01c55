//! Host memory through which data pass on their way to and from the device.
//!
//! wgpu's own staging belt would do for uploads, but it panics when the device is lost among its writes.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    super::{Counts, buffer::WORD_BYTES, plan::RING_DEPTH},
    Control, Error, Gpu,
    fault::caught,
    waiting::{Mapped, Signal, wait_mapped},
};

/// Ring of staging buffers that the host fills while the device reads others.
pub(super) struct UploadRing {
    bytes: u64,
    /// Buffers that the host may write to.
    mapped: Vec<wgpu::Buffer>,
    in_flight: VecDeque<Pending>,
}

struct Pending {
    staging: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    mapped: Mapped,
}

impl UploadRing {
    /// Ring of buffers of `bytes` each, which are made when they are needed.
    pub(super) fn new(bytes: u64) -> Self {
        Self { bytes, mapped: Vec::new(), in_flight: VecDeque::new() }
    }

    /// Makes `count` buffers before they are needed.
    pub(super) async fn fill(&mut self, gpu: &Gpu, count: u64, counts: &mut Counts) -> Result<(), Error> {
        for _ in 0..count {
            let staging = self.create(gpu, "staging", counts).await?;
            self.mapped.push(staging);
        }
        Ok(())
    }

    /// A buffer that the host may write to: one that the device has read, or a new one while the ring is not full.
    pub(super) async fn mapped(
        &mut self,
        gpu: &Gpu,
        control: &Control<'_>,
        place: &str,
        counts: &mut Counts,
    ) -> Result<wgpu::Buffer, Error> {
        while let Some(oldest) = self.in_flight.pop_front_if(|oldest| oldest.mapped.holds(Result::is_ok)) {
            self.mapped.push(oldest.staging);
        }
        if let Some(staging) = self.mapped.pop() {
            return Ok(staging);
        }
        if self.in_flight.len() >= RING_DEPTH
            && let Some(oldest) = self.in_flight.pop_front()
        {
            counts.polls += wait_mapped(gpu, control, place, &oldest.submission, &oldest.mapped).await?;
            return Ok(oldest.staging);
        }
        self.create(gpu, place, counts).await
    }

    async fn create(&self, gpu: &Gpu, place: &str, counts: &mut Counts) -> Result<wgpu::Buffer, Error> {
        counts.allocations += 1;
        let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        create(gpu, place, self.bytes, usage, true).await
    }

    /// Takes back a buffer whose copies were submitted, to be mapped when they are done.
    pub(super) fn submitted(&mut self, staging: wgpu::Buffer, submission: wgpu::SubmissionIndex) {
        let mapped = map(&staging, wgpu::MapMode::Write);
        self.in_flight.push_back(Pending { staging, submission, mapped });
    }
}

/// Staging buffers of one size that wait for the next readback, shared by the runs of a plan.
#[derive(Clone)]
pub(super) struct ReadbackPool {
    bytes: u64,
    free: Arc<Mutex<Vec<wgpu::Buffer>>>,
}

impl ReadbackPool {
    /// Pool of buffers of `bytes` each.
    pub(super) fn new(bytes: u64) -> Self {
        Self { bytes, free: Arc::default() }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<wgpu::Buffer>> {
        // A panic while the list was held leaves it whole.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `count` buffers before they are needed.
    pub(super) async fn fill(&self, gpu: &Gpu, count: u64, counts: &mut Counts) -> Result<(), Error> {
        for _ in 0..count {
            let staging = self.create(gpu, "staging", counts).await?;
            self.free().push(staging);
        }
        Ok(())
    }

    /// A buffer that the device may copy to.
    pub(super) async fn take(&self, gpu: &Gpu, place: &str, counts: &mut Counts) -> Result<wgpu::Buffer, Error> {
        let free = self.free().pop();
        match free {
            Some(free) => Ok(free),
            None => self.create(gpu, place, counts).await,
        }
    }

    async fn create(&self, gpu: &Gpu, place: &str, counts: &mut Counts) -> Result<wgpu::Buffer, Error> {
        counts.allocations += 1;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        create(gpu, place, self.bytes, usage, false).await
    }
}

/// Words of a staging buffer and where they go: the output and its words.
pub(super) struct Fill {
    pub(super) staging_word: usize,
    pub(super) output: usize,
    pub(super) words: Range<usize>,
}

/// Results on their way to the host. Its buffer goes back to the pool, whether they arrived or nobody waits for them any more.
pub(super) struct Readback {
    pool: ReadbackPool,
    staging: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    mapped: Mapped,
    fills: Vec<Fill>,
}

impl Readback {
    /// Readback of what a submission copied to `staging`.
    pub(super) fn new(
        pool: ReadbackPool,
        staging: wgpu::Buffer,
        submission: wgpu::SubmissionIndex,
        fills: Vec<Fill>,
    ) -> Self {
        let mapped = map(&staging, wgpu::MapMode::Read);
        Self { pool, staging, submission, mapped, fills }
    }

    /// Waits for the data and copies them to where they go.
    pub(super) async fn finish(
        mut self,
        gpu: &Gpu,
        control: &Control<'_>,
        outputs: &mut [Vec<u32>],
        counts: &mut Counts,
    ) -> Result<(), Error> {
        const PLACE: &str = "readback";
        counts.blocking_reads += 1;
        counts.polls += wait_mapped(gpu, control, PLACE, &self.submission, &self.mapped).await?;
        {
            let view = self.staging.get_mapped_range(..).map_err(|error| {
                let error = Error::Internal { place: PLACE.to_owned(), reason: error.to_string() };
                gpu.faults.blamed(&gpu.device, error)
            })?;
            for Fill { staging_word, output, words } in std::mem::take(&mut self.fills) {
                let [start, length] = [staging_word, words.len()].map(|words| words * WORD_BYTES as usize);
                counts.read_words += words.len() as u64;
                let target = bytemuck::cast_slice_mut::<u32, u8>(&mut outputs[output][words]);
                target.copy_from_slice(&view[start..start + length]);
            }
        }
        Ok(())
    }
}

impl Drop for Readback {
    fn drop(&mut self) {
        // A copy that is still on its way comes before the next one in the device's queue.
        self.staging.unmap();
        self.pool.free().push(self.staging.clone());
    }
}

async fn create(
    gpu: &Gpu,
    place: &str,
    bytes: u64,
    usage: wgpu::BufferUsages,
    is_mapped: bool,
) -> Result<wgpu::Buffer, Error> {
    caught(&gpu.device, &gpu.faults, place, || {
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("kerma staging"),
            size: bytes,
            usage,
            mapped_at_creation: is_mapped,
        })
    })
    .await
}

fn map(staging: &wgpu::Buffer, mode: wgpu::MapMode) -> Mapped {
    let mapped = Signal::new();
    let done = mapped.clone();
    staging.map_async(mode, .., move |result| done.set(result));
    mapped
}
