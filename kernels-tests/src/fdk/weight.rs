//! Weights of noise, with the filter along either detector axis.

use kerma::{
    engine::{Extent, Graph},
    geometry::{DetectorAxis, Geometry, Travel},
    kernels::fdk::weight::{SHADER, record, size_along},
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, parallel, tilted, tomosynthesis, views},
};

struct Inputs {
    geometry: Geometry,
    axis: DetectorAxis,
    margins: [usize; 2],
    redundancy: Vec<f32>,
    projections: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [columns, rows] = inputs.geometry.detector();
    let extent = Extent::new(inputs.geometry.views().len(), rows, columns);
    let projections = graph.upload("case.projections", extent, &inputs.projections);
    record(graph, &inputs.geometry, inputs.axis, inputs.margins, &inputs.redundancy, projections);
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for axis in [DetectorAxis::U, DetectorAxis::V] {
        let case = |name: &str, geometry: Geometry, margins: [usize; 2]| {
            let mut seeded = Seeded::new(geometry.value_count() as u64);
            let [columns, _] = size_along(axis, geometry.detector());
            let redundancy = seeded.values(geometry.views().len() * (columns + margins[0] + margins[1]), 0.0, 1.0);
            let projections = seeded.values(geometry.value_count(), -0.1, 8.0);
            Case::new(
                &SHADER,
                format!("{name}, along {axis:?}"),
                Inputs { geometry, axis, margins, redundancy, projections },
                recorded,
            )
        };
        let cone_views = || views(&cone(6, [101, 63], [1.3, 1.7]));
        cases.extend([
            case("cone beam", cone_views(), [0, 0]),
            case("cone beam with margins", cone_views(), [17, 17]),
            case("cone beam with unequal margins", cone_views(), [3, 40]),
            case("parallel beam", views(&parallel(3, 0.0, 180.0, [65, 33], [1.0, 2.0])), [0, 0]),
            case("tomosynthesis", views(&tomosynthesis(5, Travel::Z, [63, 64], [1.1, 0.9])), [5, 5]),
            case("tilted views", tilted(3, 8, [47, 51], 1.5), [0, 0]),
            case("one pixel", tilted(4, 3, [1, 1], 1.0), [1, 1]),
            case("one row", views(&cone(4, [129, 1], [1.0, 1.0])), [0, 0]),
            case("cone beam, one view at a time", cone_views(), [0, 0]).narrowed(Narrow::binding(101 * 63 * 4)),
        ]);
    }
    cases
}
