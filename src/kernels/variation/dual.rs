//! Step of a dual field along the gradient of its volume, and back to length 1.
//!
//! ```text
//! q ← p/max(1, |p|)          p_a = q_a + (step/s_a)·(u[i_a + 1] − u[i_a])
//! ```
//! with a difference of 0 at the last voxels of axis a.
//!
//! Shapes: three components `[z][y][x]` ← a volume of the same, and three components. Tier P.

use super::Field;
use crate::kernels::prelude::*;
use crate::{data::Grid, engine::Window};

kernel! {
    /// Step of a dual field.
    struct Dual {
        /// Voxels along x, y and z.
        nx, ny, nz: u32,
        /// Step over the spacing along x, y and z.
        along_x, along_y, along_z: f32,
    }
    shader variation/dual, Pinned, [64, 4];
    reads
        volume[ny, nx]: window(behind(ny)) of f32,
        field_x[ny, nx]: rows of f32,
        field_y[ny, nx]: rows of f32,
        field_z[ny, nx]: rows of f32;
    writes moved_x[ny, nx]: f32, moved_y[ny, nx]: f32, moved_z[ny, nx]: f32;
    operations 60.0;
}

/// Window of an output row and the rows up to so many behind it.
fn behind(rows: u32) -> Window {
    Window { first: 0, last: rows as i32, ..Window::around(0) }
}

/// Records the step: `step` is in mm² over the unit of the volume times mm.
pub fn record(
    graph: &mut Graph<'_>,
    grid: &Grid,
    step: f64,
    volume: Buffer<f32>,
    [field_x, field_y, field_z]: Field,
) -> Field {
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [along_x, along_y, along_z] = grid.spacing_mm().to_array().map(|s| (step / s) as f32);
    let kernel = Dual { nx, ny, nz, along_x, along_y, along_z };
    let labels = ("variation.x", "variation.y", "variation.z");
    let moved =
        kernel.compute(graph, "step of a dual field", volume, field_x, field_y, field_z, labels.0, labels.1, labels.2);
    moved.into()
}

#[allow(clippy::too_many_arguments, reason = "one for each buffer")]
fn twin(
    kernel: &Dual,
    block: &Block,
    volume: &[f32],
    field_x: &[f32],
    field_y: &[f32],
    field_z: &[f32],
    moved_x: &mut [f32],
    moved_y: &mut [f32],
    moved_z: &mut [f32],
) {
    step(kernel, block, volume, [field_x, field_y, field_z], [moved_x, moved_y, moved_z]);
}

vectorised! {
    fn step(kernel: &Dual, block: &Block, volume: &[f32], field: [&[f32]; 3], moved: [&mut [f32]; 3]) {
        let [nx, ny, nz] = [kernel.nx, kernel.ny, kernel.nz].map(|n| n as usize);
        let [moved_x, moved_y, moved_z] = moved;
        for (index, row) in block.rows.clone().enumerate() {
            let line = index * nx..(index + 1) * nx;
            let [x, y, z] = field.map(|field| &field[line.clone()]);
            let (to_x, to_y, to_z) = (&mut moved_x[line.clone()], &mut moved_y[line.clone()], &mut moved_z[line.clone()]);
            let at = |row: usize| &volume[row * nx..][..nx];
            let u = at(row);
            // A row is its own neighbour where there is none.
            let next_y = if row % ny + 1 < ny { at(row + 1) } else { u };
            let next_z = if row / ny + 1 < nz { at(row + ny) } else { u };
            for i in 0..nx {
                let next_x = u[(i + 1).min(nx - 1)];
                let p_x = x[i] + kernel.along_x * (next_x - u[i]);
                let p_y = y[i] + kernel.along_y * (next_y[i] - u[i]);
                let p_z = z[i] + kernel.along_z * (next_z[i] - u[i]);
                let square = (p_x * p_x + p_y * p_y) + p_z * p_z;
                let inverse = inverse_square_root(square);
                let scale = if square > 1.0 { inverse } else { 1.0 };
                to_x[i] = p_x * scale;
                to_y[i] = p_y * scale;
                to_z[i] = p_z * scale;
            }
        }
    }
}
