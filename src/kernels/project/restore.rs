//! Gives a volume whose voxels lie z fastest its usual order.
//!
//! ```text
//! volume[z][y][x] = columns[y][x][z]        or, where the volume is added to, volume[z][y][x] + columns[y][x][z]
//! ```
//! The inverse of [`super::reorder`], without its padding.
//!
//! Shapes: `[z][y][x]` ← `[y][x][z]`. Tier P.

use crate::{
    data::Grid,
    kernels::prelude::*,
    vectorised::{copy_lanes, transpose},
};

kernel! {
    /// Transposition of a volume: voxels along x, y and z.
    struct Restore { nx, ny, nz: u32 }
    shader project/restore, Pinned, [16, 16];
    reads reordered[nx, nz]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, 4.0 * f64::from(nx)).over(ny, Order::Ascending);
}

/// Records the volume on `grid` that `reordered` is.
pub fn record(graph: &mut Graph<'_>, grid: &Grid, reordered: Buffer<f32>, volume: Write) {
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    Restore { nx, ny, nz }.compute(graph, "restore", reordered, volume);
}

vectorised! {
    fn twin(kernel: &Restore, block: &Block, reordered: &[f32], volume: &mut [f32]) {
        let [nx, ny, nz] = [kernel.nx, kernel.ny, kernel.nz].map(|n| n as usize);
        if !block.resume {
            volume.fill(0.0);
        }
        let slices = block.rows.start / ny..block.rows.end.div_ceil(ny);
        for first in slices.clone().step_by(LANES) {
            let deep = LANES.min(slices.end - first);
            for (y, columns) in block.inputs.clone().zip(reordered.chunks_exact(nx * nz)) {
                for (x, columns) in (0..nx).step_by(LANES).zip(columns.chunks(LANES * nz)) {
                    let mut square = [[0.0; LANES]; LANES];
                    for (values, column) in square.iter_mut().zip(columns.chunks_exact(nz)) {
                        copy_lanes(&column[first..][..deep], values);
                    }
                    // SAFETY: `V` is what the caller is built for.
                    unsafe { transpose::<V>(&mut square) };
                    let wide = LANES.min(nx - x);
                    for (z, values) in (first..first + deep).zip(&square) {
                        let row = z * ny + y;
                        if block.rows.contains(&row) {
                            let line = &mut volume[(row - block.rows.start) * nx + x..][..wide];
                            line.iter_mut().zip(values).for_each(|(to, value)| *to += value);
                        }
                    }
                }
            }
        }
    }
}
