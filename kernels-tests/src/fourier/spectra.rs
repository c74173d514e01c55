//! Rows of noise of even and odd numbers of slices, in transforms with every rest of eights.

use kerma::{
    engine::{Extent, Graph},
    kernels::{
        fdk::ramp::{RampFilter, Window},
        fourier::spectra::{RowForm, SHADER, Tables, record},
    },
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    length: usize,
    first_view: usize,
    lines: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let lines = graph.upload("case.lines", inputs.extent, &inputs.lines);
    let filter = RampFilter { pitch_mm: 0.8, window: Window::Hann, cutoff: 0.9, profile: None };
    let form = |view| RowForm { middle: 3.3 + f64::from(view), x: 0.6, y: -0.8 };
    let forms: Vec<RowForm> = (inputs.first_view as u32..inputs.extent.slices).map(form).collect();
    let tables = Tables::record(graph, &filter, &forms, inputs.first_view, inputs.length);
    record(graph, &tables, lines);
}

fn case([views, slices, columns]: [usize; 3], length: usize, first_view: usize) -> Case {
    let extent = Extent::new(views, slices, columns);
    let lines = Seeded::new(extent.elements()).values(extent.elements() as usize, -1.0, 6.0);
    let name = format!("{views} views of {slices} rows of {columns} from {first_view} on, {length} frequencies");
    Case::new(&SHADER, name, Inputs { extent, length, first_view, lines }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case([1, 1, 1], 16, 0),
        case([3, 2, 16], 32, 0),
        case([5, 3, 17], 64, 2),
        case([19, 5, 50], 128, 0),
        case([2, 2, 200], 1024, 1),
        case([2, 3, 1024], 2048, 0),
        case([7, 4, 40], 128, 0).narrowed(Narrow::binding(7 * 2 * 128 * 8)),
        case([7, 4, 40], 128, 0).narrowed(Narrow::dispatch(10_000.0)),
    ]
}
