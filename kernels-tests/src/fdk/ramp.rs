//! Noise rows of every kind of length: one transform, several segments, an odd row without a partner.

use kerma::{
    engine::{Extent, Graph},
    kernels::fdk::ramp::{RampFilter, SHADER, Tables, Window, record},
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    filter: RampFilter,
    extent: Extent,
    rows: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let rows = graph.upload("case.rows", inputs.extent, &inputs.rows);
    let tables = Tables::record(graph, &inputs.filter, inputs.extent.columns as usize);
    record(graph, &tables, rows);
}

fn case(name: String, window: Window, extent: Extent) -> Case {
    let filter =
        RampFilter { pitch_mm: 0.8, window, cutoff: if window == Window::RamLak { 1.0 } else { 0.7 }, profile: None };
    let rows = Seeded::new(extent.elements()).values(extent.elements() as usize, -1.0, 6.0);
    Case::new(&SHADER, name, Inputs { filter, extent, rows }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    // Rows per view: alone, a pair and a half, more pairs than the twin takes side by side.
    let shapes = [(1, 1), (2, 3), (3, 2), (17, 5), (192, 37), (511, 3), (1024, 7), (1025, 2), (3000, 3)];
    let mut cases: Vec<Case> = shapes
        .into_iter()
        .zip(Window::NAMES.into_iter().cycle())
        .map(|((columns, rows), (name, window))| {
            case(format!("2 views of {rows} rows of {columns}, {name}"), window, Extent::new(2, rows, columns))
        })
        .collect();
    let long = |name: &str| case(name.to_owned(), Window::RamLak, Extent::new(5, 4, 1025));
    cases.push(long("one view at a time").narrowed(Narrow::binding(4 * 1025 * 4 * 12)));
    cases.push(long("short dispatches").narrowed(Narrow::dispatch(1e6)));
    cases
}
