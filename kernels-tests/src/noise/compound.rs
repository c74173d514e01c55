use kerma::{
    engine::{Extent, Graph},
    kernels::noise::{
        Stream,
        compound::{SHADER, record},
    },
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    means: Vec<f32>,
    variances: Vec<f32>,
    quanta: f32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let means = graph.upload("case.means", inputs.extent, &inputs.means);
    let variances = graph.upload("case.variances", inputs.extent, &inputs.variances);
    let stream = Stream::new(0xfedc_ba98_7654_3210, 4).at([5, 6, 7]);
    record(graph, means, variances, inputs.quanta, &stream);
}

/// Means between `low` and `high`, evenly spread in their logarithm, with variances of half to twice as much.
fn case(name: &str, [slices, rows, columns]: [usize; 3], [low, high]: [f64; 2], quanta: f32) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let mut seeded = Seeded::new(extent.elements());
    let means: Vec<f32> = (0..extent.elements()).map(|_| seeded.between(low.ln(), high.ln()).exp() as f32).collect();
    let variances = means.iter().map(|mean| mean * seeded.between(0.5, 2.0) as f32).collect();
    built(name, extent, means, variances, quanta)
}

fn built(name: &str, extent: Extent, means: Vec<f32>, variances: Vec<f32>, quanta: f32) -> Case {
    let Extent { slices, rows, columns } = extent;
    let inputs = Inputs { extent, means, variances, quanta };
    // A rounding that falls otherwise may refuse a trial: the pixel's count is then another one altogether.
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}, {name}"), inputs, recorded).on_a_knife_edge()
}

pub(crate) fn cases() -> Vec<Case> {
    let edges = [0.0, -0.0, -3.0, 1e-38, 1e-36, 2e-36, 1e-30, 1e-9, 0.5, 1.0, 3.0, 1e9, 1e15];
    let pairs = || edges.iter().flat_map(|mean| edges.iter().map(move |variance| (*mean, *variance)));
    let (means, variances) = pairs().unzip();
    vec![
        case("one pixel", [1, 1, 1], [0.5, 1.0], 1e4),
        case("a row", [1, 1, 1003], [1e-5, 1.0], 1e5),
        case("few quanta", [2, 167, 129], [1e-5, 1.0], 20.0),
        case("many quanta", [3, 127, 129], [1e-3, 1.0], 1e6),
        built("edges", Extent::new(1, edges.len(), edges.len()), means, variances, 3000.0),
        case("parts", [5, 67, 129], [1e-4, 1.0], 1e4).narrowed(Narrow::binding(20 * 129 * 4)),
        case("dispatches", [2, 67, 129], [1e-4, 1.0], 1e4).narrowed(Narrow::dispatch(2e6)),
    ]
}
