//! Mask made larger by a whole factor. Tier E.
//!
//! ```text
//! expanded[y][x] = mask[⌊y/f⌋][⌊x/f⌋]
//! ```
//! The inverse of [`super::reduce`] as far as there is one.
//!
//! Shapes: `[row][word]` ← `[row][word]`, one row for f rows of the result.

use crate::{
    engine::{Block, Domain, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::Mask,
    shader_struct,
};

use super::bits::WORD_PIXELS;

shader_struct! {
    /// Parameters of the expansion.
    pub struct ExpandParams {
        /// Columns, rows and words per row of the mask; the factor.
        pub source: [u32; 4],
        /// Columns and words per row of the result; two spare numbers.
        pub target_size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.expand",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/expand.wgsl"),
    structs: &[StructText::of::<ExpandParams>()],
    reads: 1,
    writes: 1,
    workgroup: [32, 4],
};

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
    let params = ExpandParams {
        source: [mask.size[0], mask.size[1], Mask::row_words(mask.size), factor],
        target_size: [size[0], Mask::row_words(size), 0, 0],
    };
    let window = Window { numerator: 1, denominator: factor, first: 0, last: 0 };
    let reads = [mask.buffer.window(window)];
    graph.compute("expand", Expand { params, size }, reads, [result.buffer.replace()]);
    result
}

struct Expand {
    params: ExpandParams,
    size: [u32; 2],
}

impl Kernel for Expand {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Mask::extent(self.size), 10.0 * f64::from(self.size[0]))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let ExpandParams { source, target_size } = self.params;
        vec![[source[1], source[2]], [self.size[1], target_size[1]]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [_, _, source_words, factor] = self.params.source.map(|n| n as usize);
        let [columns, words, ..] = self.params.target_size.map(|n| n as usize);
        // Rows of one source row are the same: the first is computed and copied.
        let mut row = block.rows.start;
        let mut rest = &mut *writes[0];
        while row < block.rows.end {
            let source = &reads[0][row / factor * source_words..][..source_words];
            let same = (factor - row % factor).min(block.rows.end - row);
            let (group, tail) = rest.split_at_mut(same * words);
            expand_row(source, columns, factor, &mut group[..words]);
            for copy in 1..same {
                group.copy_within(..words, copy * words);
            }
            (row, rest) = (row + same, tail);
        }
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
