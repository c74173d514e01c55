use kerma::{
    engine::{Extent, Graph},
    kernels::pointwise::quantise::{SHADER, record},
};

use super::IMAGE_SIZES;
use crate::{Case, Narrow, Seeded};

struct Inputs {
    size: [u32; 2],
    values: Vec<f32>,
    scale: f32,
    offset: f32,
    bits: u8,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [columns, rows] = inputs.size;
    let values = graph.upload("case.values", Extent { slices: 1, rows, columns }, &inputs.values);
    record(graph, values, inputs.scale, inputs.offset, inputs.bits);
}

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 0.5, 1.5, 254.5, 255.5, 65_534.5, 65_535.5, 1e30, -1e30, f32::INFINITY];
    let case = |size: [u32; 2], bits: u8, scale: f32, offset: f32| {
        let name = format!("{}x{}, {bits} bits, {scale} and {offset}", size[0], size[1]);
        let top = ((1_u32 << bits) as f32 - offset) / scale;
        let mut values = Seeded::new(bits.into()).values((size[0] * size[1]) as usize, -0.1 * top, 1.1 * top);
        for (value, special) in values.iter_mut().step_by(3).zip(special) {
            *value = special;
        }
        Case::new(&SHADER, name, Inputs { size, values, scale, offset, bits }, recorded)
    };
    let mut cases: Vec<Case> = IMAGE_SIZES
        .into_iter()
        .flat_map(|size| {
            [case(size, 16, 1.0, 0.0), case(size, 8, 255.0, 0.0), case(size, 12, 0.3, 77.7), case(size, 1, 0.1, 0.0)]
        })
        .collect();
    cases.push(case([97, 83], 14, 1.7, -3.3).narrowed(Narrow::binding(10 * 97 * 4)));
    cases
}
