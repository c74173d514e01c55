use kerma::{
    engine::{Extent, Graph},
    kernels::pyramid::{
        Arithmetic,
        band::{SHADER, record},
    },
};

use super::{SIZES, extents, level};
use crate::{Case, Narrow};

struct Inputs {
    extents: [Extent; 2],
    fine: Vec<f32>,
    coarse: Vec<f32>,
    arithmetic: Arithmetic,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let fine = graph.upload("case.fine", inputs.extents[0], &inputs.fine);
    let coarse = graph.upload("case.coarse", inputs.extents[1], &inputs.coarse);
    record(graph, fine, coarse, inputs.arithmetic);
}

fn case(name: &str, size: [usize; 2], arithmetic: Arithmetic) -> Case {
    let extents = extents(size);
    let fine = level(extents[0].elements(), extents[0], arithmetic);
    let coarse = level(extents[0].elements() + 1, extents[1], arithmetic);
    let name = format!("{}x{} {arithmetic:?}{name}", size[1], size[0]);
    Case::new(&SHADER, name, Inputs { extents, fine, coarse, arithmetic }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let both = [Arithmetic::Whole, Arithmetic::Real];
    let mut cases: Vec<Case> = both.into_iter().flat_map(|a| SIZES.map(|size| case("", size, a))).collect();
    // The coarse level in one piece, the fine one in several.
    let narrow = Narrow::binding(17 * 65 * 4);
    cases.extend(both.map(|a| case(", in parts", [67, 129], a).narrowed(narrow)));
    cases
}
