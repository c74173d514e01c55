use super::{
    Form, MetricError,
    pair::{check_pair, check_range, check_sides},
    windows::Constants,
};
use crate::data::Image;

/// Exponents of the scales, finest first (the paper's section 3.2).
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Least side: 11 taps must fit after four halvings, 161 → 81 → 41 → 21 → 11.
const LEAST_SIDE: usize = 161;

/// Multi-scale structural similarity: 1 for equal images, 0 at worst.
///
/// ```text
/// MS-SSIM = max(0, s₅)^w₅ · Π max(0, csⱼ)^wⱼ,  j = 1…4,  w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333
/// ```
/// where csⱼ is the mean over scale j of (2·σxy + C₂)/(σx² + σy² + C₂), s₅ the mean of the whole SSIM at the coarsest,
/// windows and constants are those of [`Form::Wang`], and every scale is made of the one before by means of 2 × 2
/// pixels. An odd last row or column is averaged with itself.
///
/// A negative mean has no real power: it counts as 0, and so makes the whole 0.
///
/// Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar Conf. Signals Syst. Comput. 2003, p. 1398, equation 7.
///
/// # Errors
/// [`MetricError`] when sizes differ, a side has 160 pixels or fewer, a value is not finite, or the range is not
/// positive.
pub fn ms_ssim(reference: &Image, image: &Image, range: f64) -> Result<f64, MetricError> {
    check_range(range)?;
    check_pair(reference, image)?;
    check_sides("MS-SSIM", image.size(), LEAST_SIDE)?;
    let (window, constants) = (Form::Wang.window(), Constants::of_range(range));
    let mut size = image.size();
    let mut terms = window.terms([reference.values(), image.values()], size, constants);
    let mut pair = [halved(reference.values(), size), halved(image.values(), size)];
    let mut product = 1.0;
    for weight in &WEIGHTS[..WEIGHTS.len() - 1] {
        product *= terms.structure.max(0.0).powf(*weight);
        size = size.map(|n| n.div_ceil(2));
        terms = window.terms([&pair[0], &pair[1]], size, constants);
        pair = pair.map(|values| halved(&values, size));
    }
    Ok(product * terms.ssim.max(0.0).powf(WEIGHTS[WEIGHTS.len() - 1]))
}

/// Means of 2 × 2 pixels; an odd last row or column is taken twice.
fn halved<T: Copy + Into<f64>>(values: &[T], [columns, rows]: [usize; 2]) -> Vec<f64> {
    let mut half = Vec::with_capacity(columns.div_ceil(2) * rows.div_ceil(2));
    for pair in values.chunks(2 * columns) {
        let upper = &pair[..columns];
        let lower = if pair.len() > columns { &pair[columns..] } else { upper };
        for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
            let sum = |row: &[T]| -> f64 { row[0].into() + row[row.len() - 1].into() };
            half.push((sum(upper) + sum(lower)) / 4.0);
        }
    }
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    fn image(columns: usize, rows: usize, value: impl Fn(usize) -> f32) -> Image {
        let values = (0..columns * rows).map(value).collect();
        Image::new([columns, rows], None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    fn noise(index: usize) -> f32 {
        ((index as u32 + 1).wrapping_mul(2_654_435_761) >> 24) as f32
    }

    #[test]
    fn odd_sides_take_their_last_twice() {
        assert_eq!(halved(&[1.0_f32, 3.0, 5.0, 5.0, 7.0, 1.0], [3, 2]), [4.0, 3.0]);
        assert_eq!(halved(&[1.0_f32, 3.0, 8.0], [1, 3]), [2.0, 8.0]);
    }

    #[test]
    fn sides_of_more_than_160_pixels_are_needed() {
        let small = image(160, 300, noise);
        let message = ms_ssim(&small, &small, 255.0).unwrap_err().to_string();
        assert_eq!(message, "MS-SSIM needs sides of 161 pixels or more, got 160x300");
        let fits = image(161, 162, noise);
        assert_eq!(ms_ssim(&fits, &fits, 255.0), Ok(1.0));
    }

    #[test]
    fn what_is_turned_to_its_opposite_has_no_likeness() {
        let (x, y) = (image(161, 161, noise), image(161, 161, |i| 255.0 - noise(i)));
        assert_eq!(ms_ssim(&x, &y, 255.0), Ok(0.0));
        let faint = image(161, 161, |i| 0.9 * noise(i));
        let value = ms_ssim(&x, &faint, 255.0).unwrap();
        assert!(value > 0.9 && value < 1.0, "{value}");
        assert_eq!(ms_ssim(&faint, &x, 255.0), Ok(value));
    }
}
