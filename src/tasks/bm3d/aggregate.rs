//! Weighted mean of overlapping estimates.

use super::transform::Block;
use crate::kernels::fourier::window::bessel_i0;

/// Shape of the window that blocks are weighted with [β].
const KAISER_BETA: f64 = 2.0;

/// Kaiser window over a block: I0(β·√(1 − (2i/(N−1) − 1)²))/I0(β) along each axis.
pub(super) fn kaiser<const N: usize>() -> Block<N> {
    let line: [f64; N] = std::array::from_fn(|i| {
        let t = 2.0 * i as f64 / (N - 1) as f64 - 1.0;
        bessel_i0(KAISER_BETA * (1.0 - t * t).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
    });
    line.map(|a| line.map(|b| (a * b) as f32))
}

/// Sums of weighted estimates and of weights for some rows of an image.
pub(super) struct Sums {
    first: usize,
    columns: usize,
    weighted: Vec<f32>,
    weights: Vec<f32>,
}

impl Sums {
    /// Zero for the rows `first..last` of an image.
    pub(super) fn zeros(columns: usize, first: usize, last: usize) -> Self {
        let count = columns * (last - first);
        Self { first, columns, weighted: vec![0.0; count], weights: vec![0.0; count] }
    }

    /// Adds an estimate of the block at [column, row].
    #[inline(always)]
    pub(super) fn add<const N: usize>(&mut self, [x, y]: [usize; 2], block: &Block<N>, weights: &Block<N>) {
        let start = (y - self.first) * self.columns + x;
        for ((row, block), weight) in (0..).zip(block).zip(weights) {
            let at = start + row * self.columns;
            add_row::<N>(&mut self.weighted[at..], std::array::from_fn(|k| weight[k] * block[k]));
            add_row::<N>(&mut self.weights[at..], *weight);
        }
    }

    /// Adds the sums of rows that are among these.
    pub(super) fn merge(&mut self, other: &Self) {
        let start = (other.first - self.first) * self.columns;
        for (sums, others) in [(&mut self.weighted, &other.weighted), (&mut self.weights, &other.weights)] {
            sums[start..].iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
    }

    /// Weighted means.
    pub(super) fn means(mut self) -> Vec<f32> {
        self.weighted.iter_mut().zip(&self.weights).for_each(|(sum, weight)| *sum /= weight);
        self.weighted
    }
}

#[inline(always)]
fn add_row<const N: usize>(sums: &mut [f32], values: [f32; N]) {
    let sums: &mut [f32; N] = sums.first_chunk_mut().unwrap_or_else(|| unreachable!("blocks lie within the rows"));
    let old = *sums;
    *sums = std::array::from_fn(|k| old[k] + values[k]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_that_of_published_tables() {
        // numpy.kaiser(8, 2.0), first half.
        let expected = [0.438_676_28, 0.681_324_26, 0.876_839_91, 0.985_822_5];
        let window = kaiser::<8>();
        for (i, want) in expected.into_iter().enumerate() {
            let got = window[i][i].sqrt();
            assert!((got - want).abs() < 1e-6, "{got} {want}");
            assert_eq!(window[i][3], window[7 - i][4]);
        }
    }

    #[test]
    fn overlapping_estimates_are_averaged_by_weight() {
        let mut all = Sums::zeros(3, 0, 3);
        let mut part = Sums::zeros(3, 1, 3);
        all.add([0, 0], &[[1.0; 2]; 2], &[[1.0; 2]; 2]);
        all.add([1, 0], &[[1.0; 2]; 2], &[[1.0; 2]; 2]);
        part.add([0, 1], &[[4.0; 2]; 2], &[[2.0; 2]; 2]);
        part.add([1, 1], &[[4.0; 2]; 2], &[[2.0; 2]; 2]);
        all.merge(&part);
        assert_eq!(all.means(), [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    }
}
