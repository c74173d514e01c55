use kerma::noise::{gaussian_sigma, noise_correlation};

use crate::scene::{Random, SIDE, exceeded_by, image, radiograph};

/// Largest relative error of a standard deviation.
const SIGMA_BAR: f64 = 0.05;

fn noisy(means: &[f64], sigma: f64) -> Vec<f64> {
    let mut random = Random(11);
    means.iter().map(|m| m + sigma * random.normal()).collect()
}

/// Median of the diagonal Haar band of a whole image over that of a normal, no pixel left out.
fn plain_sigma(values: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = (0..SIDE / 2 * (SIDE / 2))
        .map(|i| {
            let at = |x: usize, y: usize| values[(i / (SIDE / 2) * 2 + y) * SIDE + i % (SIDE / 2) * 2 + x];
            (at(0, 0) - at(1, 0) - at(0, 1) + at(1, 1)).abs() / 2.0
        })
        .collect();
    sizes.sort_by(f64::total_cmp);
    sizes[sizes.len() / 2] / 0.6745
}

#[test]
fn sigma_is_found_with_and_without_saturation() {
    let means = radiograph();
    for sigma in [0.005, 0.01, 0.02, 0.05, 0.1, 0.2] {
        for share in [0.0, 0.05, 0.3] {
            let mut values = noisy(&means, sigma);
            if share > 0.0 {
                let (top, bottom) = (exceeded_by(&values, share), exceeded_by(&values, 0.99));
                values.iter_mut().for_each(|v| *v = v.clamp(bottom, top));
            }
            let got = gaussian_sigma(&image(values.iter().copied()), None).unwrap();
            let (error, plain) = (got.sigma / sigma - 1.0, plain_sigma(&values) / sigma - 1.0);
            println!(
                "sigma {sigma} saturated {share}: {:+.1} %, plain median {:+.1} %, {} windows",
                100.0 * error,
                100.0 * plain,
                got.windows
            );
            let bar = if share > 0.05 { 3.0 * SIGMA_BAR } else { SIGMA_BAR };
            assert!(error.abs() < bar, "sigma {sigma} saturated {share}: {}", got.sigma);
        }
    }
}

#[test]
fn plain_median_fails_where_much_is_saturated() {
    let values: Vec<f64> = noisy(&radiograph(), 0.02).iter().map(|v| v.min(0.9)).collect();
    let half: Vec<f64> = values.iter().enumerate().map(|(i, v)| if i % SIDE < 170 { 0.9 } else { *v }).collect();
    let got = gaussian_sigma(&image(half.iter().copied()), None).unwrap().sigma;
    assert!((got / 0.02 - 1.0).abs() < SIGMA_BAR, "{got}");
    let plain = plain_sigma(&half);
    assert!((plain / 0.02 - 1.0).abs() > 4.0 * SIGMA_BAR, "{plain}");
}

#[test]
fn whole_grey_levels_give_the_noise_before_rounding() {
    for (levels, sigma) in [(255.0, 1.0), (255.0, 2.0), (255.0, 8.0), (4095.0, 32.0), (65535.0, 400.0)] {
        let values = noisy(&radiograph(), sigma / levels).into_iter().map(|v| (v * levels).round().clamp(0.0, levels));
        let got = gaussian_sigma(&image(values), None).unwrap();
        println!("{levels} levels, sigma {sigma}: {got:?}");
        assert!((got.sigma / sigma - 1.0).abs() < SIGMA_BAR, "{levels} {sigma}: {got:?}");
    }
}

#[test]
fn a_mask_keeps_the_estimate_to_its_part() {
    let means = radiograph();
    let mut random = Random(3);
    let values = means.iter().enumerate().map(|(i, m)| m + random.normal() * if i % SIDE < 256 { 0.01 } else { 0.05 });
    let noisy = image(values);
    for (left, sigma) in [(true, 0.01), (false, 0.05)] {
        let mask: Vec<bool> = (0..SIDE * SIDE).map(|i| (i % SIDE < 256) == left).collect();
        let got = gaussian_sigma(&noisy, Some(&mask)).unwrap().sigma;
        assert!((got / sigma - 1.0).abs() < SIGMA_BAR, "{sigma}: {got}");
    }
}

#[test]
fn correlation_tells_white_from_blurred_noise() {
    let white = noisy(&radiograph(), 0.02);
    let ratio = noise_correlation(&image(white.iter().copied()), None).unwrap().ratio().unwrap();
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
    let blurred = (0..SIDE * SIDE).map(|i| (white[i] + white[(i + 1) % (SIDE * SIDE)]) / 2.0);
    let ratio = noise_correlation(&image(blurred), None).unwrap().ratio().unwrap();
    assert!(ratio < 0.6, "{ratio}");
}
