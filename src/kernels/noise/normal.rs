//! Standard normal noise: one number per pixel, from the inverse of the normal distribution.
//!
//! ```text
//! z = ±x·P(w),   x = 1 − 2p,   w = −ln(1 − x²) = −ln(4p(1 − p))
//! ```
//! where p in (0, ½) is uniform, 38 bits of a draw, and one more bit is the sign. Φ⁻¹(1 − p)/x depends on w smoothly
//! and grows like √w (Giles, "Approximating the erfinv function", GPU Computing Gems Jade, 2011); here it is a
//! polynomial of degree 9 in w up to w = 6, 99.9 % of all numbers, and of degree 8 in √w beyond, fitted for this range.
//!
//! - The error of z is below 1.2·10⁻⁶ of z for a given p ([`ERROR`]).
//! - p is never below 2⁻⁴⁰, so that |z| is never above 7.05: normal numbers are with a probability of 2·10⁻¹².
//!
//! Shapes: `[view][row][column]`. Tier P.

use super::philox::{Words, philox_lanes};
use super::{NORMAL_DRAW, Stream, stream::counter};
use crate::kernels::prelude::*;

kernel! {
    /// Standard normal numbers: columns, rows of a slice, words of the key; column, row and view of the first pixel in
    /// the whole image.
    struct Normal { columns, rows, key_low, key_high, column, row, view: u32 }
    shader noise/normal + noise/deviate + noise/drawn + noise/philox + clahe/high_word, Pinned, [64, 4];
    writes results[rows, columns]: f32;
    operations OPERATIONS;
}

/// Largest relative error of a number for its p: the fit's 1.5·10⁻⁷, that of w = 0…26 in single precision (4 u, which
/// weighs a half at most), two dozen roundings that mostly weigh little.
pub const ERROR: f64 = 1.2e-6;
/// Operations of a draw on the device: the generator's ten rounds of 26, and some 70 for the number.
const OPERATIONS: f64 = 330.0;
/// Value of w from which on the second polynomial is used.
const SPLIT: f32 = 6.0;
/// Middle of the range of w, subtracted before the first polynomial.
const BODY_MIDDLE: f32 = 3.0;
const BODY: [f32; 10] = [
    -7.751_286e-9,
    -5.884_826_4e-9,
    6.343_786_2e-7,
    -2.670_691e-6,
    -1.797_444_8e-5,
    2.764_702e-4,
    -1.182_551_5e-3,
    -8.115_623e-3,
    0.341_717,
    2.296_035_3,
];
/// Middle of the range of √w, subtracted before the second polynomial.
const TAIL_MIDDLE: f32 = 3.8;
const TAIL: [f32; 9] = [
    5.081_770_2e-5,
    -1.625_202e-4,
    1.998_963_9e-4,
    -2.611_581e-4,
    6.736_313e-4,
    -1.697_453e-3,
    2.645_127e-3,
    1.426_765_8,
    5.144_828_3,
];

/// Records standard normal noise of an extent; slices are views.
pub fn record(graph: &mut Graph<'_>, extent: Extent, stream: &Stream) -> Buffer<f32> {
    let noise = graph.buffer("noise.normal", extent);
    let ([key_low, key_high], [column, row, view]) = (stream.key(), stream.origin);
    let Extent { rows, columns, .. } = extent;
    Normal { columns, rows, key_low, key_high, column, row, view }.compute(graph, "normal noise", noise)
}

/// The number of one pixel, counted from the stream's origin.
#[must_use]
pub fn at(stream: &Stream, column: u32, row: u32, view: u32) -> f32 {
    let [high, low, ..] = stream.words([column, row, view], NORMAL_DRAW);
    deviate(high, low)
}

/// Standard normal number from two random words.
#[inline(always)]
pub(super) fn deviate(high: u32, low: u32) -> f32 {
    let (w, x) = halves(high, low);
    let y = if w <= SPLIT { body(w) } else { tail(w) };
    f32::from_bits((y * x).to_bits() | (high & 0x8000_0000))
}

/// Normal numbers of neighbouring pixels.
#[inline(always)]
pub(in crate::kernels) fn deviates(high: &Words, low: &Words) -> Lanes {
    let (mut w, mut x, mut y) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let mut largest = 0.0f32;
    for i in 0..LANES {
        (w[i], x[i]) = halves(high[i], low[i]);
        y[i] = body(w[i]);
    }
    for w in w {
        largest = if w > largest { w } else { largest };
    }
    // Two vectors in a hundred hold a number of the tails.
    if largest > SPLIT {
        for i in 0..LANES {
            let tail = tail(w[i]);
            y[i] = if w[i] <= SPLIT { y[i] } else { tail };
        }
    }
    std::array::from_fn(|i| f32::from_bits((y[i] * x[i]).to_bits() | (high[i] & 0x8000_0000)))
}

/// w and x from 15 and 23 bits: both parts of p are exact, and small p have all their digits.
#[inline(always)]
fn halves(high: u32, low: u32) -> (f32, f32) {
    let coarse = ((high >> 16) & 0x7fff).cast_signed() as f32;
    let fine = ((((high & 0xffff) << 8) | ((low >> 25) << 1)) + 1).cast_signed() as f32;
    let p = coarse * (1.0 / (1 << 16) as f32) + fine * (1.0 / (1u64 << 40) as f32);
    let w = -log((4.0 * p) * (1.0 - p));
    (if w > 0.0 { w } else { 0.0 }, 1.0 - 2.0 * p)
}

#[inline(always)]
fn body(w: f32) -> f32 {
    horner(&BODY, w - BODY_MIDDLE)
}

#[inline(always)]
fn tail(w: f32) -> f32 {
    horner(&TAIL, w * inverse_square_root(w) - TAIL_MIDDLE)
}

#[inline(always)]
fn horner(coefficients: &[f32], t: f32) -> f32 {
    let mut y = coefficients[0];
    for c in &coefficients[1..] {
        y = y * t + c;
    }
    y
}

fn twin(kernel: &Normal, block: &Block, results: &mut [f32]) {
    let Normal { columns, rows, key_low, key_high, column, row: first, view } = *kernel;
    for (row, out) in block.rows.clone().zip(results.chunks_exact_mut(columns as usize)) {
        fill(counter([column, first, view], rows, row), [key_low, key_high], out);
    }
}

vectorised! {
    /// Numbers of one row, whose first pixel has the given counter.
    fn fill(counter: [u32; 4], key: [u32; 2], out: &mut [f32]) {
        let [x, y, z, _] = counter;
        for (chunk, out) in out.chunks_mut(LANES).enumerate() {
            let first = x.wrapping_add((chunk * LANES) as u32);
            let [high, low, ..] = philox_lanes([first, y, z, NORMAL_DRAW], key);
            let noise = deviates(&high, &low);
            out.copy_from_slice(&noise[..out.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_quantiles() {
        // High and low word, −Φ⁻¹(p) to twelve digits.
        let cases = [
            (0, 0, 7.047_700_256_66),
            (0, u32::MAX, 6.230_873_246_5),
            (0x0000_1234, 0x0a00_0000, 4.736_911_228_49),
            (0x0001_0000, 0, 4.169_569_309_76),
            (0x0012_3456, 0, 3.452_433_043_04),
            (0x1000_0000, 1 << 31, 1.534_120_543_4),
            (0x2000_0000, 0, 1.150_349_380_37),
            (0x4000_0000, 0, 0.674_489_750_193),
            (0x6000_0000, 0, 0.318_639_363_962),
            (0x7fff_0000, 0, 3.824_810_983_03e-5),
        ];
        for (high, low, want) in cases {
            let got = f64::from(deviate(high, low));
            assert!((got / want - 1.0).abs() < ERROR, "{high:#x}: {got}, {want}");
            assert_eq!(deviate(high | 1 << 31, low), -deviate(high, low));
        }
    }

    #[test]
    fn polynomials_meet() {
        let (body, tail) = (body(SPLIT), tail(SPLIT));
        assert!((body / tail - 1.0).abs() < 1e-6, "{body}, {tail}");
    }

    #[test]
    fn no_word_gives_anything_but_a_number() {
        for high in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            for low in [0, u32::MAX] {
                assert!(deviate(high, low).abs() < 7.05);
            }
        }
    }

    #[test]
    fn lanes_are_single_numbers() {
        for seed in 0..2000u32 {
            let [high, low, ..] = philox_lanes([0, seed, 0, 0], [1, 2]);
            let lanes = deviates(&high, &low);
            assert!((0..LANES).all(|i| lanes[i] == deviate(high[i], low[i])));
        }
    }
}
