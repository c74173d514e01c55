//! Blur of a detector: a sum of few blurs along columns and rows.
//!
//! ```text
//! y(i, j) = Σ_k w_k·Σ_n h_kn·s_k(i ± n, j),   s_k(i, j) = Σ_n h_kn·x(i, j ± n)
//! ```
//! where h_k are a [`Blur`]'s taps, n runs from the outermost to the middle, and the pixels n before and behind one are added first. Columns are
//! blurred before rows; neither lies in memory between, so that an image is read and written once. Beyond its edges the image is mirrored
//! with its outermost pixels: what would leave the detector comes back, and the sum over all pixels stays.
//!
//! Shapes: `[view][row][column]` ← the same. Tier P.

use super::{Blur, mixture::MAX_REACH};
use crate::kernels::prelude::*;

kernel! {
    /// Blur of views: columns and rows of a view; number of blurs, numbers of a blur in the table.
    struct Blurred { columns, rows, term_count, stride: u32 }
    shader detector/blur, Pinned, [64, 4];
    reads terms[1, (term_count * stride)]: whole of f32, sharp[rows, columns]: slices of f32;
    writes results[rows, columns]: f32;
    // Taps of the columns, of which a workgroup computes some of its neighbours', and of the rows.
    operations 8.0 * f64::from(term_count) * f64::from(stride);
}

/// Numbers of a blur before its taps: weight and reach.
const BEFORE_TAPS: usize = 2;
// As in the shader.
const _: () = assert!(MAX_REACH == 128);

/// Records the blur of `sharp`, whose slices are views.
pub fn record(graph: &mut Graph<'_>, sharp: Buffer<f32>, blur: &Blur) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(sharp);
    let stride = BEFORE_TAPS + blur.reach() + 1;
    let mut table = Vec::new();
    for term in blur.terms() {
        table.extend([term.weight, (term.taps.len() - 1) as f32]);
        table.extend(&term.taps);
        table.resize(table.len().next_multiple_of(stride), 0.0);
    }
    let terms = graph.upload_table("blur.terms", &table);
    let (term_count, stride) = (blur.terms().len() as u32, stride as u32);
    Blurred { columns, rows, term_count, stride }.compute(graph, "detector blur", terms, sharp, "blur.blurred")
}

vectorised! {
    fn twin(kernel: &Blurred, block: &Block, terms: &[f32], sharp: &[f32], results: &mut [f32]) {
        let [columns, rows, stride] = [kernel.columns, kernel.rows, kernel.stride].map(|n| n as usize);
        let longest = stride - BEFORE_TAPS - 1;
        let mut sums = vec![0.0_f32; columns + 2 * longest];
        let mut line = vec![0.0_f32; columns];
        for (row, out) in block.rows.clone().zip(results.chunks_exact_mut(columns)) {
            let (view, y) = (row / rows, (row % rows) as isize);
            let place = |row: isize| (view * rows + mirrored(row, rows)) * columns;
            out.fill(0.0);
            for term in terms.chunks_exact(stride) {
                let (weight, taps) = (term[0], &term[BEFORE_TAPS..]);
                let reach = term[1] as usize;
                let middle = &mut sums[reach..reach + columns];
                middle.fill(0.0);
                for n in (1..=reach).rev() {
                    let pair = [y - n as isize, y + n as isize].map(|row| &sharp[place(row)..][..columns]);
                    add_pairs(taps[n], pair, middle);
                }
                add(taps[0], &sharp[place(y)..][..columns], middle);
                for n in 1..=reach {
                    sums[reach - n] = sums[reach + mirrored(-(n as isize), columns)];
                    sums[reach + columns - 1 + n] = sums[reach + mirrored((columns - 1 + n) as isize, columns)];
                }
                line.fill(0.0);
                for n in (1..=reach).rev() {
                    add_pairs(taps[n], [&sums[reach - n..][..columns], &sums[reach + n..][..columns]], &mut line);
                }
                add(taps[0], &sums[reach..][..columns], &mut line);
                add(weight, &line, out);
            }
        }
    }
}

/// Adds a tap's share of two neighbours.
#[inline(always)]
fn add_pairs(tap: f32, [a, b]: [&[f32]; 2], sums: &mut [f32]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += tap * (a + b);
    }
}

#[inline(always)]
fn add(tap: f32, values: &[f32], sums: &mut [f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += tap * value;
    }
}

/// Place among 0..count, mirrored with the first and the last repeated, as often as it takes.
fn mirrored(place: isize, count: usize) -> usize {
    let within = place.rem_euclid(2 * count as isize) as usize;
    within.min(2 * count - 1 - within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_an_end_are_mirrored_with_it() {
        let places = |count| (-4..count as isize + 4).map(|i| mirrored(i, count)).collect::<Vec<_>>();
        assert_eq!(places(1), [0; 9]);
        assert_eq!(places(3), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
    }
}
