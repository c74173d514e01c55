//! Rows of a frequency grid, transformed back.
//!
//! ```text
//! h(a, y) = Σ_b G(a, b) · e^(2πi·b·(y + y₀)/Gy)      0 ≤ y < kept
//! ```
//! with columns b in bit-reversed order. Only the lower half of the result is computed, y + y₀ < Gy/2.
//!
//! Shapes: `[pair][Gx][kept]` ← `[pair][Gx][Gy]`. Tier P.

use super::{
    signals::Signals,
    transform::{MAX_TRANSFORM, twiddles},
};
use crate::{kernels::prelude::*, vectorised::transpose};

kernel! {
    /// Transforms of rows: their length, the first number that is kept and how many are.
    struct Rows { length, first, kept: u32 }
    shader fourier/rows + fourier/eights, Pinned, [MAX_TRANSFORM as u32 / 2, 1];
    reads twiddles: whole of [f32; 2], grid[_, length]: rows of [f32; 2];
    writes mixed[_, kept]: [f32; 2];
    // One workgroup per row.
    domain |output| Domain::rows(
        Extent { columns: SHADER.workgroup[0], ..output },
        4.0 * f64::from(length) * f64::from(length.ilog2() + 2),
    );
}

/// Records the transform of the rows of `grid`, a power of two of numbers each, of which so many are `kept` from the `first` on.
pub fn record(graph: &mut Graph<'_>, grid: Buffer<[f32; 2]>, first: u32, kept: u32) -> Buffer<[f32; 2]> {
    let length = graph.extent(grid).columns;
    let twiddles = graph.upload_table("rows.twiddles", &twiddles(length as usize));
    Rows { length, first, kept }.compute(graph, "rows", twiddles, grid, "rows.mixed")
}

vectorised! {
    fn twin(kernel: &Rows, _block: &Block, twiddles: &[[f32; 2]], grid: &[[f32; 2]], mixed: &mut [[f32; 2]]) {
        let [n, first, kept] = [kernel.length, kernel.first, kernel.kept].map(|n| n as usize);
        let mut signal = Signals::new(n);
        for (rows, out) in grid.chunks(LANES * n).zip(mixed.chunks_mut(LANES * kept)) {
            for at in (0..n).step_by(LANES / 2) {
                let mut square = [[0.0; LANES]; LANES];
                for (row, values) in rows.chunks_exact(n).zip(&mut square) {
                    values.copy_from_slice(row[at..at + LANES / 2].as_flattened());
                }
                // SAFETY: `V` is what the caller is built for.
                unsafe { transpose::<V>(&mut square) };
                signal.part_lines(at, &square);
            }
            // SAFETY: as above.
            unsafe { signal.back::<V>(twiddles) };
            for at in (0..kept).step_by(LANES / 2) {
                let wide = (kept - at).min(LANES / 2);
                let mut square = signal.interleaved(first + at);
                // SAFETY: as above.
                unsafe { transpose::<V>(&mut square) };
                for (row, values) in out.chunks_exact_mut(kept).zip(&square) {
                    row[at..at + wide].as_flattened_mut().copy_from_slice(&values[..2 * wide]);
                }
            }
        }
    }
}
