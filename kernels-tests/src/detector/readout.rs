use kerma::{
    engine::{Extent, Graph},
    kernels::{
        detector::readout::{Readout, SHADER, record},
        noise::Stream,
    },
};

use super::correct::gains;
use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    gains: Vec<f32>,
    signals: Vec<f32>,
    readout: Readout,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let gains = graph.upload("case.gains", Extent { slices: 1, ..inputs.extent }, &inputs.gains);
    let signals = graph.upload("case.signals", inputs.extent, &inputs.signals);
    let stream = Stream::new(0xfedc_ba98_7654_3210, 3).at([5, 6, 7]);
    record(graph, gains, signals, &inputs.readout, &stream);
}

fn case(name: &str, [slices, rows, columns]: [usize; 3], readout: Readout) -> Case {
    let extent = Extent::new(slices, rows, columns);
    // Some below 0 and some beyond the full scale.
    let signals = Seeded::new(extent.elements()).values(extent.elements() as usize, -0.1, 2.0);
    let inputs = Inputs { extent, gains: gains(rows * columns), signals, readout };
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}, {name}"), inputs, recorded).on_a_knife_edge()
}

pub(crate) fn cases() -> Vec<Case> {
    let panel =
        Readout { sigma: 0.01, gain: 11_111.3, offset: 200.0, full: 16_383.0, is_limited: true, is_whole: true };
    let dark = Readout { is_whole: false, ..panel };
    let analogue = Readout { gain: 1.0, offset: 0.0, is_limited: false, is_whole: false, ..panel };
    let quiet = Readout { sigma: 0.0, ..panel };
    vec![
        case("one", [1, 1, 1], panel),
        case("a row", [1, 1, 1003], panel),
        case("counts", [3, 67, 129], panel),
        case("without noise", [2, 67, 129], quiet),
        case("means of frames", [2, 67, 129], dark),
        case("nothing read out", [2, 67, 129], analogue),
        case("parts", [5, 67, 129], panel).narrowed(Narrow::binding(67 * 129 * 4)),
        case("dispatches", [2, 67, 129], panel).narrowed(Narrow::dispatch(1e6)),
    ]
}
