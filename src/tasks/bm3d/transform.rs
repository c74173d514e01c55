//! Transforms of blocks, as matrices, and the Haar transform along a stack of blocks.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::vectorised::{LANES, Lanes};

/// Rows of pixels or of coefficients.
pub(super) type Block<const N: usize> = [[f32; N]; N];

/// Side of the blocks that the biorthogonal wavelet is for.
const WAVELET_SIDE: usize = 8;
/// Weights of neighbouring differences in a mean of the spline wavelet 1.5, next and second next.
///
/// Cohen, Daubechies, Feauveau, Comm. Pure Appl. Math. 45 (1992), table 6.1, as a lifting step on the Haar transform.
const UPDATE: [f64; 2] = [22.0 / 128.0, -3.0 / 128.0];

/// Separable transform of blocks and its inverse.
pub(super) struct Transform<const N: usize> {
    forward: Block<N>,
    inverse: Block<N>,
}

impl<const N: usize> Transform<N> {
    /// DCT-II with orthonormal rows.
    pub(super) fn dct() -> Self {
        let forward: [[f64; N]; N] = std::array::from_fn(|k| {
            let scale = (if k == 0 { 1.0 } else { 2.0 } / N as f64).sqrt();
            std::array::from_fn(|x| scale * (PI * (x as f64 + 0.5) * k as f64 / N as f64).cos())
        });
        Self::new(&forward, &transposed(&forward))
    }

    fn new(forward: &[[f64; N]; N], inverse: &[[f64; N]; N]) -> Self {
        let single = |m: &[[f64; N]; N]| m.map(|row| row.map(|v| v as f32));
        Self { forward: single(forward), inverse: single(inverse) }
    }

    /// Spectra of the blocks of a stack.
    #[inline(always)]
    pub(super) fn forward(&self, stack: &mut Stack<N>) {
        haar(&mut stack.blocks);
        stack.spread();
        stack.apply(&self.forward);
    }

    /// Spectrum of each block on its own, left in its place.
    #[inline(always)]
    pub(super) fn forward_each(&self, stack: &mut Stack<N>) {
        stack.spread();
        stack.apply(&self.forward);
        stack.gather();
    }

    /// Blocks of a stack from their spectra.
    #[inline(always)]
    pub(super) fn inverse(&self, stack: &mut Stack<N>) {
        stack.apply(&self.inverse);
        stack.gather();
        haar_inverse(&mut stack.blocks);
    }
}

/// Blocks that are transformed together, with room for their spectrum.
///
/// Along the stack the blocks are transformed one by one, within them side by side: row after row of all blocks, so
/// that the innermost loops are long and free of shuffles whatever the side of a block.
#[derive(Default)]
pub(super) struct Stack<const N: usize> {
    /// Block after block.
    pub(super) blocks: Vec<Block<N>>,
    /// Row 0 of all blocks, row 1 of all blocks, …; every row is filled up with zeros to whole lanes.
    rows: Vec<Lanes>,
    /// Result of a pass over `rows`.
    passed: Vec<Lanes>,
}

impl<const N: usize> Stack<N> {
    /// Coefficients in no particular order; those that fill up are zero.
    #[inline(always)]
    pub(super) fn spectrum(&mut self) -> &mut [Lanes] {
        &mut self.rows
    }

    #[inline(always)]
    fn stride(&self) -> usize {
        (self.blocks.len() * N).div_ceil(LANES)
    }

    #[inline(always)]
    fn spread(&mut self) {
        let stride = self.stride();
        self.rows.clear();
        self.rows.resize(N * stride, [0.0; LANES]);
        self.passed.resize(N * stride, [0.0; LANES]);
        for (y, row) in self.rows.chunks_exact_mut(stride).enumerate() {
            for (out, block) in row.as_flattened_mut().chunks_exact_mut(N).zip(&self.blocks) {
                out.copy_from_slice(&block[y]);
            }
        }
    }

    #[inline(always)]
    fn gather(&mut self) {
        let stride = self.stride();
        for (y, row) in self.rows.chunks_exact(stride).enumerate() {
            for (block, values) in self.blocks.iter_mut().zip(row.as_flattened().chunks_exact(N)) {
                block[y].copy_from_slice(values);
            }
        }
    }

    /// Multiplies both axes of every block by a matrix; the axes change places, which the inverse undoes.
    #[inline(always)]
    fn apply(&mut self, matrix: &Block<N>) {
        self.pass(matrix);
        self.turn();
        self.pass(matrix);
        std::mem::swap(&mut self.rows, &mut self.passed);
    }

    #[inline(always)]
    fn pass(&mut self, matrix: &Block<N>) {
        let width = self.stride() * LANES;
        let rows = self.rows.as_flattened();
        let mut lines: [&[f32]; N] = [&[]; N];
        lines.iter_mut().zip(rows.chunks_exact(width)).for_each(|(line, row)| *line = row);
        for (weights, out) in matrix.iter().zip(self.passed.as_flattened_mut().chunks_exact_mut(width)) {
            // The loop over the rows is unrolled, that over the pixels is left to be vectorised.
            for x in 0..width {
                let mut sum = 0.0;
                for row in 0..N {
                    sum += weights[row] * lines[row][x];
                }
                out[x] = sum;
            }
        }
    }

    /// Transposes each block on the way back from `passed`.
    #[inline(always)]
    fn turn(&mut self) {
        let width = self.stride() * LANES;
        let (out, passed) = (self.rows.as_flattened_mut(), self.passed.as_flattened());
        for start in (0..self.blocks.len() * N).step_by(N) {
            for y in 0..N {
                for x in 0..N {
                    out[x * width + start + y] = passed[y * width + start + x];
                }
            }
        }
    }
}

impl Transform<WAVELET_SIDE> {
    /// Three levels of the biorthogonal spline wavelet 1.5, periodic.
    ///
    /// Rows are scaled to norm 1, so that white noise has the same variance in every coefficient; the scales are taken
    /// back in the inverse.
    pub(super) fn wavelet() -> Self {
        let unit = |i: usize| std::array::from_fn(|k| if k == i { 1.0 } else { 0.0 });
        let mut forward = transposed(&std::array::from_fn(|i| analysed(unit(i))));
        let mut inverse: [[f64; WAVELET_SIDE]; WAVELET_SIDE] = std::array::from_fn(|i| synthesised(unit(i)));
        for (row, column) in forward.iter_mut().zip(&mut inverse) {
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter_mut().for_each(|v| *v /= norm);
            column.iter_mut().for_each(|v| *v *= norm);
        }
        Self::new(&forward, &transposed(&inverse))
    }
}

/// Means in the first half, differences in the second, level by level on the means.
fn analysed(mut x: [f64; WAVELET_SIDE]) -> [f64; WAVELET_SIDE] {
    let mut length = WAVELET_SIDE;
    while length > 1 {
        let half = length / 2;
        let input = x;
        for k in 0..half {
            x[k] = (input[2 * k] + input[2 * k + 1]) * FRAC_1_SQRT_2;
            x[half + k] = (input[2 * k] - input[2 * k + 1]) * FRAC_1_SQRT_2;
        }
        let (means, differences) = x[..length].split_at_mut(half);
        means.iter_mut().enumerate().for_each(|(k, mean)| *mean += update(differences, k));
        length = half;
    }
    x
}

fn synthesised(mut x: [f64; WAVELET_SIDE]) -> [f64; WAVELET_SIDE] {
    let mut half = 1;
    while half < WAVELET_SIDE {
        let (means, differences) = x[..2 * half].split_at_mut(half);
        means.iter_mut().enumerate().for_each(|(k, mean)| *mean -= update(differences, k));
        let input = x;
        for k in 0..half {
            x[2 * k] = (input[k] + input[half + k]) * FRAC_1_SQRT_2;
            x[2 * k + 1] = (input[k] - input[half + k]) * FRAC_1_SQRT_2;
        }
        half *= 2;
    }
    x
}

/// What the differences beside pair `k` add to its mean.
fn update(differences: &[f64], k: usize) -> f64 {
    let n = differences.len();
    UPDATE
        .iter()
        .zip(1..)
        .map(|(weight, step)| weight * (differences[(k + step) % n] - differences[(k + step * n - step) % n]))
        .sum()
}

fn transposed<const N: usize>(m: &[[f64; N]; N]) -> [[f64; N]; N] {
    std::array::from_fn(|i| std::array::from_fn(|k| m[k][i]))
}

/// Orthonormal Haar transform along a stack of 2^n blocks; the coarsest coefficient is in the first.
#[inline(always)]
fn haar<const N: usize>(stack: &mut [Block<N>]) {
    let mut step = 1;
    while step < stack.len() {
        butterflies(stack, step);
        step *= 2;
    }
}

/// Inverse of [`haar`].
#[inline(always)]
fn haar_inverse<const N: usize>(stack: &mut [Block<N>]) {
    let mut step = stack.len() / 2;
    while step > 0 {
        butterflies(stack, step);
        step /= 2;
    }
}

/// Sums and differences of blocks `step` apart; its own inverse.
#[inline(always)]
fn butterflies<const N: usize>(stack: &mut [Block<N>], step: usize) {
    for pair in stack.chunks_exact_mut(2 * step) {
        let (first, second) = pair.split_at_mut(step);
        for (a, b) in first[0].as_flattened_mut().iter_mut().zip(second[0].as_flattened_mut()) {
            (*a, *b) = ((*a + *b) * std::f32::consts::FRAC_1_SQRT_2, (*a - *b) * std::f32::consts::FRAC_1_SQRT_2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of two products of matrices of up to 12 columns, entries of order 1: 24 roundings of 2^-24 each.
    const ROUNDING: f32 = 2e-6;

    fn blocks<const N: usize>(count: usize) -> Vec<Block<N>> {
        let value = |i: usize, y: usize, x: usize| ((x * 7 + y * 13 + x * y * 5 + i * 3) % 17) as f32 / 17.0 - 0.4;
        (0..count).map(|i| std::array::from_fn(|y| std::array::from_fn(|x| value(i, y, x)))).collect()
    }

    fn difference<const N: usize>(a: &[Block<N>], b: &[Block<N>]) -> f32 {
        let [a, b] = [a, b].map(|s| s.as_flattened().as_flattened());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    fn energy(values: &[f32]) -> f64 {
        values.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
    }

    /// Spectrum of the blocks; they are got back from it.
    fn spectrum<const N: usize>(transform: &Transform<N>, blocks: &[Block<N>]) -> Vec<f32> {
        let mut stack = Stack { blocks: blocks.to_vec(), ..Stack::default() };
        transform.forward(&mut stack);
        let spectrum = stack.spectrum().as_flattened().to_vec();
        stack.blocks.iter_mut().for_each(|b| *b = [[f32::NAN; N]; N]);
        transform.inverse(&mut stack);
        assert!(difference(&stack.blocks, blocks) < ROUNDING);
        spectrum
    }

    fn check_dct<const N: usize>() {
        let dct = Transform::<N>::dct();
        for count in [1, 2, 32] {
            let blocks = blocks::<N>(count);
            let spectrum = spectrum(&dct, &blocks);
            assert!((energy(&spectrum) / energy(blocks.as_flattened().as_flattened()) - 1.0).abs() < 1e-6);
            let flat = self::spectrum(&dct, &vec![[[1.0; N]; N]; count]);
            assert!((flat[0] - N as f32 * (count as f32).sqrt()).abs() < 1e-4);
            assert!(flat[1..].iter().all(|v| v.abs() < 1e-5));
        }
    }

    #[test]
    fn cosines_are_orthonormal_for_every_side() {
        check_dct::<8>();
        check_dct::<11>();
        check_dct::<12>();
    }

    #[test]
    fn the_wavelet_is_inverted_has_rows_of_norm_one_and_is_not_orthogonal() {
        let wavelet = Transform::wavelet();
        let blocks = blocks::<8>(16);
        let spectrum = spectrum(&wavelet, &blocks);
        for row in wavelet.forward {
            assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-6);
        }
        assert!((energy(&spectrum) / energy(blocks.as_flattened().as_flattened()) - 1.0).abs() > 1e-3);
    }

    #[test]
    fn axes_change_places_and_nothing_else() {
        let dct = Transform::<8>::dct();
        let waves = dct.forward[3].map(|a| dct.forward[1].map(|b| a * b));
        let spectrum = spectrum(&dct, &[waves]);
        // One block fills half of the lanes; rows are horizontal frequencies.
        let at = LANES + 3;
        assert!((spectrum[at] - 1.0).abs() < 1e-6);
        assert!(spectrum.iter().enumerate().all(|(i, v)| i == at || v.abs() < 1e-6));
    }

    #[test]
    fn the_wavelet_filter_is_that_of_the_published_table() {
        // Low-pass analysis filter of the spline wavelet 1.5, times 128·√2: 3 −3 −22 22 128 128 22 −22 −3 3, which is
        // longer than the block and wraps around: taps 0 and 8, 1 and 9 fall together.
        let expected = [128.0, 128.0, 22.0, -22.0, -3.0 + 3.0, 3.0 - 3.0, -22.0, 22.0];
        let mean: [f64; 8] = std::array::from_fn(|i| {
            let mut x = [0.0; 8];
            x[i] = 1.0;
            let differences: [f64; 4] = std::array::from_fn(|k| (x[2 * k] - x[2 * k + 1]) * FRAC_1_SQRT_2);
            (x[0] + x[1]) * FRAC_1_SQRT_2 + update(&differences, 0)
        });
        for (got, want) in mean.iter().zip(expected) {
            assert!((got * 128.0 * 2.0_f64.sqrt() - want).abs() < 1e-9, "{mean:?}");
        }
    }
}
