use kerma::{
    engine::{Extent, Graph},
    kernels::{
        Mask,
        pyramid::{Arithmetic, noise::SHADER, noise::record},
    },
};

use super::{FULL, SIZES, band, extents};
use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    band: Vec<f32>,
    level: usize,
    mask: Option<Vec<u32>>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let band = graph.upload("case.band", inputs.extent, &inputs.band);
    let mask = inputs.mask.as_ref().map(|words| {
        let size = mask_size(inputs.extent, inputs.level);
        Mask { buffer: graph.upload("case.mask", Mask::extent(size), words), size }
    });
    record(graph, band, inputs.level, mask, FULL);
}

/// Smallest mask that has a level of this extent.
fn mask_size(extent: Extent, level: usize) -> [u32; 2] {
    [extent.columns, extent.rows].map(|n| ((n - 1) << level) + 1)
}

fn case(name: &str, size: [usize; 2], level: usize, is_masked: bool) -> Case {
    let [extent, _] = extents(size);
    let band = band(extent.elements() + 5, extent, Arithmetic::Real);
    let mask = is_masked.then(|| {
        let words = Mask::extent(mask_size(extent, level)).elements() as usize;
        Seeded::new(words as u64).values(words, 0.0, 1.0).into_iter().map(|x| x.to_bits().rotate_left(9)).collect()
    });
    let name = format!("{}x{} of level {level}{name}", size[1], size[0]);
    Case::new(&SHADER, name, Inputs { extent, band, level, mask }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SIZES.map(|size| case("", size, 0, false)).into();
    cases.extend([0, 1, 3].map(|level| case(", masked", [67, 129], level, true)));
    // Every other row is left out.
    cases.push(case(", strided", [3001, 700], 0, false));
    // One strip at a time.
    cases.push(case(", strips apart", [67, 129], 1, true).narrowed(Narrow::dispatch(1.0)));
    cases
}
