//! Planes with a border of zeros, one pixel wide, each as one long row.
//!
//! With a stride of `columns + 2` the nine taps of a pixel lie at nine fixed distances from it, the same for every pixel.
//! Positions in the two columns between rows are computed along and dropped.

use rayon::prelude::*;

use super::{Planes, block::VECTORS};

/// Positions read beyond the last plane at most: a block of the widest vectors and the window's reach.
const SLACK: usize = VECTORS * 16 + 16;

impl Planes {
    pub(super) fn stride(&self) -> usize {
        self.columns + 2
    }

    /// Positions of a plane that are computed, those between rows included.
    pub(super) fn positions(&self) -> usize {
        self.rows * self.stride()
    }

    /// Values of a plane with its border.
    pub(super) fn bordered(&self) -> usize {
        (self.rows + 2) * self.stride()
    }
}

/// The planes with a border of zeros, one pixel wide, and readable slack behind the last.
pub(super) fn bordered(values: &[f32], planes: &Planes) -> Vec<f32> {
    let mut padded = vec![0.0; planes.count * planes.channels * planes.bordered() + SLACK];
    let (stride, columns) = (planes.stride(), planes.columns);
    let body = planes.count * planes.channels * planes.bordered();
    padded[..body].par_chunks_mut(planes.bordered()).zip(values.par_chunks(planes.pixels())).for_each(
        |(padded, plane)| {
            let rows = padded.chunks_mut(stride).skip(1);
            rows.zip(plane.chunks(columns)).for_each(|(to, from)| to[1..=columns].copy_from_slice(from));
        },
    );
    padded
}
