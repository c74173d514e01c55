//! Columns of noise to slices of every shape.

use kerma::{
    engine::{Extent, Graph},
    kernels::fourier::columns::{SHADER, record},
};

use super::numbers;
use crate::{Case, Narrow};

struct Inputs {
    extent: Extent,
    mixed: Vec<[f32; 2]>,
    nx: u32,
    points: u32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let mixed = graph.upload("case.mixed", inputs.extent, &inputs.mixed);
    record(graph, mixed, inputs.nx, inputs.points);
}

fn case([pairs, length, ny]: [usize; 3], nx: u32, points: u32) -> Case {
    let extent = Extent::new(pairs, length, ny);
    let name = format!("{pairs} pairs of {nx}x{ny} from {length}x{points}");
    Case::new(&SHADER, name, Inputs { extent, mixed: numbers(extent.elements() as usize), nx, points }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case([1, 16, 1], 1, 16),
        case([2, 32, 17], 16, 64),
        case([3, 64, 16], 21, 32),
        case([1, 128, 33], 64, 128),
        case([1, 1024, 3], 500, 16),
        case([1, 2048, 2], 1024, 16),
        case([3, 64, 16], 21, 32).narrowed(Narrow::binding(64 * 16 * 8)),
        case([3, 64, 16], 21, 32).narrowed(Narrow::dispatch(10_000.0)),
    ]
}
