//! Mask made smaller by a whole factor. Tier E.
//!
//! A pixel of the result is set when at least half of the pixels of its f × f block are; of blocks that reach beyond
//! the image only the pixels in it count. The result has ⌈columns/f⌉ × ⌈rows/f⌉ pixels.
//!
//! Shapes: `[row][word]` ← `[row][word]`, f rows for every row of the result.

use crate::{
    engine::{Block, Domain, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::{Mask, vectorised::vectorised},
    shader_struct,
};

use super::bits::WORD_PIXELS;

shader_struct! {
    /// Parameters of the reduction.
    pub struct ReduceParams {
        /// Columns, rows and words per row of the mask; the factor.
        pub source: [u32; 4],
        /// Columns and words per row of the result; two spare numbers.
        pub target_size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.reduce",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/reduce.wgsl"),
    structs: &[StructText::of::<ReduceParams>()],
    reads: 1,
    writes: 1,
    workgroup: [16, 4],
};

/// Records the reduction of `mask` by `factor`, at least 1, which gives the mask itself; up to 46,340, so that twice
/// the pixels of a block can be counted.
pub fn record(graph: &mut Graph<'_>, mask: Mask, factor: u32) -> Mask {
    if factor <= 1 {
        return mask;
    }
    let size = mask.size.map(|length| length.div_ceil(factor));
    let result = Mask::new(graph, "mask.reduced", size);
    let params = ReduceParams {
        source: [mask.size[0], mask.size[1], Mask::row_words(mask.size), factor],
        target_size: [size[0], Mask::row_words(size), 0, 0],
    };
    let window = Window { numerator: factor, denominator: 1, first: 0, last: factor as i32 - 1 };
    let reads = [mask.buffer.window(window)];
    graph.compute("reduce", Reduce { params, size }, reads, [result.buffer.replace()]);
    result
}

struct Reduce {
    params: ReduceParams,
    size: [u32; 2],
}

impl Kernel for Reduce {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let factor = f64::from(self.params.source[3]);
        // Per block row: one piece of a word, or as many words as it is long.
        let row_operations = f64::from(self.size[0]) * factor * 10.0 * (1.0 + factor / 32.0);
        Domain::rows(Mask::extent(self.size), row_operations)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let ReduceParams { source, target_size } = self.params;
        vec![[source[1], source[2]], [self.size[1], target_size[1]]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        twin(&self.params, block, reads[0], writes[0]);
    }
}

vectorised! {
    fn twin(params: &ReduceParams, block: &Block, mask: &[u32], reduced: &mut [u32]) {
        let [columns, rows, source_words, factor] = params.source.map(|n| n as usize);
        let [target_columns, words, ..] = params.target_size.map(|n| n as usize);
        // Whole words of blocks are counted, so the last one may have counts of what lies outside: zeros.
        let mut counts = vec![0_u32; target_columns + WORD_PIXELS];
        for (row, reduced) in block.rows.clone().zip(reduced.chunks_exact_mut(words)) {
            let (top, bottom) = (row * factor, rows.min((row + 1) * factor));
            counts.fill(0);
            for source in mask[top * source_words..bottom * source_words].chunks_exact(source_words) {
                match factor {
                    2 => count_within::<2>(source, &mut counts),
                    4 => count_within::<4>(source, &mut counts),
                    8 => count_within::<8>(source, &mut counts),
                    16 => count_within::<16>(source, &mut counts),
                    _ => count_across(source, columns, factor, &mut counts),
                }
            }
            // Twice the count is compared with the area; only the last block of a row may be narrower.
            let height = (bottom - top) as u32;
            let area = factor as u32 * height;
            counts[target_columns..].fill(0);
            for (word, counts) in reduced.iter_mut().zip(counts.as_chunks::<WORD_PIXELS>().0) {
                *word = 0;
                for (bit, count) in counts.iter().enumerate() {
                    *word |= u32::from(2 * count >= area) << bit;
                }
            }
            let last = target_columns - 1;
            let last_area = (columns - last * factor) as u32 * height;
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
