//! Transforms of blocks, as matrices, and the Haar transform along a stack of blocks.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

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
    forward_transposed: Block<N>,
    inverse: Block<N>,
    inverse_transposed: Block<N>,
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
        Self {
            forward: single(forward),
            forward_transposed: single(&transposed(forward)),
            inverse: single(inverse),
            inverse_transposed: single(&transposed(inverse)),
        }
    }

    #[inline(always)]
    pub(super) fn forward(&self, block: &Block<N>) -> Block<N> {
        product(&product(&self.forward, block), &self.forward_transposed)
    }

    #[inline(always)]
    pub(super) fn inverse(&self, block: &Block<N>) -> Block<N> {
        product(&product(&self.inverse, block), &self.inverse_transposed)
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

#[inline(always)]
fn product<const N: usize>(a: &Block<N>, b: &Block<N>) -> Block<N> {
    let mut out = [[0.0; N]; N];
    for (out, a) in out.iter_mut().zip(a) {
        for (&a, b) in a.iter().zip(b) {
            for (out, &b) in out.iter_mut().zip(b) {
                *out += a * b;
            }
        }
    }
    out
}

/// Orthonormal Haar transform along a stack of 2^n blocks; the coarsest coefficient is in the first.
#[inline(always)]
pub(super) fn haar<const N: usize>(stack: &mut [Block<N>]) {
    let mut step = 1;
    while step < stack.len() {
        butterflies(stack, step);
        step *= 2;
    }
}

/// Inverse of [`haar`].
#[inline(always)]
pub(super) fn haar_inverse<const N: usize>(stack: &mut [Block<N>]) {
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

    fn block<const N: usize>() -> Block<N> {
        std::array::from_fn(|y| std::array::from_fn(|x| ((x * 7 + y * 13 + x * y * 5) % 17) as f32 / 17.0 - 0.4))
    }

    fn difference<const N: usize>(a: &Block<N>, b: &Block<N>) -> f32 {
        a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    fn energy<const N: usize>(a: &Block<N>) -> f32 {
        a.as_flattened().iter().map(|v| v * v).sum()
    }

    fn check_dct<const N: usize>() {
        let (dct, block) = (Transform::<N>::dct(), block::<N>());
        let spectrum = dct.forward(&block);
        assert!(difference(&dct.inverse(&spectrum), &block) < ROUNDING);
        assert!((energy(&spectrum) / energy(&block) - 1.0).abs() < 1e-5);
        let flat = dct.forward(&[[1.0; N]; N]);
        assert!((flat[0][0] - N as f32).abs() < 1e-5 && flat[1][0].abs() < ROUNDING);
    }

    #[test]
    fn cosines_are_orthonormal_for_every_side() {
        check_dct::<8>();
        check_dct::<11>();
        check_dct::<12>();
    }

    #[test]
    fn the_wavelet_is_inverted_exactly_and_has_rows_of_norm_one() {
        let wavelet = Transform::wavelet();
        let block = block::<8>();
        assert!(difference(&wavelet.inverse(&wavelet.forward(&block)), &block) < ROUNDING);
        for row in wavelet.forward {
            assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-6);
        }
        let transposed: Block<8> = std::array::from_fn(|i| std::array::from_fn(|k| wavelet.forward[k][i]));
        let orthogonal = product(&product(&transposed, &block), &wavelet.forward);
        assert!(
            difference(&orthogonal, &product(&product(&wavelet.inverse, &block), &wavelet.inverse_transposed)) > 0.01
        );
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

    #[test]
    fn haar_is_orthonormal_and_inverted() {
        let stack: Vec<Block<8>> = (0..16).map(|i| block::<8>().map(|row| row.map(|v| v * (i as f32 - 3.0)))).collect();
        let mut spectrum = stack.clone();
        haar(&mut spectrum);
        let energies = [&stack, &spectrum].map(|s| s.iter().map(energy).sum::<f32>());
        assert!((energies[0] / energies[1] - 1.0).abs() < 1e-5);
        let mean = stack.iter().map(|b| b[2][3]).sum::<f32>() / 4.0;
        assert!((spectrum[0][2][3] - mean).abs() < 1e-4);
        haar_inverse(&mut spectrum);
        assert!(stack.iter().zip(&spectrum).all(|(a, b)| difference(a, b) < 1e-5));
    }
}
