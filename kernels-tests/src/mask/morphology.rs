use kerma::kernels::mask::{
    across, down,
    morphology::{Spread, close, open},
};

use super::masks::{Bits, Pattern, SIZES, name};
use crate::{Case, Narrow};

struct Inputs {
    bits: Bits,
    spread: Spread,
    radius: u32,
}

fn inputs(size: [u32; 2], pattern: Pattern, spread: Spread, radius: u32) -> (String, Inputs) {
    let name = format!("{} {pattern:?}, {spread:?} {radius}", name(size));
    (name, Inputs { bits: Bits::new(size, pattern), spread, radius })
}

fn rows((name, inputs): (String, Inputs)) -> Case {
    Case::new(&across::SHADER, name, inputs, |inputs, graph| {
        let mask = inputs.bits.upload(graph);
        across::record(graph, mask, inputs.spread, inputs.radius);
    })
}

fn columns((name, inputs): (String, Inputs)) -> Case {
    Case::new(&down::SHADER, name, inputs, |inputs, graph| {
        let mask = inputs.bits.upload(graph);
        down::record(graph, mask, inputs.spread, inputs.radius);
    })
}

fn both(size: [u32; 2], radius: u32) -> Case {
    let (name, inputs) = inputs(size, Pattern::Random(50), Spread::Erode, radius);
    Case::new(&down::SHADER, format!("{name}, opened and closed"), inputs, |inputs, graph| {
        let mask = inputs.bits.upload(graph);
        let opened = open(graph, mask, inputs.radius);
        close(graph, opened, inputs.radius);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in SIZES {
        for (pattern, spread, radius) in [
            (Pattern::Random(5), Spread::Dilate, 2),
            (Pattern::Random(95), Spread::Erode, 2),
            (Pattern::Full, Spread::Erode, 31),
            (Pattern::Random(1), Spread::Dilate, 31),
            (Pattern::Random(50), Spread::Erode, 0),
        ] {
            cases.push(rows(inputs(size, pattern, spread, radius)));
            cases.push(columns(inputs(size, pattern, spread, radius)));
        }
    }
    for radius in [1, 7, 16, 30] {
        cases.push(rows(inputs([333, 4], Pattern::Random(3), Spread::Dilate, radius)));
    }
    let narrow = Narrow::dispatch(100.0);
    cases.extend([
        both([95, 33], 1),
        both([200, 150], 70),
        rows(inputs([77, 50], Pattern::Random(5), Spread::Dilate, 5)).narrowed(Narrow::binding(3 * 4 * 7)),
        columns(inputs([77, 50], Pattern::Random(5), Spread::Dilate, 5)).narrowed(narrow),
    ]);
    cases
}
