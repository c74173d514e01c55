//! Poisson counts of neighbouring pixels, side by side.

use super::{
    COUNT_DRAW,
    philox::{Words, philox_lanes},
    poisson::{COUNTLESS, FEW, Hat, count, few_beyond, many_beyond, pixel_words, threshold},
    table::tabulated,
};
use crate::vectorised::{LANES, Lanes};

/// Counts of the pixels from that of `counter` on, as [`count`] gives them one by one.
///
/// The first draw's words serve all lanes, two trials and up to two thinned counts; the few lanes that need more go on
/// alone.
#[inline(always)]
pub(super) fn counts(counter: [u32; 4], key: [u32; 2], means: &Lanes) -> Lanes {
    let [x, y, z, _] = counter;
    let words = philox_lanes([x, y, z, COUNT_DRAW], key);
    let (mut low, mut high) = (f32::INFINITY, 0.0f32);
    for &mean in means {
        low = if mean < low { mean } else { low };
        high = if mean > high { mean } else { high };
    }
    let pixel = |i: usize| [x.wrapping_add(i as u32), y, z, 0];
    let mut counts = [0.0; LANES];
    if low < FEW {
        few(&mut counts, &words, means, |i| pixel_words(pixel(i), key));
    }
    if high >= FEW {
        many(&mut counts, &words, means, |i| pixel_words(pixel(i), key));
    }
    if high >= COUNTLESS {
        for (i, (mean, result)) in means.iter().zip(&mut counts).enumerate() {
            if *mean >= COUNTLESS {
                *result = count(pixel(i), key, *mean);
            }
        }
    }
    counts
}

/// Counts of the lanes whose mean is below 16; other lanes get anything.
#[inline(always)]
fn few<F: Fn(u32) -> [u32; 4]>(counts: &mut Lanes, words: &[Words; 4], means: &Lanes, words_of: impl Fn(usize) -> F) {
    let (mut candidates, mut sums) = ([0; LANES], [0; LANES]);
    for i in 0..LANES {
        let mean = if means[i] < FEW { means[i] } else { 0.0 };
        let threshold = threshold(mean);
        let found = tabulated(1, words[1][i]);
        let first = u32::from(found > 0) & u32::from(words[2][i] >> 1 < threshold);
        let second = u32::from(found > 1) & u32::from(words[3][i] >> 1 < threshold);
        sums[i] = tabulated(mean as u32, words[0][i]) + first + second;
        // Lanes of a whole mean keep none.
        candidates[i] = if threshold > 0 { found } else { 0 };
    }
    for i in 0..LANES {
        if candidates[i] > 2 {
            sums[i] += few_beyond(words_of(i), candidates[i], threshold(means[i]));
        }
        counts[i] = sums[i] as f32;
    }
}

/// Counts of the lanes whose mean is 16 to 2²³.
#[inline(always)]
fn many<F: Fn(u32) -> [u32; 4]>(counts: &mut Lanes, words: &[Words; 4], means: &Lanes, words_of: impl Fn(usize) -> F) {
    let mut open = [0u32; LANES];
    for i in 0..LANES {
        let is_mine = (means[i] >= FEW) & (means[i] < COUNTLESS);
        let hat = Hat::new(if is_mine { means[i] } else { FEW });
        let (first, is_first) = hat.trial(words[0][i], words[1][i]);
        let (second, is_second) = hat.trial(words[2][i], words[3][i]);
        let found = if is_first { first } else { second };
        counts[i] = if is_mine { found } else { counts[i] };
        open[i] = u32::from(is_mine & !is_first & !is_second);
    }
    for i in 0..LANES {
        if open[i] != 0 {
            counts[i] = many_beyond(words_of(i), &Hat::new(means[i]), 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_count_as_pixels_do() {
        let key = [12, 34];
        for row in 0..3000u32 {
            let counter = [u32::MAX - 5, row, 9, 0];
            // Every regime alone, then all in one vector.
            let means: Lanes = std::array::from_fn(|i| {
                let i = i as u32 + row;
                match row % 5 {
                    0 => (i % 64) as f32 * 0.25,
                    1 => 16.0 + (i % 1000) as f32 * 0.37,
                    2 => 1e4 * (1 + i) as f32,
                    3 => 1e7 * (1 + i) as f32,
                    _ => 1e-2 * ((1 << (2 * (i % 16))) as f32),
                }
            });
            let got = counts(counter, key, &means);
            for i in 0..LANES {
                let pixel = [counter[0].wrapping_add(i as u32), row, 9, 0];
                assert_eq!(got[i], count(pixel, key, means[i]), "row {row}, lane {i}, mean {}", means[i]);
            }
        }
    }
}
