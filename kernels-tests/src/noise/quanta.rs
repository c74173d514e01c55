use kerma::{
    engine::{Extent, Graph},
    kernels::noise::{
        Stream,
        quanta::{Quanta, SHADER, record},
    },
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    means: Vec<f32>,
    quanta: Quanta,
    stream: Stream,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let means = graph.upload("case.means", inputs.extent, &inputs.means);
    record(graph, means, &inputs.quanta, &inputs.stream);
}

/// Signals between `low` and `high`, evenly spread in their logarithm.
fn case(name: &str, [slices, rows, columns]: [usize; 3], [low, high]: [f64; 2], quanta: Quanta) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let mut seeded = Seeded::new(extent.elements());
    let means = (0..extent.elements()).map(|_| seeded.between(low.ln(), high.ln()).exp() as f32).collect();
    built(name, extent, means, quanta)
}

fn built(name: &str, extent: Extent, means: Vec<f32>, quanta: Quanta) -> Case {
    let Extent { slices, rows, columns } = extent;
    let stream = Stream::new(0xfedc_ba98_7654_3210, 3).at([5, 6, 7]);
    let inputs = Inputs { extent, means, quanta, stream };
    // A rounding that falls otherwise may refuse a trial: the pixel's count is then another one altogether.
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}, {name}"), inputs, recorded).on_a_knife_edge()
}

pub(crate) fn cases() -> Vec<Case> {
    let counts = Quanta { photons: Some(1.0), electronic_sigma: 0.0 };
    let both = Quanta { photons: Some(313.7), electronic_sigma: 0.021 };
    let electronic = Quanta { photons: None, electronic_sigma: 2.5 };
    let neither = Quanta { photons: None, electronic_sigma: 0.0 };
    let edges = [
        0.0,
        -0.0,
        -3.5,
        1e-9,
        1e-4,
        0.5,
        0.999_999_9,
        1.0,
        9.999_999,
        15.0,
        15.999_999,
        16.0,
        16.000_002,
        8_388_607.5,
        8_388_608.0,
        8_388_609.0,
        1e9,
        1e25,
        7.9e28,
        8e28,
        1e38,
    ];
    let edges: Vec<f32> = edges.iter().copied().cycle().take(edges.len() * 29).collect();
    let edges_extent = Extent::new(1, 29, edges.len() / 29);
    vec![
        case("one low count", [1, 1, 1], [3.0, 4.0], counts),
        case("one high count", [1, 1, 1], [3e5, 4e5], counts),
        case("a row", [1, 1, 1003], [0.1, 1e4], both),
        case("a column", [1, 517, 1], [0.1, 1e4], both),
        case("low", [2, 167, 129], [1e-3, 16.0], counts),
        case("about 16", [1, 311, 257], [9.0, 20.0], counts),
        case("middle", [3, 127, 129], [16.0, 1000.0], counts),
        case("high", [1, 311, 257], [1e3, 8e6], counts),
        case("very high", [1, 67, 65], [4e6, 4e7], counts),
        case("quanta and electronics", [2, 167, 129], [1e-3, 1e4], both),
        case("electronics", [2, 67, 129], [1e-3, 1e4], electronic),
        case("nothing", [2, 67, 129], [1e-3, 1e4], neither),
        built("nothing to count", Extent::new(1, 33, 35), vec![0.0; 33 * 35], both),
        built("edges", edges_extent, edges.clone(), counts),
        built("edges and electronics", edges_extent, edges, both),
        case("parts", [5, 67, 129], [1e-2, 1e2], both).narrowed(Narrow::binding(20 * 129 * 4)),
        case("dispatches", [2, 67, 129], [1e-2, 1e2], both).narrowed(Narrow::dispatch(2e6)),
    ]
}
