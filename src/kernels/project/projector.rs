//! Which kernel projects a volume, and what it needs to be done first.

use super::{axial, reorder, siddon};
use crate::{
    data::Grid,
    engine::{Buffer, Graph},
    geometry::Geometry,
};

/// Fewest detector rows for which lanes along rows pay.
const ROWS: usize = 8;
/// Steps from plane to plane that the reordering of a voxel must make cheaper.
const STEPS: f64 = 6.0;

/// A volume ready to be projected for a scan.
pub struct Projector {
    grid: Grid,
    volume: Buffer<f32>,
    is_axial: bool,
}

impl Projector {
    /// Records what must be done once, however many parts of the scan `geometry` are projected.
    pub fn new(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, volume: Buffer<f32>) -> Self {
        let is_axial = pays(geometry, grid) && axial::is_axial(geometry, grid);
        let volume = if is_axial {
            let reordered = graph.buffer("project.reordered", reorder::extent(grid));
            reorder::record(graph, grid, volume, reordered);
            reordered
        } else {
            volume
        };
        Self { grid: *grid, volume, is_axial }
    }

    /// Records the projection for `geometry`, views of the scan, into `integrals` (extent: views × rows × columns).
    pub fn record(&self, graph: &mut Graph<'_>, geometry: &Geometry, integrals: Buffer<f32>) {
        if self.is_axial {
            axial::record(graph, geometry, &self.grid, self.volume, integrals);
        } else {
            siddon::record(graph, geometry, &self.grid, self.volume, integrals.replace());
        }
    }
}

/// Whether there are enough rays for a reordered volume.
fn pays(geometry: &Geometry, grid: &Grid) -> bool {
    let planes: usize = grid.size().iter().sum();
    let steps = geometry.value_count() as f64 * planes as f64;
    geometry.detector()[1] >= ROWS && steps >= STEPS * grid.voxel_count() as f64
}
