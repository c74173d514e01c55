use std::borrow::Cow;

use super::{
    Recorded, TaskError,
    batch::{Batch, batches},
    task::{Values, fits},
};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Buffer, Extent, Graph, Output, Outputs},
    geometry::Geometry,
    kernels::{
        fdk::backproject,
        project::{Sampling, joseph, project_back, siddon_adjoint, trilinear},
    },
};

/// How voxels take from projections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backprojector {
    /// The exact adjoint of [Siddon's projector](crate::kernels::project::siddon), by the same lengths.
    #[default]
    Siddon,
    /// The exact adjoint of [Joseph's projector](joseph), by the same weights.
    Joseph,
    /// The exact adjoint of [the projector by trilinear samples](trilinear), by the same weights.
    Trilinear,
    /// Each voxel from the four pixels about the place where its centre is seen ([`backproject::adjoint_like`]): faster, and the
    /// adjoint of no projector.
    VoxelDriven,
}

impl Backprojector {
    /// Values that are held for each pixel, to size batches of views by.
    pub(super) fn pixel_values(self) -> usize {
        match self {
            Self::Siddon => siddon_adjoint::PIXEL_VALUES,
            Self::Joseph => joseph::PIXEL_VALUES,
            Self::Trilinear => trilinear::PIXEL_VALUES,
            Self::VoxelDriven => 1,
        }
    }

    /// Records what a batch of views (extent: views × rows × columns) adds to a volume; the first one replaces what it held.
    pub(super) fn record(
        self,
        graph: &mut Graph<'_>,
        batch: &Batch,
        grid: &Grid,
        views: Buffer<f32>,
        volume: Buffer<f32>,
    ) {
        let target = if batch.views.start == 0 { volume.replace() } else { volume.update() };
        let sampling = match self {
            Self::Siddon => Sampling::Siddon,
            Self::Joseph => Sampling::Joseph,
            Self::Trilinear => Sampling::Trilinear,
            Self::VoxelDriven => return backproject::adjoint_like(graph, &batch.geometry, grid, views, target),
        };
        project_back(graph, sampling, &batch.geometry, grid, views, target);
    }
}

/// Back-projection without filter or weights of the scan: the adjoint of a projection, or close to one.
///
/// ```text
/// x = Aᵀ·p        ⟨A·x, p⟩ = ⟨x, Aᵀ·p⟩
/// ```
/// in batches of views. The result is in the unit of p times mm, and no picture of the body: what filters or iterates makes one.
pub struct Backprojection<'a> {
    graph: Graph<'a>,
    output: Output<f32>,
    grid: Grid,
}

impl<'a> Backprojection<'a> {
    /// Records the back-projection of `projections`, of any unit, taken in `geometry`, onto `grid`; what is given away makes a
    /// task that borrows nothing.
    ///
    /// # Errors
    /// [`TaskError`] when the projections do not fit the geometry or hold values that are not finite, or a source stands inside
    /// the volume.
    pub fn new(
        projections: impl Into<Cow<'a, Projections>>,
        geometry: &Geometry,
        grid: &Grid,
        backprojector: Backprojector,
    ) -> Result<Self, TaskError> {
        let projections = projections.into();
        fits(&projections, geometry)?;
        projections.check_finite()?;
        geometry.outside(grid)?;
        let [columns, rows] = geometry.detector();
        let [nx, ny, nz] = grid.size();
        let values = Values::of(projections, Projections::values, Projections::into_values);
        let mut graph = Graph::new();
        let volume = graph.buffer("backproject.volume", Extent::new(nz, ny, nx));
        for batch in batches(geometry, backprojector.pixel_values() * columns * rows, usize::MAX)? {
            let extent = Extent::new(batch.views.len(), rows, columns);
            let uploaded = values.upload(&mut graph, "backproject.projections", extent, batch.elements());
            backprojector.record(&mut graph, &batch, grid, uploaded, volume);
        }
        let output = graph.result(volume);
        Ok(Self { graph, output, grid: *grid })
    }
}

impl Recorded for Backprojection<'_> {
    type Result = Volume;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Volume, TaskError> {
        Ok(Volume::new(self.grid, Unit::Arbitrary, outputs.take(self.output)?)?)
    }
}
