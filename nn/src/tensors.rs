//! Where tensors live: on the engine's own device and queue, or on the CPU; and how the engine fills them.

use burn::{
    backend::wgpu::Wgpu,
    cubecl::wgpu::{AutoCompiler, WgpuServer},
    tensor::{Device, Tensor, TensorData, wgpu::WgpuSetup},
};
use kerma::engine::{self, Control, Export, Graph, Output, Plan};

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
    Device::wgpu_options().setup(setup).init().map_err(failed)
}

/// Runs a graph and gives one of its outputs as a tensor on `device`.
///
/// Where `device` is [`beside`] a GPU of the engine, the output is copied on the device and never comes to the host.
/// Other pairs, the CPU with Flex among them, go through a host array, which becomes the tensor's where it can. A tensor
/// is one binding of the GPU: what is larger is refused, however the engine divides it.
///
/// # Errors
/// [`engine::Error::BufferSize`] when the output does not have the elements of the shape; [`Error::Binding`] when the tensor
/// is larger than a binding; [`Error::Tensor`] when there is no memory for it; what the engine says.
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
        primitive.client.flush().map_err(failed)?;
        let server = primitive.client.get_resource::<WgpuServer<AutoCompiler>>(primitive.handle.clone());
        let memory = server.map_err(failed)?;
        let resource = memory.resource();
        let export = Export::new(output, resource.buffer.clone(), resource.offset, elements);
        engine.run_with_exports(&plan, &control, &[export]).await?;
        return Ok(if device.is_autodiff() { tensor.autodiff() } else { tensor });
    }
    let values = engine.run(&plan, &control).await?.take(output);
    if values.len() != elements {
        let (needed, got) = (elements as u64, values.len() as u64);
        return Err(engine::Error::BufferSize { buffer: "tensor".to_owned(), needed, got }.into());
    }
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tensor(error.to_string())
}
