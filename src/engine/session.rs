use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytemuck::Pod;

use super::{
    Control, Counts, Device, Error, Extent, Graph, Inputs, Kept, Limits, Outputs, PeakBytes, Plan,
    buffer::KeptEntry,
    cpu,
    device::Backend,
    gpu,
    graph::BufferInfo,
    plan::{Parts, check_extent},
};

/// State on one device that outlives runs: kept buffers, and plans that are prepared once and run many times.
///
/// Everything of a plan is made when it is prepared: allocations, pipelines, uploads of what never changes. A run then
/// fills inputs, hands the passes to the device and may bring outputs back:
///
/// ```
/// use kerma::{
///     engine::{Control, Device, Extent, Graph, Inputs, Plan, Session},
///     kernels::pointwise::scale_add,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let device = Device::cpu();
/// let mut session = Session::new(&device);
/// let sum = session.keep::<f32>("example.sum", Extent::table(3))?;
/// let mut graph = Graph::new();
/// let (before, term) = (graph.import(sum), graph.input("example.term", Extent::table(3)));
/// let after = scale_add::record(&mut graph, 1.0, before, 1.0, term.buffer());
/// graph.keep(after, sum);
/// let mut plan = pollster::block_on(session.prepare(Plan::repeated(&graph, session.limits())?))?;
/// for values in [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]] {
///     let inputs = Inputs::new().with(term, &values);
///     pollster::block_on(session.run(&mut plan, &inputs, &Control::default()))?;
/// }
/// assert_eq!(pollster::block_on(session.read(sum))?, [11.0, 22.0, 33.0]);
/// # Ok(())
/// # }
/// ```
///
/// A run that fails or is cancelled leaves kept buffers as far as it came, except that [`Graph::keep`] takes effect at the end
/// of a whole run only. After a loss of the device every call fails with [`Error::DeviceLost`].
pub struct Session {
    id: u64,
    device: Device,
    limits: Limits,
    memory: Memory,
    /// Bytes of kept buffers and of prepared plans that are still there.
    held: Held,
    counts: Counts,
}

enum Memory {
    Cpu(Vec<Vec<u32>>),
    Gpu(Vec<gpu::Memory>),
}

/// Host and device bytes, shared with the prepared plans that give theirs back when they are dropped.
#[derive(Clone, Default)]
struct Held(Arc<[AtomicU64; 2]>);

impl Held {
    fn add(&self, bytes: PeakBytes) {
        self.0[0].fetch_add(bytes.host, Ordering::Relaxed);
        self.0[1].fetch_add(bytes.device, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: PeakBytes) {
        self.0[0].fetch_sub(bytes.host, Ordering::Relaxed);
        self.0[1].fetch_sub(bytes.device, Ordering::Relaxed);
    }

    fn bytes(&self) -> PeakBytes {
        PeakBytes { host: self.0[0].load(Ordering::Relaxed), device: self.0[1].load(Ordering::Relaxed) }
    }
}

/// A plan with everything that its runs need; dropping it gives its memory back.
pub struct Prepared<'g, 'a> {
    session: u64,
    plan: Plan<'g, 'a>,
    state: Ready,
    held: Held,
}

enum Ready {
    Cpu(cpu::Prepared),
    Gpu(Box<gpu::Prepared>),
}

impl Drop for Prepared<'_, '_> {
    fn drop(&mut self) {
        self.held.give_back(self.plan.peak_bytes());
    }
}

/// A run that was handed to the device; its outputs are on their way.
#[must_use = "outputs come with `Session::finish`"]
pub struct Running {
    session: u64,
    state: Begun,
    /// What was counted while it was started.
    counts: Counts,
}

enum Begun {
    /// The CPU backend computes while a run is started.
    Done(Outputs),
    Gpu(gpu::Running),
}

impl Session {
    /// Session that holds nothing yet.
    #[must_use]
    pub fn new(device: &Device) -> Self {
        Self::with_limits(device, device.limits())
    }

    /// The same under limits within those of the device, for its plans and kept buffers alike.
    #[must_use]
    pub fn with_limits(device: &Device, limits: Limits) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let memory = match device.backend() {
            Backend::Cpu { .. } => Memory::Cpu(Vec::new()),
            Backend::Gpu(_) => Memory::Gpu(Vec::new()),
        };
        let (id, held) = (COUNT.fetch_add(1, Ordering::Relaxed), Held::default());
        Self { id, device: device.clone(), limits, memory, held, counts: Counts::default() }
    }

    /// Limits for which its plans must be made.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Memory of all kept buffers and prepared plans together.
    #[must_use]
    pub fn held_bytes(&self) -> PeakBytes {
        self.held.bytes()
    }

    /// What happened since the session began.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// New buffer of zeros that outlives runs; `label` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Extent`], [`Error::MemoryBudget`] when the session would hold more than the device's budget, or what the
    /// device says.
    pub fn keep<T: Pod>(&mut self, label: &str, extent: Extent) -> Result<Kept<T>, Error> {
        check_extent(label, extent)?;
        let info = BufferInfo::of::<T>(label.to_owned(), extent);
        let bytes = self.sized(info.words() * 4);
        self.check_budget(bytes)?;
        let parts = Parts::of(&info, &self.limits);
        let index = match (&mut self.memory, self.device.backend()) {
            (Memory::Gpu(all), Backend::Gpu(gpu)) => {
                let words = parts.each().map(|(_, _, words)| words).collect::<Vec<u64>>();
                self.counts.allocations += words.len() as u64;
                all.push(gpu::Memory::new(gpu, label, &words)?);
                all.len() - 1
            }
            (Memory::Cpu(all), _) => {
                self.counts.allocations += 1;
                all.push(super::host_memory::zeroed(info.words() as usize));
                all.len() - 1
            }
            (Memory::Gpu(_), Backend::Cpu { .. }) => return Err(other_session(label)),
        };
        self.held.add(bytes);
        Ok(Kept { entry: KeptEntry { session: self.id, index }, extent, element: PhantomData })
    }

    /// Makes everything that a plan's runs need, and uploads what never changes.
    ///
    /// # Errors
    /// [`Error::OtherLimits`] when the plan was made for others than [`Self::limits`], [`Error::OtherSession`] when it
    /// imports another session's buffers, [`Error::MemoryBudget`], or what the device says.
    pub async fn prepare<'g, 'a>(&mut self, plan: Plan<'g, 'a>) -> Result<Prepared<'g, 'a>, Error> {
        if plan.limits != self.limits || !plan.limits.within(&self.device.limits()) {
            return Err(Error::OtherLimits);
        }
        for (buffer, entry) in plan.graph.imports() {
            if entry.session != self.id {
                return Err(other_session(&plan.graph.buffers[buffer].label));
            }
        }
        self.check_budget(plan.peak_bytes())?;
        let state = match self.device.backend() {
            Backend::Cpu { .. } => Ready::Cpu(cpu::Prepared::default()),
            Backend::Gpu(gpu) => {
                let (prepared, counts) = gpu::Prepared::new(gpu, &plan).await?;
                self.counts = self.counts + counts;
                Ready::Gpu(Box::new(prepared))
            }
        };
        self.held.add(plan.peak_bytes());
        Ok(Prepared { session: self.id, plan, state, held: self.held.clone() })
    }

    /// Runs a prepared plan and waits for its outputs.
    ///
    /// # Errors
    /// Those of [`Self::start`] and [`Self::finish`].
    pub async fn run(
        &mut self,
        prepared: &mut Prepared<'_, '_>,
        inputs: &Inputs<'_>,
        control: &Control<'_>,
    ) -> Result<Outputs, Error> {
        let running = self.start(prepared, inputs, control).await?;
        self.finish(running, control).await
    }

    /// Hands a run to the device and does not wait for it, beyond keeping the number of submissions in flight bounded;
    /// further runs may be started before its outputs are asked for.
    ///
    /// # Errors
    /// [`Error::OtherSession`] when it was prepared in another session; [`Error::MissingInput`], [`Error::BufferSize`] and
    /// [`Error::OtherGraph`] when inputs do not fit; [`Error::Cancelled`], or what the device says.
    pub async fn start(
        &mut self,
        prepared: &mut Prepared<'_, '_>,
        inputs: &Inputs<'_>,
        control: &Control<'_>,
    ) -> Result<Running, Error> {
        if prepared.session != self.id {
            return Err(other_session("a prepared plan"));
        }
        inputs.check(&prepared.plan)?;
        let plan = &prepared.plan;
        let state = match (&mut prepared.state, &mut self.memory, self.device.backend()) {
            (Ready::Cpu(ready), Memory::Cpu(kept), _) => Begun::Done(ready.run(plan, kept, inputs, control)?),
            (Ready::Gpu(ready), Memory::Gpu(kept), Backend::Gpu(gpu)) => {
                let call = gpu::Call::new(inputs, control);
                Begun::Gpu(ready.start(gpu, plan, kept, &call).await?)
            }
            _ => return Err(other_session("a prepared plan")),
        };
        let counts = match &state {
            Begun::Done(outputs) => outputs.report.counts,
            Begun::Gpu(running) => running.counts(),
        };
        self.counts = self.counts + counts;
        Ok(Running { session: self.id, state, counts })
    }

    /// Waits for a run and takes its outputs.
    ///
    /// # Errors
    /// [`Error::OtherSession`] when it was started in another session; [`Error::Cancelled`], or what the device says.
    pub async fn finish(&mut self, running: Running, control: &Control<'_>) -> Result<Outputs, Error> {
        if running.session != self.id {
            return Err(other_session("a run"));
        }
        let outputs = match (running.state, self.device.backend()) {
            (Begun::Done(outputs), _) => outputs,
            (Begun::Gpu(running), Backend::Gpu(gpu)) => running.finish(gpu, control).await?,
            (Begun::Gpu(_), Backend::Cpu { .. }) => return Err(other_session("a run")),
        };
        self.counts = self.counts + (outputs.report.counts - running.counts);
        Ok(outputs)
    }

    /// Fills a kept buffer with host data.
    ///
    /// # Errors
    /// [`Error::BufferSize`] when there are not as many values, and those of a run.
    pub async fn write<T: Pod>(&mut self, kept: Kept<T>, values: &[T]) -> Result<(), Error> {
        let mut graph = Graph::new();
        let buffer = graph.import(kept);
        graph.overwrite(buffer, values);
        self.run_once(&graph, &Control::default()).await.map(|_| ())
    }

    /// Values of a kept buffer.
    ///
    /// # Errors
    /// Those of a run.
    pub async fn read<T: Pod>(&mut self, kept: Kept<T>) -> Result<Vec<T>, Error> {
        let mut graph = Graph::new();
        let buffer = graph.import(kept);
        let output = graph.result(buffer);
        self.run_once(&graph, &Control::default()).await?.take(output)
    }

    /// Plans, prepares and runs a graph that runs once.
    ///
    /// # Errors
    /// Those of [`Plan::new`], [`Self::prepare`] and [`Self::run`].
    pub async fn run_once(&mut self, graph: &Graph<'_>, control: &Control<'_>) -> Result<Outputs, Error> {
        let mut prepared = self.prepare(Plan::new(graph, self.limits)?).await?;
        self.run(&mut prepared, &Inputs::new(), control).await
    }

    fn sized(&self, bytes: u64) -> PeakBytes {
        match self.memory {
            Memory::Cpu(_) => PeakBytes { host: bytes, device: 0 },
            Memory::Gpu(_) => PeakBytes { host: 0, device: bytes },
        }
    }

    fn check_budget(&self, more: PeakBytes) -> Result<(), Error> {
        let held = self.held.bytes();
        let needed = PeakBytes { host: held.host + more.host, device: held.device + more.device };
        let needed_bytes = if self.limits.host_memory { needed.host } else { needed.device };
        let budget_bytes = self.limits.memory_bytes;
        if needed_bytes <= budget_bytes { Ok(()) } else { Err(Error::MemoryBudget { needed_bytes, budget_bytes }) }
    }
}

fn other_session(place: &str) -> Error {
    Error::OtherSession { place: place.to_owned() }
}
