//! Exchange of a stack's rows and columns.
//!
//! Shapes: `[view][column][row]` ← `[view][row][column]`. Tier P, since nothing is computed.

use crate::kernels::prelude::*;

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
    let Extent { rows, columns, .. } = graph.extent(stack);
    Transpose { columns, rows }.compute(graph, "transpose", stack, "transpose.stack")
}

/// Side of the squares that are moved at a time.
const SIDE: usize = 16;

vectorised! {
    fn twin(kernel: &Transpose, block: &Block, stack: &[f32], transposed: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        let mut first = block.rows.start;
        let mut rest = transposed;
        while first < block.rows.end {
            // Rows of the output up to a multiple of the side, or the end of the view.
            let (view, column) = (first / columns, first % columns);
            let high = (SIDE - column % SIDE).min(columns - column).min(block.rows.end - first);
            let (band, behind) = rest.split_at_mut(high * rows);
            for across in (0..rows).step_by(SIDE) {
                for row in across..rows.min(across + SIDE) {
                    let line = &stack[(view * rows + row) * columns + column..][..high];
                    for (offset, value) in line.iter().enumerate() {
                        band[offset * rows + row] = *value;
                    }
                }
            }
            rest = behind;
            first += high;
        }
    }
}
