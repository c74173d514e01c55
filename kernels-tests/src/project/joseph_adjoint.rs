//! Adjoints of the projectors on noise, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Buffer, Extent, Graph, Shader, Write},
    geometry::Geometry,
    kernels::project::joseph_adjoint::{SHADER, record},
};

use super::{
    joseph::VIEWS_BYTES,
    lines::{diagonals, scenes},
};
use crate::{Case, Narrow, Seeded};

type Record = fn(&mut Graph<'_>, &Geometry, &Grid, Buffer<f32>, Write);

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    integrals: Vec<f32>,
    record: Record,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let [columns, rows] = inputs.geometry.detector();
    let views = inputs.geometry.views().len();
    let integrals = graph.upload("case.integrals", Extent::new(views, rows, columns), &inputs.integrals);
    let volume = graph.buffer::<f32>("case.volume", Extent::new(nz, ny, nx));
    (inputs.record)(graph, &inputs.geometry, &inputs.grid, integrals, volume.replace());
}

/// Cases of an adjoint that prepares so many bytes for each pixel.
pub(super) fn cases_of(shader: &'static Shader, record: Record, pixel_bytes: usize) -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        let integrals = Seeded::new(geometry.value_count() as u64).values(geometry.value_count(), -1.0, 1.0);
        Case::new(shader, name, Inputs { geometry, grid, integrals, record }, recorded)
    };
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    cases.extend(diagonals().into_iter().map(|scene| case(scene).on_a_knife_edge()));
    for (name, geometry, grid) in scenes() {
        let [columns, rows] = geometry.detector();
        let two_views = (2 * columns * rows * pixel_bytes).max(VIEWS_BYTES) as u64;
        cases.push(case((name, geometry.clone(), grid)).narrowed(Narrow::binding(two_views)));
        cases.push(case((name, geometry, grid)).narrowed(Narrow::dispatch(3e6)));
    }
    cases
}

pub(crate) fn cases() -> Vec<Case> {
    cases_of(&SHADER, record, 32)
}
