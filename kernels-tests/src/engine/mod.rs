//! Cases of what the engine does itself: copies, clearing, and every way in which a kernel may reach its buffers.

mod anywhere;
mod blocks;
mod clear;
mod columns;
mod copy;
mod slab;
mod sums;
mod window;

use kerma::engine::Extent;

use crate::{Case, Seeded};

pub(crate) fn cases() -> Vec<Case> {
    [
        copy::cases(),
        clear::cases(),
        window::cases(),
        slab::cases(),
        columns::cases(),
        blocks::cases(),
        sums::cases(),
        anywhere::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Shapes and the limits on their parts: whole, slabs, parts of slices.
const SHAPES: [([usize; 3], Option<u64>); 4] =
    [([1, 1, 1], None), ([3, 17, 65], None), ([9, 17, 65], Some(2 * 17 * 65 * 4)), ([3, 100, 65], Some(37 * 65 * 4))];

fn noise([slices, rows, columns]: [usize; 3]) -> (Extent, Vec<f32>) {
    let extent = Extent::new(slices, rows, columns);
    (extent, Seeded::new(extent.elements()).values(extent.elements() as usize, -1.0, 1.0))
}
