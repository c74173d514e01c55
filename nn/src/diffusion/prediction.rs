use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Level;

/// What the network's output stands for, at x = √ᾱ · x₀ + √(1 − ᾱ) · ε.
///
/// ```text
/// noise     ε                               x₀ = (x − √(1 − ᾱ) ε) / √ᾱ
/// image     x₀
/// velocity  v = √ᾱ ε − √(1 − ᾱ) x₀          x₀ = √ᾱ x − √(1 − ᾱ) v       (Salimans & Ho 2022)
/// ```
///
/// Velocity stays well conditioned at both ends of the chain: an error of v enters x₀ by √(1 − ᾱ), which vanishes
/// with the noise, and never by a division by √ᾱ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prediction {
    /// ε.
    Noise,
    /// x₀.
    Image,
    /// v.
    Velocity,
}

impl Prediction {
    /// What the network should put out, as factors of (x₀, ε).
    #[must_use]
    pub fn target(self, level: Level) -> [f64; 2] {
        match self {
            Self::Noise => [0.0, 1.0],
            Self::Image => [1.0, 0.0],
            Self::Velocity => [-level.noise(), level.signal()],
        }
    }

    /// x₀ as factors of (x, output).
    #[must_use]
    pub fn image(self, level: Level) -> [f64; 2] {
        match self {
            Self::Noise => [1.0 / level.signal(), -level.noise() / level.signal()],
            Self::Image => [0.0, 1.0],
            Self::Velocity => [level.signal(), -level.noise()],
        }
    }

    /// x₀ of a batch at one level.
    #[must_use]
    pub fn to_image(self, level: Level, x: Tensor<4>, output: Tensor<4>) -> Tensor<4> {
        let [of_x, of_output] = self.image(level);
        x * of_x + output * of_output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_back_from_targets() {
        let (image, noise) = (0.37, -1.25);
        for prediction in [Prediction::Noise, Prediction::Image, Prediction::Velocity] {
            for sigma in [1e-3, 0.1, 1.0, 30.0] {
                let level = Level::from_sigma(sigma);
                let x = level.signal() * image + level.noise() * noise;
                let [of_image, of_noise] = prediction.target(level);
                let output = of_image * image + of_noise * noise;
                let [of_x, of_output] = prediction.image(level);
                let got = of_x * x + of_output * output;
                assert!((got - image).abs() < 1e-12, "{prediction:?} {sigma}: {got}");
            }
        }
    }
}
