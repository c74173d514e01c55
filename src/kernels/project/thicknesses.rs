//! Which kernel follows rays through materials, and what it needs to be done first.

use super::{axial_thickness, projector::pays, reorder, thickness, thickness::Compositions};
use crate::{
    body::Body,
    data::Grid,
    engine::{Buffer, Extent, Graph},
    geometry::Geometry,
};

/// A body ready for the paths through its materials, for a scan.
pub struct Thicknesses {
    grid: Grid,
    compositions: Compositions,
    volume: Buffer<u32>,
    is_axial: bool,
}

impl Thicknesses {
    /// Records what must be done once, however many parts of the scan `geometry` are computed.
    pub fn new<'a>(graph: &mut Graph<'a>, geometry: &Geometry, body: &'a Body) -> Self {
        let (grid, materials) = (*body.grid(), body.materials().len());
        let [nx, ny, nz] = grid.size();
        let compositions = Compositions::upload(graph, body);
        let volume = graph.upload("thickness.body", Extent::new(nz, ny, nx), body.voxels());
        let is_axial = pays(geometry, &grid) && axial_thickness::is_axial(geometry, &grid, materials);
        let volume = if is_axial {
            let reordered = graph.buffer("thickness.reordered", reorder::extent(&grid));
            reorder::record(graph, &grid, volume, reordered);
            reordered
        } else {
            volume
        };
        Self { grid, compositions, volume, is_axial }
    }

    /// Records the paths in mm for `geometry`, views of the scan, into `thickness` (extent: views × rows × materials · columns).
    pub fn record(&self, graph: &mut Graph<'_>, geometry: &Geometry, thickness: Buffer<f32>) {
        let Self { grid, compositions, volume, .. } = self;
        if self.is_axial {
            axial_thickness::record(graph, geometry, grid, *compositions, *volume, thickness);
        } else {
            thickness::record(graph, geometry, grid, *compositions, *volume, thickness.replace());
        }
    }
}
