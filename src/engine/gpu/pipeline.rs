use std::{num::NonZeroU64, sync::Arc};

use super::{
    super::{Shader, Tile, kernel::Kernel},
    Error, Gpu, Kind, Numerics,
    fault::{Faults, caught, now, one_line},
};
use crate::parallel::*;

/// Compiled shader with the layout of its bindings.
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

impl Gpu {
    /// Pipelines of all the given kernels; those not yet compiled are compiled side by side.
    pub(super) fn pipelines<'k>(
        &self,
        kernels: impl Iterator<Item = &'k dyn Kernel>,
    ) -> Result<Vec<Arc<Pipeline>>, Error> {
        let wanted: Vec<&'static Shader> = kernels.map(|k| k.shader()).collect();
        let mut missing: Vec<&'static Shader> = {
            let cache = lock(&self.pipelines);
            wanted.iter().copied().filter(|s| !cache.contains_key(&address(s))).collect()
        };
        missing.sort_by_key(|s| address(s));
        missing.dedup_by_key(|s| address(s));
        let compiled: Vec<Result<Pipeline, Error>> = missing.par_iter().map(|shader| self.create(shader)).collect();
        let mut cache = lock(&self.pipelines);
        for (shader, pipeline) in missing.into_iter().zip(compiled) {
            cache.insert(address(shader), Arc::new(pipeline?));
        }
        Ok(wanted.iter().filter_map(|s| cache.get(&address(s)).cloned()).collect())
    }

    fn create(&self, shader: &'static Shader) -> Result<Pipeline, Error> {
        create(&self.device, &self.faults, shader, self.numerics, self.kind)
    }
}

/// Key of a shader in a cache: shaders are statics, so an address stands for one and no two names can collide.
pub(super) fn address(shader: &'static Shader) -> usize {
    std::ptr::from_ref(shader).addr()
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while the cache was held leaves it whole: entries are only ever added.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn create(
    device: &wgpu::Device,
    faults: &Faults,
    shader: &'static Shader,
    numerics: Numerics,
    kind: Kind,
) -> Result<Pipeline, Error> {
    let work = || {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shader.name),
            source: wgpu::ShaderSource::Wgsl(shader.wgsl(numerics, kind).into()),
        });
        let layout = layout(device, shader);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(shader.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(shader.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        Pipeline { pipeline, layout }
    };
    let result = now(caught(device, faults, shader.name, work));
    result.map_err(|error| match error {
        Error::Internal { reason, .. } => Error::Shader { shader: shader.name.to_owned(), reason },
        other => other,
    })
}

fn layout(device: &wgpu::Device, shader: &Shader) -> wgpu::BindGroupLayout {
    let uniform = |binding: u32, bytes: usize| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: true,
            min_binding_size: NonZeroU64::new(bytes as u64),
        },
        count: None,
    };
    let params = shader.structs.first().map_or(0, |s| s.size);
    let mut entries = vec![uniform(0, size_of::<Tile>()), uniform(1, params)];
    for (index, read_only) in shader.storage().enumerate() {
        entries.push(wgpu::BindGroupLayoutEntry {
            binding: 2 + index as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        });
    }
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(shader.name), entries: &entries })
}

/// Device that validates pipelines but computes nothing: for tests on machines without any driver.
pub struct NoopPipelines {
    device: wgpu::Device,
    faults: Faults,
}

impl NoopPipelines {
    /// Device with the portable limits.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the validator cannot be started.
    pub fn new() -> Result<Self, Error> {
        let (device, _queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor {
            required_limits: wgpu::Limits::default(),
            ..Default::default()
        });
        let faults = Faults::default();
        faults.watch(&device, false);
        Ok(Self { device, faults })
    }

    /// Builds the pipeline of a shader as a real device of this kind would.
    ///
    /// # Errors
    /// [`Error::Shader`] with the validator's words.
    pub fn check(&self, shader: &'static Shader, numerics: Numerics, kind: Kind) -> Result<(), Error> {
        create(&self.device, &self.faults, shader, numerics, kind).map(|_| ()).map_err(|e| match e {
            Error::Shader { shader, reason } => Error::Shader { shader, reason: one_line(&reason) },
            other => other,
        })
    }
}
