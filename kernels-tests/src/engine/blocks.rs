//! Workgroups of small blocks, dispatched in three dimensions.

use kerma::{
    engine::{Block, Extent, Graph},
    kernel,
};

use super::columns::volumes;
use crate::Case;

kernel! {
    /// A number per voxel that tells where it is: voxels along x and y.
    struct Blocks { columns, rows: u32 }
    shader engine/blocks, Exact, [8, 4, 4];
    reads values[rows, columns]: rows of u32;
    writes mixed[rows, columns]: u32;
    operations 8.0;
}

fn twin(kernel: &Blocks, block: &Block, values: &[u32], mixed: &mut [u32]) {
    let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
    let lines = values.chunks_exact(columns).zip(mixed.chunks_exact_mut(columns));
    for (row, (values, mixed)) in block.rows.clone().zip(lines) {
        let (z, y) = ((row / rows) as u32, (row % rows) as u32);
        for (x, (value, mixed)) in (0..).zip(values.iter().zip(mixed)) {
            *mixed = value.wrapping_mul(5).wrapping_add(x ^ (y << 8) ^ (z << 16));
        }
    }
}

fn recorded<'a>((extent, values): &'a (Extent, Vec<u32>), graph: &mut Graph<'a>) {
    let values = graph.upload("case.values", *extent, values);
    let mixed = graph.buffer::<u32>("case.mixed", *extent);
    Blocks { columns: extent.columns, rows: extent.rows }.compute(graph, "blocks", values, mixed);
}

pub(crate) fn cases() -> Vec<Case> {
    volumes(&SHADER, recorded)
}
