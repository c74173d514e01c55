//! Adjoint of Joseph's projector along columns on noise, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::Geometry,
    kernels::project::joseph_axial_adjoint::{SHADER, record},
};

use super::joseph_axial::{scenes, uploaded};
use crate::{Case, Narrow, Seeded};

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    weighed: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [columns, rows] = inputs.geometry.detector();
    let extent = Extent::new(inputs.geometry.views().len(), columns, rows);
    let lines = uploaded(graph, &inputs.geometry, &inputs.grid);
    let weighed = graph.upload("case.weighed", extent, &inputs.weighed);
    record(graph, &inputs.geometry, &inputs.grid, lines, weighed);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        let weighed = Seeded::new(geometry.value_count() as u64).values(geometry.value_count(), -1.0, 1.0);
        Case::new(&SHADER, name, Inputs { geometry, grid, weighed }, recorded)
    };
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    for (name, geometry, grid) in scenes() {
        let [columns, rows] = geometry.detector();
        let two_views = (2 * columns * rows * 4).max(4096) as u64;
        cases.push(case((name, geometry.clone(), grid)).narrowed(Narrow::binding(two_views)));
        cases.push(case((name, geometry, grid)).narrowed(Narrow::dispatch(1e6)));
    }
    cases
}
