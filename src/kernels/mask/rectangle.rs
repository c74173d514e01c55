//! Mask of a rectangle. Tier E.
//!
//! The pixels with left ≤ x < right and top ≤ y < bottom are set. The borders are a buffer, so that they may come
//! from [`super::borders`] as well as from the host.
//!
//! Shapes: `[row][word]` ← `[left, top, right, bottom]`.

use super::{combine, expand::set};
use crate::kernels::prelude::*;

kernel! {
    /// Mask of a rectangle: pixels and words per row.
    struct Rectangle { columns, words: u32 }
    shader mask/rectangle, Exact, [32, 4];
    reads borders[1, 4]: whole of u32;
    writes mask[_, words]: u32;
    operations 10.0;
}

/// Records the mask of `size` pixels whose set pixels are those within `borders`: left, top, right, bottom.
pub fn record(graph: &mut Graph<'_>, borders: Buffer<u32>, size: [u32; 2]) -> Mask {
    let mask = Mask::new(graph, "mask.rectangle", size);
    let [columns, _, words] = mask.shape();
    Rectangle { columns, words }.compute(graph, "rectangle", borders, mask)
}

/// Records what of `mask` lies within `borders`.
pub fn clip(graph: &mut Graph<'_>, mask: Mask, borders: Buffer<u32>) -> Mask {
    let rectangle = record(graph, borders, mask.size);
    combine::and(graph, mask, rectangle)
}

fn twin(kernel: &Rectangle, block: &Block, borders: &[u32], mask: &mut [u32]) {
    let [columns, words] = [kernel.columns, kernel.words].map(|n| n as usize);
    let [left, top, right, bottom] = [0, 1, 2, 3].map(|i| borders[i] as usize);
    for (row, mask) in block.rows.clone().zip(mask.chunks_exact_mut(words)) {
        mask.fill(0);
        if (top..bottom).contains(&row) {
            set(mask, left, right.min(columns));
        }
    }
}
