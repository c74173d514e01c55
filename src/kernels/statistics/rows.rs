//! Smallest, largest and sum of every row. Tier P.
//!
//! Shapes: `[slice][row]` of four numbers ← `[slice][row][column]`.

use crate::kernels::prelude::*;

kernel! {
    /// Smallest, largest and sum of every row of so many values.
    struct Rows { columns: u32 }
    shader statistics/rows, Pinned, [1, 64];
    reads values[_, columns]: rows of f32;
    writes results[_, 1]: [f32; 4];
    operations 3.0 * f64::from(columns);
}

/// Records the statistics of the rows of `values`: per row smallest, largest, sum and a spare zero.
///
/// The result has the slices and rows of `values`, one element each.
pub fn record(graph: &mut Graph<'_>, values: Buffer<f32>) -> Buffer<[f32; 4]> {
    Rows { columns: graph.extent(values).columns }.compute(graph, "row statistics", values, "statistics.rows")
}

fn twin(kernel: &Rows, _: &Block, values: &[f32], results: &mut [[f32; 4]]) {
    for (values, result) in values.chunks_exact(kernel.columns as usize).zip(results) {
        let (mut low, mut high, mut sum) = (values[0], values[0], values[0]);
        for &value in &values[1..] {
            low = low.min(value);
            high = high.max(value);
            sum += value;
        }
        *result = [low, high, sum, 0.0];
    }
}
