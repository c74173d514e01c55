//! Window by which samples between the points of a frequency grid are shared among them.

use std::f64::consts::PI;

/// Kaiser and Bessel's window, 1 in its middle and 0 beyond half its width.
///
/// ```text
/// w(t) = I₀(β·√(1 − (2t/W)²))/I₀(β)      ∫ w(t)·e^(2πi·f·t) dt = W·sinh(√(β² − (πWf)²))/(√(β² − (πWf)²)·I₀(β))
/// β = π·√((W/σ)²·(σ − ½)² − 0.8)
/// ```
/// where σ is how often the image fits the grid's period; with this β the least of what repeats beyond the period comes back into
/// the image (Beatty, Nishimura, Pauly, IEEE Trans. Med. Imaging 24:799, 2005, eq. 5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KaiserBessel {
    width: f64,
    beta: f64,
}

impl KaiserBessel {
    /// Window over `width` points for images that fit the period of the grid `oversampling` times.
    #[must_use]
    pub fn new(width: usize, oversampling: f64) -> Self {
        let width = width as f64;
        let beta = PI * ((width / oversampling * (oversampling - 0.5)).powi(2) - 0.8).sqrt();
        Self { width, beta }
    }

    /// w(t).
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        let square = 1.0 - (2.0 * t / self.width).powi(2);
        if square < 0.0 { 0.0 } else { bessel_i0(self.beta * square.sqrt()) / bessel_i0(self.beta) }
    }

    /// Its transform at `f` periods per point, |f| below a quarter.
    #[must_use]
    pub fn transform(&self, f: f64) -> f64 {
        let root = (self.beta.powi(2) - (PI * self.width * f).powi(2)).sqrt();
        self.width * root.sinh() / (root * bessel_i0(self.beta))
    }
}

/// Modified Bessel function of the first kind, order 0: Σ ((x/2)^k/k!)².
pub(crate) fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut k = 1.0;
    while term > sum * f64::EPSILON {
        term *= (x / 2.0 / k) * (x / 2.0 / k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn transforms_are_the_integrals_of_the_window() {
        const STEPS: usize = 4000;
        for width in [4, 6] {
            let window = KaiserBessel::new(width, 2.0);
            for f in [0.0, 0.1, 0.25] {
                let step = width as f64 / STEPS as f64;
                let at = |k: usize| (k as f64 + 0.5) * step - width as f64 / 2.0;
                let want: f64 = (0..STEPS).map(|k| window.at(at(k)) * (TAU * f * at(k)).cos() * step).sum();
                assert!((window.transform(f) - want).abs() < 1e-6, "{width} {f}: {}, want {want}", window.transform(f));
            }
        }
    }
}
