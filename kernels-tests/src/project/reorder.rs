//! Volumes of all shapes, whole, in slabs and in parts.

use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    kernels::project::reorder::{SHADER, extent, record},
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

struct Inputs {
    grid: Grid,
    /// Slices of one slab.
    deep: usize,
    volume: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let reordered = graph.buffer::<f32>("case.reordered", extent(&inputs.grid));
    if inputs.deep < nz {
        graph.clear(reordered);
    }
    for (first, slab) in (0..nz).step_by(inputs.deep).zip(inputs.volume.chunks(inputs.deep * ny * nx)) {
        let slab = graph.upload("case.volume", Extent::new(slab.len() / (ny * nx), ny, nx), slab);
        record(graph, &inputs.grid, slab, first as u32, reordered);
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [usize; 3], deep: usize| {
        let [nx, ny, nz] = size;
        let grid = known_good(Grid::centred(size, [1.0; 3]));
        let volume = Seeded::new(nx as u64).values(nx * ny * nz, -1.0, 1.0);
        Case::new(&SHADER, format!("{nx}x{ny}x{nz}, {deep} slices at a time"), Inputs { grid, deep, volume }, recorded)
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
    ]
    .map(|size| case(size, size[2]))
    .into();
    cases.push(case([33, 21, 50], 17));
    cases.push(case([6, 11, 150], 40));
    cases.push(case([6, 11, 150], 150).narrowed(Narrow::binding(4 * 7 * 176 * 4)));
    cases.push(case([31, 20, 41], 41).narrowed(Narrow::binding(3 * 31 * 41 * 4)));
    cases.push(case([31, 20, 41], 18).narrowed(Narrow::binding(5 * 31 * 41 * 4)));
    cases.push(case([64, 20, 41], 41).narrowed(Narrow::dispatch(3e3)));
    cases
}
