//! Trilinear samples through noise, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::Geometry,
    kernels::project::trilinear::{SHADER, record},
};

use super::{
    joseph::VIEWS_BYTES,
    lines::{diagonals, scenes},
};
use crate::{Case, Narrow, Seeded};

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    volume: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let [columns, rows] = inputs.geometry.detector();
    let volume = graph.upload("case.volume", Extent::new(nz, ny, nx), &inputs.volume);
    let integrals = graph.buffer::<f32>("case.integrals", Extent::new(inputs.geometry.views().len(), rows, columns));
    record(graph, &inputs.geometry, &inputs.grid, volume, integrals.replace());
}

fn case((name, geometry, grid): (&str, Geometry, Grid)) -> Case {
    let volume = Seeded::new(grid.voxel_count() as u64).values(grid.voxel_count(), -1.0, 1.0);
    Case::new(&SHADER, name, Inputs { geometry, grid, volume }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    cases.extend(diagonals().into_iter().map(|scene| case(scene).on_a_knife_edge()));
    for (name, geometry, grid) in scenes() {
        let [nx, ny, _] = grid.size();
        // Four slices, as far as a row of lines and the views fit as well.
        let bytes = (4 * nx * ny * 4).max(geometry.detector()[0] * 32).max(VIEWS_BYTES) as u64;
        let slabs = (name, geometry.clone(), grid);
        cases.push(case(slabs).narrowed(Narrow::binding(bytes)));
        cases.push(case((name, geometry, grid)).narrowed(Narrow::dispatch(1e6)));
    }
    cases
}
