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

pub use adapter::{adapters, open_adapter};
pub(crate) use adapter::{best, given};
use fault::Faults;
pub use pipeline::NoopPipelines;
use pipeline::Pipeline;
pub(crate) use prepared::{Call, Memory, Prepared, Running};
use waiting::Poller;

use super::{AdapterSummary, Control, Error, Export, Kind, Limits, Numerics, Outputs, Plan};

/// An opened device as wgpu knows it, for libraries that compute on the same device and queue.
#[derive(Clone, Debug)]
pub struct Handles {
    /// The instance and the adapter; none where the device was given to the engine ([`super::Device::from_wgpu`]).
    pub origin: Option<(wgpu::Instance, wgpu::Adapter)>,
    /// The device; one that the engine opened has all stable features and the adapter's limits.
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

/// An opened device with its compiled pipelines, which clones share, as they do the thread that waits.
#[derive(Clone)]
pub(crate) struct Gpu {
    origin: Option<(wgpu::Instance, wgpu::Adapter)>,
    device: wgpu::Device,
    queue: wgpu::Queue,
    summary: AdapterSummary,
    limits: Limits,
    numerics: Numerics,
    /// The kind of adapter for which shaders are compiled.
    kind: Kind,
    faults: Faults,
    pipelines: Arc<Mutex<HashMap<usize, Arc<Pipeline>>>>,
    poller: Arc<Poller>,
}

impl Gpu {
    pub(crate) fn handles(&self) -> Handles {
        let Self { origin, device, queue, faults, .. } = self;
        Handles { origin: origin.clone(), device: device.clone(), queue: queue.clone(), faults: faults.clone() }
    }

    pub(crate) fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The same device under another memory budget.
    pub(crate) fn with_memory_budget(&self, memory_bytes: u64) -> Arc<Self> {
        Arc::new(Self { limits: Limits { memory_bytes, ..self.limits }, ..self.clone() })
    }

    /// The same device, its shaders compiled anew as for another kind of adapter.
    pub(crate) fn compiled_as(&self, kind: Kind) -> Arc<Self> {
        Arc::new(Self { kind, pipelines: Arc::default(), ..self.clone() })
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
