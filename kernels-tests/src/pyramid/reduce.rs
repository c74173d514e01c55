use kerma::{
    engine::{Extent, Graph},
    kernels::pyramid::{
        Arithmetic,
        reduce::{SHADER, record},
    },
};

use super::{SIZES, extents, level};
use crate::{Case, Narrow};

struct Inputs {
    extent: Extent,
    image: Vec<f32>,
    arithmetic: Arithmetic,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let image = graph.upload("case.image", inputs.extent, &inputs.image);
    record(graph, image, inputs.arithmetic);
}

fn case(name: &str, size: [usize; 2], arithmetic: Arithmetic) -> Case {
    let [extent, _] = extents(size);
    let image = level(extent.elements(), extent, arithmetic);
    let name = format!("{}x{} {arithmetic:?}{name}", size[1], size[0]);
    Case::new(&SHADER, name, Inputs { extent, image, arithmetic }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let both = [Arithmetic::Whole, Arithmetic::Real];
    let mut cases: Vec<Case> = both.into_iter().flat_map(|a| SIZES.map(|size| case("", size, a))).collect();
    // Some seven rows of the result at a time.
    let narrow = Narrow::dispatch(7.0 * 65.0 * 42.0);
    cases.extend(both.map(|a| case(", rows apart", [67, 129], a).narrowed(narrow)));
    let parts = Narrow::binding(17 * 129 * 4);
    cases.extend(both.map(|a| case(", image in parts", [67, 129], a).narrowed(parts)));
    cases
}
