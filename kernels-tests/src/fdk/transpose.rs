//! Stacks of all shapes, turned.

use kerma::{
    engine::{Extent, Graph},
    kernels::fdk::transpose::{SHADER, record},
};

use crate::{Case, Narrow, Seeded};

fn case([views, rows, columns]: [usize; 3]) -> Case {
    let extent = Extent::new(views, rows, columns);
    let values = Seeded::new(extent.elements()).values(views * rows * columns, -1.0, 1.0);
    Case::new(&SHADER, format!("{views} views of {columns}x{rows}"), (extent, values), recorded)
}

fn recorded<'a>((extent, values): &'a (Extent, Vec<f32>), graph: &mut Graph<'a>) {
    let stack = graph.upload("case.stack", *extent, values);
    record(graph, stack);
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        [[1, 1, 1], [3, 1, 40], [3, 40, 1], [5, 16, 32], [4, 17, 33], [2, 65, 31]].map(case).into();
    cases.push(case([7, 19, 21]).narrowed(Narrow::binding(2 * 19 * 21 * 4)));
    cases.push(case([3, 37, 41]).narrowed(Narrow::dispatch(1000.0)));
    cases
}
