use std::ops::Range;

#[cfg(not(target_family = "wasm"))]
use super::parts;
use super::{
    FdkOptions, Redundancy, TaskError,
    batch::Batch,
    fdk::{self, Filtering, PROJECTIONS},
    helix::Slab,
    task::Values,
};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Extent, Graph, Kept, Limits, Plan, Session, Shared},
    geometry::{Geometry, Scan},
    kernels::fdk::backproject::SLICES_TOGETHER,
};

/// [`super::Fdk`] of stacks and volumes that do not fit into memory, in parts.
///
/// A part of the volume, as many slices as the memory allows, stays on the device while all views pass by in batches, read
/// from wherever they are; then it is given away, and the next part begins. Every part filters the views anew, so that several
/// devices can take the parts in turns. The values are those of [`super::Fdk`] to the bit.
pub struct SlabwiseFdk {
    filtering: Filtering,
    grid: Grid,
    batches: Vec<Batch>,
    parts: Vec<Vec<Slab>>,
}

impl SlabwiseFdk {
    /// Plans the reconstruction of `scan` on `grid` for `devices` at once, one at least, in at most `memory_bytes` of host memory
    /// for each of them, of which a part takes two copies, one more while another device goes on, and a batch of views what its
    /// plan says.
    ///
    /// # Errors
    /// [`TaskError`] as for [`super::Fdk::new`], and [`TaskError::Memory`] when a part would have too few slices.
    pub fn new(
        scan: &Scan,
        grid: &Grid,
        options: FdkOptions,
        (devices, memory_bytes): (usize, u64),
        limits: Limits,
    ) -> Result<Self, TaskError> {
        let filtering = Filtering::new(scan, options)?;
        let batches = filtering.batches()?;
        let [nx, ny, nz] = grid.size();
        let slice_bytes = (nx * ny * size_of::<f32>()) as u64;
        let slabs = filtering.slabs(grid)?.into_iter().flat_map(thin).collect::<Vec<_>>();
        let batch_bytes = {
            let zeros = Values::Owned(Shared::new(vec![0.0; batches[0].elements().len()]));
            let mut graph = Graph::new();
            let uploaded = zeros.upload(&mut graph, PROJECTIONS, filtering.extent(&batches[0]), batches[0].elements());
            let tables = filtering.tables(&mut graph);
            let filtered = filtering.record(&mut graph, &batches[0], (tables, grid), uploaded);
            let slice = graph.buffer::<f32>("fdk.volume", fdk::extent(grid, &(0..1)));
            let first = Slab { slices: 0..1, gates: None };
            filtering.backproject(&mut graph, &batches[0], (grid, &first), filtered, slice.replace());
            graph.result(slice);
            let peak = Plan::new(&graph, limits)?.peak_bytes();
            peak.host + peak.device
        };
        let copies = if devices > 1 { 3 } else { 2 };
        let fitting = memory_bytes.saturating_sub(batch_bytes) / (copies * slice_bytes);
        let least = slabs.iter().map(|slab| slab.slices.len()).max().unwrap_or(1) as u64;
        if fitting < least {
            let needed_bytes = batch_bytes + copies * least * slice_bytes;
            return Err(TaskError::Memory {
                what: "a reconstruction in parts",
                needed_bytes,
                given_bytes: memory_bytes,
            });
        }
        // No device is left without a part where there are enough slabs.
        let fitting = fitting.min((nz / devices.max(1)) as u64).max(least);
        let mut parts: Vec<Vec<Slab>> = Vec::new();
        let mut count = 0;
        for slab in slabs {
            let slices = slab.slices.len() as u64;
            match parts.last_mut().filter(|_| count + slices <= fitting) {
                Some(part) => part.push(slab),
                None => {
                    parts.push(vec![slab]);
                    count = 0;
                }
            }
            count += slices;
        }
        parts.iter_mut().for_each(join);
        Ok(Self { filtering, grid: *grid, batches, parts })
    }

    /// Number of parts, each of which reads all views.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Most views that are in memory at once.
    #[must_use]
    pub fn views_together(&self) -> usize {
        self.batches.iter().map(|batch| batch.views.len()).max().unwrap_or(0)
    }

    /// Views and detector of what is read.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.filtering.geometry
    }

    /// How the rays of the scan repeat each other.
    #[must_use]
    pub fn redundancy(&self) -> Redundancy {
        self.filtering.redundancy()
    }

    /// Reconstructs: `read` gives the values of some views, which ascend within a part, and `write` takes the parts of the
    /// volume, first slice first.
    ///
    /// # Errors
    /// What `read` and `write` say, and [`TaskError`]: views of the wrong size or with values that are not finite, cancelled,
    /// or what the engine says.
    pub async fn run<E: From<TaskError>>(
        &self,
        device: &Device,
        control: &Control<'_>,
        mut read: impl FnMut(Range<usize>) -> Result<Vec<f32>, E>,
        mut write: impl FnMut(Volume) -> Result<(), E>,
    ) -> Result<(), E> {
        for number in 0..self.parts.len() {
            let progress = control.share(number, self.parts.len());
            let control = Control { progress: &progress, is_cancelled: control.is_cancelled };
            for volume in self.part(number, device, &control, &mut read).await? {
                write(volume)?;
            }
        }
        Ok(())
    }

    /// Reconstructs on several devices: device k of n takes the parts k, k + n and so on, with a reader of its own from `open`, and
    /// waits until what it has is written.
    ///
    /// # Errors
    /// As for [`Self::run`]; the other devices are cancelled.
    #[cfg(not(target_family = "wasm"))]
    pub fn run_on<E, R>(
        &self,
        devices: &[Device],
        control: &Control<'_>,
        open: impl Fn() -> R + Sync,
        mut write: impl FnMut(Volume) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<TaskError> + Send,
        R: FnMut(Range<usize>) -> Result<Vec<f32>, E>,
    {
        parts::on_all(
            devices,
            self.parts.len(),
            control,
            |device| Ok((device.clone(), open())),
            |number, (device, read), control| pollster::block_on(self.part(number, device, control, read)),
            |part| part.into_iter().try_for_each(&mut write),
        )
    }

    /// Slabs of a part, first slice first.
    async fn part<E: From<TaskError>>(
        &self,
        number: usize,
        device: &Device,
        control: &Control<'_>,
        read: &mut impl FnMut(Range<usize>) -> Result<Vec<f32>, E>,
    ) -> Result<Vec<Volume>, E> {
        let part = &self.parts[number];
        let mut session = Session::new(device);
        let keep = |slab: &Slab| session.keep::<f32>("fdk.volume", fdk::extent(&self.grid, &slab.slices));
        let kept: Vec<Kept<f32>> = part.iter().map(keep).collect::<Result<_, _>>().map_err(TaskError::from)?;
        let counts = |batch: &&Batch| part.iter().any(|slab| slab.gates(&batch.views).is_some());
        let batches: Vec<&Batch> = self.batches.iter().filter(counts).collect();
        for (done, batch) in batches.iter().enumerate() {
            let values = self.checked(batch, read(batch.views.clone())?)?;
            let progress = control.share(done, batches.len());
            let control = Control { progress: &progress, is_cancelled: control.is_cancelled };
            self.add(&mut session, batch, values, (part, &kept), &control).await?;
        }
        let mut volumes = Vec::with_capacity(part.len());
        for (slab, kept) in part.iter().zip(kept) {
            let values = session.read(kept).await.map_err(TaskError::from)?;
            let grid = self.grid.slices(slab.slices.clone());
            volumes.push(Volume::new(grid, Unit::PerMillimetre, values).map_err(TaskError::from)?);
        }
        Ok(volumes)
    }

    /// Adds a batch of views to the slabs of a part.
    async fn add(
        &self,
        session: &mut Session,
        batch: &Batch,
        values: Vec<f32>,
        (part, volumes): (&[Slab], &[Kept<f32>]),
        control: &Control<'_>,
    ) -> Result<(), TaskError> {
        let mut graph = Graph::new();
        let all = 0..values.len();
        let values = Values::Owned(Shared::new(values));
        let uploaded = values.upload(&mut graph, PROJECTIONS, self.filtering.extent(batch), all);
        let tables = self.filtering.tables(&mut graph);
        let filtered = self.filtering.record(&mut graph, batch, (tables, &self.grid), uploaded);
        for (slab, volume) in part.iter().zip(volumes) {
            let volume = graph.import(*volume).update();
            self.filtering.backproject(&mut graph, batch, (&self.grid, slab), filtered, volume);
        }
        session.run_once(&graph, control).await?;
        Ok(())
    }

    fn checked(&self, batch: &Batch, values: Vec<f32>) -> Result<Vec<f32>, TaskError> {
        let Extent { slices, rows, columns } = self.filtering.extent(batch);
        let stack = Projections::new(
            slices as usize,
            [columns as usize, rows as usize],
            self.geometry().pitch_mm(),
            Unit::LineIntegral,
            values,
        )?;
        stack.check_finite()?;
        Ok(stack.into_values())
    }
}

/// A slab cut into ones that keep their bits.
fn thin(slab: Slab) -> Vec<Slab> {
    if slab.gates.is_some() {
        return vec![slab];
    }
    let end = slab.slices.end;
    let starts = slab.slices.step_by(SLICES_TOGETHER);
    starts.map(|start| Slab { slices: start..end.min(start + SLICES_TOGETHER), gates: None }).collect()
}

/// Joins slabs that all views count for.
fn join(slabs: &mut Vec<Slab>) {
    if let [first, .., last] = slabs.as_slice()
        && first.gates.is_none()
    {
        *slabs = vec![Slab { slices: first.slices.start..last.slices.end, gates: None }];
    }
}
