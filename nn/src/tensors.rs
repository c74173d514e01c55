//! Where tensors live: on the engine's own device and queue, or on the CPU.

use burn::tensor::{Device, wgpu::WgpuSetup};
use kerma::engine;

use crate::Error;

/// The device of tensors beside an engine's device: the same GPU through the same queue, or Flex on the CPU.
///
/// To be called once for each engine device; its clones are the same device, a second call makes a second runtime.
///
/// # Errors
/// [`Error::Tensor`] when burn cannot use the device.
pub fn beside(engine: &engine::Device) -> Result<Device, Error> {
    let Some(engine::Handles { instance, adapter, device, queue }) = engine.handles() else {
        return Ok(Device::flex());
    };
    let backend = adapter.get_info().backend;
    let setup = WgpuSetup { instance, adapter, device, queue, backend };
    Device::wgpu_options().setup(setup).init().map_err(|e| Error::Tensor(e.to_string()))
}
