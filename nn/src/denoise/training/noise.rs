use kerma::kernels::noise::quanta::Quanta;
use serde::{Deserialize, Serialize};

/// Noise in training images: Poisson or Gaussian, half each, of doses drawn evenly in their logarithm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseOptions {
    /// Least and most quanta per unit of signal.
    pub doses: [f64; 2],
}

/// Kind of noise, of a dose n in quanta per unit of the signal u.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// Variance 0.4/n everywhere ([`EVEN_SIGNAL`]): that of Poisson noise at the mean of usual pictures.
    Gaussian,
    /// Counts: variance u/n.
    Poisson,
}

/// Signal at which Gaussian and Poisson noise of one dose have the same variance.
pub const EVEN_SIGNAL: f64 = 0.4;

impl NoiseKind {
    /// Noise of this kind and dose for the kernel that draws it.
    #[must_use]
    pub fn quanta(self, dose: f64) -> Quanta {
        match self {
            Self::Gaussian => Quanta { photons: None, electronic_sigma: (EVEN_SIGNAL / dose).sqrt() as f32 },
            Self::Poisson => Quanta { photons: Some(dose as f32), electronic_sigma: 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_equally_strong_at_the_even_signal() {
        for dose in [10.0, 100.0, 2500.0] {
            let [gaussian, poisson] = [NoiseKind::Gaussian, NoiseKind::Poisson].map(|kind| kind.quanta(dose));
            let (sigma, photons) = (f64::from(gaussian.electronic_sigma), f64::from(poisson.photons.unwrap()));
            assert!((sigma * sigma * photons / EVEN_SIGNAL - 1.0).abs() < 1e-6, "{dose}");
            assert_eq!((gaussian.photons, poisson.electronic_sigma), (None, 0.0));
        }
    }
}
