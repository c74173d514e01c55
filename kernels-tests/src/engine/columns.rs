//! Invocations that own columns along z, dispatched in three dimensions.

use kerma::{
    engine::{Block, Extent, Graph, Shader},
    kernel,
};

use crate::{Case, Narrow, Seeded};

kernel! {
    /// A number per voxel, with a share that a column has in common: voxels along x and y.
    struct Columns { columns, rows: u32 }
    shader engine/columns, Exact, [16, 4, 6];
    reads values[rows, columns]: rows of u32;
    writes mixed[rows, columns]: u32;
    operations 8.0;
}

fn twin(kernel: &Columns, block: &Block, values: &[u32], mixed: &mut [u32]) {
    let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
    for (row, (values, mixed)) in
        block.rows.clone().zip(values.chunks_exact(columns).zip(mixed.chunks_exact_mut(columns)))
    {
        let (z, y) = ((row / rows) as u32, (row % rows) as u32);
        for (x, (value, mixed)) in (0_u32..).zip(values.iter().zip(mixed)) {
            let share = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
            *mixed = value.wrapping_mul(z + 1).wrapping_add(share);
        }
    }
}

fn recorded<'a>((extent, values): &'a (Extent, Vec<u32>), graph: &mut Graph<'a>) {
    let values = graph.upload("case.values", *extent, values);
    let mixed = graph.buffer::<u32>("case.mixed", *extent);
    Columns { columns: extent.columns, rows: extent.rows }.compute(graph, "columns", values, mixed);
}

pub(crate) fn cases() -> Vec<Case> {
    volumes(&SHADER, recorded)
}

/// Volumes of all shapes, whole, in parts and in several dispatches, for kernels that take whole slices.
pub(super) fn volumes(
    shader: &'static Shader,
    recorded: for<'a> fn(&'a (Extent, Vec<u32>), &mut Graph<'a>),
) -> Vec<Case> {
    let case = |[slices, rows, columns]: [usize; 3]| {
        let extent = Extent::new(slices, rows, columns);
        let values = Seeded::new(extent.elements()).values(extent.elements() as usize, 0.0, 1e9);
        let values: Vec<u32> = values.into_iter().map(|v| v as u32).collect();
        Case::new(shader, format!("{columns}x{rows}x{slices}"), (extent, values), recorded)
    };
    const SHAPE: [usize; 3] = [25, 7, 19];
    const SLICE: f64 = 7.0 * 19.0;
    let mut cases: Vec<Case> = [[1, 1, 1], [1, 30, 1], [40, 1, 1], [5, 5, 17], SHAPE].map(case).into();
    cases.extend([1, 4, 6, 13].map(|slices| case(SHAPE).narrowed(Narrow::binding(slices * SLICE as u64 * 4))));
    cases.extend([1.0, 3.0, 7.0, 12.0].map(|slices| case(SHAPE).narrowed(Narrow::dispatch(slices * SLICE * 8.0))));
    cases
}
