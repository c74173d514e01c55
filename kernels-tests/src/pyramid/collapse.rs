//! Every shape of curve, and whole pyramids.

use kerma::{
    engine::{Extent, Graph},
    kernels::pyramid::{
        self, Arithmetic, Containment, Curve,
        collapse::{SHADER, record},
    },
};

use super::{FULL, SIZES, band, extents, level};
use crate::{Case, Narrow};

/// A curve without the buffer that its containment reads: strength and noise.
type Shape = (Curve, Option<(f32, f32)>);

struct Inputs {
    extents: [Extent; 2],
    coarse: Vec<f32>,
    band: Vec<f32>,
    arithmetic: Arithmetic,
    shape: Shape,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let coarse = graph.upload("case.coarse", inputs.extents[1], &inputs.coarse);
    let band = graph.upload("case.band", inputs.extents[0], &inputs.band);
    let containment = inputs.shape.1.map(|(strength, noise)| {
        let noise = graph.upload_table("case.noise", &[noise]);
        Containment { strength, noise }
    });
    record(graph, coarse, band, &Curve { containment, ..inputs.shape.0 }, inputs.arithmetic);
}

fn case(name: &str, size: [usize; 2], arithmetic: Arithmetic, shape: Shape) -> Case {
    let extents = extents(size);
    let coarse = level(extents[0].elements() + 2, extents[1], arithmetic);
    let band = band(extents[0].elements() + 3, extents[0], arithmetic);
    let name = format!("{}x{} {arithmetic:?}, {name}", size[1], size[0]);
    let case = Case::new(&SHADER, name, Inputs { extents, coarse, band, arithmetic, shape }, recorded);
    // A rounded logarithm may lie on either side of a half.
    if arithmetic == Arithmetic::Whole { case.on_a_knife_edge() } else { case }
}

struct Chain {
    extent: Extent,
    image: Vec<f32>,
    arithmetic: Arithmetic,
}

fn chained<'a>(inputs: &'a Chain, graph: &mut Graph<'a>) {
    let image = graph.upload("case.image", inputs.extent, &inputs.image);
    let built = pyramid::build(graph, image, 5, inputs.arithmetic);
    let noise = pyramid::noise(graph, built.bands[0], 0, None, FULL);
    let containment = Some(Containment { strength: 2.0, noise });
    let curves = [Curve { containment, ..musica() }, musica(), Curve::constant(1.5)];
    pyramid::collapse(graph, &built.bands, built.residual(), &curves, inputs.arithmetic);
}

fn chain(size: [usize; 2], arithmetic: Arithmetic) -> Case {
    let [extent, _] = extents(size);
    let image = level(extent.elements() + 4, extent, arithmetic);
    let name = format!("{}x{} {arithmetic:?}, five levels", size[1], size[0]);
    Case::new(&SHADER, name, Chain { extent, image, arithmetic }, chained).on_a_knife_edge()
}

fn musica() -> Curve {
    Curve { gain: 1.3, power: 0.7, ceiling: 6.0, full_scale: FULL, containment: None }
}

pub(crate) fn cases() -> Vec<Case> {
    let both = [Arithmetic::Whole, Arithmetic::Real];
    let constant = Curve::constant(2.7);
    let shapes: [(&str, Shape); 7] = [
        ("kept", (Curve::IDENTITY, None)),
        ("gain", (constant, None)),
        ("power", (musica(), None)),
        ("compressed", (Curve { power: 1.4, ..musica() }, None)),
        ("gain, contained", (constant, Some((3.0, 900.0)))),
        ("power, contained", (musica(), Some((2.0, 25.0)))),
        ("power, no noise", (musica(), Some((2.0, 0.0)))),
    ];
    let mut cases = Vec::new();
    for arithmetic in both {
        cases.extend(SIZES.map(|size| case("kept", size, arithmetic, shapes[0].1)));
        cases.extend(shapes.map(|(name, shape)| case(name, [37, 131], arithmetic, shape)));
        let narrow = Narrow::binding(17 * 65 * 4);
        cases.push(case("power, in parts", [67, 129], arithmetic, shapes[2].1).narrowed(narrow));
        cases.push(chain([67, 129], arithmetic));
        cases.push(chain([9, 1], arithmetic));
    }
    cases
}
