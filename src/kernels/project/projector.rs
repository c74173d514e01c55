//! Which kernel projects a volume, and what it needs to be done first.

use super::{axial, joseph, reorder, siddon};
use crate::{
    data::Grid,
    engine::{Buffer, Graph},
    geometry::Geometry,
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
    /// Bilinear interpolation in the slices of each ray's main axis ([`joseph`]).
    Joseph,
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
        let kernel = match sampling {
            Sampling::Joseph => Choice::Joseph,
            Sampling::Siddon if pays(geometry, grid) && axial::is_axial(geometry, grid) => Choice::Axial,
            Sampling::Siddon => Choice::Siddon,
        };
        let volume = match kernel {
            Choice::Axial => {
                let reordered = graph.buffer("project.reordered", reorder::extent(grid));
                reorder::record(graph, grid, volume, reordered);
                reordered
            }
            _ => volume,
        };
        Self { grid: *grid, volume, kernel }
    }

    /// Values that are held for each pixel, to size batches of views by.
    #[must_use]
    pub fn pixel_values(&self) -> usize {
        match self.kernel {
            Choice::Joseph => joseph::PIXEL_VALUES,
            _ => 1,
        }
    }

    /// Records the projection for `geometry`, views of the scan, into `integrals` (extent: views × rows × columns).
    pub fn record(&self, graph: &mut Graph<'_>, geometry: &Geometry, integrals: Buffer<f32>) {
        match self.kernel {
            Choice::Axial => axial::record(graph, geometry, &self.grid, self.volume, integrals),
            Choice::Siddon => siddon::record(graph, geometry, &self.grid, self.volume, integrals.replace()),
            Choice::Joseph => joseph::record(graph, geometry, &self.grid, self.volume, integrals.replace()),
        }
    }
}

/// Whether there are enough rays for a reordered volume.
fn pays(geometry: &Geometry, grid: &Grid) -> bool {
    let planes: usize = grid.size().iter().sum();
    let steps = geometry.value_count() as f64 * planes as f64;
    geometry.detector()[1] >= ROWS && steps >= STEPS * grid.voxel_count() as f64
}
