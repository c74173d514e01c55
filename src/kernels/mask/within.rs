//! Pixels within a mask; those outside are 0. Tier E.
//!
//! Shapes: `[row][pair]` ← pixels `[row][pair]`, mask `[row][word]`.

use crate::kernels::prelude::*;

kernel! {
    /// Pixels within a mask: words per row of the pixels and of the mask.
    struct Within { pairs, words: u32 }
    shader mask/within, Exact, [64, 4];
    reads pixels[_, pairs]: rows of [u16; 2], mask[_, words]: rows of u32;
    writes results[_, pairs]: [u16; 2];
    operations 10.0;
}

/// Records the pixels that are set in `mask`, and 0 elsewhere; the graph is refused when their sizes differ.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, mask: Mask) -> Pixels {
    if mask.size != pixels.size {
        graph.refuse("within", format!("the mask has {:?} pixels, the image {:?}", mask.size, pixels.size));
    }
    let results = Pixels::new(graph, "within.pixels", pixels.size, pixels.bits);
    let ([.., pairs], [.., words]) = (pixels.shape(), mask.shape());
    Within { pairs, words }.compute(graph, "within", pixels, mask, results)
}

fn twin(kernel: &Within, _: &Block, pixels: &[[u16; 2]], mask: &[u32], results: &mut [[u16; 2]]) {
    let [pairs, words] = [kernel.pairs, kernel.words].map(|n| n as usize);
    let rows = pixels.chunks_exact(pairs).zip(mask.chunks_exact(words)).zip(results.chunks_exact_mut(pairs));
    for ((pixels, mask), results) in rows {
        let chunks = pixels.chunks(WORD_PIXELS / 2).zip(results.chunks_mut(WORD_PIXELS / 2)).zip(mask);
        for ((pixels, results), word) in chunks {
            for (k, (result, pair)) in results.iter_mut().zip(pixels).enumerate() {
                let is_set = |bit: usize| (word >> (2 * k + bit) & 1) as u16;
                *result = [pair[0] * is_set(0), pair[1] * is_set(1)];
            }
        }
    }
}
