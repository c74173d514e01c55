use kerma::{
    engine::Graph,
    kernels::pointwise::{
        lookup::{SHADER, record},
        table::Table,
    },
};

use super::IMAGE_SIZES;
use crate::{Case, Narrow, pixels::HostPixels};

struct Inputs {
    pixels: HostPixels,
    table: Table,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let pixels = inputs.pixels.record(graph);
    let table = inputs.table.record(graph);
    record(graph, pixels, table, inputs.table.bits_out());
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [u32; 2], bits: u8, bits_out: u8| {
        let name = format!("{}x{}, {bits} to {bits_out} bits", size[0], size[1]);
        // Inverted, so that a spare half-word that went through the table would show.
        let table = Table::gamma(bits, bits, 2.2).then(&Table::inversion(bits, bits_out));
        Case::new(&SHADER, name, Inputs { pixels: HostPixels::noise(size, bits), table }, recorded)
    };
    let depths = [(1, 8), (8, 8), (9, 16), (10, 12), (12, 8), (14, 14), (16, 16)];
    let mut cases: Vec<Case> =
        IMAGE_SIZES.into_iter().flat_map(|size| depths.map(|(bits, bits_out)| case(size, bits, bits_out))).collect();
    cases.push(case([97, 83], 8, 8).narrowed(Narrow::binding(10 * 49 * 4)));
    cases
}
