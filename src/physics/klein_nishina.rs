//! Photons scattered by free electrons at rest, after O. Klein and Y. Nishina, *Z. Phys.* 52:853 (1929).

use std::f64::consts::PI;

/// Energy of an electron at rest, in keV (CODATA 2018).
pub const ELECTRON_REST_KEV: f64 = 510.998_95;
/// Classical radius of the electron, in cm (CODATA 2018).
pub const ELECTRON_RADIUS_CM: f64 = 2.817_940_326_2e-13;

/// Steps of Simpson's rule over cos θ; the integrands are smooth.
const STEPS: u32 = 400;

/// Energy behind the scattering over that before it, at an angle of which the cosine is given.
///
/// ```text
/// E'/E = 1 / (1 + (E/mc²)·(1 − cos θ))
/// ```
#[must_use]
pub fn energy_ratio(energy_kev: f64, cosine: f64) -> f64 {
    1.0 / (1.0 + energy_kev / ELECTRON_REST_KEV * (1.0 - cosine))
}

/// Differential cross section of unpolarised photons, in cm² per electron and steradian.
///
/// ```text
/// dσ/dΩ = rₑ²/2 · p²·(p + 1/p − sin² θ)
/// ```
/// where p = E'/E.
#[must_use]
pub fn differential_cm2_sr(energy_kev: f64, cosine: f64) -> f64 {
    let ratio = energy_ratio(energy_kev, cosine);
    let sine_squared = 1.0 - cosine * cosine;
    0.5 * ELECTRON_RADIUS_CM.powi(2) * ratio * ratio * (ratio + 1.0 / ratio - sine_squared)
}

/// Cross section of all angles, in cm² per electron, in closed form.
///
/// ```text
/// σ = 2π·rₑ²·{ (1+k)/k² · [2(1+k)/(1+2k) − ln(1+2k)/k] + ln(1+2k)/(2k) − (1+3k)/(1+2k)² }
/// ```
/// where k = E/mc². Cancellation leaves 10 digits at 5 keV.
#[must_use]
pub fn total_cm2(energy_kev: f64) -> f64 {
    let k = energy_kev / ELECTRON_REST_KEV;
    let (grown, log) = (1.0 + 2.0 * k, (2.0 * k).ln_1p());
    let first = (1.0 + k) / (k * k) * (2.0 * (1.0 + k) / grown - log / k);
    2.0 * PI * ELECTRON_RADIUS_CM.powi(2) * (first + log / (2.0 * k) - (1.0 + 3.0 * k) / (grown * grown))
}

/// Mean cosine of the scattering angle.
#[must_use]
pub fn mean_cosine(energy_kev: f64) -> f64 {
    mean(energy_kev, |cosine| cosine)
}

/// Mean of E'/E; 1 less this is the share of the energy that electrons take.
#[must_use]
pub fn mean_energy_ratio(energy_kev: f64) -> f64 {
    mean(energy_kev, |cosine| energy_ratio(energy_kev, cosine))
}

/// Mean over the angles, weighted by the cross section.
fn mean(energy_kev: f64, quantity: impl Fn(f64) -> f64) -> f64 {
    let [mut sum, mut weights] = [0.0; 2];
    for step in 0..=STEPS {
        let cosine = 2.0 * f64::from(step) / f64::from(STEPS) - 1.0;
        let simpson = if step == 0 || step == STEPS { 1.0 } else { 2.0 * f64::from(1 + step % 2) };
        let weight = simpson * differential_cm2_sr(energy_kev, cosine);
        (sum, weights) = (sum + weight * quantity(cosine), weights + weight);
    }
    sum / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_means_are_those_of_another_program() {
        // xraylib 4.3.0, cm² per electron.
        for (energy, want) in [
            (20.0, 6.179_871e-25),
            (30.0, 5.974_940e-25),
            (60.0, 5.456_198e-25),
            (80.0, 5.172_854e-25),
            (100.0, 4.927_485e-25),
            (120.0, 4.712_720e-25),
        ] {
            assert!((total_cm2(energy) / want - 1.0).abs() < 1e-6, "{energy} keV: {}", total_cm2(energy));
        }
        assert!((mean_cosine(60.0) - 0.07855).abs() < 1e-5, "{}", mean_cosine(60.0));
        assert!((mean_energy_ratio(60.0) - 0.90637).abs() < 1e-5, "{}", mean_energy_ratio(60.0));
    }

    #[test]
    fn the_closed_form_is_the_integral_and_tends_to_thomsons() {
        for energy in [5.0, 20.0, 150.0] {
            let steps = 2000;
            let width = 2.0 / f64::from(steps);
            let middles = (0..steps).map(|i| (f64::from(i) + 0.5) * width - 1.0);
            let sum: f64 = middles.map(|cosine| 2.0 * PI * width * differential_cm2_sr(energy, cosine)).sum();
            assert!((sum / total_cm2(energy) - 1.0).abs() < 1e-6, "{energy} keV");
        }
        let thomson = 8.0 / 3.0 * PI * ELECTRON_RADIUS_CM.powi(2);
        // σ ≈ σ_T·(1 − 2k) for small k.
        assert!((total_cm2(1.0) / thomson - (1.0 - 2.0 / ELECTRON_REST_KEV)).abs() < 3e-5);
    }
}
