//! The next coarser level of an image of whole numbers, from its packed pixels.
//!
//! What [`super::reduce`] makes of their values, which need not be stored as real numbers for it.
//!
//! Shapes: `[1][⌈rows/2⌉][⌈columns/2⌉]` ← `[1][rows][columns]`, packed. Tier P; exact with [`Arithmetic::Whole`].

use super::{
    Arithmetic,
    reduce::{Fine, OPERATIONS, WINDOW, rows},
};
use crate::kernels::prelude::*;

kernel! {
    /// The next coarser level: its columns, columns, rows and words per row of the image; 1 to round to whole numbers.
    struct ReducePixels { columns, fine_columns, fine_rows, words, is_whole: u32 }
    shader pyramid/reduce_pixels + pyramid/blur, Pinned, [64, 4];
    reads fine[fine_rows, words]: window(WINDOW) of [u16; 2];
    writes results[(fine_rows.div_ceil(2)), columns]: f32;
    operations OPERATIONS;
}

/// Records the level after `pixels`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, arithmetic: Arithmetic) -> Buffer<f32> {
    let [fine_columns, fine_rows, words] = pixels.shape();
    let columns = fine_columns.div_ceil(2);
    let kernel = ReducePixels { columns, fine_columns, fine_rows, words, is_whole: arithmetic.code() };
    kernel.compute(graph, "reduce", pixels, "pyramid.level")
}

vectorised! {
    fn twin(kernel: &ReducePixels, block: &Block, fine: &[[u16; 2]], out: &mut [f32]) {
        let ReducePixels { columns, fine_columns, fine_rows, words, is_whole } = *kernel;
        let size = [fine_columns, fine_rows].map(|n| n as usize);
        let fine = Fine { values: fine.as_flattened(), size, row: 2 * words as usize };
        if is_whole == 1 {
            rows::<_, true>(&fine, block, columns as usize, out);
        } else {
            rows::<_, false>(&fine, block, columns as usize, out);
        }
    }
}
