//! Reorders a volume so that its voxels lie z fastest.
//!
//! ```text
//! reordered[y][x][first_z + z] = volume[z][y][x]
//! ```
//!
//! The reordered volume is padded, so that neighbouring columns of voxels do not compete for the same lines of a cache: columns
//! are an odd number of lines long, and there is an odd number of them for every y. What is added is 0 and never read.
//!
//! Shapes: `[y][x][z]`, padded, ← `[z][y][x]`, which may be a slab of slices of the whole. Tier E.

use crate::{data::Grid, kernels::prelude::*};

kernel! {
    /// Transposition of a slab of slices, seen as a matrix of `slices` rows and ny·nx columns.
    struct Reorder {
        /// Voxels along x and y.
        nx, ny: u32,
        /// Columns of voxels for every y of the reordered volume, and values of such a column.
        wide, deep: u32,
        /// Slice of the whole at which the slab begins; slices of the slab; values that are added to a column.
        first_z, slices, padding: u32,
    }
    shader project/reorder, Exact, [16, 16];
    reads volume[ny, nx]: inputs of f32;
    writes reordered[wide, deep]: f32;
    domain |output| Domain::rows(Extent { columns: slices + padding, ..output }, 2.0 * f64::from(slices))
        .over(slices, Order::Ascending);
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
    let deep = if columns < SHORTEST { columns } else { (columns.div_ceil(LINE) | 1).saturating_mul(LINE) };
    Extent { slices, rows: rows | 1, columns: deep }
}

/// Records the reordering of `volume`, a slab on `grid` that begins at its slice `first_z`; what is only a part is put into
/// what `reordered` holds.
pub fn record(graph: &mut Graph<'_>, grid: &Grid, volume: Buffer<f32>, first_z: u32, reordered: Buffer<f32>) {
    let Extent { slices, rows: ny, columns: nx } = graph.extent(volume);
    let Extent { rows: wide, columns: deep, .. } = extent(grid);
    let is_whole = slices as usize == grid.size()[2];
    let (write, padding) = if is_whole { (reordered.replace(), deep - slices) } else { (reordered.update(), 0) };
    Reorder { nx, ny, wide, deep, first_z, slices, padding }.compute(graph, "reorder", volume, write);
}

/// Rows and columns of a block that is transposed at once: a line of a cache either way.
const SIDE: usize = LINE as usize;

vectorised! {
    fn twin(kernel: &Reorder, block: &Block, volume: &[f32], reordered: &mut [f32]) {
        let [nx, ny, wide, deep] = [kernel.nx, kernel.ny, kernel.wide, kernel.deep].map(|n| n as usize);
        let target = kernel.first_z as usize;
        let end = block.inputs.end;
        let padded = if end == kernel.slices as usize { end + kernel.padding as usize } else { end };
        let mut row = block.rows.start;
        while row < block.rows.end {
            let (y, x) = (row / wide, row % wide);
            let count = SIDE.min(block.rows.end - row).min(nx.saturating_sub(x).max(1));
            let lines = &mut reordered[(row - block.rows.start) * deep..][..count * deep];
            row += count;
            if x >= nx {
                lines[target + block.inputs.start..target + padded].fill(0.0);
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
                    line[target + z..target + z + high].copy_from_slice(&values[..high]);
                }
            }
            for line in lines.chunks_exact_mut(deep) {
                line[target + end..target + padded].fill(0.0);
            }
        }
    }
}
