use kerma::kernels::mask::above::{SHADER, record};

use super::masks::{Picture, SIZES, name};
use crate::{Case, Narrow};

struct Inputs {
    picture: Picture,
    threshold: Vec<u32>,
}

fn case(size: [u32; 2], bits: u8, threshold: u32) -> Case {
    let picture = Picture::new(size, bits, |_, _, random| (random * f64::from((1_u32 << bits) - 1)).round() as u16);
    let inputs = Inputs { picture, threshold: vec![threshold] };
    Case::new(&SHADER, format!("{} of {bits} bits > {threshold}", name(size)), inputs, |inputs, graph| {
        let pixels = inputs.picture.upload(graph);
        let threshold = graph.upload_table("case.threshold", &inputs.threshold);
        record(graph, pixels, threshold);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SIZES.map(|size| case(size, 8, 127)).into();
    for threshold in [0, 1, 40_000, 65_534, 65_535, 65_536, u32::MAX] {
        cases.push(case([77, 5], 16, threshold));
    }
    cases.push(case([77, 50], 12, 2000).narrowed(Narrow::binding(39 * 4 * 7)));
    cases
}
