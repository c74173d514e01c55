//! Rays through mixtures of one to nine materials: the rays of the other projectors, fewer of them.

use glam::DVec3;
use kerma::{
    body::Body,
    data::Grid,
    engine::Graph,
    geometry::{Geometry, Travel},
    kernels::project::thickness::{SHADER, Thicknesses},
};

use super::siddon;
use crate::{
    Case, Narrow,
    inputs::{cone, grid, mixed_body, parallel, tilted, tomosynthesis, turned, views},
};

struct Inputs {
    geometry: Geometry,
    body: Body,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let body = Thicknesses::new(graph, &inputs.body);
    let thickness = graph.buffer::<f32>("case.thickness", body.extent(&inputs.geometry));
    body.record(graph, &inputs.geometry, thickness.replace());
}

fn case(name: impl Into<String>, materials: usize, geometry: Geometry, grid: Grid) -> Case {
    Case::new(&SHADER, name, Inputs { geometry, body: mixed_body(grid, materials) }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 4, 5, 8, 9]
        .into_iter()
        .map(|materials| {
            let geometry = views(&cone(3, [65, 37], [1.7, 2.3]));
            case(format!("cone beam, materials: {materials}"), materials, geometry, grid("31x27x22@1.5x1.7x2.1"))
        })
        .collect();
    let slanted = turned(grid("31x29x37@1.9x2.3x1.2+4,3,-5"), DVec3::new(1.0, -2.0, 0.5), 0.7);
    let thin = |count| views(&tomosynthesis(count, Travel::Z, [48, 49], [1.9, 1.9]));
    let plate = grid("48x12x50@1.3x5x1.1+1,-2,3");
    cases.extend([
        case("tilted views, turned grid", 6, tilted(1, 5, [48, 47], 1.8), slanted),
        case("tilted views, slabs of two slices", 5, tilted(3, 3, [33, 30], 2.6), slanted)
            .narrowed(Narrow::binding(2 * 31 * 29 * 4 + 9 * 33 * 5 * 4)),
        case("tomosynthesis, slabs of seven slices", 2, thin(3), plate).narrowed(Narrow::binding(7 * 48 * 12 * 4)),
        case("short dispatches", 9, thin(2), plate).narrowed(Narrow::dispatch(1e6)),
        case("one voxel", 3, views(&parallel(5, 11.0, 360.0, [31, 19], [0.1, 0.1])), grid("1x1x1@2x2x2")),
        case("one pixel", 7, tilted(2, 9, [1, 1], 1.0), grid("17x3x29@1.5x2x1.1")),
        case("rays in voxel faces", 4, views(&parallel(8, 0.0, 315.0, [41, 39], [1.0, 1.0])), grid("16x16x16@2x2x2"))
            .on_a_knife_edge(),
    ]);
    cases.extend(siddon::grazing(|name, geometry, grid| case(name, 5, geometry, grid)));
    cases
}
