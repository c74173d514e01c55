//! Slices around each summed slice: within one part, across the ends of parts, and in slabs that hold little more.

use kerma::{
    engine::{Block, Domain, Extent, Graph, Order},
    kernel,
};

use crate::{Case, Narrow, Seeded};

kernel! {
    /// Sum over slices and those around each; even rows take them upwards, odd ones downwards.
    struct SlabSum {
        /// Columns of volume and sums, rows of a slice, slices of the volume; slices read before and behind each.
        columns, rows, slices, reach: u32,
    }
    shader engine/slab, Exact, [32, 4];
    reads volume[rows, columns]: inputs_around(reach) of u32;
    writes sums[_, columns]: u32;
    domain |output| Domain::rows(output, f64::from(columns * slices) * 20.0).over(slices, Order::BothWays);
}

fn twin(kernel: &SlabSum, block: &Block, volume: &[u32], sums: &mut [u32]) {
    let [columns, rows, slices, reach] = [kernel.columns, kernel.rows, kernel.slices, kernel.reach].map(|n| n as usize);
    let held = block.inputs.start.saturating_sub(reach);
    for (row, sums) in block.rows.clone().zip(sums.chunks_exact_mut(columns)) {
        if !block.resume {
            sums.fill(0);
        }
        let is_down = row % 2 == 1;
        let taken = if block.way.includes(is_down) { block.inputs.clone() } else { 0..0 };
        for i in 0..taken.len() {
            let slice = if is_down { taken.end - 1 - i } else { taken.start + i };
            for near in slice.saturating_sub(reach)..=(slice + reach).min(slices - 1) {
                let values = &volume[((near - held) * rows + row % rows) * columns..];
                let weight = (near + 40 - slice) as u32;
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = sum.wrapping_mul(3).wrapping_add(value.wrapping_mul(weight));
                }
            }
        }
    }
}

struct Inputs {
    extent: Extent,
    values: Vec<u32>,
    reach: u32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let Extent { slices, rows, columns } = inputs.extent;
    let volume = graph.upload("case.volume", inputs.extent, &inputs.values);
    let sums = graph.buffer::<u32>("case.sums", Extent { slices: 2, rows, columns });
    SlabSum { columns, rows, slices, reach: inputs.reach }.compute(graph, "slab", volume, sums);
}

pub(crate) fn cases() -> Vec<Case> {
    const SLICES: usize = 23;
    const SLICE_BYTES: u64 = 9 * 33 * 4;
    let case = |reach: u32, part_slices: Option<u64>| {
        let extent = Extent::new(SLICES, 9, 33);
        let values = Seeded::new(u64::from(reach)).values(extent.elements() as usize, 0.0, 1e9);
        let values = values.into_iter().map(|v| v as u32).collect();
        let parts = part_slices.map_or_else(|| "whole".to_owned(), |slices| format!("parts of {slices} slices"));
        let case = Case::new(&SHADER, format!("{reach} around, {parts}"), Inputs { extent, values, reach }, recorded);
        match part_slices {
            Some(slices) => case.narrowed(Narrow::binding(slices * SLICE_BYTES)),
            None => case,
        }
    };
    let mut cases = vec![case(0, None), case(1, None), case(30, None), case(0, Some(1)), case(0, Some(5))];
    // Two parts of sums need two slices; 2·reach + 1 slices must fit.
    for (reach, part_slices) in [(1, 3), (1, 4), (1, 11), (2, 5), (2, 8), (5, 11), (5, 17)] {
        cases.push(case(reach, Some(part_slices)));
    }
    cases
}
