use kerma::{
    engine::{Extent, Graph},
    kernels::pyramid::median::{SHADER, record},
};

use crate::{Case, Seeded};

const BINS: usize = 4096;

struct Inputs {
    strips: usize,
    counts: Vec<u32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let counts = graph.upload("case.counts", Extent::new(1, inputs.strips, BINS), &inputs.counts);
    record(graph, counts, 2.0);
}

fn case(name: &str, strips: usize, count: impl Fn(usize, usize) -> u32) -> Case {
    let counts = (0..strips * BINS).map(|i| count(i / BINS, i % BINS)).collect();
    Case::new(&SHADER, name, Inputs { strips, counts }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let random = Seeded::new(1).values(64 * BINS, 0.0, 900.0);
    vec![
        case("nothing", 3, |_, _| 0),
        case("one value, first bin", 1, |_, bin| u32::from(bin == 0)),
        case("one value, last bin", 2, |strip, bin| u32::from(strip == 1 && bin == BINS - 1)),
        case("two values apart", 1, |_, bin| u32::from(bin == 15 || bin == 16)),
        case("three values in one bin of three", 3, |_, bin| u32::from(bin == 1234)),
        case("a single full bin", 1, |_, bin| if bin == 31 { 1 << 21 } else { 0 }),
        case("64 random strips", 64, move |strip, bin| random[strip * BINS + bin] as u32 % (5000 - bin as u32)),
    ]
}
