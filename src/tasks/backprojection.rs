use std::borrow::Cow;

use super::{
    Recorded, TaskError,
    batch::batches,
    task::{Values, fits},
};
use crate::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Extent, Graph, Output, Outputs},
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
        let pixel_values = match backprojector {
            Backprojector::Siddon => siddon_adjoint::PIXEL_VALUES,
            Backprojector::Joseph => joseph::PIXEL_VALUES,
            Backprojector::Trilinear => trilinear::PIXEL_VALUES,
            Backprojector::VoxelDriven => 1,
        };
        let mut graph = Graph::new();
        let volume = graph.buffer("backproject.volume", Extent::new(nz, ny, nx));
        for batch in batches(geometry, pixel_values * columns * rows, usize::MAX)? {
            let extent = Extent::new(batch.views.len(), rows, columns);
            let uploaded = values.upload(&mut graph, "backproject.projections", extent, batch.elements());
            let target = if batch.views.start == 0 { volume.replace() } else { volume.update() };
            match backprojector {
                Backprojector::Siddon => {
                    project_back(&mut graph, Sampling::Siddon, &batch.geometry, grid, uploaded, target);
                }
                Backprojector::Joseph => {
                    project_back(&mut graph, Sampling::Joseph, &batch.geometry, grid, uploaded, target);
                }
                Backprojector::Trilinear => {
                    project_back(&mut graph, Sampling::Trilinear, &batch.geometry, grid, uploaded, target);
                }
                Backprojector::VoxelDriven => {
                    backproject::adjoint_like(&mut graph, &batch.geometry, grid, uploaded, target);
                }
            }
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
