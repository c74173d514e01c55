//! Rows of noise of every kind of length, of which all or few numbers are kept.

use kerma::{
    engine::{Extent, Graph},
    kernels::fourier::rows::{SHADER, record},
};

use super::numbers;
use crate::{Case, Narrow};

struct Inputs {
    extent: Extent,
    grid: Vec<[f32; 2]>,
    first: u32,
    kept: u32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let grid = graph.upload("case.grid", inputs.extent, &inputs.grid);
    record(graph, grid, inputs.first, inputs.kept);
}

fn case([slices, rows, length]: [usize; 3], first: u32, kept: u32) -> Case {
    let extent = Extent::new(slices, rows, length);
    let name = format!("{slices} slices of {rows} rows of {length}, {kept} kept from {first} on");
    Case::new(&SHADER, name, Inputs { extent, grid: numbers(extent.elements() as usize), first, kept }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case([1, 1, 16], 0, 8),
        case([2, 17, 32], 3, 9),
        case([3, 16, 64], 31, 1),
        case([1, 33, 128], 5, 40),
        case([1, 3, 1024], 0, 512),
        case([1, 2, 2048], 1, 1023),
        case([3, 16, 64], 2, 20).narrowed(Narrow::binding(16 * 64 * 8)),
        case([3, 16, 64], 2, 20).narrowed(Narrow::dispatch(10_000.0)),
    ]
}
