use kerma::kernels::mask::within::{SHADER, record};

use super::masks::{Bits, Pattern, SIZES, name};
use crate::{Case, Narrow, pixels::HostPixels};

struct Inputs {
    pixels: HostPixels,
    bits: Bits,
}

fn case(size: [u32; 2], pattern: Pattern) -> Case {
    let inputs = Inputs { pixels: HostPixels::noise(size, 16), bits: Bits::new(size, pattern) };
    Case::new(&SHADER, name(size), inputs, |inputs, graph| {
        let (pixels, mask) = (inputs.pixels.record(graph), inputs.bits.upload(graph));
        record(graph, pixels, mask);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SIZES.map(|size| case(size, Pattern::Random(60))).into();
    cases.push(case([97, 83], Pattern::Random(60)).narrowed(Narrow::binding(10 * 49 * 4)));
    cases
}
