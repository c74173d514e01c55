//! Noise at the frequencies of a few views: samples that lie densely in the middle and beyond the ends of the grid.

use kerma::{
    engine::{Extent, Graph},
    kernels::fourier::{
        gather::{SHADER, Tables, record},
        spectra::RowForm,
    },
};

use super::numbers;
use crate::{Case, Narrow};

struct Inputs {
    forms: Vec<RowForm>,
    samples: Extent,
    values: Vec<[f32; 2]>,
    size: [u32; 2],
    /// Grids that are added up.
    times: usize,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let samples = graph.upload("case.samples", inputs.samples, &inputs.values);
    let Inputs { samples: Extent { slices, .. }, size: [rows, columns], .. } = *inputs;
    let grid = graph.buffer::<[f32; 2]>("case.grid", Extent { slices, rows, columns });
    let tables = Tables::record(graph, &inputs.forms, inputs.samples.columns as usize / 2, inputs.size);
    record(graph, &tables, samples, grid.replace());
    for _ in 1..inputs.times {
        record(graph, &tables, samples, grid.update());
    }
}

fn case(name: &str, [pairs, views, n]: [usize; 3], per_voxel: f64, size: [u32; 2], times: usize) -> Case {
    let form = |view: usize| {
        let (sin, cos) = (0.1 + 3.2 * view as f64 / views as f64).sin_cos();
        RowForm { middle: 7.0, x: per_voxel * cos, y: per_voxel * sin }
    };
    let samples = Extent::new(pairs, views, 2 * n);
    let values = numbers(samples.elements() as usize);
    Case::new(&SHADER, name, Inputs { forms: (0..views).map(form).collect(), samples, values, size, times }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("one view", [1, 1, 16], 1.0, [16, 16], 1),
        case("a grid that is not square", [2, 9, 32], 1.0, [32, 64], 1),
        case("small voxels", [3, 13, 64], 0.3, [64, 64], 1),
        case("large voxels, whose frequencies go round the grid", [1, 7, 64], 3.7, [32, 32], 1),
        case("views in two batches", [2, 9, 32], 1.0, [64, 32], 2),
        case("one slice at a time", [3, 13, 32], 1.0, [64, 64], 1).narrowed(Narrow::binding(64 * 64 * 8)),
        case("some rows at a time", [2, 13, 32], 1.0, [64, 64], 2).narrowed(Narrow::dispatch(100_000.0)),
    ]
}
