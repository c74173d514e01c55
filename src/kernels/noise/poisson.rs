//! Poisson counts of one pixel, exact at every mean up to 2²³: what [`super::quanta`] draws.
//!
//! - **Mean below 16.** A sum of two counts. That of the whole part ⌊µ⌋ is read from a table of the distribution for
//!   1 to 15, in units of 2⁻³² (inversion). That of the rest r is the number of those among the counts of a mean of 1
//!   (the same table) that are kept, each with probability r (thinning). All of this is in whole numbers: probabilities
//!   are right to 2⁻³², r to 2⁻³¹; counts of less than 2⁻³³ do not come. An inversion that sums probabilities in f32
//!   would be off by 10⁻⁷ and, where the sum ends below 1, give an absurd count in one of 10⁷ pixels.
//! - **Mean from 16 to 2²³.** Transformed rejection with squeeze, PTRS (Hörmann, "The transformed rejection method for
//!   generating Poisson random variables", Insurance: Mathematics and Economics 12:39, 1993).
//! - **Mean beyond 2²³**, where single precision has no room for counts beside their spread: µ + √µ·z + (z² − 1)/6 with
//!   z normal, rounded down to what is representable, which has a Poisson's mean, variance and skewness.
//!
//! PTRS draws U in (−½, ½) and V in (0, 1] and takes
//!
//! ```text
//! k = ⌊(2a/s + b)·U + µ + 0.43⌋,  s = ½ − |U|,  b = 0.931 + 2.53·√µ,  a = 0.02483·b − 0.059
//! if   V·α⁻¹·√(2πk)/(a/s² + b) ≤ exp(−δ(k) − D(k, µ)),   α⁻¹ = 1.1239 + 1.1328/(b − 3.4)
//! ```
//! and at once, without that test, if s ≥ 0.07 and V ≤ 0.9277 − 3.6224/(b − 2). The right side is the probability of k
//! in the form of Loader ("Fast and accurate computation of binomial probabilities", 2000): δ is Stirling's error, and
//!
//! ```text
//! D = k·ln(k/µ) + µ − k = (k − µ)·v·(1 + (1 + v)·(v/3 + v³/5 + v⁵/7 + …)),   v = (k − µ)/(k + µ)
//! ```
//! the deviance; the series for |v| ≤ ¼. Nothing large cancels: at µ = 10⁶, k·ln µ − µ − ln k! has terms of 10⁷, of
//! which single precision keeps whole numbers, while δ + D is right to some 10⁻⁶ of itself.
//!
//! **What single precision costs.** The offset k − ⌊µ⌋ is rounded before its floor is taken, and so the ranges of U
//! that give neighbouring k differ by chance: a probability is right to about 2⁻²²·√µ of itself (10⁻⁶ at µ = 20, 2·10⁻⁴
//! at 10⁶), with either sign from one k to the next.
//!
//! **Bound.** A trial is refused with a probability of at most 0.22 (1 − α), at µ = 16. After [`TRIALS`] refusals the result is
//! ⌊µ⌋: never seen, at 10⁻²¹. Every trial takes its own words of the pixel's own counter.

use super::{COUNT_DRAW, normal::deviate, philox::philox, table::tabulated};
use crate::engine::arithmetic::{exp, inverse_square_root, log, reciprocal};

/// Mean from which on counts come by rejection; Hörmann's proof of the squeeze holds from 10 on.
pub const FEW: f32 = 16.0;
/// Mean from which on counts are normal numbers: 2²³.
pub const COUNTLESS: f32 = 8_388_608.0;
/// Largest mean, 2⁹⁶: larger ones count as this.
pub const MAX_MEAN: f32 = 7.922_816_3e28;
/// Trials at the most.
pub const TRIALS: u32 = 32;

/// Counts of a pixel of a mean; `counter` is the pixel's, its draw is not looked at.
#[inline]
pub(super) fn count(counter: [u32; 4], key: [u32; 2], mean: f32) -> f32 {
    let words_of = pixel_words(counter, key);
    if mean < FEW {
        few(words_of, mean)
    } else if mean < COUNTLESS {
        many_beyond(words_of, &Hat::new(mean), 0)
    } else {
        countless(words_of(0), mean)
    }
}

/// Words of the draws of a pixel that belong to its count, by their number.
#[inline(always)]
pub(super) fn pixel_words([x, y, z, _]: [u32; 4], key: [u32; 2]) -> impl Fn(u32) -> [u32; 4] {
    move |draw| philox([x, y, z, COUNT_DRAW + draw], key)
}

fn few(words_of: impl Fn(u32) -> [u32; 4], mean: f32) -> f32 {
    let words = words_of(0);
    let threshold = threshold(mean);
    let candidates = tabulated(1, words[1]);
    let kept = words[2..].iter().take(candidates as usize).filter(|word| **word >> 1 < threshold).count();
    let sum = tabulated(mean as u32, words[0]) + kept as u32;
    (sum + few_beyond(words_of, candidates, threshold)) as f32
}

/// Probability of being kept in thinning, the mean's fraction in units of 2⁻³¹.
#[inline(always)]
pub(super) fn threshold(mean: f32) -> u32 {
    ((mean - mean.floor()) * (1u32 << 31) as f32) as u32
}

/// How many candidates from the third on are kept: their words are those of the second draw and of those that follow.
pub(super) fn few_beyond(words_of: impl Fn(u32) -> [u32; 4], candidates: u32, threshold: u32) -> u32 {
    let (mut words, mut count) = ([0; 4], 0);
    for i in 2..candidates {
        let place = (i - 2) % 4;
        if place == 0 {
            words = words_of((i + 2) / 4);
        }
        count += u32::from(words[place as usize] >> 1 < threshold);
    }
    count
}

/// Count by rejection from a trial on; draws hold the words of two trials, and `first` is even.
pub(super) fn many_beyond(words_of: impl Fn(u32) -> [u32; 4], hat: &Hat, first: u32) -> f32 {
    for draw in first / 2..TRIALS / 2 {
        let words = words_of(draw);
        for pair in words.chunks_exact(2) {
            let (k, is_taken) = hat.trial(pair[0], pair[1]);
            if is_taken {
                return k;
            }
        }
    }
    hat.whole
}

fn countless([high, low, ..]: [u32; 4], mean: f32) -> f32 {
    let z = deviate(high, low);
    let spread = (mean * inverse_square_root(mean)) * z;
    (mean + (spread + (z * z - 1.0) * (1.0 / 6.0))).floor()
}

/// Hörmann's constants for a mean.
#[derive(Clone, Copy)]
pub(super) struct Hat {
    mean: f32,
    /// Whole part of the mean, and the rest.
    whole: f32,
    part: f32,
    a: f32,
    b: f32,
    inverse_alpha: f32,
    /// V up to which a trial with s ≥ 0.07 is taken at once.
    quick: f32,
}

impl Hat {
    #[inline(always)]
    pub(super) fn new(mean: f32) -> Self {
        let root = mean * inverse_square_root(mean);
        let b = 2.53 * root + 0.931;
        let a = 0.02483 * b - 0.059;
        let inverse_alpha = 1.1328 * reciprocal(b - 3.4) + 1.1239;
        let quick = 0.9277 - 3.6224 * reciprocal(b - 2.0);
        let whole = mean.floor();
        Self { mean, whole, part: mean - whole, a, b, inverse_alpha, quick }
    }

    /// Count of a trial and whether it is taken; without branches, so that lanes can be computed side by side.
    #[inline(always)]
    pub(super) fn trial(&self, side: u32, height: u32) -> (f32, bool) {
        let Self { mean, whole, part, a, b, inverse_alpha, quick } = *self;
        let edge = 0.5 * uniform(side << 1);
        let u = f32::from_bits((0.5 - edge).to_bits() | (side & 0x8000_0000));
        let v = uniform(height);
        let inverse = reciprocal(edge);
        let stretch = (2.0 * a) * inverse + b;
        let offset = (stretch * u + (part + 0.43)).floor();
        let k = whole + offset;
        let is_quick = (edge >= 0.07) & (v <= quick);
        let is_out = (k < 0.0) | ((edge < 0.013) & (v > edge));
        let slope = (a * inverse) * inverse + b;
        let level = (v * inverse_alpha) * reciprocal(slope);
        let circle = std::f32::consts::TAU * if k > 1.0 { k } else { 1.0 };
        let width = if k < 0.5 { 1.0 } else { circle * inverse_square_root(circle) };
        let is_below = level * width <= exp(-exponent(k, mean, offset - part));
        (k, is_quick | (!is_out & is_below))
    }
}

/// Uniform number in (0, 1] from a word; small ones have all their digits.
#[inline(always)]
fn uniform(word: u32) -> f32 {
    let coarse = (word >> 16).cast_signed() as f32;
    let fine = (((word & 0xffff) << 1) + 1).cast_signed() as f32;
    coarse * (1.0 / (1 << 16) as f32) + fine * (1.0 / (1u64 << 33) as f32)
}

/// δ(k) + D(k, mean) for k ≥ 1, the mean for k = 0, anything below; `over` is k − mean.
#[inline(always)]
fn exponent(k: f32, mean: f32, over: f32) -> f32 {
    let kept = if k < 0.5 { 1.0 } else { k };
    let r = reciprocal(kept);
    let z = r * r;
    // 12k·δ(k), fitted at whole k: δ to 2·10⁻⁸ from 1 on.
    let mut s = z * -0.002_576_283 + 0.008_594_508;
    s = z * s - 0.033_280_623;
    s = z * s + 1.0;
    let stirling = (r * s) * (1.0 / 12.0);
    let v = over * reciprocal(kept + mean);
    let far = (kept * log(kept * reciprocal(mean))) - over;
    let q = v * v;
    let mut h = q * (1.0 / 11.0) + 1.0 / 9.0;
    h = q * h + 1.0 / 7.0;
    h = q * h + 0.2;
    h = q * h + 1.0 / 3.0;
    let odd = (1.0 + v) * (v * h) + 1.0;
    let near = (over * v) * odd;
    let exponent = stirling + if v.abs() > 0.25 { far } else { near };
    if k < 0.5 { mean } else { exponent }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// −ln(P(k)·√(2πk)), for k > 0, from ln k! summed up.
    fn wanted(k: u32, mean: f64) -> f64 {
        let k_real = f64::from(k);
        let factorial: f64 = (1..=k).map(|i| f64::from(i).ln()).sum();
        factorial + mean - k_real * mean.ln() - 0.5 * (std::f64::consts::TAU * k_real).ln()
    }

    #[test]
    fn the_saddle_point_form_is_accurate() {
        let mut worst = 0.0f64;
        for mean in [16.0f32, 17.3, 40.9, 123.4, 1000.5, 20_000.25, 1_048_575.9] {
            let spread = mean.sqrt();
            for i in -80..=80 {
                let k = (mean + 0.1 * i as f32 * spread).floor();
                if k < 1.0 {
                    continue;
                }
                let got = f64::from(exponent(k, mean, (k - mean.floor()) - (mean - mean.floor())));
                let want = wanted(k as u32, mean.into());
                // Absolute where the probability is, relative where it is not.
                worst = worst.max((got - want).abs() / want.max(1.0));
            }
        }
        assert!(worst < 2e-6, "{worst}");
        assert_eq!(exponent(0.0, 16.5, -16.5), 16.5);
    }

    #[test]
    fn trials_that_lead_far_away_are_refused() {
        let hat = Hat::new(16.0);
        // s = 0: as far as it goes, to either side, with the smallest V.
        for side in [0, 1 << 31] {
            assert!(!hat.trial(side, 0).1);
        }
        assert!(hat.trial(u32::MAX >> 1, u32::MAX / 4).1);
    }

    #[test]
    fn large_means_stay_numbers() {
        for mean in [COUNTLESS, 1e20, MAX_MEAN] {
            let got = count([1, 2, 3, 0], [4, 5], mean);
            assert!((got - mean).abs() <= 8.0 * mean.sqrt() && got == got.floor(), "{mean}: {got}");
        }
    }
}
