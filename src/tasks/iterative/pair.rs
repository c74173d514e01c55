//! Projection and back-projection of some views, as they are recorded in an iteration.

use crate::{
    data::Grid,
    engine::{Buffer, Extent, Graph},
    geometry::Geometry,
    kernels::{
        fdk::backproject,
        project::{Projector, Sampling, project_back},
    },
    tasks::Backprojector,
};

/// A projector and what projects back, for some views of a scan.
pub(super) struct Pair {
    pub(super) projector: Sampling,
    pub(super) backprojector: Backprojector,
    pub(super) geometry: Geometry,
    pub(super) grid: Grid,
}

impl Pair {
    /// Extent of the stack of its views.
    pub(super) fn pixels(&self) -> Extent {
        let [columns, rows] = self.geometry.detector();
        Extent::new(self.geometry.views().len(), rows, columns)
    }

    /// Records A·x.
    pub(super) fn project(&self, graph: &mut Graph<'_>, volume: Buffer<f32>) -> Buffer<f32> {
        let integrals = graph.buffer("iteration.integrals", self.pixels());
        let projector = Projector::new(graph, self.projector, &self.geometry, &self.grid, volume);
        projector.record(graph, &self.geometry, integrals);
        integrals
    }

    /// Records Aᵀ·y, or what stands for it.
    pub(super) fn gathered(&self, graph: &mut Graph<'_>, integrals: Buffer<f32>) -> Buffer<f32> {
        let Self { geometry, grid, .. } = self;
        let [nx, ny, nz] = grid.size();
        let volume = graph.buffer("iteration.gathered", Extent::new(nz, ny, nx));
        let target = volume.replace();
        match self.backprojector {
            Backprojector::Siddon => project_back(graph, Sampling::Siddon, geometry, grid, integrals, target),
            Backprojector::Joseph => project_back(graph, Sampling::Joseph, geometry, grid, integrals, target),
            Backprojector::Trilinear => project_back(graph, Sampling::Trilinear, geometry, grid, integrals, target),
            Backprojector::VoxelDriven => backproject::adjoint_like(graph, geometry, grid, integrals, target),
        }
        volume
    }
}
