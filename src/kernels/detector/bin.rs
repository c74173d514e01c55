//! Means of bins of b×b pixels.
//!
//! ```text
//! y(i, j) = (1/b²)·Σ x(b·i + m, b·j + n)          m, n = 0 … b − 1, rows one after the other
//! ```
//! Columns and rows that fill no bin are left out.
//!
//! Shapes: `[view][⌊rows/b⌋][⌊columns/b⌋]` ← `[view][row][column]`. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Means of bins: columns and rows of them, columns and rows of the pixels; pixels along a bin; 1 over those in it.
    struct Bin { columns, rows, fine_columns, fine_rows, side: u32, scale: f32 }
    shader detector/bin, Pinned, [64, 4];
    reads fine[fine_rows, fine_columns]: slices of f32;
    writes results[rows, columns]: f32;
    operations f64::from(side * side) * 2.0 + 10.0;
}

/// Records the means of `side`×`side` pixels of `fine`, whose slices are views and which has at least one bin.
pub fn record(graph: &mut Graph<'_>, fine: Buffer<f32>, side: u32) -> Buffer<f32> {
    let Extent { slices, rows: fine_rows, columns: fine_columns } = graph.extent(fine);
    let (rows, columns) = (fine_rows / side, fine_columns / side);
    let bins = graph.buffer("bin.bins", Extent { slices, rows, columns });
    let kernel = Bin { columns, rows, fine_columns, fine_rows, side, scale: 1.0 / (side * side) as f32 };
    kernel.compute(graph, "bin", fine, bins)
}

vectorised! {
    fn twin(kernel: &Bin, block: &Block, fine: &[f32], results: &mut [f32]) {
        let [columns, rows, side] = [kernel.columns, kernel.rows, kernel.side].map(|n| n as usize);
        let [fine_columns, fine_rows] = [kernel.fine_columns, kernel.fine_rows].map(|n| n as usize);
        for (row, out) in block.rows.clone().zip(results.chunks_exact_mut(columns)) {
            out.fill(0.0);
            let first = row / rows * fine_rows + row % rows * side;
            for n in 0..side {
                let line = &fine[(first + n) * fine_columns..][..columns * side];
                for (sum, bin) in out.iter_mut().zip(line.chunks_exact(side)) {
                    bin.iter().for_each(|value| *sum += value);
                }
            }
            out.iter_mut().for_each(|sum| *sum *= kernel.scale);
        }
    }
}
