//! Mask made smaller by a whole factor. Tier E.
//!
//! A pixel of the result is set when at least half of the pixels of its f × f block are; of blocks that reach beyond
//! the image only the pixels in it count. The result has ⌈columns/f⌉ × ⌈rows/f⌉ pixels.
//!
//! Shapes: `[row][word]` ← `[row][word]`, f rows for every row of the result.

use crate::kernels::prelude::*;

kernel! {
    /// Reduction by a whole factor: columns, rows and words per row of the mask, side of a block, in pixels of the
    /// mask, columns and words per row of the result.
    struct Reduce { source_columns, source_rows, source_words, factor, columns, words: u32 }
    shader mask/reduce, Exact, [16, 4];
    reads mask[source_rows, source_words]: window(block_rows(factor)) of u32;
    writes reduced[_, words]: u32;
    // Per block row: one piece of a word, or as many words as it is long.
    domain |output| Domain::rows(output, f64::from(columns) * f64::from(factor) * 10.0 * (1.0 + f64::from(factor) / 32.0));
}

/// Records the reduction of `mask` by `factor`, at least 1, which gives the mask itself; up to 46,340, so that twice
/// the pixels of a block can be counted.
pub fn record(graph: &mut Graph<'_>, mask: Mask, factor: u32) -> Mask {
    if factor <= 1 {
        return mask;
    }
    let result = Mask::new(graph, "mask.reduced", mask.size.map(|length| length.div_ceil(factor)));
    let ([source_columns, source_rows, source_words], [columns, _, words]) = (mask.shape(), result.shape());
    Reduce { source_columns, source_rows, source_words, factor, columns, words }.compute(graph, "reduce", mask, result)
}

/// The rows of a row of blocks.
fn block_rows(factor: u32) -> Window {
    Window { numerator: factor, denominator: 1, first: 0, last: factor as i32 - 1 }
}

vectorised! {
    fn twin(kernel: &Reduce, block: &Block, mask: &[u32], reduced: &mut [u32]) {
        let Reduce { source_columns, source_rows, source_words, .. } = *kernel;
        let [source_columns, source_rows, source_words] = [source_columns, source_rows, source_words].map(|n| n as usize);
        let [factor, columns, words] = [kernel.factor, kernel.columns, kernel.words].map(|n| n as usize);
        // Whole words of blocks are counted, so the last one may have counts of what lies outside: zeros.
        let mut counts = vec![0_u32; columns + WORD_PIXELS];
        for (row, reduced) in block.rows.clone().zip(reduced.chunks_exact_mut(words)) {
            let (top, bottom) = (row * factor, source_rows.min((row + 1) * factor));
            counts.fill(0);
            for source in mask[top * source_words..bottom * source_words].chunks_exact(source_words) {
                match factor {
                    2 => count_within::<2>(source, &mut counts),
                    4 => count_within::<4>(source, &mut counts),
                    8 => count_within::<8>(source, &mut counts),
                    16 => count_within::<16>(source, &mut counts),
                    _ => count_across(source, source_columns, factor, &mut counts),
                }
            }
            // Twice the count is compared with the area; only the last block of a row may be narrower.
            let height = (bottom - top) as u32;
            let area = factor as u32 * height;
            counts[columns..].fill(0);
            for (word, counts) in reduced.iter_mut().zip(counts.as_chunks::<WORD_PIXELS>().0) {
                *word = 0;
                for (bit, count) in counts.iter().enumerate() {
                    *word |= u32::from(2 * count >= area) << bit;
                }
            }
            let last = columns - 1;
            let last_area = (source_columns - last * factor) as u32 * height;
            let (word, bit) = (&mut reduced[last / WORD_PIXELS], last % WORD_PIXELS);
            *word = *word & !(1 << bit) | u32::from(2 * counts[last] >= last_area) << bit;
        }
    }
}

/// Adds the set bits of a row's blocks, which do not cross words.
#[inline(always)]
fn count_within<const FACTOR: usize>(row: &[u32], counts: &mut [u32]) {
    let blocks = WORD_PIXELS / FACTOR;
    for (word, counts) in row.iter().zip(counts.chunks_mut(blocks)) {
        for (block, count) in counts.iter_mut().enumerate() {
            *count += (word >> (block * FACTOR) & ((1 << FACTOR) - 1)).count_ones();
        }
    }
}

/// Adds the set bits of a row's blocks, piece by piece.
#[inline(always)]
fn count_across(row: &[u32], columns: usize, factor: usize, counts: &mut [u32]) {
    let (mut x, mut end) = (0, factor.min(columns));
    for count in counts {
        while x < end {
            let within = x % WORD_PIXELS;
            let length = (end - x).min(WORD_PIXELS - within);
            *count += (row[x / WORD_PIXELS] >> within & u32::MAX >> (WORD_PIXELS - length)).count_ones();
            x += length;
        }
        end = (end + factor).min(columns);
    }
}
