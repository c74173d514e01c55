//! Exchange of a stack's rows and columns.
//!
//! Shapes: `[view][column][row]` ← `[view][row][column]`. Tier P, since nothing is computed.

use crate::{
    kernels::prelude::*,
    vectorised::{copy_lanes, transpose},
};

kernel! {
    /// Exchange of the columns and rows of a stack.
    struct Transpose { columns, rows: u32 }
    shader fdk/transpose, Pinned, [16, 16];
    reads stack[rows, columns]: slices of f32;
    writes transposed[columns, rows]: f32;
    operations 4.0;
}

/// Records the exchange.
pub fn record(graph: &mut Graph<'_>, stack: Buffer<f32>) -> Buffer<f32> {
    let Extent { slices, rows, columns } = graph.extent(stack);
    let transposed = graph.buffer("transpose.stack", Extent { slices, rows: columns, columns: rows });
    record_into(graph, stack, transposed);
    transposed
}

/// Records the exchange into a buffer that is there.
pub fn record_into(graph: &mut Graph<'_>, stack: Buffer<f32>, transposed: Buffer<f32>) {
    let Extent { rows, columns, .. } = graph.extent(stack);
    Transpose { columns, rows }.compute(graph, "transpose", stack, transposed);
}

vectorised! {
    fn twin(kernel: &Transpose, block: &Block, stack: &[f32], transposed: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        let mut first = block.rows.start;
        let mut rest = transposed;
        while first < block.rows.end {
            // Rows of the output up to a multiple of sixteen, or the end of the view.
            let (view, column) = (first / columns, first % columns);
            let high = (LANES - column % LANES).min(columns - column).min(block.rows.end - first);
            let (band, behind) = rest.split_at_mut(high * rows);
            for row in (0..rows).step_by(LANES) {
                let wide = LANES.min(rows - row);
                let mut square = [[0.0; LANES]; LANES];
                let lines = stack[(view * rows + row) * columns..].chunks(columns);
                for (values, line) in square.iter_mut().zip(lines).take(wide) {
                    copy_lanes(&line[column..][..high], values);
                }
                // SAFETY: `V` is what the caller is built for.
                unsafe { transpose::<V>(&mut square) };
                for (line, values) in band.chunks_exact_mut(rows).zip(&square) {
                    copy_lanes(values, &mut line[row..][..wide]);
                }
            }
            rest = behind;
            first += high;
        }
    }
}
