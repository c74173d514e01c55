//! Which kernel projects a volume, and what it needs to be done first.

use super::{
    axial,
    columns::{self, Column},
    joseph, joseph_adjoint, joseph_axial, joseph_axial_adjoint, reorder, restore, siddon, siddon_adjoint, trilinear,
    trilinear_adjoint, weigh,
};
use crate::{
    data::Grid,
    engine::{Buffer, Extent, Graph, Shared, Write},
    geometry::Geometry,
    kernels::fdk::transpose,
};

/// Fewest detector rows for which lanes along rows pay.
const ROWS: usize = 8;
/// Steps from plane to plane that the reordering of a voxel must make cheaper.
const STEPS: f64 = 6.0;

/// How rays sample a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// Exact lengths through box-shaped voxels ([`siddon`], [`axial`]).
    #[default]
    Siddon,
    /// Bilinear interpolation in the slices of each ray's main axis ([`joseph`], [`joseph_axial`]).
    Joseph,
    /// Trilinear interpolation at equidistant samples, half the smallest spacing apart ([`trilinear`]).
    Trilinear,
}

/// A volume ready to be projected for a scan.
pub struct Projector {
    grid: Grid,
    volume: Buffer<f32>,
    kernel: Choice,
}

/// The kernel of a [`Projector`].
enum Choice {
    Siddon,
    Axial,
    Joseph,
    JosephAxial,
    Trilinear,
}

impl Choice {
    fn of(sampling: Sampling, geometry: &Geometry, grid: &Grid) -> Self {
        match sampling {
            Sampling::Joseph if columns::columns(geometry, grid).is_some() => Self::JosephAxial,
            Sampling::Joseph => Self::Joseph,
            Sampling::Trilinear => Self::Trilinear,
            Sampling::Siddon if pays(geometry, grid) && axial::is_axial(geometry, grid) => Self::Axial,
            Sampling::Siddon => Self::Siddon,
        }
    }
}

impl Projector {
    /// Records what must be done once, however many parts of the scan `geometry` are projected.
    pub fn new(
        graph: &mut Graph<'_>,
        sampling: Sampling,
        geometry: &Geometry,
        grid: &Grid,
        volume: Buffer<f32>,
    ) -> Self {
        let kernel = Choice::of(sampling, geometry, grid);
        let volume = match kernel {
            Choice::Axial | Choice::JosephAxial => {
                let reordered = graph.buffer("project.reordered", reorder::extent(grid));
                reorder::record(graph, grid, volume, reordered);
                reordered
            }
            _ => volume,
        };
        Self { grid: *grid, volume, kernel }
    }

    /// The same in another graph, where `ready` holds what [`Self::volume`] held in that of [`Self::new`].
    #[must_use]
    pub fn with_ready(sampling: Sampling, geometry: &Geometry, grid: &Grid, ready: Buffer<f32>) -> Self {
        Self { grid: *grid, volume: ready, kernel: Choice::of(sampling, geometry, grid) }
    }

    /// The volume in the order in which the kernel reads it.
    #[must_use]
    pub fn volume(&self) -> Buffer<f32> {
        self.volume
    }

    /// Values that are held for each pixel, to size batches of views by.
    #[must_use]
    pub fn pixel_values(&self) -> usize {
        match self.kernel {
            Choice::Joseph => joseph::PIXEL_VALUES,
            Choice::JosephAxial => 3,
            Choice::Trilinear => trilinear::PIXEL_VALUES,
            Choice::Siddon | Choice::Axial => 1,
        }
    }

    /// Records the projection for `geometry`, views of the scan, into `integrals` (extent: views × rows × columns).
    pub fn record(&self, graph: &mut Graph<'_>, geometry: &Geometry, integrals: Buffer<f32>) {
        match self.kernel {
            Choice::Axial => axial::record(graph, geometry, &self.grid, self.volume, integrals),
            Choice::Siddon => siddon::record(graph, geometry, &self.grid, self.volume, integrals.replace()),
            Choice::Joseph => joseph::record(graph, geometry, &self.grid, self.volume, integrals.replace()),
            Choice::JosephAxial => self.record_columns(graph, geometry, integrals),
            Choice::Trilinear => trilinear::record(graph, geometry, &self.grid, self.volume, integrals.replace()),
        }
    }

    fn record_columns(&self, graph: &mut Graph<'_>, geometry: &Geometry, integrals: Buffer<f32>) {
        let Some(lines) = columns::columns(geometry, &self.grid) else {
            return graph.refuse("project", "the columns of the detector are not parallel to z in all views");
        };
        let lines = uploaded(graph, geometry, lines);
        let [columns, rows] = geometry.detector();
        let sums = graph.buffer("project.sums", Extent::new(geometry.views().len(), columns, rows));
        joseph_axial::record(graph, &self.grid, lines, self.volume, sums);
        let weighed = weigh::record(graph, self.grid.spacing_mm().z, lines, sums);
        transpose::record_into(graph, weighed, integrals);
    }
}

fn uploaded(graph: &mut Graph<'_>, geometry: &Geometry, lines: Vec<Column>) -> Buffer<Column> {
    let extent = Extent::new(geometry.views().len(), geometry.detector()[0], 1);
    graph.upload_shared("project.columns", extent, Shared::new(lines))
}

/// Records the exact adjoint of what a [`Projector`] records: `integrals` (extent: views × rows × columns) to a volume.
pub fn project_back(
    graph: &mut Graph<'_>,
    sampling: Sampling,
    geometry: &Geometry,
    grid: &Grid,
    integrals: Buffer<f32>,
    volume: Write,
) {
    let lines = if sampling == Sampling::Joseph { columns::columns(geometry, grid) } else { None };
    match (sampling, lines) {
        (Sampling::Siddon, _) => siddon_adjoint::record(graph, geometry, grid, integrals, volume),
        (Sampling::Trilinear, _) => trilinear_adjoint::record(graph, geometry, grid, integrals, volume),
        (Sampling::Joseph, None) => joseph_adjoint::record(graph, geometry, grid, integrals, volume),
        (Sampling::Joseph, Some(lines)) => {
            let lines = uploaded(graph, geometry, lines);
            let transposed = transpose::record(graph, integrals);
            let weighed = weigh::record(graph, grid.spacing_mm().z, lines, transposed);
            let gathered = joseph_axial_adjoint::record(graph, geometry, grid, lines, weighed);
            restore::record(graph, grid, gathered, volume);
        }
    }
}

/// Whether there are enough rays for a reordered volume.
fn pays(geometry: &Geometry, grid: &Grid) -> bool {
    let planes: usize = grid.size().iter().sum();
    let steps = geometry.value_count() as f64 * planes as f64;
    geometry.detector()[1] >= ROWS && steps >= STEPS * grid.voxel_count() as f64
}
