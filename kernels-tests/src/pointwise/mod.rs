//! Cases of the kernels that compute each value from the values at the same place.

mod add_scaled;
mod attenuation;
mod clamp;
mod curve;
mod fill;
mod inverse;
mod line_integral;
mod lookup;
mod multiply;
mod quantise;
mod scale_add;
mod stretch;
mod transmission;
mod widen;
mod window_level;

use kerma::engine::{Buffer, Extent, Graph, Shader};

use crate::{Case, Narrow, Seeded};

pub(crate) fn cases() -> Vec<Case> {
    [
        add_scaled::cases(),
        attenuation::cases(),
        clamp::cases(),
        curve::cases(),
        fill::cases(),
        inverse::cases(),
        line_integral::cases(),
        lookup::cases(),
        multiply::cases(),
        quantise::cases(),
        scale_add::cases(),
        stretch::cases(),
        transmission::cases(),
        widen::cases(),
        window_level::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Shapes that every pointwise kernel is tried on.
const SHAPES: [[usize; 3]; 6] = [[1, 1, 1], [1, 1, 1000], [29, 1, 1], [3, 17, 65], [1, 255, 64], [20, 50, 100]];

/// Columns and rows of the images that kernels on packed pixels are tried on.
const IMAGE_SIZES: [[u32; 2]; 5] = [[1, 1], [1, 67], [129, 1], [64, 8], [97, 83]];

/// Values of a shape and what to record on them.
struct Mapped {
    extent: Extent,
    values: Vec<f32>,
    record: for<'a> fn(&mut Graph<'a>, Buffer<f32>),
}

fn recorded<'a>(inputs: &'a Mapped, graph: &mut Graph<'a>) {
    let values = graph.upload("case.values", inputs.extent, &inputs.values);
    (inputs.record)(graph, values);
}

/// Noise between `low` and `high`, and `special` values, in all shapes, whole and in parts.
fn mapped(
    shader: &'static Shader,
    [low, high]: [f32; 2],
    special: &[f32],
    record: for<'a> fn(&mut Graph<'a>, Buffer<f32>),
) -> Vec<Case> {
    let case = |name: String, [slices, rows, columns]: [usize; 3]| {
        let extent = Extent::new(slices, rows, columns);
        let mut values = Seeded::new(extent.elements()).values(extent.elements() as usize, low, high);
        for (value, special) in values.iter_mut().step_by(3).zip(special) {
            *value = *special;
        }
        Case::new(shader, name, Mapped { extent, values, record }, recorded)
    };
    let mut cases: Vec<Case> = SHAPES.map(|s| case(format!("{}x{}x{}", s[2], s[1], s[0]), s)).into();
    cases.push(case("slabs of two slices".to_owned(), [9, 17, 65]).narrowed(Narrow::binding(2 * 17 * 65 * 4)));
    cases.push(case("slices in parts".to_owned(), [3, 100, 65]).narrowed(Narrow::binding(37 * 65 * 4)));
    cases
}
