//! The whole chain: rows, slices, everything.

use kerma::{
    engine::{Extent, Graph},
    kernels::statistics::{self, merge::SHADER},
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    values: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let values = graph.upload("case.values", inputs.extent, &inputs.values);
    statistics::record(graph, values);
}

fn case(name: &str, slices: usize, rows: usize, columns: usize) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let values = Seeded::new(extent.elements()).values(extent.elements() as usize, -1.0, 1.0);
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}{name}"), Inputs { extent, values }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("", 1, 1, 1),
        case("", 1, 301, 7),
        case("", 130, 1, 3),
        case("", 70, 67, 31),
        case(", slabs", 70, 67, 31).narrowed(Narrow::binding(70 * 67 * 16)),
    ]
}
