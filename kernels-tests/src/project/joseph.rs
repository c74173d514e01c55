//! Projectors that interpolate, through noise, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Buffer, Extent, Graph, Shader, Write},
    geometry::Geometry,
    kernels::project::joseph::{SHADER, record},
};

use super::lines::{diagonals, scenes};
use crate::{Case, Narrow, Seeded};

/// What the rays of the views take at most.
pub(super) const VIEWS_BYTES: usize = 4096;

type Record = fn(&mut Graph<'_>, &Geometry, &Grid, Buffer<f32>, Write);

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    volume: Vec<f32>,
    record: Record,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let [columns, rows] = inputs.geometry.detector();
    let volume = graph.upload("case.volume", Extent::new(nz, ny, nx), &inputs.volume);
    let integrals = graph.buffer::<f32>("case.integrals", Extent::new(inputs.geometry.views().len(), rows, columns));
    (inputs.record)(graph, &inputs.geometry, &inputs.grid, volume, integrals.replace());
}

/// Cases of a projector that prepares 32 bytes for each pixel.
pub(super) fn cases_of(shader: &'static Shader, record: Record) -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        let volume = Seeded::new(grid.voxel_count() as u64).values(grid.voxel_count(), -1.0, 1.0);
        Case::new(shader, name, Inputs { geometry, grid, volume, record }, recorded)
    };
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

pub(crate) fn cases() -> Vec<Case> {
    cases_of(&SHADER, record)
}
