//! The GPU side of the engine: the only code that talks to a device.

mod adapter;
mod fault;
mod pipeline;
mod prepared;
mod source;
mod staging;
mod timing;
mod waiting;

use std::{collections::HashMap, sync::Arc, sync::Mutex};

pub(crate) use adapter::best;
pub use adapter::{adapters, open_adapter};
use fault::Faults;
pub use pipeline::NoopPipelines;
use pipeline::Pipeline;
pub(crate) use prepared::{Call, Memory, Prepared, Running};
use waiting::Poller;

use super::{AdapterSummary, Control, Error, Export, Kind, Limits, Numerics, Outputs, Plan};

/// An opened device as wgpu knows it, for libraries that compute on the same device and queue.
#[derive(Clone, Debug)]
pub struct Handles {
    /// The instance that found the adapter.
    pub instance: wgpu::Instance,
    /// The adapter.
    pub adapter: wgpu::Adapter,
    /// The device, opened with all stable features and the adapter's limits.
    pub device: wgpu::Device,
    /// The queue to which the engine submits.
    pub queue: wgpu::Queue,
    faults: Faults,
}

impl Handles {
    /// Whether both are the same device, which wgpu's own comparison tells only among devices of one instance.
    #[must_use]
    pub fn is_same_device(&self, other: &Self) -> bool {
        self.faults.is_same_device(&other.faults)
    }

    /// Takes back the device's callbacks, after a library put its own there.
    ///
    /// A wgpu device has one callback for its loss and one for errors that nobody else catches. With the engine's, a loss
    /// is an error of every later run, whoever noticed it, and what is refused of the library is kept for [`Self::check`].
    /// A call for which there is no memory unwinds the thread that makes it: burn's, which survives that, and whose pools
    /// would else keep a buffer without memory and hand it out again.
    pub fn watch(&self) {
        self.faults.watch(&self.device, true);
    }

    /// Whether the device still works, and whether all that was asked of it outside the engine was done.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], now and at every later call; [`Error::OutOfMemory`] once for what happened since the last
    /// call; [`Error::Internal`] when a call was refused.
    pub fn check(&self) -> Result<(), Error> {
        let _ = self.device.poll(wgpu::PollType::Poll);
        let is_full = self.faults.take_full();
        self.faults.ask(&self.device)?;
        if is_full { Err(Error::OutOfMemory { place: "a library beside the engine".to_owned() }) } else { Ok(()) }
    }
}

/// An opened device with its compiled pipelines.
pub(crate) struct Gpu {
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    summary: AdapterSummary,
    limits: Limits,
    numerics: Numerics,
    /// The kind of adapter for which shaders are compiled.
    kind: Kind,
    faults: Faults,
    pipelines: Mutex<HashMap<usize, Arc<Pipeline>>>,
    poller: Poller,
}

impl Gpu {
    pub(crate) fn handles(&self) -> Handles {
        let Self { instance, adapter, device, queue, faults, .. } = self;
        Handles {
            instance: instance.clone(),
            adapter: adapter.clone(),
            device: device.clone(),
            queue: queue.clone(),
            faults: faults.clone(),
        }
    }

    pub(crate) fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn set_memory_budget(&mut self, budget_bytes: u64) {
        self.limits.memory_bytes = budget_bytes;
    }

    pub(crate) fn compile_as(&mut self, kind: Kind) {
        self.kind = kind;
        self.pipelines = Mutex::default();
    }

    pub(crate) fn numerics(&self) -> Numerics {
        self.numerics
    }

    /// Runs a plan once.
    pub(crate) async fn run(&self, plan: &Plan<'_, '_>, call: &Call<'_>) -> Result<Outputs, Error> {
        let (mut prepared, counts) = Prepared::new(self, plan).await?;
        let running = prepared.start(self, plan, &mut [], call).await?;
        let mut outputs = running.finish(self, call.control).await?;
        outputs.report.counts = outputs.report.counts + counts;
        Ok(outputs)
    }

    /// Destroys the device, as a driver reset would.
    pub(crate) fn destroy(&self) {
        self.device.destroy();
    }
}
