use kerma::{
    engine::{Extent, Graph},
    kernels::statistics::rows::{SHADER, record},
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    values: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let values = graph.upload("case.values", inputs.extent, &inputs.values);
    record(graph, values);
}

fn case(name: &str, slices: usize, rows: usize, columns: usize) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let values = Seeded::new(extent.elements()).values(extent.elements() as usize, -1000.0, 3000.0);
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}{name}"), Inputs { extent, values }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("", 1, 1, 1),
        case("", 1, 1, 1000),
        case("", 7, 1, 1),
        case("", 5, 67, 129),
        case(", parts", 5, 67, 129).narrowed(Narrow::binding(20 * 129 * 4)),
    ]
}
