use kerma::{
    engine::{Extent, Graph},
    kernels::threshold::triangle::{Convention, SHADER, record},
};

use super::histograms;
use crate::Case;

fn recorded<'a>(histogram: &'a Vec<u32>, graph: &mut Graph<'a>) {
    let histogram = graph.upload("case.histogram", Extent::table(histogram.len()), histogram);
    for (_, convention) in Convention::NAMES {
        record(graph, histogram, convention);
    }
}

pub(crate) fn cases() -> Vec<Case> {
    histograms().into_iter().map(|(name, histogram)| Case::new(&SHADER, name, histogram, recorded)).collect()
}
