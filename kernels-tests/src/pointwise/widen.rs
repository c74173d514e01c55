use kerma::{
    engine::Graph,
    kernels::pointwise::widen::{SHADER, record},
};

use super::IMAGE_SIZES;
use crate::{Case, Narrow, pixels::HostPixels};

fn recorded<'a>(pixels: &'a HostPixels, graph: &mut Graph<'a>) {
    let pixels = pixels.record(graph);
    record(graph, pixels);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [u32; 2], bits: u8| {
        Case::new(&SHADER, format!("{}x{}, {bits} bits", size[0], size[1]), HostPixels::noise(size, bits), recorded)
    };
    let mut cases: Vec<Case> = IMAGE_SIZES.into_iter().flat_map(|size| [case(size, 8), case(size, 16)]).collect();
    cases.push(case([97, 83], 16).narrowed(Narrow::binding(10 * 97 * 4)));
    cases
}
