//! Planes with a border of zeros, one pixel wide, each as one long row.
//!
//! With a stride of `columns + 2` the nine taps of a pixel lie at nine fixed distances from it, the same for every pixel.
//! Positions in the two columns between rows are computed along and dropped.

use rayon::prelude::*;

use super::{Planes, Slices, block::VECTORS};

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

/// The planes with a border of zeros, one pixel wide, those of a volume between planes of zeros, and readable slack behind
/// the last.
pub(super) fn bordered(values: &[f32], slices: Slices) -> Vec<f32> {
    let planes = slices.planes;
    let (stride, columns, pixels) = (planes.stride(), planes.columns, planes.pixels());
    let body = slices.padded_count() * planes.bordered();
    let mut padded = vec![0.0; body + SLACK];
    padded[..body].par_chunks_mut(planes.bordered()).enumerate().for_each(|(index, padded)| {
        let Some(plane) = slices.unpadded(index) else { return };
        let rows = padded.chunks_mut(stride).skip(1);
        let plane = &values[plane * pixels..][..pixels];
        rows.zip(plane.chunks(columns)).for_each(|(to, from)| to[1..=columns].copy_from_slice(from));
    });
    padded
}
