use std::{collections::HashSet, fmt};

use super::{gaussian::step, noise_correlation};
use crate::data::Image;

/// Grey levels of an 8-bit image.
const BYTE_LEVELS: usize = 256;
/// Fewest pixels in which few levels mean anything: 16 per level.
const MIN_PIXELS: usize = 16 * BYTE_LEVELS;
/// Largest number of levels whose histogram is looked at.
const MAX_LEVELS: f32 = 65_536.0;
/// Pixels on both sides of an empty level from which on chance does not leave it empty: e⁻¹⁶ is 10⁻⁷.
const FILLED: u32 = 16;
/// Share of gaps among the occupied levels of a histogram from which on it is a comb.
const COMB_SHARE: f64 = 0.05;

/// Why an image does not look like a detector's own signal.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Processing {
    /// No more grey levels than 8 bits have.
    FewLevels {
        /// Distinct values.
        levels: usize,
    },
    /// Empty levels between filled ones, as a tone curve or stretching leaves them.
    Comb {
        /// Gaps between levels of at least 16 pixels.
        gaps: usize,
        /// Distinct values.
        levels: usize,
    },
    /// Noise of the finest scale is weaker than that of the next: smoothed, interpolated, compressed.
    Blurred {
        /// Ratio of the two.
        ratio: f64,
    },
    /// Noise of the finest scale is stronger than that of the next: sharpened.
    Sharpened {
        /// Ratio of the two.
        ratio: f64,
    },
}

impl fmt::Display for Processing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewLevels { levels } => {
                write!(f, "only {levels} grey levels, as 8-bit pictures made for viewing have")
            }
            Self::Comb { gaps, levels } => {
                write!(f, "{gaps} gaps between {levels} grey levels, as a tone curve leaves them")
            }
            Self::Blurred { ratio } => write!(f, "noise is smoothed: {ratio:.2} of the next scale's at the finest"),
            Self::Sharpened { ratio } => write!(f, "noise is sharpened: {ratio:.2} of the next scale's at the finest"),
        }
    }
}

/// The first sign that an image has been processed for viewing, in the order of [`Processing`]; none is no proof.
///
/// Models of noise ([`PoissonGaussian`](super::PoissonGaussian), [`Anscombe`](super::Anscombe)) describe a detector's signal.
/// After tone curves, filters or lossy compression they are at best locally true, which is worth a warning. The noise's
/// ratio counts by [`Correlation::not_white`](super::Correlation::not_white); noise that cannot be measured is no sign.
#[must_use]
pub fn looks_processed(image: &Image) -> Option<Processing> {
    if image.values().len() < MIN_PIXELS || image.check_finite().is_err() {
        return None;
    }
    if let Some(levels) = few_levels(image.values()) {
        return Some(Processing::FewLevels { levels });
    }
    if let Some((gaps, levels)) = comb(image.values()) {
        return Some(Processing::Comb { gaps, levels });
    }
    let ratio = noise_correlation(image, None).ok()?.not_white()?;
    Some(if ratio < 1.0 { Processing::Blurred { ratio } } else { Processing::Sharpened { ratio } })
}

/// The number of distinct values, unless there are too many.
fn few_levels(values: &[f32]) -> Option<usize> {
    let mut seen = HashSet::new();
    for value in values {
        // −0 and 0 are one level.
        if seen.insert((value + 0.0).to_bits()) && seen.len() > BYTE_LEVELS {
            return None;
        }
    }
    Some(seen.len())
}

/// Gaps and levels of whole-numbered values, if the gaps are many.
fn comb(values: &[f32]) -> Option<(usize, usize)> {
    let step = step(values) as f32;
    let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    if step == 0.0 || (high - low) / step >= MAX_LEVELS {
        return None;
    }
    let mut histogram = vec![0_u32; ((high - low) / step) as usize + 1];
    values.iter().for_each(|v| histogram[((v - low) / step) as usize] += 1);
    let levels: Vec<(usize, u32)> = histogram.into_iter().enumerate().filter(|(_, n)| *n > 0).collect();
    let is_gap = |pair: &&[(usize, u32)]| pair[1].0 - pair[0].0 > 1 && pair.iter().all(|(_, n)| *n >= FILLED);
    let gaps = levels.windows(2).filter(is_gap).count();
    (gaps as f64 > COMB_SHARE * levels.len() as f64).then_some((gaps, levels.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_up_to_a_byte() {
        let of = |n: u16| few_levels(&(0..5000).map(|i| f32::from(i % n)).collect::<Vec<_>>());
        assert_eq!((of(2), of(256), of(257)), (Some(2), Some(256), None));
        assert_eq!(few_levels(&[0.0, -0.0]), Some(1));
    }

    #[test]
    fn a_stretched_histogram_is_a_comb_and_an_empty_middle_is_not() {
        let smooth: Vec<f32> = (0..40_000_u16).map(|i| f32::from(i % 1000)).collect();
        assert_eq!(comb(&smooth), None);
        // Twelve bits in the upper bits of sixteen are no comb: all steps are equal.
        assert_eq!(comb(&smooth.iter().map(|v| v * 16.0).collect::<Vec<_>>()), None);
        assert_eq!(comb(&smooth.iter().map(|v| if *v > 500.0 { v + 700.0 } else { *v }).collect::<Vec<_>>()), None);
        let stretched: Vec<f32> = smooth.iter().map(|v| (v * 1.37).round()).collect();
        assert!(comb(&stretched).is_some_and(|(gaps, levels)| gaps > 300 && levels == 1000));
    }
}
