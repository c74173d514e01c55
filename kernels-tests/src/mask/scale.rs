use kerma::kernels::mask::{expand, reduce};

use super::masks::{Bits, Pattern, SIZES, name};
use crate::{Case, Narrow};

struct Inputs {
    bits: Bits,
    factor: u32,
    /// Size of the expanded mask.
    size: [u32; 2],
}

fn smaller(size: [u32; 2], pattern: Pattern, factor: u32) -> Case {
    let inputs = Inputs { bits: Bits::new(size, pattern), factor, size };
    Case::new(&reduce::SHADER, format!("{} {pattern:?} by {factor}", name(size)), inputs, |inputs, graph| {
        let mask = inputs.bits.upload(graph);
        reduce::record(graph, mask, inputs.factor);
    })
}

fn larger(size: [u32; 2], factor: u32) -> Case {
    let bits = Bits::new(size.map(|length| length.div_ceil(factor)), Pattern::Random(50));
    Case::new(&expand::SHADER, format!("{} by {factor}", name(size)), Inputs { bits, factor, size }, |inputs, graph| {
        let mask = inputs.bits.upload(graph);
        expand::record(graph, mask, inputs.factor, inputs.size);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in SIZES {
        for factor in [2, 3, 4, 7, 8, 16, 32, 33, 100] {
            cases.push(smaller(size, Pattern::Random(50), factor));
            cases.push(larger(size, factor));
        }
    }
    cases.extend([
        smaller([257, 130], Pattern::Full, 5),
        smaller([257, 130], Pattern::Empty, 5),
        smaller([257, 130], Pattern::Random(50), 4).narrowed(Narrow::dispatch(20_000.0)),
        larger([257, 130], 4).narrowed(Narrow::dispatch(20_000.0)),
        // Forty rows of the large mask at a time.
        smaller([257, 130], Pattern::Random(50), 4).narrowed(Narrow::binding(40 * 9 * 4)),
        larger([257, 130], 4).narrowed(Narrow::binding(40 * 9 * 4)),
    ]);
    cases
}
