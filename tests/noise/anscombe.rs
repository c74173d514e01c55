use kerma::noise::{Anscombe, PoissonGaussian};

use crate::scene::Random;

/// Largest deviation of the stabilised variance from 1, from 4 counts on.
const VARIANCE_BAR: f64 = 0.05;
/// Largest relative deviation of an inverted mean transform from the mean.
const BIAS_BAR: f64 = 0.005;

/// Moments of the transform by a sum over counts and a fine grid of read noise, in f64.
fn mean_and_variance(anscombe: &Anscombe, lambda: f64, gain: f64, read: f64) -> (f64, f64) {
    let nodes: Vec<(f64, f64)> = if read == 0.0 {
        vec![(0.0, 1.0)]
    } else {
        let raw = (-320..=320).map(|i| f64::from(i) / 40.0).map(|t| (read * t, (-0.5 * t * t).exp()));
        let total: f64 = raw.clone().map(|(_, w)| w).sum();
        raw.map(|(x, w)| (x, w / total)).collect()
    };
    let reach = 12.0 * lambda.sqrt() + 30.0;
    let (first, last) = ((lambda - reach).max(0.0) as u32, (lambda + reach) as u32);
    let mut log_factorial: f64 = (1..=first).map(|k| f64::from(k).ln()).sum();
    let (mut sum, mut squares) = (0.0, 0.0);
    for k in first..=last {
        if k > first {
            log_factorial += f64::from(k).ln();
        }
        let probability = (f64::from(k) * lambda.ln() - lambda - log_factorial).exp();
        for (x, weight) in &nodes {
            let f = anscombe.forward_value(gain * f64::from(k) + x);
            sum += probability * weight * f;
            squares += probability * weight * f * f;
        }
    }
    (sum, squares - sum * sum)
}

const LAMBDAS: [f64; 12] = [0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

#[test]
fn variance_is_one_and_the_exact_inverse_unbiased() {
    for (gain, read) in [(1.0, 0.0), (1.0, 0.5), (1.0, 2.0), (0.01, 0.02), (12.0, 60.0)] {
        let anscombe = Anscombe::new(PoissonGaussian { gain, offset: read * read }).unwrap();
        for lambda in LAMBDAS {
            let (mean, variance) = mean_and_variance(&anscombe, lambda, gain, read);
            let bias = anscombe.inverse_value(mean) / (gain * lambda) - 1.0;
            let algebraic = anscombe.algebraic_inverse_value(mean) / (gain * lambda) - 1.0;
            println!(
                "g {gain} s {read} λ {lambda}: variance {variance:.4}, bias {bias:.1e}, algebraic {algebraic:.1e}"
            );
            assert!(bias.abs() < BIAS_BAR, "{gain} {read} {lambda}: {bias}");
            // Murtagh's transform itself has variance 1.056 at 4 counts with read noise of 2 counts.
            if lambda >= if read <= gain { 4.0 } else { 6.0 } {
                assert!((variance - 1.0).abs() < VARIANCE_BAR, "{gain} {read} {lambda}: {variance}");
            }
            if lambda <= 10.0 {
                assert!(algebraic.abs() > 4.0 * BIAS_BAR, "the control must be biased: {algebraic}");
            }
        }
    }
}

#[test]
fn variance_is_not_one_with_the_gain_of_another_detector() {
    let anscombe = Anscombe::new(PoissonGaussian { gain: 1.2, offset: 0.0 }).unwrap();
    let (_, variance) = mean_and_variance(&anscombe, 50.0, 1.0, 0.0);
    assert!((variance - 1.0).abs() > 2.0 * VARIANCE_BAR, "{variance}");
}

#[test]
fn averages_of_drawn_values_return_their_mean() {
    const DRAWS: u32 = 200_000;
    let mut random = Random(21);
    for (lambda, gain, read, pedestal) in [(0.5, 1.0, 0.3, 0.0), (3.0, 0.02, 0.01, 0.0), (30.0, 2.0, 4.0, 100.0)] {
        let model = PoissonGaussian { gain, offset: read * read - gain * pedestal };
        let anscombe = Anscombe::with_pedestal(model, pedestal).unwrap();
        let draw = |random: &mut Random| gain * random.counts(lambda) + read * random.normal() + pedestal;
        let mean = (0..DRAWS).map(|_| anscombe.forward_value(draw(&mut random))).sum::<f64>() / f64::from(DRAWS);
        let got = (anscombe.inverse_value(mean) - pedestal) / gain;
        // Four standard errors of the average of transformed values, through the slope of the inverse.
        let bar = 4.0 * (lambda + (read / gain).powi(2) + 0.375).sqrt() / f64::from(DRAWS).sqrt();
        assert!((got - lambda).abs() < bar, "{lambda}: {got}");
    }
}
