//! Detector rows where slices of the volume meet them, for parallel beams perpendicular to z.
//!
//! ```text
//! s_k(u, z) = (1 − f)·q_k(u, ⌊v⌋) + f·q_k(u, ⌊v⌋ + 1)      v = v_0 + z·s_v,  f = v − ⌊v⌋
//! ```
//! v depends on z alone, so that every slice of the volume meets one line of the detector: rows are joined once, and what is left
//! to [`super::parallel`] is a line per slice. Rows go on for half a pixel beyond the first and the last, and are 0 beyond.
//!
//! Shapes: `[view][z][u]` ← `[view][v][u]`. Tier P.

use super::backproject::{Slab, ViewMatrix, middle_of};
use crate::kernels::prelude::*;

kernel! {
    /// Rows at slices: columns and rows of the filtered stack, slices, views; the slice in the middle of the grid, from the
    /// first one on; number of the last row.
    struct Slices { columns, rows, slices, view_count: u32, half_z, last_row: f32 }
    shader fdk/slices, Pinned, [64, 4];
    structs ViewMatrix;
    reads views[1, view_count]: whole of ViewMatrix, filtered[rows, columns]: slices of f32;
    writes met[slices, columns]: f32;
    operations 8.0;
}

/// Records the joining of rows of `filtered` (views × rows × columns) at the slices of `slab`, by the forms in `views`.
pub fn record(graph: &mut Graph<'_>, views: Buffer<ViewMatrix>, slab: &Slab<'_>, filtered: Buffer<f32>) -> Buffer<f32> {
    let Extent { slices: view_count, rows, columns } = graph.extent(filtered);
    let [_, _, half_z] = middle_of(slab.0, &slab.1);
    let (slices, last_row) = (slab.1.len() as u32, rows as f32 - 1.0);
    let kernel = Slices { columns, rows, slices, view_count, half_z, last_row };
    kernel.compute(graph, "slices", views, filtered, "slices.met")
}

vectorised! {
    fn twin(kernel: &Slices, block: &Block, views: &[ViewMatrix], filtered: &[f32], met: &mut [f32]) {
        let [columns, rows, slices] = [kernel.columns, kernel.rows, kernel.slices].map(|n| n as usize);
        for (row, line) in block.rows.clone().zip(met.chunks_exact_mut(columns)) {
            let (view, z) = (row / slices, row % slices);
            let m = &views[view];
            let v = m.v[2] * (z as f32 - kernel.half_z) + m.v[3];
            if !((v >= -0.5) & (v <= kernel.last_row + 0.5)) {
                line.fill(0.0);
                continue;
            }
            let near = v.max(0.0).min(kernel.last_row);
            let low = near.floor();
            let share = near - low;
            let pixels = &filtered[view * rows * columns..][..rows * columns];
            let lower = &pixels[low as usize * columns..][..columns];
            let upper = &pixels[(low as usize + 1).min(rows - 1) * columns..][..columns];
            for ((value, lower), upper) in line.iter_mut().zip(lower).zip(upper) {
                *value = (1.0 - share) * lower + share * upper;
            }
        }
    }
}
