//! Adds up the histograms of the strips of every tile. Tier E.
//!
//! Shapes: `[tile row][bin]` ← `[tile row · strips + strip][bin]`.

use crate::kernels::prelude::*;

kernel! {
    /// Histograms of tiles from those of their strips: bins of a row, rows of the result, strips of a tile.
    struct Merge { bins, row_count, strip_count: u32 }
    shader histogram/merge, Exact, [64, 1];
    reads strips[(row_count * strip_count), bins]: window(strips_of(strip_count)) of u32;
    writes merged[row_count, bins]: u32;
    operations f64::from(strip_count);
}

fn strips_of(count: u32) -> Window {
    Window { numerator: count, denominator: 1, first: 0, last: count as i32 - 1 }
}

/// Records the sums of every `strips` rows of `partial`.
pub fn record(graph: &mut Graph<'_>, partial: Buffer<u32>, strips: u32) -> Buffer<u32> {
    let Extent { rows, columns, .. } = graph.extent(partial);
    let kernel = Merge { bins: columns, row_count: rows / strips, strip_count: strips };
    kernel.compute(graph, "merge histograms", partial, "histogram.merged")
}

fn twin(kernel: &Merge, block: &Block, strips: &[u32], merged: &mut [u32]) {
    let [bins, count] = [kernel.bins, kernel.strip_count].map(|n| n as usize);
    for (row, merged) in block.rows.clone().zip(merged.chunks_exact_mut(bins)) {
        sum(&strips[row * count * bins..][..count * bins], merged);
    }
}

/// Bins that are summed over all strips at a time, so that the sums stay in the first-level cache.
const CHUNK: usize = 2048;

vectorised! {
    fn sum(strips: &[u32], merged: &mut [u32]) {
        let bins = merged.len();
        for (chunk, sums) in merged.chunks_mut(CHUNK).enumerate() {
            sums.fill(0);
            for strip in strips.chunks_exact(bins) {
                for (sum, count) in sums.iter_mut().zip(&strip[chunk * CHUNK..]) {
                    *sum = sum.wrapping_add(*count);
                }
            }
        }
    }
}
