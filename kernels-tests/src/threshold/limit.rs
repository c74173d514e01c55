use kerma::{
    engine::{Extent, Graph},
    kernels::threshold::{
        limit::{SHADER, record},
        triangle::{self, Convention},
    },
};

use super::histograms;
use crate::Case;

struct Inputs {
    histogram: Vec<u32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let extent = Extent::table(inputs.histogram.len());
    let histogram = graph.upload("case.histogram", extent, &inputs.histogram);
    let threshold = triangle::record(graph, histogram, Convention::OpenCv);
    for share_per_mille in [0, 1, 333, 999, 1000] {
        record(graph, threshold, share_per_mille);
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, histogram)| Case::new(&SHADER, name, Inputs { histogram }, recorded);
    histograms().into_iter().map(case).collect()
}
