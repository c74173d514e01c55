//! Coarse maps on finer detectors, on coarser ones, and of one pixel.

use kerma::{
    engine::{Extent, Graph},
    kernels::beam::enlarge::{SHADER, record},
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    detector: [usize; 2],
    coarse: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let coarse = graph.upload("case.coarse", inputs.extent, &inputs.coarse);
    record(graph, coarse, inputs.detector);
}

fn case(name: &str, [views, rows, columns]: [usize; 3], detector: [usize; 2]) -> Case {
    let extent = Extent::new(views, rows, columns);
    let coarse = Seeded::new(extent.elements()).values(extent.elements() as usize, 0.0, 1e4);
    Case::new(&SHADER, name, Inputs { extent, detector, coarse }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("ten times as fine", [2, 13, 11], [113, 127]),
        case("coarser", [1, 40, 50], [17, 13]),
        case("one coarse pixel", [3, 1, 1], [65, 5]),
        case("views in parts", [5, 9, 10], [97, 31]).narrowed(Narrow::binding(97 * 31 * 4)),
        case("short dispatches", [2, 7, 8], [65, 33]).narrowed(Narrow::dispatch(20_000.0)),
    ]
}
