//! Planes of rays in all directions, those along planes among them.

use kerma::{
    data::Grid,
    engine::Graph,
    geometry::Geometry,
    kernels::project::planes::{SHADER, record},
};

use super::lines::{diagonals, scenes};
use crate::{Case, Narrow};

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        Case::new(&SHADER, name, (geometry, grid), |(geometry, grid), graph: &mut Graph<'_>| {
            record(graph, geometry, grid);
        })
    };
    let mut cases: Vec<Case> = scenes().into_iter().map(|scene| case(scene).on_a_knife_edge()).collect();
    cases.extend(diagonals().into_iter().map(|scene| case(scene).on_a_knife_edge()));
    let parts = scenes().into_iter().take(1);
    cases.extend(parts.map(|scene| case(scene).on_a_knife_edge().narrowed(Narrow::binding(5 * 49 * 48))));
    cases
}
