//! Bands under weights, and whole blends.

use kerma::{
    engine::{Extent, Graph},
    kernels::pyramid::{
        Arithmetic, blend,
        blend::{SHADER, record},
    },
};

use super::{SIZES, extents, level};
use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    images: [Vec<f32>; 2],
    mask: Vec<f32>,
    levels: usize,
    arithmetic: Arithmetic,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let a = graph.upload("case.first", inputs.extent, &inputs.images[0]);
    let b = graph.upload("case.second", inputs.extent, &inputs.images[1]);
    let mask = graph.upload("case.mask", inputs.extent, &inputs.mask);
    if inputs.levels == 0 {
        record(graph, [a, b, mask], inputs.arithmetic);
    } else {
        blend(graph, a, b, mask, inputs.levels, inputs.arithmetic);
    }
}

fn case(name: &str, size: [usize; 2], levels: usize, arithmetic: Arithmetic) -> Case {
    let [extent, _] = extents(size);
    let seed = extent.elements();
    let images = [7, 8].map(|more| level(seed + more, extent, arithmetic));
    let mut mask = Seeded::new(seed + 9).values(extent.elements() as usize, 0.0, 1.0);
    mask.iter_mut().step_by(3).for_each(|m| *m = m.round());
    let name = format!("{}x{} {arithmetic:?}, {levels} levels{name}", size[1], size[0]);
    let case = Case::new(&SHADER, name, Inputs { extent, images, mask, levels, arithmetic }, recorded);
    // A weighted sum may lie on either side of a half.
    if arithmetic == Arithmetic::Whole { case.on_a_knife_edge() } else { case }
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for arithmetic in [Arithmetic::Whole, Arithmetic::Real] {
        cases.extend(SIZES.map(|size| case("", size, 0, arithmetic)));
        cases.push(case(", in parts", [67, 129], 0, arithmetic).narrowed(Narrow::binding(20 * 129 * 4)));
        cases.push(case("", [67, 129], 4, arithmetic));
        cases.push(case("", [1, 5], 4, arithmetic));
    }
    cases
}
