//! Volumes of all shapes, replaced and added to, whole and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    kernels::project::restore::{SHADER, record},
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

struct Inputs {
    grid: Grid,
    reordered: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let reordered = graph.upload("case.reordered", Extent::new(ny, nx, nz), &inputs.reordered);
    let volume = graph.buffer::<f32>("case.volume", Extent::new(nz, ny, nx));
    record(graph, &inputs.grid, reordered, volume.replace());
    record(graph, &inputs.grid, reordered, volume.update());
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [usize; 3]| {
        let [nx, ny, nz] = size;
        let grid = known_good(Grid::centred(size, [1.0; 3]));
        let reordered = Seeded::new(nx as u64).values(nx * ny * nz, -1.0, 1.0);
        Case::new(&SHADER, format!("{nx}x{ny}x{nz}"), Inputs { grid, reordered }, recorded)
    };
    let shapes = [[1, 1, 1], [1, 1, 37], [1, 41, 1], [43, 1, 1], [16, 16, 16], [17, 33, 19], [70, 3, 65], [5, 90, 31]];
    let mut cases: Vec<Case> = shapes.map(case).into();
    cases.push(case([31, 20, 41]).narrowed(Narrow::binding(3 * 31 * 41 * 4)));
    cases.push(case([64, 20, 41]).narrowed(Narrow::dispatch(3e3)));
    cases
}
