use kerma::{
    engine::{Extent, Graph},
    kernels::pointwise::stretch::{SHADER, record},
};

use crate::Case;

struct Inputs {
    ranks: [u32; 4],
    bits: [u8; 2],
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let ranks = graph.upload("case.ranks", Extent::table(4), &inputs.ranks);
    record(graph, ranks, inputs.bits[0], inputs.bits[1]);
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
    ];
    let case = |([low, high], bits): ([u32; 2], [u8; 2])| {
        let name = format!("{low} to {high}, {} to {} bits", bits[0], bits[1]);
        Case::new(&SHADER, name, Inputs { ranks: [low, high, 0, 0], bits }, recorded)
    };
    cases.into_iter().map(case).collect()
}
