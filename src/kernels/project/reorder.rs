//! Reorders a volume so that its voxels lie z fastest.
//!
//! ```text
//! reordered[y][x][first_z + z] = volume[z][y][x]
//! ```
//!
//! Shapes: `[y][x][z]` ← `[z][y][x]`, which may be a slab of slices of the whole. Tier E.

use crate::kernels::prelude::*;

kernel! {
    /// Transposition of a slab of slices, seen as a matrix of `slices` rows and ny·nx columns.
    struct Reorder {
        /// Voxels along x.
        nx: u32,
        /// Voxels along y.
        ny: u32,
        /// Voxels along z.
        nz: u32,
        /// Slice of the whole at which the slab begins.
        first_z: u32,
        /// Slices of the slab.
        slices: u32,
    }
    shader project/reorder, Exact, [16, 16];
    reads volume[ny, nx]: inputs of f32;
    writes reordered[nx, nz]: f32;
    domain |output| Domain {
        reduce: Some(Reduce { slices, order: Order::Ascending }),
        ..Domain::rows(Extent { columns: slices, ..output }, 2.0 * f64::from(slices))
    };
}

/// Records the reordering of `volume`, a slab that begins at slice `first_z` of the whole; what is only a part is put into
/// what `reordered` holds.
pub fn record(graph: &mut Graph<'_>, volume: Buffer<f32>, first_z: u32, reordered: Buffer<f32>) {
    let Extent { slices, rows: ny, columns: nx } = graph.extent(volume);
    let nz = graph.extent(reordered).columns;
    let write = if slices == nz { reordered.replace() } else { reordered.update() };
    Reorder { nx, ny, nz, first_z, slices }.compute(graph, "reorder", volume, write);
}

/// Rows and columns of a block that is transposed at once: a cache line either way.
const SIDE: usize = 16;

vectorised! {
    fn twin(kernel: &Reorder, block: &Block, volume: &[f32], reordered: &mut [f32]) {
        let (nz, slice) = (kernel.nz as usize, (kernel.nx * kernel.ny) as usize);
        for (first, lines) in block.rows.clone().step_by(SIDE).zip(reordered.chunks_mut(SIDE * nz)) {
            let count = lines.len() / nz;
            for z in block.inputs.clone().step_by(SIDE) {
                let deep = SIDE.min(block.inputs.end - z);
                let mut part = [[0.0; SIDE]; SIDE];
                for (k, part) in part.iter_mut().enumerate().take(deep) {
                    let start = (z - block.inputs.start + k) * slice + first;
                    part[..count].copy_from_slice(&volume[start..start + count]);
                }
                let target = kernel.first_z as usize + z;
                for (r, line) in lines.chunks_exact_mut(nz).enumerate() {
                    let mut values = [0.0; SIDE];
                    for k in 0..SIDE {
                        values[k] = part[k][r];
                    }
                    line[target..target + deep].copy_from_slice(&values[..deep]);
                }
            }
        }
    }
}
