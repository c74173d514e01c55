//! The next coarser level: blurred, every other column and row kept.
//!
//! ```text
//! r(X, Y) = Σ_i Σ_j w[i]·w[j]·g(2X + i, 2Y + j),   w = (1 4 6 4 1)/16,  i, j = −2 … 2
//! ```
//! where g is mirrored at its first and last column and row without repeating them, as often as it takes; a side of one
//! pixel repeats that. Sums are formed downwards first, then along the row, each as ((−2) + (2)) + 4·((−1) + (1)) + 6·(0)
//! with the division by 256 last.
//!
//! Shapes: `[1][⌈rows/2⌉][⌈columns/2⌉]` ← `[1][rows][columns]`. Tier P; exact with [`Arithmetic::Whole`].

use super::Arithmetic;
use crate::kernels::prelude::*;

kernel! {
    /// The next coarser level: its columns, columns and rows of the image; 1 to round to whole numbers.
    struct Reduce { columns, fine_columns, fine_rows, is_whole: u32 }
    shader pyramid/reduce + pyramid/blur, Pinned, [64, 4];
    reads fine[fine_rows, fine_columns]: window(WINDOW) of f32;
    writes results[(fine_rows.div_ceil(2)), columns]: f32;
    operations OPERATIONS;
}

/// Rows of the image that a row of the result is made of.
pub(super) const WINDOW: Window = Window { numerator: 2, denominator: 1, first: -2, last: 2 };
/// Operations per pixel of the result: six sums of five numbers.
pub(super) const OPERATIONS: f64 = 6.0 * 7.0;

/// Records the level after `image`, which has one slice.
pub fn record(graph: &mut Graph<'_>, image: Buffer<f32>, arithmetic: Arithmetic) -> Buffer<f32> {
    let Extent { rows: fine_rows, columns: fine_columns, .. } = graph.extent(image);
    let columns = fine_columns.div_ceil(2);
    let kernel = Reduce { columns, fine_columns, fine_rows, is_whole: arithmetic.code() };
    kernel.compute(graph, "reduce", image, "pyramid.level")
}

vectorised! {
    fn twin(kernel: &Reduce, block: &Block, fine: &[f32], out: &mut [f32]) {
        let Reduce { columns, fine_columns, fine_rows, is_whole } = *kernel;
        let fine = Fine { values: fine, size: [fine_columns, fine_rows].map(|n| n as usize), row: fine_columns as usize };
        if is_whole == 1 {
            rows::<_, true>(&fine, block, columns as usize, out);
        } else {
            rows::<_, false>(&fine, block, columns as usize, out);
        }
    }
}

/// The level to be reduced: columns and rows, and values from one row to the next.
pub(super) struct Fine<'f, T> {
    pub(super) values: &'f [T],
    pub(super) size: [usize; 2],
    pub(super) row: usize,
}

/// Rows of a reduction, whatever the type of the level's values.
#[inline(always)]
pub(super) fn rows<T: Copy + Into<f32>, const WHOLE: bool>(
    fine: &Fine<'_, T>,
    block: &Block,
    columns: usize,
    out: &mut [f32],
) {
    let [fine_columns, fine_rows] = fine.size;
    // Columns summed downwards; those of even and of odd number, each with their mirror images at the ends.
    let mut sums = vec![0.0f32; 2 * columns];
    let mut even = vec![0.0f32; columns + 2];
    let mut odd = vec![0.0f32; columns + 1];
    for (y, out) in block.rows.clone().zip(out.chunks_exact_mut(columns)) {
        let row = |offset| &fine.values[mirrored(2 * y as isize + offset, fine_rows) * fine.row..][..fine_columns];
        let (a, b, c, d, e) = (row(-2), row(-1), row(0), row(1), row(2));
        for (((((sum, a), b), c), d), e) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e) {
            *sum = blurred((*a).into(), (*b).into(), (*c).into(), (*d).into(), (*e).into());
        }
        let (inner_even, inner_odd) = (&mut even[1..=columns], &mut odd[1..]);
        for ((pair, even), odd) in sums.as_chunks::<2>().0.iter().zip(inner_even).zip(inner_odd) {
            [*even, *odd] = *pair;
        }
        let beyond = |place: isize| sums[mirrored(place, fine_columns)];
        (even[0], odd[0]) = (beyond(-2), beyond(-1));
        even[columns + 1] = beyond(2 * columns as isize);
        odd[columns] = beyond(2 * columns as isize - 1);
        let (a, c, e) = (&even[..columns], &even[1..=columns], &even[2..]);
        let (b, d) = (&odd[..columns], &odd[1..]);
        for (((((out, a), b), c), d), e) in out.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e) {
            let value = blurred(*a, *b, *c, *d, *e) * (1.0 / 256.0);
            *out = if WHOLE { (value + 0.5).floor() } else { value };
        }
    }
}

/// Weights 1 4 6 4 1.
#[inline(always)]
fn blurred(a: f32, b: f32, c: f32, d: f32, e: f32) -> f32 {
    ((a + e) + 4.0 * (b + d)) + 6.0 * c
}

/// Place among 0..count, mirrored at the first and the last without repeating them; up to two places beyond.
fn mirrored(place: isize, count: usize) -> usize {
    let last = count - 1;
    let left = place.unsigned_abs();
    let right = if left > last { (2 * last).abs_diff(left) } else { left };
    right.min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_an_end_are_mirrored() {
        let places = |count| (-2..count as isize + 2).map(|i| mirrored(i, count)).collect::<Vec<_>>();
        assert_eq!(places(1), [0, 0, 0, 0, 0]);
        assert_eq!(places(2), [0, 1, 0, 1, 0, 1]);
        assert_eq!(places(3), [2, 1, 0, 1, 2, 1, 0]);
        assert_eq!(places(5), [2, 1, 0, 1, 2, 3, 4, 3, 2]);
    }
}
