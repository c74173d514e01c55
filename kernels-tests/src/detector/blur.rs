//! Blurs from one tap to more than the image has pixels.

use kerma::{
    engine::{Extent, Graph},
    kernels::detector::{
        Blur, Mtf,
        blur::{SHADER, record},
    },
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

struct Inputs {
    extent: Extent,
    sharp: Vec<f32>,
    blur: Blur,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let sharp = graph.upload("case.sharp", inputs.extent, &inputs.sharp);
    record(graph, sharp, &inputs.blur);
}

fn case(name: &str, [slices, rows, columns]: [usize; 3], mtf: &Mtf, binning: u32) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let sharp = Seeded::new(extent.elements()).values(extent.elements() as usize, 0.0, 1.5);
    let blur = known_good(Blur::of(mtf, 0.148, binning));
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}, {name}"), Inputs { extent, sharp, blur }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let light = Mtf::Lorentzian { h_mm2: 0.6 };
    // Veiling glare: a tenth of the signal spreads over twenty pixels.
    let frequencies: Vec<f64> = (0..=90).map(|i| f64::from(i) * 0.04).collect();
    let modulation = frequencies.iter().map(|f| 0.9 * (-0.15 * f * f).exp() + 0.1 * (-160.0 * f * f).exp()).collect();
    let glare = Mtf::Table { frequencies_per_mm: frequencies, modulation };
    vec![
        case("light", [1, 1, 1], &light, 1),
        case("light", [1, 1, 1003], &light, 1),
        case("light", [1, 517, 1], &light, 1),
        case("light", [3, 67, 129], &light, 1),
        case("light, binned", [2, 33, 64], &light, 2),
        case("none", [2, 33, 65], &Mtf::Lorentzian { h_mm2: 0.0 }, 1),
        case("aperture", [2, 33, 130], &Mtf::Aperture, 1),
        case("glare", [2, 41, 150], &glare, 1),
        case("parts", [5, 67, 129], &light, 1).narrowed(Narrow::binding(2 * 67 * 129 * 4)),
        case("dispatches", [2, 67, 129], &light, 1).narrowed(Narrow::dispatch(2e5)),
    ]
}
