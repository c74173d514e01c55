//! Vulkan as far as compiling takes it, on RADV's null hardware.

use std::ffi::CStr;

use ash::{khr::pipeline_executable_properties as executables, vk};
use kerma::engine::{Kind, Numerics, Shader};
use naga::{
    ShaderStage, back, front,
    proc::{BoundsCheckPolicies, BoundsCheckPolicy},
    valid::{Capabilities, ValidationFlags, Validator},
};

/// A device that compiles and cannot run.
pub(crate) struct NullHardware {
    device: ash::Device,
    executables: executables::Device,
    instance: ash::Instance,
    _entry: ash::Entry,
}

/// What came of a shader: its machine code in the assembler's words, and what the driver says of it.
pub(crate) struct Compiled {
    assembly: String,
    statistics: Vec<(String, String)>,
}

impl Compiled {
    /// Instructions in order, each with its operands, the one that is written first. The mnemonic is without the suffix that
    /// tells how long the code is.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = (&str, &str)> {
        // An instruction stands in a line of its own, before its code; one that goes beside it follows two colons.
        let texts = self.assembly.lines().flat_map(|line| line.split(';').take(1)).flat_map(|line| line.split("::"));
        texts.filter_map(|text| {
            let (mnemonic, operands) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
            let short = mnemonic.strip_suffix("_e32").or_else(|| mnemonic.strip_suffix("_e64")).unwrap_or(mnemonic);
            (!short.is_empty()).then_some((short, operands))
        })
    }

    /// A statistic by the driver's name for it.
    pub(crate) fn statistic(&self, name: &str) -> &str {
        self.statistics.iter().find(|(known, _)| known == name).map_or("?", |(_, value)| value)
    }
}

fn said(what: &str) -> impl FnOnce(vk::Result) -> String {
    move |result| format!("{what}: {result}")
}

impl NullHardware {
    /// Opens the device of the family that the environment names.
    pub(crate) fn open() -> Result<Self, String> {
        // SAFETY: the loader is a library of the system; every structure lives through the call that takes it.
        unsafe {
            let entry = ash::Entry::load().map_err(|e| e.to_string())?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_1);
            let info = vk::InstanceCreateInfo::default().application_info(&application);
            let instance = entry.create_instance(&info, None).map_err(said("instance"))?;
            let all = instance.enumerate_physical_devices().map_err(said("adapters"))?;
            let physical = *all.first().ok_or("no adapter")?;
            let queue = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
            let names = [executables::NAME.as_ptr()];
            let mut feature =
                vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
            let info = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queue)
                .enabled_extension_names(&names)
                .push_next(&mut feature);
            let device = instance.create_device(physical, &info, None).map_err(said("device"))?;
            let executables = executables::Device::new(&instance, &device);
            Ok(Self { device, executables, instance, _entry: entry })
        }
    }

    /// Compiles a shader as wgpu would have it compiled on hardware with robust buffers.
    pub(crate) fn compile(&self, shader: &Shader, numerics: Numerics) -> Result<Compiled, String> {
        let spirv = spirv(shader, numerics)?;
        let binding = |(index, kind): (usize, vk::DescriptorType)| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(index as u32)
                .descriptor_type(kind)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let kinds = std::iter::repeat_n(vk::DescriptorType::UNIFORM_BUFFER_DYNAMIC, 2)
            .chain(std::iter::repeat_n(vk::DescriptorType::STORAGE_BUFFER, shader.storage().count()));
        let bindings: Vec<_> = kinds.enumerate().map(binding).collect();
        let device = &self.device;
        // SAFETY: every structure lives through the call that takes it, and what is made is destroyed after its last use.
        unsafe {
            let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            let set = device.create_descriptor_set_layout(&info, None).map_err(said("bindings"))?;
            let sets = [set];
            let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = device.create_pipeline_layout(&info, None).map_err(said("layout"))?;
            let info = vk::ShaderModuleCreateInfo::default().code(&spirv);
            let module = device.create_shader_module(&info, None).map_err(said("module"))?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main");
            let wanted = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let info = [vk::ComputePipelineCreateInfo::default().flags(wanted).stage(stage).layout(layout)];
            let made = device.create_compute_pipelines(vk::PipelineCache::null(), &info, None);
            let pipeline = made.map_err(|(_, result)| said("pipeline")(result))?[0];
            let compiled = self.read(pipeline);
            device.destroy_pipeline(pipeline, None);
            device.destroy_shader_module(module, None);
            device.destroy_pipeline_layout(layout, None);
            device.destroy_descriptor_set_layout(set, None);
            compiled
        }
    }

    /// # Safety
    /// The pipeline is one of this device, made with the flags that capture what is read.
    unsafe fn read(&self, pipeline: vk::Pipeline) -> Result<Compiled, String> {
        let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
        // SAFETY: as above; the second call fills buffers as large as the first one asked for.
        unsafe {
            let statistics = self.executables.get_pipeline_executable_statistics(&info).map_err(said("statistics"))?;
            let value = |statistic: &vk::PipelineExecutableStatisticKHR<'_>| match statistic.format {
                vk::PipelineExecutableStatisticFormatKHR::INT64 => statistic.value.i64.to_string(),
                vk::PipelineExecutableStatisticFormatKHR::UINT64 => statistic.value.u64.to_string(),
                vk::PipelineExecutableStatisticFormatKHR::FLOAT64 => statistic.value.f64.to_string(),
                _ => (statistic.value.b32 != 0).to_string(),
            };
            let statistics = statistics.iter().map(|s| (text(&s.name), value(s))).collect();
            let get = self.executables.fp().get_pipeline_executable_internal_representations_khr;
            let mut count = 0;
            get(self.device.handle(), &info, &mut count, std::ptr::null_mut()).result().map_err(said("code"))?;
            let mut all = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            get(self.device.handle(), &info, &mut count, all.as_mut_ptr()).result().map_err(said("code"))?;
            let mut buffers: Vec<Vec<u8>> = all.iter().map(|r| vec![0; r.data_size]).collect();
            for (representation, buffer) in all.iter_mut().zip(&mut buffers) {
                representation.p_data = buffer.as_mut_ptr().cast();
            }
            get(self.device.handle(), &info, &mut count, all.as_mut_ptr()).result().map_err(said("code"))?;
            let code = all.iter().zip(&buffers).find(|(r, _)| text(&r.name).contains("Assembly"));
            let (_, code) = code.ok_or_else(|| {
                let names: Vec<String> = all.iter().map(|r| text(&r.name)).collect();
                format!("no assembly among {names:?}")
            })?;
            Ok(Compiled { assembly: String::from_utf8_lossy(code).into_owned(), statistics })
        }
    }
}

impl Drop for NullHardware {
    fn drop(&mut self) {
        // SAFETY: nothing of the device is in use.
        unsafe {
            self.device.destroy_device(None);
            self.instance.destroy_instance(None);
        }
    }
}

fn text(name: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = name.iter().map(|c| *c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn spirv(shader: &Shader, numerics: Numerics) -> Result<Vec<u32>, String> {
    let wgsl = shader.wgsl(numerics, Kind::Discrete);
    let module = front::wgsl::parse_str(&wgsl).map_err(|e| e.emit_to_string(&wgsl))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
    let info = info.map_err(|e| e.emit_to_string(&wgsl))?;
    let bounds_check_policies = BoundsCheckPolicies {
        index: BoundsCheckPolicy::Restrict,
        buffer: BoundsCheckPolicy::Unchecked,
        image_load: BoundsCheckPolicy::Unchecked,
        binding_array: BoundsCheckPolicy::Unchecked,
    };
    let options = back::spv::Options {
        bounds_check_policies,
        zero_initialize_workgroup_memory: back::spv::ZeroInitializeWorkgroupMemoryMode::None,
        ..Default::default()
    };
    let pipeline = back::spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".to_owned() };
    back::spv::write_vec(&module, &info, &options, Some(&pipeline)).map_err(|e| e.to_string())
}
