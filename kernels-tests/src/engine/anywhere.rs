//! Reads from anywhere in a volume of one, several and all the parts that there are bindings for.

use kerma::{
    engine::{Block, Extent, Graph},
    kernel,
};

use crate::{Case, Narrow, Seeded};

kernel! {
    /// Walks that go wherever the voxels send them.
    struct Walks {
        /// Voxels along x; rows of the volume over all slices.
        columns, all_rows: u32,
        /// Walks per row of the result, and steps of a walk.
        walks, steps: u32,
    }
    shader engine/anywhere, Exact, [32, 4];
    reads volume[_, columns]: anywhere(4) of u32;
    writes ends[_, walks]: u32;
    operations 20.0 * f64::from(steps);
}

fn twin(kernel: &Walks, block: &Block, volume: &[u32], ends: &mut [u32]) {
    for (row, ends) in block.rows.clone().zip(ends.chunks_exact_mut(kernel.walks as usize)) {
        for (walk, end) in (0..).zip(ends) {
            let mut at = (row as u32 * kernel.walks + walk).wrapping_mul(2_654_435_761);
            *end = 0;
            for _ in 0..kernel.steps {
                let place = (at >> 7) % kernel.all_rows * kernel.columns + at % kernel.columns;
                let value = volume[place as usize];
                at = at.wrapping_mul(1_664_525).wrapping_add(value);
                *end = end.wrapping_mul(3).wrapping_add(value);
            }
        }
    }
}

fn recorded<'a>((extent, voxels): &'a (Extent, Vec<u32>), graph: &mut Graph<'a>) {
    let volume = graph.upload("case.volume", *extent, voxels);
    let ends = graph.buffer::<u32>("case.ends", Extent::new(1, 6, 50));
    let (columns, all_rows) = (extent.columns, extent.slices * extent.rows);
    Walks { columns, all_rows, walks: 50, steps: 100 }.compute(graph, "walks", volume, ends);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |[slices, rows, columns]: [usize; 3], part_bytes: Option<u64>| {
        let extent = Extent::new(slices, rows, columns);
        let voxels = Seeded::new(extent.elements()).values(extent.elements() as usize, 0.0, 4e9);
        let voxels: Vec<u32> = voxels.into_iter().map(|v| v as u32).collect();
        let parts = part_bytes.map_or_else(|| "whole".to_owned(), |bytes| format!("parts of {bytes} bytes"));
        let case = Case::new(&SHADER, format!("{columns}x{rows}x{slices}, {parts}"), (extent, voxels), recorded);
        match part_bytes {
            Some(bytes) => case.narrowed(Narrow::binding(bytes)),
            None => case,
        }
    };
    const SHAPE: [usize; 3] = [13, 9, 31];
    const SLICE: u64 = 9 * 31 * 4;
    vec![
        case([1, 1, 1], None),
        case(SHAPE, None),
        case(SHAPE, Some(7 * SLICE)),
        case(SHAPE, Some(5 * SLICE)),
        case(SHAPE, Some(4 * SLICE)),
        // One slice, cut between its rows.
        case([1, 100, 31], Some(30 * 31 * 4)),
    ]
}
