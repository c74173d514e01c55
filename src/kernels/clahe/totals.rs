//! Numbers of pixels in the tiles of a row, summed from its first tile on. Tier E.
//!
//! ```text
//! S[row][column] = Σ_{i ≤ column} Σ_g h_i[g]
//! ```
//! The pixels of any stretch of a row's tiles are then a difference of two of these.
//!
//! Shapes: `[tile row][tile column]` ← `[tile row][tile column · levels + g]`.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    shader_struct,
};

shader_struct! {
    /// Parameters of the sums.
    pub struct TotalsParams {
        /// Grey levels, tiles across, tiles down; a spare number.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "clahe.totals",
    tier: Tier::Exact,
    source: concat!(
        include_str!("../../../shaders/clahe/totals.wgsl"),
        include_str!("../../../shaders/clahe/scan.wgsl")
    ),
    structs: &[StructText::of::<TotalsParams>()],
    reads: 1,
    writes: 1,
    workgroup: [256, 1],
};

/// Records the sums over histograms of `levels` bins each, `across` tiles by `down`.
pub fn record(graph: &mut Graph<'_>, counts: Buffer<u32>, levels: u32, [across, down]: [u32; 2]) -> Buffer<u32> {
    let totals = graph.buffer("clahe.totals", Extent { slices: 1, rows: down, columns: across });
    let kernel = Totals { params: TotalsParams { size: [levels, across, down, 0] } };
    graph.compute("count pixels of tiles", kernel, [counts.rows()], [totals.replace()]);
    totals
}

struct Totals {
    params: TotalsParams,
}

impl Kernel for Totals {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [levels, across, down, _] = self.params.size;
        let extent = Extent { slices: 1, rows: down, columns: SHADER.workgroup[0] };
        Domain::rows(extent, f64::from(across) * f64::from(levels))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [levels, across, down, _] = self.params.size;
        vec![[down, across * levels], [down, across]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [levels, across, ..] = self.params.size.map(|n| n as usize);
        let rows = block.rows.start * across * levels..block.rows.end * across * levels;
        for (row, sums) in reads[0][rows].chunks_exact(across * levels).zip(writes[0].chunks_exact_mut(across)) {
            let mut run = 0_u32;
            for (counts, sum) in row.chunks_exact(levels).zip(sums) {
                run = counts.iter().fold(run, |run, count| run.wrapping_add(*count));
                *sum = run;
            }
        }
    }
}
