use kerma::{
    engine::{Extent, Graph},
    kernels::pointwise::stretch::{NoRange, SHADER, record},
};

use crate::Case;

struct Inputs {
    ranks: [u32; 4],
    bits: [u8; 2],
    no_range: NoRange,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let ranks = graph.upload("case.ranks", Extent::table(4), &inputs.ranks);
    record(graph, ranks, inputs.bits, inputs.no_range);
}

pub(crate) fn cases() -> Vec<Case> {
    let cases = [
        ([0, 1], [1, 16]),
        ([0, 65_535], [16, 16]),
        ([1, 65_535], [16, 16]),
        ([1000, 1003], [16, 16]),
        ([77, 77], [8, 8]),
        ([0, 0], [12, 8]),
        ([1023, 1023], [10, 8]),
        ([40_000, 40_000], [16, 16]),
        ([0, 0], [1, 16]),
    ];
    let case = |([low, high], bits): ([u32; 2], [u8; 2])| {
        let inputs = |no_range| Inputs { ranks: [low, high, 0, 0], bits, no_range };
        let name = format!("{low} to {high}, {} to {} bits", bits[0], bits[1]);
        // Only equal ranks tell the two apart.
        let step = (low == high).then(|| Case::new(&SHADER, format!("{name}, step"), inputs(NoRange::Step), recorded));
        [Some(Case::new(&SHADER, name, inputs(NoRange::Keep), recorded)), step].into_iter().flatten()
    };
    cases.into_iter().flat_map(case).collect()
}
