use std::f64::consts::TAU;

use rayon::prelude::*;

/// Places and weights of Gauss and Legendre's rule with eight points on −1 … 1, without those that mirror them (Abramowitz and
/// Stegun 1964, table 25.4).
const RULE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
];

/// Rows filtered with the windowed ramp by the sum that defines the convolution.
///
/// ```text
/// q[i] = Σ_m p[m]·h[i − m] / du      h[n] = 2·∫₀^F f·W(f/F)·cos(2πn·f) df      F = cutoff/2
/// ```
/// in cycles per pixel, with the integrals by quadrature; `window` is W on 0 … 1.
#[must_use]
pub fn ramp(rows: &[f32], columns: usize, pitch_mm: f64, cutoff: f64, window: impl Fn(f64) -> f64 + Sync) -> Vec<f64> {
    let taps: Vec<f64> =
        (0..columns).into_par_iter().map(|n| tap(n as f64, cutoff / 2.0, &window) / pitch_mm).collect();
    let mut filtered = vec![0.0; rows.len()];
    filtered.par_chunks_mut(columns).zip(rows.par_chunks(columns)).for_each(|(filtered, row)| {
        for (i, value) in filtered.iter_mut().enumerate() {
            *value = row.iter().enumerate().map(|(m, p)| f64::from(*p) * taps[i.abs_diff(m)]).sum();
        }
    });
    filtered
}

/// Integral over pieces of half a period of the cosine, and at least two for the window: the rule is right to 10⁻¹⁴ on each.
fn tap(n: f64, end: f64, window: impl Fn(f64) -> f64) -> f64 {
    let pieces = (2.0 * n * end).ceil() + 2.0;
    let half = end / pieces / 2.0;
    let at = |f: f64| f * window(f / end) * (TAU * n * f).cos();
    let piece = |k: usize| {
        let middle = (2.0 * k as f64 + 1.0) * half;
        RULE.iter().map(|(place, weight)| weight * (at(middle - place * half) + at(middle + place * half))).sum::<f64>()
    };
    2.0 * half * (0..pieces as usize).map(piece).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn taps_of_the_whole_band_are_those_of_kak_and_slaney() {
        let known = |n: usize| match n {
            0 => 0.25,
            n if n.is_multiple_of(2) => 0.0,
            n => -1.0 / (PI * n as f64).powi(2),
        };
        for n in [0, 1, 2, 3, 100, 101, 3071] {
            let found = tap(n as f64, 0.5, |_| 1.0);
            assert!((found - known(n)).abs() < 1e-13, "{n}: {found}");
        }
    }
}
