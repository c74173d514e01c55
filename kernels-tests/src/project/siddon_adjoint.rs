//! The adjoint of Siddon's projector on noise, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::Geometry,
    kernels::project::siddon_adjoint::{SHADER, record},
};

use super::{
    joseph::VIEWS_BYTES,
    lines::{diagonals, scenes},
};
use crate::{Case, Narrow, Seeded};

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    integrals: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let [columns, rows] = inputs.geometry.detector();
    let views = inputs.geometry.views().len();
    let integrals = graph.upload("case.integrals", Extent::new(views, rows, columns), &inputs.integrals);
    let volume = graph.buffer::<f32>("case.volume", Extent::new(nz, ny, nx));
    record(graph, &inputs.geometry, &inputs.grid, integrals, volume.replace());
}

fn case((name, geometry, grid): (&str, Geometry, Grid)) -> Case {
    let integrals = Seeded::new(geometry.value_count() as u64).values(geometry.value_count(), -1.0, 1.0);
    Case::new(&SHADER, name, Inputs { geometry, grid, integrals }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    cases.extend(diagonals().into_iter().map(|scene| case(scene).on_a_knife_edge()));
    for (name, geometry, grid) in scenes() {
        let [columns, rows] = geometry.detector();
        let views = (name, geometry.clone(), grid);
        cases.push(case(views).narrowed(Narrow::binding((2 * columns * rows * 48).max(VIEWS_BYTES) as u64)));
        cases.push(case((name, geometry, grid)).narrowed(Narrow::dispatch(3e6)));
    }
    cases
}
