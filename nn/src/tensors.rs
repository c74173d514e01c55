//! Where tensors live: on the engine's own device and queue, or on the CPU; how the engine fills them, and how their values
//! come back.

use std::{
    fmt::Display,
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, PoisonError},
};

use burn::{
    backend::wgpu::Wgpu,
    cubecl::wgpu::{AutoCompiler, WgpuServer},
    tensor::{Device, Tensor, TensorData, wgpu::WgpuSetup},
};
use kerma::engine::{self, Control, Export, Graph, Output, Plan};

use crate::Error;

/// The device of tensors beside an engine's device: the same GPU through the same queue, or Flex on the CPU.
///
/// However often it is called for an engine's device, there is one runtime of burn on it. burn keeps its runtimes until the
/// process ends, and with each the device.
///
/// # Errors
/// [`engine::Error::DeviceLost`] when the device is lost already, [`Error::Tensor`] when burn cannot use it.
pub fn beside(engine: &engine::Device) -> Result<Device, Error> {
    let Some(handles) = engine.handles() else { return Ok(Device::flex()) };
    handles.check()?;
    let mut runtimes = RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, device)) = runtimes.iter().find(|(known, _)| known.is_same_device(&handles)) {
        return Ok(device.clone());
    }
    let engine::Handles { origin, device, queue, .. } = handles.clone();
    let Some((instance, adapter)) = origin else {
        return Err(Error::Tensor("tensors need a device that the engine has opened".to_owned()));
    };
    let backend = adapter.get_info().backend;
    let setup = WgpuSetup { instance, adapter, device, queue, backend };
    let device = Device::wgpu_options().setup(setup).init().map_err(|e| Error::Tensor(one_line(e)))?;
    // burn has put callbacks of its own into the device, which panic at whatever is refused.
    handles.watch();
    runtimes.push((handles, device.clone()));
    Ok(device)
}

/// Every GPU of an engine that tensors are on, with burn's name for it.
static RUNTIMES: Mutex<Vec<(engine::Handles, Device)>> = Mutex::new(Vec::new());

/// Whether the device still works and did all it was asked to; the CPU always does.
fn check(device: &Device) -> Result<(), Error> {
    // The caller may differentiate; the runtime is that of the device below.
    let below = device.clone().inner();
    let handles = {
        let runtimes = RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner);
        runtimes.iter().find(|(_, device)| *device == below).map(|(handles, _)| handles.clone())
    };
    Ok(handles.map_or(Ok(()), |handles| handles.check())?)
}

/// The values of a tensor, once the device has computed them.
///
/// # Errors
/// [`engine::Error::DeviceLost`] and [`engine::Error::OutOfMemory`], which burn does not tell from other errors or does not
/// notice; [`Error::Tensor`] for what else it says.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Error> {
    let device = tensor.device();
    // burn hands a panic of its own thread on to whoever waits for it.
    let read = panic::catch_unwind(AssertUnwindSafe(|| tensor.try_into_data()));
    // A lost device gives values all the same.
    check(&device)?;
    let data = read.map_err(|_| Error::Tensor("the thread that computes tensors stopped".to_owned()))?;
    let data = data.map_err(|e| failed(e.reason(), &device))?;
    data.try_to_vec().map_err(|e| Error::Tensor(one_line(e)))
}

/// The one value of a tensor. Errors as those of [`values`].
pub(crate) fn scalar<const D: usize>(tensor: Tensor<D>) -> Result<f32, Error> {
    Ok(values(tensor.flatten::<1>(0, D - 1))?.first().copied().unwrap_or(f32::NAN))
}

/// What burn says, with what the device has to say of it.
fn failed(reason: impl Display, device: &Device) -> Error {
    /// What burn's allocator says of a device without memory, and of tensors larger than any memory it may ask for.
    const FULL: [&str; 2] = ["out of device memory", "can't allocate buffer"];
    if let Err(error) = check(device) {
        return error;
    }
    let reason = one_line(reason);
    if FULL.iter().any(|words| reason.contains(words)) {
        return engine::Error::OutOfMemory { place: "tensors of a network".to_owned() }.into();
    }
    Error::Tensor(reason)
}

/// burn's messages run over many lines, and list one after another what failed for the first failure's sake.
fn one_line(text: impl Display) -> String {
    text.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a graph and gives one of its outputs as a tensor on `device`.
///
/// Where `device` is [`beside`] a GPU of the engine, the output is copied on the device and never comes to the host.
/// Other pairs, the CPU with Flex among them, go through a host array, which becomes the tensor's where it can. A tensor
/// is one binding of the GPU: what is larger is refused, however the engine divides it.
///
/// # Errors
/// [`engine::Error::BufferSize`] when the output does not have the elements of the shape; [`Error::Binding`] when the tensor
/// is larger than a binding; what the engine says, and burn.
pub async fn filled(
    graph: &Graph<'_>,
    output: Output<f32>,
    shape: [usize; 4],
    engine: &engine::Device,
    device: &Device,
) -> Result<Tensor<4>, Error> {
    let plan = Plan::new(graph, engine.limits())?;
    let control = Control::default();
    let elements: usize = shape.iter().product();
    // The caller may differentiate; memory belongs to the device below.
    let below = device.clone().inner();
    if let Some(handles) = engine.handles()
        && below != Device::flex()
    {
        let limits = handles.device.limits();
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let needed = elements as u64 * size_of::<f32>() as u64;
        if needed > limit {
            return Err(Error::Binding { needed_bytes: needed, limit_bytes: limit });
        }
        let tensor = Tensor::<4>::empty(shape, &below);
        let primitive = tensor.clone().try_into_primitive::<Wgpu>().map_err(|e| Error::Tensor(format!("{e:?}")))?;
        if !primitive.is_contiguous() {
            return Err(Error::Tensor("the tensor's rows do not follow each other in memory".to_owned()));
        }
        // Memory that burn took back may still have readers in its own queue, which must run before the copies.
        primitive.client.flush().map_err(|e| failed(e, &below))?;
        let server = primitive.client.get_resource::<WgpuServer<AutoCompiler>>(primitive.handle.clone());
        let memory = server.map_err(|e| failed(e, &below))?;
        let resource = memory.resource();
        let export = Export::new(output, resource.buffer.clone(), resource.offset, elements);
        engine.run_with_exports(&plan, &control, &[export]).await?;
        return Ok(if device.is_autodiff() { tensor.autodiff() } else { tensor });
    }
    let values = engine.run(&plan, &control).await?.take(output)?;
    if values.len() != elements {
        let (needed, got) = (elements as u64, values.len() as u64);
        return Err(engine::Error::BufferSize { buffer: "tensor".to_owned(), needed, got }.into());
    }
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}
