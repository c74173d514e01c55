//! What stands in the place of the GPU side where the feature `gpu` is off: types of which there are no values.

use std::sync::Arc;

use super::{AdapterSummary, Control, Counts, Device, Error, Inputs, Kind, Limits, Numerics, Outputs, Plan};

pub(crate) enum Gpu {}

impl Gpu {
    pub(crate) fn summary(&self) -> &AdapterSummary {
        match *self {}
    }

    pub(crate) fn limits(&self) -> Limits {
        match *self {}
    }

    pub(crate) fn with_memory_budget(&self, _: u64) -> Arc<Self> {
        match *self {}
    }

    pub(crate) fn compiled_as(&self, _: Kind) -> Arc<Self> {
        match *self {}
    }

    pub(crate) fn numerics(&self) -> Numerics {
        match *self {}
    }

    pub(crate) fn destroy(&self) {
        match *self {}
    }

    pub(crate) async fn run(&self, _: &Plan<'_, '_>, _: &Call) -> Result<Outputs, Error> {
        match *self {}
    }
}

/// No GPU, and none that was refused.
pub(crate) async fn best<T>(_: Numerics, _: impl AsyncFn(Gpu) -> Result<T, Error>) -> Result<T, Vec<Error>> {
    Err(Vec::new())
}

/// No adapter.
pub async fn adapters() -> Vec<AdapterSummary> {
    Vec::new()
}

/// No adapter can be opened.
///
/// # Errors
/// [`Error::NoDevice`] always.
pub async fn open_adapter(index: usize, _: Numerics) -> Result<Device, Error> {
    let available = "kerma was built without the feature gpu".to_owned();
    Err(Error::NoDevice { asked: format!("gpu:{index}"), available })
}

pub(crate) struct Call;

impl Call {
    pub(crate) fn new(_: &Inputs<'_>, _: &Control<'_>) -> Self {
        Self
    }
}

pub(crate) enum Memory {}

impl Memory {
    pub(crate) fn new(gpu: &Gpu, _: &str, _: &[u64]) -> Result<Self, Error> {
        match *gpu {}
    }
}

pub(crate) enum Prepared {}

impl Prepared {
    pub(crate) async fn new(gpu: &Gpu, _: &Plan<'_, '_>) -> Result<(Self, Counts), Error> {
        match *gpu {}
    }

    pub(crate) async fn start(
        &mut self,
        _: &Gpu,
        _: &Plan<'_, '_>,
        _: &mut [Memory],
        _: &Call,
    ) -> Result<Running, Error> {
        match *self {}
    }
}

pub(crate) enum Running {}

impl Running {
    pub(crate) fn counts(&self) -> Counts {
        match *self {}
    }

    pub(crate) async fn finish(self, _: &Gpu, _: &Control<'_>) -> Result<Outputs, Error> {
        match self {}
    }
}
