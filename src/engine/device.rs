use std::{fmt, str::FromStr, sync::Arc};

use super::{
    Control, Error, Inputs, Limits, Outputs, Plan, cpu,
    gpu::{self, Gpu},
    selftest::{self, SelfTest},
};
#[cfg(feature = "gpu")]
use super::{Export, gpu::Handles};

/// What kind of hardware an adapter drives, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A graphics card with memory of its own.
    Discrete,
    /// A GPU that shares the host's memory.
    Integrated,
    /// A GPU passed through to a virtual machine.
    Virtual,
    /// Unknown.
    Other,
    /// A driver that computes on the CPU, as lavapipe and SwiftShader do.
    Software,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Other => "other",
            Self::Software => "software",
        })
    }
}

/// What is known of an adapter before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Name as the driver gives it.
    pub name: String,
    /// Driver and its version.
    pub driver: String,
    /// Graphics interface: Vulkan, Metal, DX12.
    pub backend: String,
    /// Kind of hardware.
    pub kind: Kind,
    /// Largest storage binding, in bytes.
    pub binding_bytes: u64,
    /// Largest buffer, in bytes.
    pub buffer_bytes: u64,
    /// Workgroups per dispatch and dimension.
    pub workgroups: u32,
    /// Optional features that are there.
    pub features: Vec<&'static str>,
}

/// Whether shaders keep every rounding of their twins or may be fused and rearranged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numerics {
    /// The same bits as the CPU twins, where the adapter passes the self-test.
    #[default]
    Pinned,
    /// Whatever is fastest, within the bounds of tier T.
    Fast,
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pinned => "pinned",
            Self::Fast => "fast",
        })
    }
}

/// Which device a caller wants: `auto`, `cpu`, `gpu` or `gpu:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best real GPU, else the CPU.
    #[default]
    Auto,
    /// The CPU backend.
    Cpu,
    /// The best real GPU, or else the first adapter there is.
    Gpu,
    /// Adapter number N.
    Adapter(usize),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            _ => text
                .strip_prefix("gpu:")
                .and_then(|n| n.parse().ok())
                .map(Self::Adapter)
                .ok_or_else(|| format!("device must be auto, cpu, gpu or gpu:N, got \"{text}\"")),
        }
    }
}

/// Where plans run; a clone is the same device.
#[derive(Clone)]
pub struct Device {
    backend: Backend,
    self_test: SelfTest,
    refusals: Vec<Error>,
}

#[derive(Clone)]
pub(super) enum Backend {
    Cpu { limits: Limits },
    Gpu(Arc<Gpu>),
}

impl Device {
    /// The CPU backend without a memory budget.
    #[must_use]
    pub fn cpu() -> Self {
        Self::of(Backend::Cpu { limits: Limits::host(u64::MAX) })
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.backend
    }

    fn of(backend: Backend) -> Self {
        Self { backend, self_test: SelfTest::of_the_reference(), refusals: Vec::new() }
    }

    /// Opens a device. [`Choice::Auto`] never fails: where no GPU opens and passes through its self-test, it is the CPU, and
    /// [`Self::refusals`] says why.
    ///
    /// # Errors
    /// [`Error::NoDevice`] when there is no such adapter, [`Error::Unsupported`] when it cannot be used.
    pub async fn open(choice: Choice, numerics: Numerics) -> Result<Self, Error> {
        let best = async || gpu::best(numerics, Self::from_gpu).await;
        match choice {
            Choice::Cpu => Ok(Self::cpu()),
            Choice::Auto => Ok(best().await.unwrap_or_else(|refusals| Self { refusals, ..Self::cpu() })),
            Choice::Gpu => match best().await {
                Ok(device) => Ok(device),
                Err(refusals) => match refusals.into_iter().next() {
                    Some(refusal) => Err(refusal),
                    None => gpu::open_adapter(0, numerics).await,
                },
            },
            Choice::Adapter(index) => gpu::open_adapter(index, numerics).await,
        }
    }

    /// Why no GPU was chosen where [`Choice::Auto`] became the CPU: what each GPU was refused for, best first.
    #[must_use]
    pub fn refusals(&self) -> &[Error] {
        &self.refusals
    }

    pub(crate) async fn from_gpu(gpu: Gpu) -> Result<Self, Error> {
        let mut device = Self::of(Backend::Gpu(Arc::new(gpu)));
        device.self_test = selftest::run(&device).await?;
        Ok(device)
    }

    /// A device that somebody else opened, for programs that draw and compute with it too; its self-test is made.
    ///
    /// Its callbacks for errors and loss become the engine's ([`Handles::watch`]).
    ///
    /// # Errors
    /// [`Error::Unsupported`] when its limits are below those of every WebGPU device, or what the device says.
    #[cfg(feature = "gpu")]
    pub async fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue, numerics: Numerics) -> Result<Self, Error> {
        Self::from_gpu(gpu::given(device, queue, numerics)?).await
    }

    /// The same device with a memory budget, in bytes.
    #[must_use]
    pub fn with_memory_budget(mut self, budget_bytes: u64) -> Self {
        match &mut self.backend {
            Backend::Cpu { limits } => limits.memory_bytes = budget_bytes,
            Backend::Gpu(gpu) => *gpu = gpu.with_memory_budget(budget_bytes),
        }
        self
    }

    /// The same device, its shaders compiled as for another kind of adapter: so a software adapter can show that the group
    /// sizes of a GPU give the same bits.
    #[must_use]
    pub fn compiled_as(mut self, kind: Kind) -> Self {
        if let Backend::Gpu(gpu) = &mut self.backend {
            *gpu = gpu.compiled_as(kind);
        }
        self
    }

    /// What plans for this device must respect.
    #[must_use]
    pub fn limits(&self) -> Limits {
        match &self.backend {
            Backend::Cpu { limits } => *limits,
            Backend::Gpu(gpu) => gpu.limits(),
        }
    }

    /// The adapter; `None` for the CPU backend.
    #[must_use]
    pub fn adapter(&self) -> Option<&AdapterSummary> {
        match &self.backend {
            Backend::Cpu { .. } => None,
            Backend::Gpu(gpu) => Some(gpu.summary()),
        }
    }

    /// Whether shaders are pinned; the CPU backend always is.
    #[must_use]
    pub fn numerics(&self) -> Numerics {
        match &self.backend {
            Backend::Cpu { .. } => Numerics::Pinned,
            Backend::Gpu(gpu) => gpu.numerics(),
        }
    }

    /// Verdict of the numeric self-test made when the device was opened.
    #[must_use]
    pub fn self_test(&self) -> &SelfTest {
        &self.self_test
    }

    /// Runs a plan that was made with this device's limits, or narrower ones.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::OtherLimits`], [`Error::OtherSession`] and [`Error::MissingInput`] when the graph has
    /// imports or inputs, for which there are sessions, or what the device says.
    pub async fn run(&self, plan: &Plan<'_, '_>, control: &Control<'_>) -> Result<Outputs, Error> {
        let inputs = &self.checked(plan)?;
        match &self.backend {
            Backend::Cpu { .. } => cpu::Prepared::default().run(plan, &mut [], inputs, control),
            Backend::Gpu(gpu) => gpu.run(plan, &gpu::Call::new(inputs, control)).await,
        }
    }

    /// No inputs, where the plan is for this device and needs none.
    fn checked(&self, plan: &Plan<'_, '_>) -> Result<Inputs<'static>, Error> {
        if !plan.limits.within(&self.limits()) {
            return Err(Error::OtherLimits);
        }
        if let Some((buffer, _)) = plan.graph.imports().next() {
            return Err(Error::OtherSession { place: plan.graph.buffers[buffer].label.clone() });
        }
        let inputs = Inputs::new();
        inputs.check(plan)?;
        Ok(inputs)
    }

    /// Runs a plan; outputs that are named among `exports` go there and come back empty.
    ///
    /// # Errors
    /// As [`Self::run`]; [`Error::BufferSize`] when an output is not as large as the memory it is to go to, and
    /// [`Error::Export`] when that cannot be copied to, as on the CPU backend, where there is no device's memory.
    #[cfg(feature = "gpu")]
    pub async fn run_with_exports(
        &self,
        plan: &Plan<'_, '_>,
        control: &Control<'_>,
        exports: &[Export],
    ) -> Result<Outputs, Error> {
        for export in exports {
            export.check(plan.graph)?;
        }
        match (&self.backend, exports) {
            (_, []) => self.run(plan, control).await,
            (Backend::Cpu { .. }, [export, ..]) => {
                let output = plan.graph.outputs[export.output.index].label.clone();
                Err(Error::Export { output, reason: "the CPU backend has no device memory".to_owned() })
            }
            (Backend::Gpu(gpu), exports) => {
                let inputs = &self.checked(plan)?;
                gpu.run(plan, &gpu::Call { exports, ..gpu::Call::new(inputs, control) }).await
            }
        }
    }

    /// The device as wgpu knows it, for libraries that compute beside the engine; none of the CPU backend.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn handles(&self) -> Option<Handles> {
        match &self.backend {
            Backend::Cpu { .. } => None,
            Backend::Gpu(gpu) => Some(gpu.handles()),
        }
    }

    /// Destroys the device, as a driver reset would: every later run fails with [`Error::DeviceLost`].
    pub fn lose(&self) {
        if let Backend::Gpu(gpu) = &self.backend {
            gpu.destroy();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_and_refused() {
        assert_eq!("auto".parse(), Ok(Choice::Auto));
        assert_eq!("gpu:12".parse(), Ok(Choice::Adapter(12)));
        for text in ["", "GPU", "gpu:", "gpu:-1", "cuda"] {
            let message = text.parse::<Choice>().unwrap_err();
            assert!(message.contains("auto, cpu, gpu or gpu:N"), "{message}");
        }
    }
}
