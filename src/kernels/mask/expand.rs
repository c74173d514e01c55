//! Mask made larger by a whole factor. Tier E.
//!
//! ```text
//! expanded[y][x] = mask[⌊y/f⌋][⌊x/f⌋]
//! ```
//! The inverse of [`super::reduce`] as far as there is one.
//!
//! Shapes: `[row][word]` ← `[row][word]`, one row for f rows of the result.

use crate::kernels::prelude::*;

kernel! {
    /// Expansion by a whole factor: rows and words per row of the mask, rows and columns of the result per row and
    /// column of the mask, columns and words per row of the result.
    struct Expand { source_rows, source_words, factor, columns, words: u32 }
    shader mask/expand, Exact, [32, 4];
    reads mask[source_rows, source_words]: window(Window { numerator: 1, denominator: factor, first: 0, last: 0 }) of u32;
    writes expanded[_, words]: u32;
    domain |output| Domain::rows(output, 10.0 * f64::from(columns));
}

/// Records the expansion of `mask` by `factor` to `size` pixels; the graph is refused when these are more than `factor`
/// times its own, or the factor is 0.
pub fn record(graph: &mut Graph<'_>, mask: Mask, factor: u32, size: [u32; 2]) -> Mask {
    if factor == 0 || size.iter().zip(mask.size).any(|(to, from)| to.div_ceil(factor) > from) {
        let ([to_x, to_y], [x, y]) = (size, mask.size);
        graph.refuse("expand", format!("{x} × {y} pixels cannot become {to_x} × {to_y} by a factor of {factor}"));
        return mask;
    }
    if factor == 1 && size == mask.size {
        return mask;
    }
    let result = Mask::new(graph, "mask.expanded", size);
    let ([_, source_rows, source_words], [columns, _, words]) = (mask.shape(), result.shape());
    Expand { source_rows, source_words, factor, columns, words }.compute(graph, "expand", mask, result)
}

fn twin(kernel: &Expand, block: &Block, mask: &[u32], expanded: &mut [u32]) {
    let [source_words, factor] = [kernel.source_words, kernel.factor].map(|n| n as usize);
    let [columns, words] = [kernel.columns, kernel.words].map(|n| n as usize);
    // Rows of one source row are the same: the first is computed and copied.
    let mut row = block.rows.start;
    let mut rest = expanded;
    while row < block.rows.end {
        let source = &mask[row / factor * source_words..][..source_words];
        let same = (factor - row % factor).min(block.rows.end - row);
        let (group, tail) = rest.split_at_mut(same * words);
        expand_row(source, columns, factor, &mut group[..words]);
        for copy in 1..same {
            group.copy_within(..words, copy * words);
        }
        (row, rest) = (row + same, tail);
    }
}

/// Sets the runs of one row, which are as long as `factor` times those of the source.
fn expand_row(source: &[u32], columns: usize, factor: usize, expanded: &mut [u32]) {
    expanded.fill(0);
    for (index, &word) in source.iter().enumerate() {
        let (mut rest, mut at) = (word, 0);
        while rest != 0 {
            let skipped = rest.trailing_zeros();
            let length = (rest >> skipped).trailing_ones();
            let first = index * WORD_PIXELS + at + skipped as usize;
            set(expanded, (first * factor).min(columns), ((first + length as usize) * factor).min(columns));
            at += (skipped + length) as usize;
            rest = if at < WORD_PIXELS { word >> at } else { 0 };
        }
    }
}

/// Sets the bits from `start` up to `end`.
pub(super) fn set(row: &mut [u32], start: usize, end: usize) {
    if start >= end {
        return;
    }
    let (first, last) = (start / WORD_PIXELS, (end - 1) / WORD_PIXELS);
    let from = u32::MAX << (start % WORD_PIXELS);
    let until = u32::MAX >> (WORD_PIXELS - 1 - (end - 1) % WORD_PIXELS);
    if first == last {
        row[first] |= from & until;
    } else {
        row[first] |= from;
        row[first + 1..last].fill(u32::MAX);
        row[last] |= until;
    }
}
