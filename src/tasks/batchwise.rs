//! Projection and its adjoint where the stack does not fit into memory: batches of views pass by, the volume stays.

use std::{borrow::Cow, ops::Range};

#[cfg(not(target_family = "wasm"))]
use super::parts;
use super::{
    Backprojector, TaskError,
    batch::{Batch, batches},
    projection,
};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Extent, Graph, Kept, Limits, Output, Plan, Session},
    geometry::Geometry,
    kernels::project::{Projector, Sampling},
};

/// [`super::Projection`] that gives its stack away in batches of views, which has the same bits.
pub struct BatchwiseProjection<'v> {
    volume: &'v Volume,
    sampling: Sampling,
    geometry: Geometry,
    batches: Vec<Batch>,
}

/// A volume that is ready on a device.
struct Loaded {
    session: Session,
    volume: Kept<f32>,
}

impl<'v> BatchwiseProjection<'v> {
    /// Plans the projection of `volume` as [`super::Projection::by`] records it, on `devices` at once, one at least, each of which
    /// holds the volume; all of it in at most `memory_bytes`, with the volume itself.
    ///
    /// # Errors
    /// [`TaskError`] as there, but for the size of the stack, which has no bound; [`TaskError::Memory`].
    pub fn new(
        sampling: Sampling,
        volume: &'v Volume,
        geometry: &Geometry,
        (devices, memory_bytes): (usize, u64),
        limits: Limits,
    ) -> Result<Self, TaskError> {
        projection::check(volume, geometry)?;
        let pixel_values = {
            let mut graph = Graph::new();
            projection::projector(&mut graph, sampling, Cow::Borrowed(volume), geometry).pixel_values()
        };
        let [columns, rows] = geometry.detector();
        let batches = batches(geometry, pixel_values * columns * rows, usize::MAX)?;
        let task = Self { volume, sampling, geometry: geometry.clone(), batches };
        let volume_bytes = size_of_val(volume.values()) as u64;
        // Where a device's memory is the host's, the volume that it keeps is in no plan.
        let kept_bytes = if limits.host_memory { volume_bytes } else { 0 };
        let needed_bytes = volume_bytes + devices as u64 * (kept_bytes + task.batch_bytes(limits)?);
        within(memory_bytes, "a projection in parts", needed_bytes)?;
        Ok(task)
    }

    /// Number of batches.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.batches.len()
    }

    /// Most views that are in memory at once.
    #[must_use]
    pub fn views_together(&self) -> usize {
        widest(&self.batches)
    }

    /// Host and device memory of a batch with what is done once before all.
    fn batch_bytes(&self, limits: Limits) -> Result<u64, TaskError> {
        let mut graph = Graph::new();
        let projector = projection::projector(&mut graph, self.sampling, Cow::Borrowed(self.volume), &self.geometry);
        self.record(&mut graph, &projector, &self.batches[0]);
        let peak = Plan::new(&graph, limits)?.peak_bytes();
        Ok(peak.host + peak.device)
    }

    /// Projects: `write` takes the batches, first view first.
    ///
    /// # Errors
    /// What `write` says, and [`TaskError`]: cancelled, or what the engine says.
    pub async fn run<E: From<TaskError>>(
        &self,
        device: &Device,
        control: &Control<'_>,
        mut write: impl FnMut(Projections) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut loaded = self.load(device).await?;
        for number in 0..self.batches.len() {
            let progress = control.share(number, self.batches.len());
            let control = Control { progress: &progress, is_cancelled: control.is_cancelled };
            write(self.batch(number, &mut loaded, &control).await?)?;
        }
        Ok(())
    }

    /// The same on several devices, each of which holds the volume: device k of n does the batches k, k + n and so on.
    ///
    /// # Errors
    /// As for [`Self::run`]; the other devices are cancelled.
    #[cfg(not(target_family = "wasm"))]
    pub fn run_on<E: From<TaskError> + Send>(
        &self,
        devices: &[Device],
        control: &Control<'_>,
        write: impl FnMut(Projections) -> Result<(), E>,
    ) -> Result<(), E> {
        parts::on_all(
            devices,
            self.batches.len(),
            control,
            |device| Ok(pollster::block_on(self.load(device))?),
            |number, loaded, control| Ok(pollster::block_on(self.batch(number, loaded, control))?),
            write,
        )
    }

    async fn load(&self, device: &Device) -> Result<Loaded, TaskError> {
        let mut session = Session::new(device);
        let mut graph = Graph::new();
        let projector = projection::projector(&mut graph, self.sampling, Cow::Borrowed(self.volume), &self.geometry);
        let ready = projector.volume();
        let volume = session.keep("project.ready", graph.extent(ready))?;
        graph.keep(ready, volume);
        session.run_once(&graph, &Control::default()).await?;
        Ok(Loaded { session, volume })
    }

    /// A batch of the stack.
    async fn batch(&self, number: usize, loaded: &mut Loaded, control: &Control<'_>) -> Result<Projections, TaskError> {
        let batch = &self.batches[number];
        let mut graph = Graph::new();
        let ready = graph.import(loaded.volume);
        let projector = Projector::with_ready(self.sampling, &self.geometry, self.volume.grid(), ready);
        let output = self.record(&mut graph, &projector, batch);
        let values = loaded.session.run_once(&graph, control).await?.take(output)?;
        let (views, detector, pitch_mm) = (batch.views.len(), self.geometry.detector(), self.geometry.pitch_mm());
        Ok(Projections::new(views, detector, pitch_mm, Unit::LineIntegral, values)?)
    }

    fn record(&self, graph: &mut Graph<'_>, projector: &Projector, batch: &Batch) -> Output<f32> {
        let integrals = graph.buffer("project.integrals", extent(batch));
        projector.record(graph, &batch.geometry, integrals);
        graph.result(integrals)
    }
}

/// [`super::Backprojection`] of a stack that is read in batches of views, which has the same bits.
pub struct BatchwiseBackprojection {
    backprojector: Backprojector,
    geometry: Geometry,
    grid: Grid,
    batches: Vec<Batch>,
}

impl BatchwiseBackprojection {
    /// Plans the back-projection onto `grid` as [`super::Backprojection::new`] records it, in at most `memory_bytes` on a device of
    /// such limits.
    ///
    /// # Errors
    /// [`TaskError`] when a source stands inside the volume, and [`TaskError::Memory`].
    pub fn new(
        geometry: &Geometry,
        grid: &Grid,
        backprojector: Backprojector,
        memory_bytes: u64,
        limits: Limits,
    ) -> Result<Self, TaskError> {
        geometry.outside(grid)?;
        let [columns, rows] = geometry.detector();
        let batches = batches(geometry, backprojector.pixel_values() * columns * rows, usize::MAX)?;
        let task = Self { backprojector, geometry: geometry.clone(), grid: *grid, batches };
        within(memory_bytes, "a back-projection in parts", task.bytes(limits)?)?;
        Ok(task)
    }

    /// Number of batches.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.batches.len()
    }

    /// Most views that are in memory at once.
    #[must_use]
    pub fn views_together(&self) -> usize {
        widest(&self.batches)
    }

    /// Host and device memory of the volume and of a batch.
    fn bytes(&self, limits: Limits) -> Result<u64, TaskError> {
        let first = &self.batches[0];
        let zeros = vec![0.0; first.elements().len()];
        let mut graph = Graph::new();
        let views = graph.upload("backproject.projections", extent(first), &zeros);
        let volume = graph.buffer("backproject.volume", self.extent());
        self.backprojector.record(&mut graph, first, &self.grid, views, volume);
        graph.result(volume);
        let peak = Plan::new(&graph, limits)?.peak_bytes();
        Ok(peak.host + peak.device)
    }

    /// Projects back: `read` gives the values of some views, which ascend.
    ///
    /// # Errors
    /// What `read` says, and [`TaskError`]: views of the wrong size or with values that are not finite, cancelled, or what the
    /// engine says.
    pub async fn run<E: From<TaskError>>(
        &self,
        device: &Device,
        control: &Control<'_>,
        mut read: impl FnMut(Range<usize>) -> Result<Vec<f32>, E>,
    ) -> Result<Volume, E> {
        let mut session = Session::new(device);
        let volume = session.keep::<f32>("backproject.volume", self.extent()).map_err(TaskError::from)?;
        for (number, batch) in self.batches.iter().enumerate() {
            let values = read(batch.views.clone())?;
            let progress = control.share(number, self.batches.len());
            let control = Control { progress: &progress, is_cancelled: control.is_cancelled };
            self.add(&mut session, batch, values, volume, &control).await?;
        }
        let values = session.read(volume).await.map_err(TaskError::from)?;
        Ok(Volume::new(self.grid, Unit::Arbitrary, values).map_err(TaskError::from)?)
    }

    async fn add(
        &self,
        session: &mut Session,
        batch: &Batch,
        values: Vec<f32>,
        volume: Kept<f32>,
        control: &Control<'_>,
    ) -> Result<(), TaskError> {
        let (views, detector, pitch_mm) = (batch.views.len(), self.geometry.detector(), self.geometry.pitch_mm());
        let stack = Projections::new(views, detector, pitch_mm, Unit::Arbitrary, values)?;
        stack.check_finite()?;
        let mut graph = Graph::new();
        let uploaded = graph.upload("backproject.projections", extent(batch), stack.values());
        let volume = graph.import(volume);
        self.backprojector.record(&mut graph, batch, &self.grid, uploaded, volume);
        session.run_once(&graph, control).await?;
        Ok(())
    }

    fn extent(&self) -> Extent {
        let [nx, ny, nz] = self.grid.size();
        Extent::new(nz, ny, nx)
    }
}

fn within(given_bytes: u64, what: &'static str, needed_bytes: u64) -> Result<(), TaskError> {
    if needed_bytes <= given_bytes { Ok(()) } else { Err(TaskError::Memory { what, needed_bytes, given_bytes }) }
}

fn widest(batches: &[Batch]) -> usize {
    batches.iter().map(|batch| batch.views.len()).max().unwrap_or(0)
}

fn extent(batch: &Batch) -> Extent {
    let [columns, rows] = batch.geometry.detector();
    Extent::new(batch.views.len(), rows, columns)
}
