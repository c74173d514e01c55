use kerma::kernels::mask::rectangle::{SHADER, clip, record};

use super::masks::{Bits, Pattern, SIZES, name};
use crate::{Case, Narrow};

struct Inputs {
    bits: Bits,
    borders: [u32; 4],
}

fn case(size: [u32; 2], borders: [u32; 4]) -> Case {
    let inputs = Inputs { bits: Bits::new(size, Pattern::Random(60)), borders };
    Case::new(&SHADER, format!("{} {borders:?}", name(size)), inputs, |inputs, graph| {
        let borders = graph.upload_table("case.borders", &inputs.borders);
        let mask = inputs.bits.upload(graph);
        record(graph, borders, inputs.bits.size);
        clip(graph, mask, borders);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SIZES.map(|[columns, rows]| case([columns, rows], [0, 0, columns, rows])).into();
    for borders in [[5, 2, 60, 30], [31, 0, 33, 1], [32, 7, 64, 39], [64, 0, 65, 40], [9, 9, 9, 20], [50, 30, 20, 10]] {
        cases.push(case([65, 40], borders));
    }
    cases.push(case([65, 40], [7, 3, u32::MAX, u32::MAX]).narrowed(Narrow::binding(3 * 4 * 7)));
    cases
}
