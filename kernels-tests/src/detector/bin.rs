use kerma::{
    engine::{Extent, Graph},
    kernels::detector::bin::{SHADER, record},
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    fine: Vec<f32>,
    side: u32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let fine = graph.upload("case.fine", inputs.extent, &inputs.fine);
    record(graph, fine, inputs.side);
}

fn case(name: &str, [slices, rows, columns]: [usize; 3], side: u32) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let fine = Seeded::new(extent.elements()).values(extent.elements() as usize, 0.0, 1.5);
    Case::new(&SHADER, format!("{columns}x{rows}x{slices} by {side}{name}"), Inputs { extent, fine, side }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("", [1, 1, 1], 1),
        case("", [1, 2, 2], 2),
        case(", some left out", [3, 67, 129], 2),
        case("", [2, 66, 390], 3),
        case(", parts", [5, 64, 128], 4).narrowed(Narrow::binding(2 * 64 * 128 * 4)),
        case(", dispatches", [2, 66, 130], 2).narrowed(Narrow::dispatch(1e4)),
    ]
}
