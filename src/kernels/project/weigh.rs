//! Values of detector columns times the lengths of their rays from slice to slice.
//!
//! ```text
//! r(view, i, j) = x(view, i, j)·√(square + (s_z·(height_step + j′·rise_step))²)
//! ```
//! in mm, with the numbers of [`super::columns`]: what [`super::joseph_axial`] still lacks of a line integral, and
//! [`super::joseph_axial_adjoint`] is given.
//!
//! Shapes: `[view][u][v]` ← columns `[view][u]`, `[view][u][v]`. Tier P.

use super::columns::Column;
use crate::kernels::prelude::*;

kernel! {
    /// Lengths of the rays of columns: rows, half the number of gaps between them, and the distance between voxels along z, in mm.
    struct Weigh { rows: u32, half_rows, spacing_z: f32 }
    shader project/weigh, Pinned, [64, 4];
    structs Column;
    reads columns[_, 1]: rows of Column, values[_, rows]: rows of f32;
    writes weighed[_, rows]: f32;
    operations 30.0;
}

/// Records the product, with voxels `spacing_z` mm apart along z.
pub fn record(graph: &mut Graph<'_>, spacing_z: f64, columns: Buffer<Column>, values: Buffer<f32>) -> Buffer<f32> {
    let rows = graph.extent(values).columns;
    let kernel = Weigh { rows, half_rows: (rows as f32 - 1.0) / 2.0, spacing_z: spacing_z as f32 };
    kernel.compute(graph, "weigh by lengths", columns, values, "weigh.weighed")
}

vectorised! {
    fn twin(kernel: &Weigh, _block: &Block, columns: &[Column], values: &[f32], weighed: &mut [f32]) {
        let rows = kernel.rows as usize;
        for ((column, values), weighed) in columns.iter().zip(values.chunks_exact(rows)).zip(weighed.chunks_exact_mut(rows)) {
            for (row, (value, weighed)) in values.iter().zip(weighed).enumerate() {
                let climb = kernel.spacing_z * (column.height_step + (row as f32 - kernel.half_rows) * column.rise_step);
                let square = column.square + climb * climb;
                *weighed = value * (square * inverse_square_root(square));
            }
        }
    }
}
