//! The discrete Fourier transform of lengths that are powers of two, in `f64`; a few hundred samples are enough here.

use std::f64::consts::TAU;

/// Real and imaginary part.
pub(super) type Complex = [f64; 2];

/// Transform of one length: Cooley and Tukey's, decimation in time.
///
/// ```text
/// X(k) = Σ x(j)·exp(−2πi·j·k/n)
/// ```
#[derive(Clone, Debug)]
pub(super) struct Fourier {
    /// exp(−2πi·k/n) for the first half of all k.
    turns: Vec<Complex>,
}

impl Fourier {
    /// Transform of `length` samples, a power of two of 2 or more.
    pub(super) fn new(length: usize) -> Self {
        debug_assert!(length.is_power_of_two() && length >= 2, "length {length}");
        let turn = |k: usize| {
            let (sin, cos) = (TAU * k as f64 / length as f64).sin_cos();
            [cos, -sin]
        };
        Self { turns: (0..length / 2).map(turn).collect() }
    }

    /// Transforms in place.
    pub(super) fn transform(&self, values: &mut [Complex]) {
        let length = 2 * self.turns.len();
        debug_assert_eq!(values.len(), length);
        let unused = usize::BITS - length.trailing_zeros();
        for index in 0..length {
            let mirrored = index.reverse_bits() >> unused;
            if index < mirrored {
                values.swap(index, mirrored);
            }
        }
        let mut half = 1;
        while half < length {
            let stride = length / (2 * half);
            for group in values.chunks_exact_mut(2 * half) {
                let (evens, odds) = group.split_at_mut(half);
                let turns = self.turns.iter().step_by(stride);
                for ((even, odd), [cos, sin]) in evens.iter_mut().zip(odds).zip(turns) {
                    let turned = [odd[0] * cos - odd[1] * sin, odd[0] * sin + odd[1] * cos];
                    *odd = [even[0] - turned[0], even[1] - turned[1]];
                    *even = [even[0] + turned[0], even[1] + turned[1]];
                }
            }
            half *= 2;
        }
    }

    /// |X(u, v)|² of a real square image, column fastest, zero frequency first; with u and v exchanged on the way and
    /// back at the end.
    pub(super) fn power(&self, image: &[f64]) -> Vec<f64> {
        let side = 2 * self.turns.len();
        let mut values: Vec<Complex> = image.iter().map(|&v| [v, 0.0]).collect();
        values.chunks_exact_mut(side).for_each(|row| self.transform(row));
        let mut columns: Vec<Complex> = (0..side * side).map(|i| values[i % side * side + i / side]).collect();
        columns.chunks_exact_mut(side).for_each(|column| self.transform(column));
        (0..side * side).map(|i| columns[i % side * side + i / side]).map(|[re, im]| re * re + im * im).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize) -> Vec<f64> {
        (0..count as u32).map(|i| f64::from((i + 1).wrapping_mul(2_654_435_761)) / 4e9 - 0.5).collect()
    }

    #[test]
    fn the_transform_is_its_sum() {
        for length in [2, 4, 64] {
            let numbers = noise(2 * length);
            let values: Vec<Complex> = numbers.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
            let mut got = values.clone();
            Fourier::new(length).transform(&mut got);
            for (k, got) in got.iter().enumerate() {
                let mut want = [0.0; 2];
                for (j, [re, im]) in values.iter().enumerate() {
                    let (sin, cos) = (-TAU * (j * k) as f64 / length as f64).sin_cos();
                    want = [want[0] + re * cos - im * sin, want[1] + re * sin + im * cos];
                }
                assert!((got[0] - want[0]).hypot(got[1] - want[1]) < 1e-12, "{length}, {k}: {got:?}, {want:?}");
            }
        }
    }

    #[test]
    fn power_knows_across_from_down() {
        // One cycle across and two down of a cosine: |X| = n²/2 there.
        let phase = |i: usize| TAU * ((i % 8) as f64 + 2.0 * (i / 8) as f64) / 8.0;
        let power = Fourier::new(8).power(&(0..64).map(|i| phase(i).cos()).collect::<Vec<_>>());
        for (i, power) in power.iter().enumerate() {
            let want = if [2 * 8 + 1, 6 * 8 + 7].contains(&i) { 32.0 * 32.0 } else { 0.0 };
            assert!((power - want).abs() < 1e-9, "{i}: {power}");
        }
    }
}
