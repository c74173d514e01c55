//! Every shape of curve from pixels to pixels, and a whole pyramid.

use kerma::{
    engine::{Extent, Graph},
    kernels::pyramid::{
        self, Arithmetic, Containment, Curve,
        amplify::{SHADER, record},
    },
};

use super::{FULL, SIZES, level};
use crate::{Case, Narrow, pixels::HostPixels};

/// A curve without the buffer that its containment reads: strength and noise.
type Shape = (Curve, Option<(f32, f32)>);

struct Inputs {
    pixels: HostPixels,
    coarse: Extent,
    collapsed: Vec<f32>,
    reduced: Vec<f32>,
    arithmetic: Arithmetic,
    shape: Shape,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let pixels = inputs.pixels.record(graph);
    let coarse = graph.upload("case.coarse", inputs.coarse, &inputs.collapsed);
    let reduced = graph.upload("case.reduced", inputs.coarse, &inputs.reduced);
    let containment = inputs.shape.1.map(|(strength, noise)| {
        let noise = graph.upload_table("case.noise", &[noise]);
        Containment { strength, noise }
    });
    record(graph, coarse, reduced, pixels, &Curve { containment, ..inputs.shape.0 }, inputs.arithmetic);
}

fn case(name: &str, [rows, columns]: [usize; 2], bits: u8, arithmetic: Arithmetic, shape: Shape) -> Case {
    let pixels = HostPixels::noise([columns as u32, rows as u32], bits);
    let coarse = Extent::new(1, rows.div_ceil(2), columns.div_ceil(2));
    let [collapsed, reduced] = [5, 6].map(|seed| level(coarse.elements() + seed, coarse, arithmetic));
    let name = format!("{columns}x{rows} {arithmetic:?}, {bits} bits, {name}");
    let inputs = Inputs { pixels, coarse, collapsed, reduced, arithmetic, shape };
    // A rounded value may lie on either side of a half.
    Case::new(&SHADER, name, inputs, recorded).on_a_knife_edge()
}

fn chained<'a>(pixels: &'a (HostPixels, Arithmetic), graph: &mut Graph<'a>) {
    let (image, arithmetic) = (pixels.0.record(graph), pixels.1);
    let built = pyramid::build_pixels(graph, image, 5, arithmetic);
    let noise = pyramid::noise(graph, built.bands[0], 0, None, FULL);
    let containment = Some(Containment { strength: 2.0, noise });
    let curves = [Curve { containment, ..musica() }, musica(), Curve::constant(1.5)];
    pyramid::amplify(graph, image, &built, &curves);
}

fn chain(size: [u32; 2], arithmetic: Arithmetic) -> Case {
    let name = format!("{}x{} {arithmetic:?}, five levels", size[0], size[1]);
    Case::new(&SHADER, name, (HostPixels::noise(size, 16), arithmetic), chained).on_a_knife_edge()
}

fn musica() -> Curve {
    Curve { gain: 1.3, power: 0.7, ceiling: 6.0, full_scale: FULL, containment: None }
}

pub(crate) fn cases() -> Vec<Case> {
    let constant = Curve::constant(2.7);
    let shapes: [(&str, Shape); 6] = [
        ("kept", (Curve::IDENTITY, None)),
        ("gain", (constant, None)),
        ("power", (musica(), None)),
        ("gain, contained", (constant, Some((3.0, 900.0)))),
        ("power, contained", (musica(), Some((2.0, 25.0)))),
        ("power, no noise", (musica(), Some((2.0, 0.0)))),
    ];
    let mut cases = Vec::new();
    for arithmetic in [Arithmetic::Whole, Arithmetic::Real] {
        cases.extend(SIZES.map(|size| case("gain", size, 16, arithmetic, shapes[1].1)));
        cases.extend(shapes.map(|(name, shape)| case(name, [37, 131], 12, arithmetic, shape)));
        let narrow = Narrow::binding(17 * 65 * 4);
        cases.push(case("power, in parts", [67, 129], 16, arithmetic, shapes[2].1).narrowed(narrow));
        cases.push(chain([129, 67], arithmetic));
        cases.push(chain([1, 9], arithmetic));
    }
    cases
}
