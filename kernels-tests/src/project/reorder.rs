//! Volumes of all shapes, whole, in slabs and in parts.

use kerma::{
    engine::{Extent, Graph},
    kernels::project::reorder::{SHADER, record},
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    size: [usize; 3],
    /// Slices of one slab.
    deep: usize,
    volume: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.size;
    let reordered = graph.buffer::<f32>("case.reordered", Extent::new(ny, nx, nz));
    if inputs.deep < nz {
        graph.clear(reordered);
    }
    for (first, slab) in (0..nz).step_by(inputs.deep).zip(inputs.volume.chunks(inputs.deep * ny * nx)) {
        let slab = graph.upload("case.volume", Extent::new(slab.len() / (ny * nx), ny, nx), slab);
        record(graph, slab, first as u32, reordered);
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [usize; 3], deep: usize| {
        let [nx, ny, nz] = size;
        let volume = Seeded::new(nx as u64).values(nx * ny * nz, -1.0, 1.0);
        Case::new(&SHADER, format!("{nx}x{ny}x{nz}, {deep} slices at a time"), Inputs { size, deep, volume }, recorded)
    };
    let mut cases: Vec<Case> =
        [[1, 1, 1], [1, 1, 37], [1, 41, 1], [43, 1, 1], [16, 16, 16], [17, 33, 19], [70, 3, 65], [5, 90, 31]]
            .map(|size| case(size, size[2]))
            .into();
    cases.push(case([33, 21, 50], 17));
    cases.push(case([31, 20, 41], 41).narrowed(Narrow::binding(3 * 31 * 41 * 4)));
    cases.push(case([31, 20, 41], 18).narrowed(Narrow::binding(5 * 31 * 41 * 4)));
    cases.push(case([64, 20, 41], 41).narrowed(Narrow::dispatch(3e3)));
    cases
}
