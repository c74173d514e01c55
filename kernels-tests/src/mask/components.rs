use kerma::kernels::mask::{
    components::{fill_holes, largest},
    labels::{self, Ground},
    select::{self, Kept},
    tally::{self, Counted},
};

use super::masks::{Bits, PATTERNS, Pattern, SIZES, name};
use crate::Case;

fn labelled(size: [u32; 2], pattern: Pattern) -> Case {
    Case::new(&labels::SHADER, format!("{} {pattern:?}", name(size)), Bits::new(size, pattern), |bits, graph| {
        let mask = bits.upload(graph);
        labels::record(graph, mask, Ground::Set);
        labels::record(graph, mask, Ground::Unset);
    })
}

fn tallied(size: [u32; 2], pattern: Pattern) -> Case {
    Case::new(&tally::SHADER, format!("{} {pattern:?}", name(size)), Bits::new(size, pattern), |bits, graph| {
        let mask = bits.upload(graph);
        let labels = labels::record(graph, mask, Ground::Set);
        tally::record(graph, labels, mask.size, Counted::All);
        let tally = tally::record(graph, labels, mask.size, Counted::Border);
        select::record(graph, labels, tally, mask.size, Kept::Uncounted);
    })
}

fn kept(size: [u32; 2], pattern: Pattern) -> Case {
    Case::new(&select::SHADER, format!("{} {pattern:?}", name(size)), Bits::new(size, pattern), |bits, graph| {
        let mask = bits.upload(graph);
        largest(graph, mask);
        fill_holes(graph, mask);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for pattern in PATTERNS {
        for size in SIZES {
            cases.push(labelled(size, pattern));
        }
        cases.extend([tallied([65, 40], pattern), kept([65, 40], pattern), kept([257, 130], pattern)]);
    }
    for size in SIZES {
        cases.extend([tallied(size, Pattern::Random(50)), kept(size, Pattern::Random(60))]);
    }
    cases.extend([labelled([512, 500], Pattern::Random(45)), labelled([512, 500], Pattern::Spiral)]);
    cases
}
