//! Mask of the components that are kept. Tier E.
//!
//! Shapes: `[row][word]` ← labels `[1][pixel]`, counts `[1][pixel]`, best `[label, count]`.

use super::{labels::NONE, tally::Tally};
use crate::kernels::prelude::*;

kernel! {
    /// Mask of the components that are kept: columns and rows of the image, words per row; 1 for [`Kept::Uncounted`].
    struct Select { columns, rows, words, keep_uncounted: u32 }
    shader mask/select, Exact, [32, 4];
    reads labels[1, (columns * rows)]: whole of u32, counts[1, (columns * rows)]: whole of u32, best[1, 2]: whole of u32;
    writes mask[rows, words]: u32;
    domain |output| Domain::rows(output, 6.0 * f64::from(columns));
}

/// What is kept; its number is what the shader knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The component that the tally found best.
    Best = 0,
    /// Pixels without label, and components of which nothing was counted.
    Uncounted = 1,
}

/// Records the mask of `size` pixels of what is kept.
pub fn record(graph: &mut Graph<'_>, labels: Buffer<u32>, tally: Tally, size: [u32; 2], kept: Kept) -> Mask {
    let mask = Mask::new(graph, "mask.selected", size);
    let [columns, rows, words] = mask.shape();
    let kernel = Select { columns, rows, words, keep_uncounted: kept as u32 };
    kernel.compute(graph, "select", labels, tally.counts, tally.best, mask)
}

fn twin(kernel: &Select, block: &Block, labels: &[u32], counts: &[u32], best: &[u32], mask: &mut [u32]) {
    let [columns, words] = [kernel.columns, kernel.words].map(|n| n as usize);
    let labels = &labels[block.rows.start * columns..block.rows.end * columns];
    if kernel.keep_uncounted == 0 {
        let best = best[0];
        pack(labels, columns, words, mask, |label| label == best && label != NONE);
    } else {
        pack(labels, columns, words, mask, |label| label == NONE || counts[label as usize] == 0);
    }
}

fn pack(labels: &[u32], columns: usize, words: usize, mask: &mut [u32], is_kept: impl Fn(u32) -> bool) {
    for (labels, mask) in labels.chunks_exact(columns).zip(mask.chunks_exact_mut(words)) {
        for (labels, word) in labels.chunks(WORD_PIXELS).zip(mask) {
            *word = labels.iter().enumerate().fold(0, |bits, (k, &label)| bits | u32::from(is_kept(label)) << k);
        }
    }
}
