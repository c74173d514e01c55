//! Samples of rays in all directions: along axes, steep, beside the volume, and with ends within it.

use kerma::{
    data::Grid,
    engine::Graph,
    geometry::Geometry,
    kernels::project::samples::{SHADER, record},
};

use super::lines::{diagonals, scenes};
use crate::{Case, Narrow};

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        Case::new(&SHADER, name, (geometry, grid), |(geometry, grid), graph: &mut Graph<'_>| {
            record(graph, geometry, grid);
        })
    };
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    cases.extend(diagonals().into_iter().map(|scene| case(scene).on_a_knife_edge()));
    cases.extend(scenes().into_iter().take(1).map(|scene| case(scene).narrowed(Narrow::binding(5 * 49 * 32))));
    cases
}
