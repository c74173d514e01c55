use kerma::{
    engine::{Extent, Graph},
    kernels::{
        pointwise::stretch::{self, NoRange},
        threshold::rank::{SHADER, record},
    },
};

use super::histograms;
use crate::Case;

struct Inputs {
    histogram: Vec<u32>,
    ranks_ppm: [u32; 2],
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let extent = Extent::table(inputs.histogram.len());
    let histogram = graph.upload("case.histogram", extent, &inputs.histogram);
    let ranks = record(graph, histogram, inputs.ranks_ppm);
    let bits = inputs.histogram.len().next_power_of_two().trailing_zeros() as u8;
    stretch::record(graph, ranks, [bits, 8], NoRange::Keep);
    stretch::record(graph, ranks, [bits, 16], NoRange::Step);
}

pub(crate) fn cases() -> Vec<Case> {
    let all = histograms().into_iter().flat_map(|(name, histogram)| {
        [[0, 1_000_000], [5_000, 995_000], [333_333, 333_334], [500_000, 500_000]].map(|ranks_ppm| {
            let inputs = Inputs { histogram: histogram.clone(), ranks_ppm };
            Case::new(&SHADER, format!("{name}, {ranks_ppm:?}"), inputs, recorded)
        })
    });
    all.collect()
}
