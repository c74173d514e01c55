//! Volumes of all shapes, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    kernels::project::reorder::{SHADER, extent, record},
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

struct Inputs {
    grid: Grid,
    volume: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let volume = graph.upload("case.volume", Extent::new(nz, ny, nx), &inputs.volume);
    let reordered = graph.buffer::<f32>("case.reordered", extent(&inputs.grid));
    record(graph, &inputs.grid, volume, reordered);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [usize; 3]| {
        let [nx, ny, nz] = size;
        let grid = known_good(Grid::centred(size, [1.0; 3]));
        let volume = Seeded::new(nx as u64).values(nx * ny * nz, -1.0, 1.0);
        Case::new(&SHADER, format!("{nx}x{ny}x{nz}"), Inputs { grid, volume }, recorded)
    };
    let mut cases: Vec<Case> = [
        [1, 1, 1],
        [1, 1, 37],
        [1, 41, 1],
        [43, 1, 1],
        [16, 16, 16],
        [17, 33, 19],
        [70, 3, 65],
        [5, 90, 31],
        [9, 7, 128],
        [4, 5, 151],
        [5, 4, 143],
        [5, 4, 144],
        [33, 21, 50],
    ]
    .map(case)
    .into();
    cases.push(case([6, 11, 150]).narrowed(Narrow::binding(4 * 7 * 176 * 4)));
    cases.push(case([31, 20, 41]).narrowed(Narrow::binding(3 * 31 * 42 * 4)));
    cases.push(case([64, 20, 41]).narrowed(Narrow::dispatch(3e3)));
    cases
}
