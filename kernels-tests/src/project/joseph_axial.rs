//! Joseph's projector along columns through noise, whole and in parts, near rows and far ones.

use kerma::{
    data::Grid,
    engine::{Buffer, Extent, Graph, Shared},
    geometry::Geometry,
    kernels::project::{
        columns::{Column, columns},
        joseph_axial::{SHADER, record},
        reorder,
    },
};

use super::lines::scenes as all_scenes;
use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, grid, views},
};

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    volume: Vec<f32>,
}

/// Scenes whose detector columns are parallel to z of the grid.
pub(super) fn scenes() -> Vec<(&'static str, Geometry, Grid)> {
    let mut scenes: Vec<_> = all_scenes();
    scenes.push(("rows far apart", views(&cone(5, [33, 12], [1.9, 9.0])), grid("24x26x40@1.5x1.5x1.3")));
    scenes.push(("rows close together", views(&cone(5, [33, 70], [1.9, 0.9])), grid("24x26x20@1.5x1.5x4")));
    scenes.push(("higher than the detector", views(&cone(6, [41, 16], [1.9, 1.9])), grid("20x21x70@1.5x1.4x1.5")));
    scenes.retain(|(_, geometry, grid)| columns(geometry, grid).is_some());
    scenes
}

/// Detector columns, uploaded.
pub(super) fn uploaded(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid) -> Buffer<Column> {
    let lines = columns(geometry, grid).unwrap_or_default();
    let extent = Extent::new(geometry.views().len(), geometry.detector()[0], 1);
    graph.upload_shared("case.columns", extent, Shared::new(lines))
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let Inputs { geometry, grid, volume } = inputs;
    let [nx, ny, nz] = grid.size();
    let [columns, rows] = geometry.detector();
    let volume = graph.upload("case.volume", Extent::new(nz, ny, nx), volume);
    let reordered = graph.buffer("case.reordered", reorder::extent(grid));
    reorder::record(graph, grid, volume, reordered);
    let lines = uploaded(graph, geometry, grid);
    let sums = graph.buffer::<f32>("case.sums", Extent::new(geometry.views().len(), columns, rows));
    record(graph, grid, lines, reordered, sums);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        let volume = Seeded::new(grid.voxel_count() as u64).values(grid.voxel_count(), -1.0, 1.0);
        Case::new(&SHADER, name, Inputs { geometry, grid, volume }, recorded)
    };
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    for (name, geometry, grid) in scenes() {
        let Extent { rows, columns, .. } = reorder::extent(&grid);
        // Five slices of y, three of them summed over, and as much of the volume before it is reordered.
        let bytes = 5 * u64::from(rows) * u64::from(columns) * 4;
        cases.push(case((name, geometry.clone(), grid)).narrowed(Narrow::binding(bytes)));
        cases.push(case((name, geometry, grid)).narrowed(Narrow::dispatch(1e5)));
    }
    cases
}
