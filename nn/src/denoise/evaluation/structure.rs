//! Whether a denoiser shows lesions that are not there, and keeps those that are.

use kerma::data::Image;

/// Energy of a method's errors at the size of lesions, relative to that of the noise it was given.
///
/// ```text
/// Σ (B(y − c))² / Σ (B(n − c))²,    B = G(d/4) − G(d/2)
/// ```
/// where c is the clean image, n the noisy and y the denoised one, and G(σ) a Gaussian blur; B answers most to discs of
/// diameter d, since d/(2·√2), where the response of a blob is largest (Lindeberg, Int. J. Comput. Vis. 30:79, 1998),
/// is the geometric mean of its two deviations. 1 of a method that does nothing; NaN where the noise has no energy.
pub(super) fn false_energy(clean: &Image, noisy: &Image, denoised: &Image, diameter_px: f64) -> f64 {
    let energy = |image: &Image| -> f64 {
        band(&difference(image, clean), clean.size(), diameter_px).iter().map(|v| v * v).sum()
    };
    energy(denoised) / energy(noisy)
}

/// Slope of the denoised pair's difference over the clean pair's: 1 where inserts keep their contrast, 0 where they go.
///
/// Pairs are images with and without inserts. The slope is that of the least squares over all pixels, which weighs
/// inserts by the square of their contrast; NaN of a clean pair without difference.
pub(super) fn recovery(clean: [&Image; 2], denoised: [&Image; 2]) -> f64 {
    let [want, got] = [clean, denoised].map(|[with, without]| difference(with, without));
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    product(&got, &want) / product(&want, &want)
}

/// a − b, pixel by pixel.
pub(super) fn difference(a: &Image, b: &Image) -> Vec<f64> {
    a.values().iter().zip(b.values()).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect()
}

fn band(values: &[f64], size: [usize; 2], diameter_px: f64) -> Vec<f64> {
    let fine = blurred(values, size, diameter_px / 4.0);
    let coarse = blurred(values, size, diameter_px / 2.0);
    fine.iter().zip(coarse).map(|(fine, coarse)| fine - coarse).collect()
}

/// Gaussian blur in both directions; the image goes on beyond its border as it ends there.
fn blurred(values: &[f64], [columns, rows]: [usize; 2], sigma: f64) -> Vec<f64> {
    /// Where the kernel ends, in deviations: beyond lies 10⁻⁴ of it.
    const REACH: f64 = 4.0;
    let reach = (REACH * sigma).ceil() as isize;
    let weights: Vec<f64> = (-reach..=reach).map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp()).collect();
    let total: f64 = weights.iter().sum();
    // One pass blurs rows and turns the image over its diagonal; two passes bring it back.
    let pass = |values: &[f64], columns: usize, rows: usize| {
        let mut turned = vec![0.0; values.len()];
        for (row, line) in values.chunks_exact(columns).enumerate() {
            for column in 0..columns {
                let at = |k: isize| line[(column as isize + k).clamp(0, columns as isize - 1) as usize];
                let sum: f64 = weights.iter().zip(-reach..=reach).map(|(w, k)| w * at(k)).sum();
                turned[column * rows + row] = sum / total;
            }
        }
        turned
    };
    pass(&pass(values, columns, rows), rows, columns)
}

#[cfg(test)]
pub(super) mod tests {
    use kerma::{
        data::{Sample, Unit},
        kernels::noise::{
            Stream,
            quanta::{self, Quanta},
        },
    };

    use super::*;

    pub(crate) const SIZE: [usize; 2] = [96, 80];

    pub(crate) fn image(value: impl Fn(usize, usize) -> f64) -> Image {
        let values = (0..SIZE[0] * SIZE[1]).map(|i| value(i % SIZE[0], i / SIZE[0]) as f32).collect();
        Image::new(SIZE, None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    /// A shaded image with white noise of deviation `sigma`.
    pub(crate) fn noisy(clean: &Image, sigma: f32, stream: u32) -> Image {
        let quanta = Quanta { photons: None, electronic_sigma: sigma };
        image(|x, y| {
            let mean = clean.values()[y * SIZE[0] + x];
            quanta::at(&quanta, &Stream::new(3, stream), mean, x as u32, y as u32, 0).into()
        })
    }

    pub(crate) fn shading() -> Image {
        image(|x, y| 0.3 + 0.004 * x as f64 + 0.1 * (y as f64 / 9.0).sin())
    }

    fn with_blob(of: &Image, contrast: f64) -> Image {
        image(|x, y| {
            let radius = (x as f64 - 50.0).hypot(y as f64 - 40.0) / 6.0;
            f64::from(of.values()[y * SIZE[0] + x]) + contrast * (1.0 - radius * radius).max(0.0).sqrt()
        })
    }

    #[test]
    fn a_denoiser_that_invents_a_lesion_is_caught_and_one_that_does_nothing_has_1() {
        let clean = shading();
        let noisy = noisy(&clean, 0.05, 1);
        assert_eq!(false_energy(&clean, &noisy, &noisy, 12.0), 1.0);
        assert_eq!(false_energy(&clean, &noisy, &clean, 12.0), 0.0);
        // A perfect denoiser but for one lesion, and one that leaves noise of the same energy: the control.
        let invented = with_blob(&clean, 0.1);
        let energy: f64 = difference(&invented, &clean).iter().map(|v| v * v).sum();
        let share = (energy / difference(&noisy, &clean).iter().map(|v| v * v).sum::<f64>()).sqrt();
        let at = |x: usize, y: usize| y * SIZE[0] + x;
        let left = image(|x, y| {
            let [n, c] = [&noisy, &clean].map(|i| f64::from(i.values()[at(x, y)]));
            c + share * (n - c)
        });
        let [caught, control] = [&invented, &left].map(|denoised| false_energy(&clean, &noisy, denoised, 12.0));
        assert!(caught > 5.0 * control, "{caught} against {control}");
        assert!((control - share * share).abs() < 1e-3, "{control}");
    }

    #[test]
    fn contrast_that_is_halved_is_half_recovered() {
        let clean = shading();
        let with = with_blob(&clean, 0.1);
        assert!((recovery([&with, &clean], [&with, &clean]) - 1.0).abs() < 1e-12);
        let half = with_blob(&clean, 0.05);
        assert!((recovery([&with, &clean], [&half, &clean]) - 0.5).abs() < 1e-4);
        assert_eq!(recovery([&with, &clean], [&clean, &clean]), 0.0);
    }

    #[test]
    fn a_blur_keeps_the_mean_and_spreads_a_point_as_a_gaussian() {
        let mut values = vec![0.0; SIZE[0] * SIZE[1]];
        values[40 * SIZE[0] + 48] = 1.0;
        let blurred = blurred(&values, SIZE, 3.0);
        assert!((blurred.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let want = |x: f64, y: f64| (-(x * x + y * y) / 18.0).exp() / (18.0 * std::f64::consts::PI);
        for [x, y] in [[0, 0], [4, 0], [0, 5], [3, 3]] {
            let got = blurred[(40 + y) * SIZE[0] + 48 + x];
            assert!((got - want(x as f64, y as f64)).abs() < 1e-5, "{got}");
        }
    }
}
