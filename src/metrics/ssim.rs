use super::{
    MetricError,
    pair::{check_pair, check_range, check_sides},
    windows::{Constants, Window},
};
use crate::data::Image;

/// Taps of Wang's Gaussian window.
const GAUSSIAN_TAPS: usize = 11;
/// Its standard deviation, in pixels.
const GAUSSIAN_SIGMA: f64 = 1.5;
/// Taps of scikit-image's uniform window.
const UNIFORM_TAPS: usize = 7;

/// Windows and covariances by which structural similarity is measured; numbers of different forms do not compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// Gaussian of 11 × 11 taps, σ = 1.5 pixels, covariances of the population: the paper's, and of most tables.
    ///
    /// scikit-image: `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`.
    #[default]
    Wang,
    /// Uniform window of 7 × 7 taps, covariances of the sample (N/(N − 1), N = 49): scikit-image's default.
    ScikitImage,
}

impl Form {
    /// Taps of the window along either axis: the least side of an image.
    #[must_use]
    pub fn taps(self) -> usize {
        match self {
            Self::Wang => GAUSSIAN_TAPS,
            Self::ScikitImage => UNIFORM_TAPS,
        }
    }

    pub(super) fn window(self) -> Window {
        match self {
            Self::Wang => Window { taps: gaussian(GAUSSIAN_TAPS, GAUSSIAN_SIGMA), covariance_scale: 1.0 },
            Self::ScikitImage => {
                let count = (UNIFORM_TAPS * UNIFORM_TAPS) as f64;
                let taps = vec![1.0 / UNIFORM_TAPS as f64; UNIFORM_TAPS];
                Window { taps, covariance_scale: count / (count - 1.0) }
            }
        }
    }
}

/// Taps of a sampled Gaussian with the sum 1.
pub(super) fn gaussian(taps: usize, sigma: f64) -> Vec<f64> {
    let middle = (taps as f64 - 1.0) / 2.0;
    let weights: Vec<f64> = (0..taps).map(|k| (-((k as f64 - middle) / sigma).powi(2) / 2.0).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// Mean structural similarity: 1 for equal images, at least −1.
///
/// ```text
/// SSIM = mean of (2·μx·μy + C₁)·(2·σxy + C₂) / ((μx² + μy² + C₁)·(σx² + σy² + C₂))
/// C₁ = (0.01·R)²,  C₂ = (0.03·R)²
/// ```
/// where μ, σ² and σxy are means, variances and covariance under a window that [`Form`] tells, R is the range of
/// possible values, and the mean is over all places where the window lies within the image (scikit-image crops the same
/// 5 or 3 pixels from every side). Separable windows: the cost per pixel does not depend on the image. Symmetric.
///
/// Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, IEEE Trans. Image Process. 13:600, 2004, equation 13. As in
/// scikit-image and most others, the image is not reduced beforehand as the authors' demonstration does for display.
///
/// # Errors
/// [`MetricError`] when sizes differ, a side is shorter than the window, a value is not finite, or the range is not
/// positive.
pub fn ssim(reference: &Image, image: &Image, range: f64, form: Form) -> Result<f64, MetricError> {
    check_range(range)?;
    check_pair(reference, image)?;
    check_sides("SSIM", image.size(), form.taps())?;
    let pair = [reference.values(), image.values()];
    Ok(form.window().terms(pair, image.size(), Constants::of_range(range)).ssim)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::data::{Sample, Unit};

    const FORMS: [Form; 2] = [Form::Wang, Form::ScikitImage];

    fn image(columns: usize, values: Vec<f32>) -> Image {
        Image::new([columns, values.len() / columns], None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    /// The definition, window by window, with the centred sums of products.
    fn direct(x: &Image, y: &Image, range: f64, form: Form) -> f64 {
        let Window { taps, covariance_scale } = form.window();
        let [c1, c2] = [0.01, 0.03].map(|k: f64| (k * range).powi(2));
        let [columns, rows] = x.size();
        let n = taps.len();
        let (mut sum, mut count) = (0.0, 0.0);
        for top in 0..=rows - n {
            for left in 0..=columns - n {
                let mean = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
                    let places = (0..n).flat_map(|j| (0..n).map(move |i| (j, i)));
                    places
                        .map(|(j, i)| {
                            let [x, y] = [x, y].map(|image| f64::from(image.view()[[top + j, left + i]]));
                            taps[j] * taps[i] * f(x, y)
                        })
                        .sum()
                };
                let (mx, my) = (mean(&|x, _| x), mean(&|_, y| y));
                let [vx, vy, vxy] =
                    [mean(&|x, _| (x - mx).powi(2)), mean(&|_, y| (y - my).powi(2)), mean(&|x, y| (x - mx) * (y - my))]
                        .map(|v| covariance_scale * v);
                sum += (2.0 * mx * my + c1) * (2.0 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
                count += 1.0;
            }
        }
        sum / count
    }

    #[test]
    fn strips_and_rings_give_the_definition() {
        let noise = |seed: u32, count: u32| -> Vec<f32> {
            (0..count).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 20) as f32).collect()
        };
        // More than two strips, more than a block, and single windows.
        for (columns, rows) in [(11, 300), (90, 14), (11, 11)] {
            let [x, y] = [1, 7].map(|seed| image(columns, noise(seed, (columns * rows) as u32)));
            for form in FORMS {
                let (got, want) = (ssim(&x, &y, 4095.0, form).unwrap(), direct(&x, &y, 4095.0, form));
                assert!((got - want).abs() < 1e-12, "{columns}x{rows} {form:?}: {got} instead of {want}");
            }
            // The control: the population's covariance is not the sample's.
            let population = Window { covariance_scale: 1.0, ..Form::ScikitImage.window() };
            let got = population.terms([x.values(), y.values()], x.size(), Constants::of_range(4095.0)).ssim;
            let off = (got - direct(&x, &y, 4095.0, Form::ScikitImage)).abs();
            assert!(off > 1e-6, "{off}");
        }
    }

    #[test]
    fn a_shift_by_one_pixel_is_seen() {
        let stripes = |shift: usize| image(32, (0..1024).map(|i| ((i + shift) % 32 / 2 % 5 * 60) as f32).collect());
        for form in FORMS {
            assert_eq!(ssim(&stripes(0), &stripes(0), 255.0, form), Ok(1.0));
            let shifted = ssim(&stripes(0), &stripes(1), 255.0, form).unwrap();
            assert!(shifted < 0.8, "{form:?}: {shifted}");
        }
    }

    #[test]
    fn images_without_a_window_are_refused() {
        for (form, least) in FORMS.into_iter().zip([11, 7]) {
            let small = image(least - 1, vec![0.0; (least - 1) * 20]);
            let message = ssim(&small, &small, 1.0, form).unwrap_err().to_string();
            assert_eq!(message, format!("SSIM needs sides of {least} pixels or more, got {}x20", least - 1));
            let fits = image(least, vec![0.0; least * least]);
            assert_eq!(ssim(&fits, &fits, 1.0, form), Ok(1.0));
        }
    }

    proptest! {
        #[test]
        fn equal_images_give_one_and_nothing_else_depends_on_sides_or_scale(
            x in vec(0.0_f32..4095.0, 12 * 13), y in vec(0.0_f32..4095.0, 12 * 13),
        ) {
            let [a, b] = [x, y].map(|v| image(12, v));
            for form in FORMS {
                prop_assert_eq!(ssim(&a, &a, 4095.0, form), Ok(1.0));
                let value = ssim(&a, &b, 4095.0, form).unwrap();
                prop_assert!(value.abs() < 1.0);
                prop_assert_eq!(ssim(&b, &a, 4095.0, form), Ok(value));
                let doubled = |i: &Image| image(12, i.values().iter().map(|v| 2.0 * v).collect());
                prop_assert_eq!(ssim(&doubled(&a), &doubled(&b), 8190.0, form), Ok(value));
                let turned = |i: &Image| image(12, i.values().iter().rev().copied().collect());
                prop_assert!((ssim(&turned(&a), &turned(&b), 4095.0, form).unwrap() - value).abs() < 1e-12);
            }
        }
    }
}
