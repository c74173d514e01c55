use kerma::{
    engine::Graph,
    kernels::{
        detector::pattern::{SHADER, record},
        noise::Stream,
    },
};

use crate::{Case, Narrow};

struct Inputs {
    size: [u32; 2],
    sigma: f32,
    bad_fraction: f64,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    record(graph, inputs.size, inputs.sigma, inputs.bad_fraction, &Stream::new(0x0123_4567_89ab_cdef, 3));
}

fn case(name: &str, size: [u32; 2], sigma: f32, bad_fraction: f64) -> Case {
    let [columns, rows] = size;
    Case::new(&SHADER, format!("{columns}x{rows}{name}"), Inputs { size, sigma, bad_fraction }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("", [1, 1], 0.02, 0.0),
        case(", many bad ones", [1003, 17], 0.02, 0.1),
        case(", gains at the least", [129, 67], 0.5, 0.01),
        case(", all alike", [129, 67], 0.0, 0.0),
        case(", parts", [129, 67], 0.02, 0.01).narrowed(Narrow::binding(20 * 129 * 4)),
        case(", dispatches", [129, 67], 0.02, 0.01).narrowed(Narrow::dispatch(1e6)),
    ]
}
