use kerma::{
    engine::Extent,
    kernels::pointwise::fill::{SHADER, record},
};

use super::SHAPES;
use crate::{Case, Narrow};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: String, [slices, rows, columns]: [usize; 3], value: f32| {
        let inputs = (Extent::new(slices, rows, columns), value);
        Case::new(&SHADER, name, inputs, |(extent, value), graph| {
            record(graph, *extent, *value);
        })
    };
    let values = [0.1, -1.0 / 3.0, 3.4e38, 0.0, -0.0, 1.2e-38];
    let mut cases: Vec<Case> = SHAPES
        .into_iter()
        .zip(values)
        .map(|(shape, value)| case(format!("{shape:?} of {value:e}"), shape, value))
        .collect();
    cases.push(case("parts".to_owned(), [5, 40, 65], 0.3).narrowed(Narrow::binding(11 * 65 * 4)));
    cases
}
