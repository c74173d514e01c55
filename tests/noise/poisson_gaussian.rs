use kerma::noise::{PoissonGaussian, estimate};

use crate::scene::{Random, exceeded_by, image, radiograph};

/// Largest relative error of the gain.
const GAIN_BAR: f64 = 0.10;
/// Largest relative error of a standard deviation, over the means of the image.
const SIGMA_BAR: f64 = 0.07;

/// Counts of `photons` per unit with read noise and pedestal, in units.
fn exposed(means: &[f64], photons: f64, read: f64, pedestal: f64) -> Vec<f64> {
    let mut random = Random(77);
    means.iter().map(|m| random.counts(m * photons) / photons + read * random.normal() + pedestal).collect()
}

/// Largest relative error of sigma over the range of the means.
fn worst_sigma(got: PoissonGaussian, want: PoissonGaussian, means: &[f64], pedestal: f64) -> f64 {
    (1..20)
        .map(|i| exceeded_by(means, 1.0 - f64::from(i) / 20.0) + pedestal)
        .map(|m| (got.sigma_at(m) / want.sigma_at(m) - 1.0).abs())
        .fold(0.0, f64::max)
}

#[test]
fn gain_and_sigma_are_found_over_two_decades_of_exposure() {
    let means = radiograph();
    for photons in [30.0, 100.0, 300.0, 1000.0, 3000.0] {
        for (read, pedestal, share) in [(0.0, 0.0, 0.0), (0.01, 0.0, 0.0), (0.0, 0.2, 0.0), (0.005, 0.0, 0.05)] {
            let mut values = exposed(&means, photons, read, pedestal);
            if share > 0.0 {
                let top = exceeded_by(&values, share);
                values.iter_mut().for_each(|v| *v = v.min(top));
            }
            let want = PoissonGaussian { gain: 1.0 / photons, offset: read * read - pedestal / photons };
            let got = estimate(&image(values)).unwrap();
            let (gain, sigma) = (got.gain * photons - 1.0, worst_sigma(got, want, &means, pedestal));
            println!(
                "photons {photons} read {read} pedestal {pedestal} saturated {share}: gain {:+.1} %, sigma ≤ {:.1} %, {got:?} {want:?}",
                100.0 * gain,
                100.0 * sigma
            );
            assert!(gain.abs() < GAIN_BAR, "gain");
            assert!(sigma < SIGMA_BAR, "sigma");
        }
    }
}

#[test]
fn gaussian_noise_has_no_gain_and_falling_noise_neither() {
    let means = radiograph();
    for sigma in [0.005, 0.02, 0.1] {
        let mut random = Random(5);
        let got = estimate(&image(means.iter().map(|m| m + sigma * random.normal()))).unwrap();
        println!("sigma {sigma}: {got:?}");
        assert!(got.is_gaussian() && (got.sigma_at(0.5) / sigma - 1.0).abs() < 0.05, "{sigma}: {got:?}");
    }
    let inverted = exposed(&means, 300.0, 0.0, 0.0).into_iter().map(|v| 1.0 - v);
    assert!(estimate(&image(inverted)).unwrap().is_gaussian());
}

#[test]
fn one_sigma_fails_where_noise_grows_with_the_signal() {
    let means = radiograph();
    let noisy = image(exposed(&means, 300.0, 0.0, 0.0));
    let sigma = kerma::noise::gaussian_sigma(&noisy, None).unwrap().sigma;
    let one = PoissonGaussian { gain: 0.0, offset: sigma * sigma };
    let want = PoissonGaussian { gain: 1.0 / 300.0, offset: 0.0 };
    assert!(worst_sigma(one, want, &means, 0.0) > 3.0 * SIGMA_BAR);
}

#[test]
fn small_images_have_estimates_too() {
    let means: Vec<f64> = (0..512 * 128).map(|i| 0.1 + 0.8 * f64::from(i % 512) / 512.0).collect();
    let got = estimate(&image(exposed(&means, 200.0, 0.0, 0.0))).unwrap();
    assert!((got.gain * 200.0 - 1.0).abs() < 2.0 * GAIN_BAR, "{got:?}");
}
