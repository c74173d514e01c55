//! Lengths of the rays of columns, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::Geometry,
    kernels::project::weigh::{SHADER, record},
};

use super::joseph_axial::{scenes, uploaded};
use crate::{Case, Narrow, Seeded};

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    values: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [columns, rows] = inputs.geometry.detector();
    let extent = Extent::new(inputs.geometry.views().len(), columns, rows);
    let lines = uploaded(graph, &inputs.geometry, &inputs.grid);
    let values = graph.upload("case.values", extent, &inputs.values);
    record(graph, inputs.grid.spacing_mm().z, lines, values);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        let values = Seeded::new(geometry.value_count() as u64).values(geometry.value_count(), -1.0, 1.0);
        Case::new(&SHADER, name, Inputs { geometry, grid, values }, recorded)
    };
    let parts = scenes().into_iter().map(|scene| case(scene).narrowed(Narrow::binding(4096)));
    scenes().into_iter().map(case).chain(parts).collect()
}
