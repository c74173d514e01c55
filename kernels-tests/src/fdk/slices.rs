//! Rows of parallel beams at slices between them, in their middles and beyond their ends.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::DetectorAxis,
    kernels::fdk::{
        backproject::{self, ViewMatrix},
        slices::{SHADER, record},
    },
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{grid, parallel, views},
};

struct Inputs {
    matrices: Vec<ViewMatrix>,
    grid: Grid,
    extent: Extent,
    filtered: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let filtered = graph.upload("case.filtered", inputs.extent, &inputs.filtered);
    let matrices = graph.upload_table("case.views", &inputs.matrices);
    record(graph, matrices, &(&inputs.grid, inputs.grid.all_slices()), filtered);
}

fn case(name: &str, [columns, rows]: [usize; 2], volume: &str) -> Case {
    let (geometry, grid) = (views(&parallel(5, 3.0, 180.0, [columns, rows], [1.7, 2.0])), grid(volume));
    let matrices = backproject::matrices(&geometry, DetectorAxis::U, 0, &grid);
    let filtered = Seeded::new(geometry.value_count() as u64).values(geometry.value_count(), -1.0, 1.0);
    let extent = Extent::new(geometry.views().len(), rows, columns);
    Case::new(&SHADER, name, Inputs { matrices, grid, extent, filtered }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("a slice per row", [65, 9], "4x4x9@2x2x2"),
        case("slices between rows", [65, 9], "4x4x13@2x2x0.7+0,0,1"),
        case("slices beyond the detector", [33, 5], "4x4x40@2x2x3"),
        case("slices beside the detector", [33, 5], "4x4x3@2x2x2+0,0,100"),
        case("one row and one slice", [1, 1], "4x4x1@2x2x2"),
        case("one row and many slices", [17, 1], "4x4x70@2x2x0.1"),
        case("one view at a time", [65, 9], "4x4x13@2x2x0.7").narrowed(Narrow::binding(13 * 65 * 4)),
        case("short dispatches", [65, 9], "4x4x13@2x2x0.7").narrowed(Narrow::dispatch(1000.0)),
    ]
}
