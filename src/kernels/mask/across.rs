//! Dilation or erosion along rows. Tier E.
//!
//! ```text
//! dilated[y][x] = ⋁ mask[y][x + i],   eroded[y][x] = ⋀ mask[y][x + i],   |i| ≤ r, x + i in the image
//! ```
//! Erosion is dilation of the complement. Reach is doubled: a row that is spread by k is spread by up to 2k + 1 with
//! one more shift, so r = 31 takes five. One pass spreads by 31 at most, so that a word depends on its two neighbours
//! alone; [`super::morphology`] records as many passes as a radius needs.
//!
//! Shapes: `[row][word]` ← the same.

use super::spread::Spread;
use crate::kernels::prelude::*;

kernel! {
    /// Dilation or erosion along rows: pixels and words per row, pixels to spread by, either way; what is xored with
    /// the words before and after.
    struct Across { columns, words, radius, flip: u32 }
    shader mask/across, Exact, [32, 4];
    reads mask[_, words]: rows of u32;
    writes spread[_, words]: u32;
    // Up to five doublings, two ways, seven operations each.
    operations 70.0;
}

/// Largest radius of one pass.
pub const MAX_RADIUS: u32 = 31;

/// Records one pass along rows; the graph is refused when `radius` is above [`MAX_RADIUS`].
pub fn record(graph: &mut Graph<'_>, mask: Mask, spread: Spread, radius: u32) -> Mask {
    if radius > MAX_RADIUS {
        graph.refuse("spread", format!("radius must be 0 to {MAX_RADIUS} pixels in one pass, got {radius}"));
    }
    let result = Mask::new(graph, "mask.across", mask.size);
    let ([columns, _, words], flip) = (mask.shape(), spread.flip());
    Across { columns, words, radius, flip }.compute(graph, format!("{} rows", spread.verb()), mask, result)
}

vectorised! {
    fn twin(kernel: &Across, _block: &Block, mask: &[u32], spread: &mut [u32]) {
        let Across { columns, words, radius, flip } = *kernel;
        let (words, valid) = (words as usize, Mask::last_valid(columns));
        // Rows between two words that lie outside the image; one pair for each way, and one to spread into.
        let [mut up, mut down, mut next] = [(); 3].map(|()| vec![0; words + 2]);
        for (mask, spread) in mask.chunks_exact(words).zip(spread.chunks_exact_mut(words)) {
            for (padded, word) in up[1..].iter_mut().zip(mask) {
                *padded = word ^ flip;
            }
            up[words] &= valid;
            up[words + 1] = 0;
            down.copy_from_slice(&up);
            let mut reached = 0;
            while reached < radius {
                let s = (reached + 1).min(radius - reached);
                for (next, pair) in next[1..].iter_mut().zip(up.array_windows::<2>()) {
                    *next = pair[1] | pair[1] << s | pair[0] >> (u32::BITS - s);
                }
                std::mem::swap(&mut up, &mut next);
                // Bits that have left the image must not come back.
                (up[0], up[words + 1]) = (0, 0);
                for (next, pair) in next.iter_mut().zip(down.array_windows::<2>()) {
                    *next = pair[0] | pair[0] >> s | pair[1] << (u32::BITS - s);
                }
                std::mem::swap(&mut down, &mut next);
                (down[0], down[words + 1]) = (0, 0);
                reached += s;
            }
            for ((spread, up), down) in spread.iter_mut().zip(&up[1..]).zip(&down[1..]) {
                *spread = (up | down) ^ flip;
            }
            spread[words - 1] &= valid;
        }
    }
}
