use kerma::{
    engine::{Extent, Graph},
    kernels::threshold::{
        limit::{SHADER, record},
        triangle::{self, Convention},
    },
};

use super::histograms;
use crate::Case;

fn recorded<'a>(histogram: &'a Vec<u32>, graph: &mut Graph<'a>) {
    let histogram = graph.upload("case.histogram", Extent::table(histogram.len()), histogram);
    let threshold = triangle::record(graph, histogram, Convention::OpenCv);
    for share_per_mille in [0, 1, 333, 999, 1000] {
        record(graph, threshold, share_per_mille);
    }
}

pub(crate) fn cases() -> Vec<Case> {
    histograms().into_iter().map(|(name, histogram)| Case::new(&SHADER, name, histogram, recorded)).collect()
}
