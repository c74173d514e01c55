//! Volume that belongs to a dual field.
//!
//! ```text
//! u = v + Σ_a (t/s_a)·(q_a[i_a] − q_a[i_a − 1])          q_a[−1] = 0
//! ```
//! held between two bounds, both finite. The components of q are 0 at the last voxels of their axes, as [`super::dual`] leaves them.
//!
//! Shapes: `[z][y][x]` ← the same, and three components of the same. Tier P.

use super::Field;
use crate::kernels::prelude::*;
use crate::{data::Grid, engine::Window};

kernel! {
    /// Volume that belongs to a dual field.
    struct Primal {
        /// Voxels along x, y and z.
        nx, ny, nz: u32,
        /// t over the spacing along x, y and z.
        along_x, along_y, along_z: f32,
        /// Bounds of the result.
        low, high: f32,
    }
    shader variation/primal, Pinned, [64, 4];
    reads
        given[ny, nx]: rows of f32,
        field_x[ny, nx]: rows of f32,
        field_y[ny, nx]: window(before(1)) of f32,
        field_z[ny, nx]: window(before(ny)) of f32;
    writes volume[ny, nx]: f32;
    operations 30.0;
}

/// Window of an output row and the row that lies so many before it.
fn before(rows: u32) -> Window {
    Window { first: -(rows as i32), last: 0, ..Window::around(0) }
}

/// Records the volume.
pub fn record(
    graph: &mut Graph<'_>,
    grid: &Grid,
    t: f64,
    [low, high]: [f32; 2],
    given: Buffer<f32>,
    [field_x, field_y, field_z]: Field,
) -> Buffer<f32> {
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [along_x, along_y, along_z] = grid.spacing_mm().to_array().map(|s| (t / s) as f32);
    let kernel = Primal { nx, ny, nz, along_x, along_y, along_z, low, high };
    kernel.compute(graph, "volume of a dual field", given, field_x, field_y, field_z, "variation.volume")
}

vectorised! {
    fn twin(
        kernel: &Primal,
        block: &Block,
        given: &[f32],
        field_x: &[f32],
        field_y: &[f32],
        field_z: &[f32],
        volume: &mut [f32],
    ) {
        let [nx, ny] = [kernel.nx, kernel.ny].map(|n| n as usize);
        let nothing = vec![0.0; nx];
        let lines = given.chunks_exact(nx).zip(field_x.chunks_exact(nx)).zip(volume.chunks_exact_mut(nx));
        for (row, ((given, x), volume)) in block.rows.clone().zip(lines) {
            let (y, z) = (&field_y[row * nx..][..nx], &field_z[row * nx..][..nx]);
            let before_y = if row % ny == 0 { &nothing[..] } else { &field_y[(row - 1) * nx..][..nx] };
            let before_z = if row < ny { &nothing[..] } else { &field_z[(row - ny) * nx..][..nx] };
            for i in 0..nx {
                let before_x = if i == 0 { 0.0 } else { x[i - 1] };
                let along_x = kernel.along_x * (x[i] - before_x);
                let along_y = kernel.along_y * (y[i] - before_y[i]);
                let along_z = kernel.along_z * (z[i] - before_z[i]);
                let value = given[i] + ((along_x + along_y) + along_z);
                let raised = if value < kernel.low { kernel.low } else { value };
                volume[i] = if raised > kernel.high { kernel.high } else { raised };
            }
        }
    }
}
