//! Merges the statistics of the rows of each slice. Tier P.
//!
//! Shapes: `[1][slice]` of four numbers ← `[slice][row]` of four numbers.

use crate::kernels::prelude::*;

kernel! {
    /// Statistics of every slice from those of its rows, of which a slice has so many.
    struct Merge { row_count: u32 }
    shader statistics/merge, Pinned, [1, 64];
    reads rows[row_count, 1]: whole of [f32; 4];
    writes results[_, 1]: [f32; 4];
    operations 4.0 * f64::from(row_count);
}

/// Records the merging of `rows`, one element per row, to one element per slice; slices become the rows of one slice.
pub fn record(graph: &mut Graph<'_>, rows: Buffer<[f32; 4]>) -> Buffer<[f32; 4]> {
    let Extent { slices, rows: row_count, .. } = graph.extent(rows);
    let results = graph.buffer("statistics.merged", Extent { slices: 1, rows: slices, columns: 1 });
    Merge { row_count }.compute(graph, "merge statistics", rows, results)
}

fn twin(kernel: &Merge, block: &Block, rows: &[[f32; 4]], results: &mut [[f32; 4]]) {
    let count = kernel.row_count as usize;
    for (slice, result) in block.rows.clone().zip(results) {
        let rows = &rows[slice * count..(slice + 1) * count];
        let mut merged = rows[0];
        for row in &rows[1..] {
            merged = [merged[0].min(row[0]), merged[1].max(row[1]), merged[2] + row[2], 0.0];
        }
        *result = merged;
    }
}
