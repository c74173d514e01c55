//! Numbers of pixels in the tiles of a row, summed from its first tile on. Tier E.
//!
//! ```text
//! S[row][column] = Σ_{i ≤ column} Σ_g h_i[g]
//! ```
//! The pixels of any stretch of a row's tiles are then a difference of two of these.
//!
//! Shapes: `[tile row][tile column]` ← `[tile row][tile column · levels + g]`.

use crate::kernels::prelude::*;

kernel! {
    /// Running numbers of pixels of a row's tiles: grey levels, tiles across and down.
    struct Totals { levels, across, down: u32 }
    shader clahe/totals + clahe/scan, Exact, [256, 1];
    reads counts[down, (across * levels)]: rows of u32;
    writes results[down, across]: u32;
    domain |_| Domain::groups(down, 1, SHADER.workgroup[0], f64::from(across) * f64::from(levels));
}

/// Records the sums over histograms of `levels` bins each, `across` tiles by `down`.
pub fn record(graph: &mut Graph<'_>, counts: Buffer<u32>, levels: u32, [across, down]: [u32; 2]) -> Buffer<u32> {
    Totals { levels, across, down }.compute(graph, "count pixels of tiles", counts, "clahe.totals")
}

fn twin(kernel: &Totals, _: &Block, counts: &[u32], results: &mut [u32]) {
    let [levels, across] = [kernel.levels, kernel.across].map(|n| n as usize);
    for (row, sums) in counts.chunks_exact(across * levels).zip(results.chunks_exact_mut(across)) {
        let mut run = 0_u32;
        for (counts, sum) in row.chunks_exact(levels).zip(sums) {
            run = counts.iter().fold(run, |run, count| run.wrapping_add(*count));
            *sum = run;
        }
    }
}
