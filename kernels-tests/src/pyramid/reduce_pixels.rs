use kerma::{
    engine::Graph,
    kernels::pyramid::{
        Arithmetic,
        reduce_pixels::{SHADER, record},
    },
};

use super::SIZES;
use crate::{Case, Narrow, pixels::HostPixels};

struct Inputs {
    pixels: HostPixels,
    arithmetic: Arithmetic,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let pixels = inputs.pixels.record(graph);
    record(graph, pixels, inputs.arithmetic);
}

fn case(name: &str, [rows, columns]: [usize; 2], arithmetic: Arithmetic) -> Case {
    let pixels = HostPixels::noise([columns as u32, rows as u32], 16);
    Case::new(&SHADER, format!("{columns}x{rows} {arithmetic:?}{name}"), Inputs { pixels, arithmetic }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let both = [Arithmetic::Whole, Arithmetic::Real];
    let mut cases: Vec<Case> = both.into_iter().flat_map(|a| SIZES.map(|size| case("", size, a))).collect();
    // Some seven rows of the result at a time.
    let narrow = Narrow::dispatch(7.0 * 65.0 * 42.0);
    cases.extend(both.map(|a| case(", rows apart", [67, 129], a).narrowed(narrow)));
    let parts = Narrow::binding(17 * 65 * 4);
    cases.extend(both.map(|a| case(", image in parts", [67, 129], a).narrowed(parts)));
    cases
}
