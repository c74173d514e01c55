use kerma::{
    engine::{Extent, Graph},
    kernels::threshold::triangle::{Convention, SHADER, record},
};

use super::histograms;
use crate::Case;

struct Inputs {
    histogram: Vec<u32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let extent = Extent::table(inputs.histogram.len());
    let histogram = graph.upload("case.histogram", extent, &inputs.histogram);
    for (_, convention) in Convention::NAMES {
        record(graph, histogram, convention);
    }
}

pub(crate) fn cases() -> Vec<Case> {
    histograms().into_iter().map(|(name, histogram)| Case::new(&SHADER, name, Inputs { histogram }, recorded)).collect()
}
