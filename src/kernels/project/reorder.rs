//! Reorders a volume so that its voxels lie z fastest.
//!
//! ```text
//! reordered[y][x][z] = volume[z][y][x]
//! ```
//!
//! Every column of voxels ends with a 0 at least, the value of all that lies above and below the volume. The reordered volume is
//! padded with more of them, so that neighbouring columns do not compete for the same lines of a cache: columns are an odd
//! number of lines long, and there is an odd number of them for every y.
//!
//! Shapes: `[y][x][z]`, padded, ← `[z][y][x]`. Tier E.

use crate::{data::Grid, kernels::prelude::*};

kernel! {
    /// Transposition of a volume, seen as a matrix of nz rows and ny·nx columns.
    struct Reorder {
        /// Voxels along x, y and z.
        nx, ny, nz: u32,
        /// Columns of voxels for every y of the reordered volume, and values of such a column.
        wide, deep: u32,
    }
    shader project/reorder, Exact, [16, 16];
    reads volume[ny, nx]: inputs of f32;
    writes reordered[wide, deep]: f32;
    domain |output| Domain::rows(output, 2.0 * f64::from(nz)).over(nz, Order::Ascending);
}

/// Values of a line of a cache.
const LINE: u32 = 16;
/// Shortest columns that are padded, so that little is added.
const SHORTEST: u32 = 8 * LINE;

/// Extent of the reordered volume.
#[must_use]
pub fn extent(grid: &Grid) -> Extent {
    let [nx, ny, nz] = grid.size();
    let Extent { slices, rows, columns } = Extent::new(ny, nx, nz);
    let with_zero = columns.saturating_add(1);
    let deep = if columns < SHORTEST { with_zero } else { (with_zero.div_ceil(LINE) | 1).saturating_mul(LINE) };
    Extent { slices, rows: rows | 1, columns: deep }
}

/// Records the reordering of `volume` on `grid`.
pub fn record(graph: &mut Graph<'_>, grid: &Grid, volume: Buffer<f32>, reordered: Buffer<f32>) {
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let Extent { rows: wide, columns: deep, .. } = extent(grid);
    Reorder { nx, ny, nz, wide, deep }.compute(graph, "reorder", volume, reordered.replace());
}

/// Rows and columns of a block that is transposed at once: a line of a cache either way.
const SIDE: usize = LINE as usize;

vectorised! {
    fn twin(kernel: &Reorder, block: &Block, volume: &[f32], reordered: &mut [f32]) {
        let [nx, ny, wide, deep] = [kernel.nx, kernel.ny, kernel.wide, kernel.deep].map(|n| n as usize);
        let end = block.inputs.end;
        let padded = if end == kernel.nz as usize { deep } else { end };
        let mut row = block.rows.start;
        while row < block.rows.end {
            let (y, x) = (row / wide, row % wide);
            let count = SIDE.min(block.rows.end - row).min(nx.saturating_sub(x).max(1));
            let lines = &mut reordered[(row - block.rows.start) * deep..][..count * deep];
            row += count;
            if x >= nx {
                lines[block.inputs.start..padded].fill(0.0);
                continue;
            }
            for z in block.inputs.clone().step_by(SIDE) {
                let high = SIDE.min(end - z);
                let mut part = [[0.0; SIDE]; SIDE];
                for (k, part) in part.iter_mut().enumerate().take(high) {
                    let start = ((z - block.inputs.start + k) * ny + y) * nx + x;
                    part[..count].copy_from_slice(&volume[start..start + count]);
                }
                for (r, line) in lines.chunks_exact_mut(deep).enumerate() {
                    let mut values = [0.0; SIDE];
                    for k in 0..SIDE {
                        values[k] = part[k][r];
                    }
                    line[z..z + high].copy_from_slice(&values[..high]);
                }
            }
            for line in lines.chunks_exact_mut(deep) {
                line[end..padded].fill(0.0);
            }
        }
    }
}
