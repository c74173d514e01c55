//! What transforms need from the host: their lengths, twiddles, and the order of frequencies.

use std::f64::consts::{PI, TAU};

/// Length of the largest transform: with 8 bytes per number it fills the 16 KiB of workgroup memory that every
/// device has.
pub const MAX_TRANSFORM: usize = 2048;
/// That of the smallest: a stage of eight numbers and a block of two.
pub const MIN_TRANSFORM: usize = 16;

/// Plain f64 transform with the given sign of the exponent, natural order in and out: for tables.
pub(in crate::kernels) fn transform(signal: &mut [(f64, f64)], sign: f64) {
    let n = signal.len();
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = reversed(i, bits);
        if i < j {
            signal.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        for i in (0..n).step_by(2 * half) {
            for k in 0..half {
                let (sin, cos) = (sign * PI * k as f64 / half as f64).sin_cos();
                let (a, b) = (signal[i + k], signal[i + k + half]);
                let b = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                signal[i + k] = (a.0 + b.0, a.1 + b.1);
                signal[i + k + half] = (a.0 - b.0, a.1 - b.1);
            }
        }
        half *= 2;
    }
}

/// Place of a number in bit-reversed order.
pub(in crate::kernels) fn reversed(index: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - bits) }
}

/// Number of the frequency at a place of `points` in bit-reversed order, with zero frequency in the middle.
pub(in crate::kernels) fn centred(place: usize, points: usize) -> usize {
    (reversed(place, points.trailing_zeros()) + points / 2) % points
}

/// Twiddles of the stages, the longest blocks first: of the numbers i of seven eighths of a block of length b, e^(−2πi·f/b),
/// f being the eighth's frequency; that of the first eighth is 0.
pub(in crate::kernels) fn twiddles(n: usize) -> Vec<[f32; 2]> {
    let mut table = Vec::with_capacity(n);
    let mut block = n;
    while block > 8 {
        for frequency in (1..8).map(|eighth| reversed(eighth, 3)) {
            table.extend((0..block / 8).map(|i| {
                let (sin, cos) = (-TAU * (i * frequency) as f64 / block as f64).sin_cos();
                [cos as f32, sin as f32]
            }));
        }
        block /= 8;
    }
    table
}
