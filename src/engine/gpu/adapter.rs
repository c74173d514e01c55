use std::sync::Arc;

use super::{
    super::{device::Kind, kernel::STORAGE_BINDINGS},
    AdapterSummary, Error, Faults, Gpu, Limits, Numerics,
};

/// Backends on which the numbers hold. OpenGL is left out: its integer remainder is wrong on some drivers.
const BACKENDS: wgpu::Backends = wgpu::Backends::PRIMARY;

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = BACKENDS;
    wgpu::Instance::new(descriptor)
}

fn summary(adapter: &wgpu::Adapter) -> AdapterSummary {
    summary_of(adapter.get_info(), &adapter.limits(), adapter.features())
}

fn summary_of(info: wgpu::AdapterInfo, limits: &wgpu::Limits, features: wgpu::Features) -> AdapterSummary {
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
        wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
        wgpu::DeviceType::VirtualGpu => Kind::Virtual,
        wgpu::DeviceType::Cpu => Kind::Software,
        wgpu::DeviceType::Other => Kind::Other,
    };
    let mut optional = Vec::new();
    for (feature, name) in [
        (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        (wgpu::Features::SHADER_F16, "f16"),
        (wgpu::Features::SUBGROUP, "subgroups"),
        (wgpu::Features::SHADER_INT64, "int64"),
    ] {
        if features.contains(feature) {
            optional.push(name);
        }
    }
    AdapterSummary {
        name: info.name,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        backend: info.backend.to_string(),
        kind,
        binding_bytes: limits.max_storage_buffer_binding_size,
        buffer_bytes: limits.max_buffer_size,
        workgroups: limits.max_compute_workgroups_per_dimension,
        features: optional,
    }
}

/// Adapters that kerma can use, in the order in which `gpu:N` counts them.
pub async fn adapters() -> Vec<AdapterSummary> {
    instance().enumerate_adapters(BACKENDS).await.iter().map(summary).collect()
}

/// The first real GPU, best kind first, of which `accept` makes something; software adapters are never chosen unasked.
///
/// Else what each of them was refused for: nothing where there is none.
pub(crate) async fn best<T>(
    numerics: Numerics,
    accept: impl AsyncFn(Gpu) -> Result<T, Error>,
) -> Result<T, Vec<Error>> {
    let instance = instance();
    let mut real: Vec<wgpu::Adapter> =
        instance.enumerate_adapters(BACKENDS).await.into_iter().filter(|a| summary(a).kind != Kind::Software).collect();
    real.sort_by_key(|a| summary(a).kind);
    first(real, async |adapter| accept(open(&instance, &adapter, numerics).await?).await).await
}

async fn first<A, T>(candidates: Vec<A>, accept: impl AsyncFn(A) -> Result<T, Error>) -> Result<T, Vec<Error>> {
    let mut refusals = Vec::new();
    for candidate in candidates {
        match accept(candidate).await {
            Ok(accepted) => return Ok(accepted),
            Err(refusal) => refusals.push(refusal),
        }
    }
    Err(refusals)
}

/// Opens adapter `index` of [`adapters`].
pub(crate) async fn open_index(index: usize, numerics: Numerics) -> Result<Gpu, Error> {
    let instance = instance();
    let all = instance.enumerate_adapters(BACKENDS).await;
    match all.get(index) {
        Some(adapter) => open(&instance, adapter, numerics).await,
        None => {
            let available = match all.len() {
                0 => "no adapter was found".to_owned(),
                n => format!("there are gpu:0 to gpu:{}", n - 1),
            };
            Err(Error::NoDevice { asked: format!("gpu:{index}"), available })
        }
    }
}

/// Opens adapter `index` of [`adapters`] as a device with its self-test done.
///
/// # Errors
/// [`Error::NoDevice`] when there is no such adapter, or what the driver says.
pub async fn open_adapter(index: usize, numerics: Numerics) -> Result<super::super::Device, Error> {
    super::super::Device::from_gpu(open_index(index, numerics).await?).await
}

async fn open(instance: &wgpu::Instance, adapter: &wgpu::Adapter, numerics: Numerics) -> Result<Gpu, Error> {
    let summary = summary(adapter);
    check(&summary, &adapter.limits())?;
    // All stable features, since libraries that share this device look at the adapter's features, not the device's.
    let features =
        adapter.features() & !wgpu::Features::all_experimental_mask() & !wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("kerma"),
        required_features: features,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let unusable =
        |e: wgpu::RequestDeviceError| Error::Unsupported { adapter: summary.name.clone(), reason: e.to_string() };
    let (device, queue) = adapter.request_device(&descriptor).await.map_err(unusable)?;
    Ok(gpu(Some((instance.clone(), adapter.clone())), (device, queue), summary, numerics))
}

/// A device that somebody else opened.
pub(crate) fn given(device: wgpu::Device, queue: wgpu::Queue, numerics: Numerics) -> Result<Gpu, Error> {
    let limits = device.limits();
    let summary = summary_of(device.adapter_info(), &limits, device.features());
    check(&summary, &limits)?;
    Ok(gpu(None, (device, queue), summary, numerics))
}

/// Refuses what allows less than every WebGPU device.
fn check(summary: &AdapterSummary, limits: &wgpu::Limits) -> Result<(), Error> {
    let portable = wgpu::Limits::default();
    if limits.max_storage_buffers_per_shader_stage < STORAGE_BINDINGS as u32
        || limits.max_storage_buffer_binding_size < portable.max_storage_buffer_binding_size
        || limits.max_compute_invocations_per_workgroup < portable.max_compute_invocations_per_workgroup
    {
        let reason = "its limits are below the WebGPU defaults".to_owned();
        return Err(Error::Unsupported { adapter: summary.name.clone(), reason });
    }
    Ok(())
}

fn gpu(
    origin: Option<(wgpu::Instance, wgpu::Adapter)>,
    (device, queue): (wgpu::Device, wgpu::Queue),
    summary: AdapterSummary,
    numerics: Numerics,
) -> Gpu {
    let AdapterSummary { binding_bytes, buffer_bytes, workgroups, kind, .. } = summary;
    let limits = Limits::of_device(binding_bytes.min(buffer_bytes), workgroups);
    let limits = if kind == Kind::Software { limits.in_software() } else { limits };
    let faults = Faults::default();
    faults.watch(&device, false);
    let (pipelines, poller) = (Arc::default(), Arc::default());
    Gpu { origin, device, queue, summary, limits, numerics, kind, faults, pipelines, poller }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(adapter: &str) -> Error {
        Error::Unsupported { adapter: adapter.to_owned(), reason: "its limits".to_owned() }
    }

    #[test]
    fn a_gpu_that_refuses_gives_way_to_the_next_and_all_refusals_are_kept() {
        let accept = async |name: &'static str| if name == "good" { Ok(name) } else { Err(refusal(name)) };
        let first = |names: &[&'static str]| pollster::block_on(first(names.to_vec(), accept));
        assert_eq!(first(&["bad", "good", "worse"]), Ok("good"));
        assert_eq!(first(&["bad", "worse"]), Err(vec![refusal("bad"), refusal("worse")]));
        assert_eq!(first(&[]), Err(Vec::new()));
    }
}
