//! Dilation or erosion along columns. Tier E.
//!
//! ```text
//! dilated[y][x] = ⋁ mask[y + i][x],   eroded[y][x] = ⋀ mask[y + i][x],   |i| ≤ r, y + i in the image
//! ```
//!
//! Shapes: `[row][word]` ← the same, r rows up and down.

use super::spread::Spread;
use crate::kernels::prelude::*;

kernel! {
    /// Dilation or erosion along columns: words per row, rows, pixels to spread by, either way; what is xored with the
    /// words before and after.
    struct Down { words, rows, radius, flip: u32 }
    shader mask/down, Exact, [32, 4];
    reads mask[rows, words]: window(Window::around(radius)) of u32;
    writes spread[rows, words]: u32;
    operations 4.0 * f64::from(radius) + 4.0;
}

/// Records one pass along columns.
pub fn record(graph: &mut Graph<'_>, mask: Mask, spread: Spread, radius: u32) -> Mask {
    let result = Mask::new(graph, "mask.down", mask.size);
    let ([_, rows, words], flip) = (mask.shape(), spread.flip());
    Down { words, rows, radius, flip }.compute(graph, format!("{} columns", spread.verb()), mask, result)
}

vectorised! {
    fn twin(kernel: &Down, block: &Block, mask: &[u32], spread: &mut [u32]) {
        let [words, rows, radius] = [kernel.words, kernel.rows, kernel.radius].map(|n| n as usize);
        for (row, spread) in block.rows.clone().zip(spread.chunks_exact_mut(words)) {
            let (first, last) = (row.saturating_sub(radius), rows.min(row + radius + 1));
            let mut window = mask[first * words..last * words].chunks_exact(words);
            if let Some(row) = window.next() {
                spread.copy_from_slice(row);
            }
            for row in window {
                if kernel.flip == 0 {
                    spread.iter_mut().zip(row).for_each(|(a, b)| *a |= b);
                } else {
                    spread.iter_mut().zip(row).for_each(|(a, b)| *a &= b);
                }
            }
        }
    }
}
