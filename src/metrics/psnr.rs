use super::{
    MetricError,
    pair::{check_pair, check_range},
};
use crate::{data::Image, parallel::*};

/// Values summed by one thread at a time; fixed, so that the sum is the same on every machine.
const CHUNK: usize = 1 << 16;

/// Peak signal-to-noise ratio in decibels; infinity for equal images.
///
/// ```text
/// PSNR = 10·log₁₀(R² / MSE),   MSE = (1/n)·Σ (xᵢ − yᵢ)²
/// ```
/// where R is the range of possible values, x the reference and y the image, of n pixels each. R is fixed by the
/// caller (255 for 8 bits): taken from an image, it would reward one bright pixel. Symmetric in x and y.
///
/// # Errors
/// [`MetricError`] when sizes differ, a value is not finite, or the range is not positive.
pub fn psnr(reference: &Image, image: &Image, range: f64) -> Result<f64, MetricError> {
    check_range(range)?;
    // R/RMSE is taken before squaring, which could overflow.
    Ok(20.0 * (range / rmse(reference, image)?).log10())
}

/// Root of the mean squared error, in the images' unit; 0 for equal images.
///
/// ```text
/// RMSE = √((1/n)·Σ (xᵢ − yᵢ)²)
/// ```
///
/// # Errors
/// [`MetricError`] when sizes differ or a value is not finite.
pub fn rmse(reference: &Image, image: &Image) -> Result<f64, MetricError> {
    check_pair(reference, image)?;
    let parts: Vec<f64> = (reference.values().par_chunks(CHUNK).zip(image.values().par_chunks(CHUNK)))
        .map(|(x, y)| x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum())
        .collect();
    Ok((parts.iter().sum::<f64>() / reference.values().len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::data::{Sample, Unit};

    fn image(columns: usize, values: Vec<f32>) -> Image {
        Image::new([columns, values.len() / columns], None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn one_level_everywhere_is_48_decibels_of_8_bits() {
        let [a, b] = [10.0, 11.0].map(|v| image(7, vec![v; 35]));
        assert_eq!(rmse(&a, &b), Ok(1.0));
        assert!((psnr(&a, &b, 255.0).unwrap() - 48.130_803_608_679_1).abs() < 1e-12);
        // The control: with the largest value for a range it would be another number.
        assert!(psnr(&a, &b, 11.0).unwrap() < 21.0);
    }

    #[test]
    fn what_has_no_value_is_refused() {
        let a = image(3, vec![0.0; 6]);
        let refused = |b: &Image, range, word: &str| {
            let message = psnr(&a, b, range).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        refused(&image(2, vec![0.0; 6]), 1.0, "image must have the reference's 3x2 pixels, got 2x3");
        refused(&image(3, vec![0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0]), 1.0, "1 of the values of the image");
        for range in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            refused(&a, range, "range must be positive");
        }
    }

    proptest! {
        #[test]
        fn equal_images_are_infinitely_alike_and_sides_do_not_matter(
            x in vec(-1e6_f32..1e6, 12), y in vec(-1e6_f32..1e6, 12), shift in -100.0_f32..100.0,
        ) {
            let [a, b] = [&x, &y].map(|v| image(4, v.clone()));
            prop_assert_eq!(psnr(&a, &a, 255.0), Ok(f64::INFINITY));
            prop_assert_eq!(psnr(&a, &b, 255.0), psnr(&b, &a, 255.0));
            // Sums of whole numbers of this size are exact in f32, so that a shift changes nothing at all.
            let [c, d] = [&x, &y].map(|v| image(4, v.iter().map(|v| v.round()).collect()));
            let moved = |i: &Image| image(4, i.values().iter().map(|v| v + shift.round()).collect());
            prop_assert_eq!(psnr(&c, &d, 255.0), psnr(&moved(&c), &moved(&d), 255.0));
            let doubled = |i: &Image| image(4, i.values().iter().map(|v| 2.0 * v).collect());
            prop_assert_eq!(psnr(&a, &b, 255.0), psnr(&doubled(&a), &doubled(&b), 510.0));
        }
    }
}
