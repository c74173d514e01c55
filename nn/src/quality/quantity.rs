use serde::{Deserialize, Serialize};

/// Quanta at the reference grey from which on a solid nodule of 5 mm is seen: its contrast is three times a pixel's noise.
///
/// ```text
/// Δp = 0.841 · 0.01937/mm · 5 mm = 0.0814        100 HU in lung of −741 HU, water at 70 keV (NIST XCOM)
/// Δp · √µ = 3        µ = 1357
/// ```
/// The noise of a pixel of µ quanta is 1/√µ of its signal, hence of a line integral. It depends on the side of the pixels.
pub const LEAST_QUANTA: f64 = 1360.0;
/// Exponent of the display from which on a radiograph is too dark or too bright; choice.
pub const LARGEST_EXPONENT: f64 = 0.2;
/// Angle about the long axis from which on a chest radiograph is to be repeated; choice.
pub const LARGEST_ANGLE_DEG: f64 = 5.0;

/// ln 1360.
const LEAST_LN_QUANTA: f64 = 7.215_239_978_730_097;
/// ln 100 and ln 20000: from fluoroscopy to more than a chest radiograph has.
const LN_QUANTA: [f64; 2] = [4.605_170_185_988_092, 9.903_487_552_536_127];

/// What is told of a radiograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// ln µ, µ being the quanta of a pixel at the reference grey, the median of the signal.
    Noise,
    /// g of a display u ↦ u^γ, γ = e^g, of the ideal display u, in which bones are bright: above 0 too dark.
    Contrast,
    /// Angle about the patient's long axis in degrees, positive when turned to the own left.
    Rotation,
}

impl Quantity {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Noise, Self::Contrast, Self::Rotation];

    /// Name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Contrast => "contrast",
            Self::Rotation => "rotation",
        }
    }

    /// Least and largest value of the trainings.
    #[must_use]
    pub fn range(self) -> [f64; 2] {
        match self {
            Self::Noise => LN_QUANTA,
            Self::Contrast => [-0.7, 0.7],
            Self::Rotation => [-30.0, 30.0],
        }
    }

    /// Values that divide the classes, in order. Class 1 is what a radiograph should be.
    #[must_use]
    pub fn limits(self) -> &'static [f64] {
        match self {
            Self::Noise => &[LEAST_LN_QUANTA],
            Self::Contrast => &[-LARGEST_EXPONENT, LARGEST_EXPONENT],
            Self::Rotation => &[-LARGEST_ANGLE_DEG, LARGEST_ANGLE_DEG],
        }
    }

    /// The class of a value: the number of limits that it reaches.
    #[must_use]
    pub fn class_of(self, value: f64) -> usize {
        self.limits().iter().filter(|limit| value >= **limit).count()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(self) -> usize {
        self.limits().len() + 1
    }

    /// Distance of a value to the nearest limit.
    #[must_use]
    pub fn distance(self, value: f64) -> f64 {
        self.limits().iter().map(|limit| (value - limit).abs()).fold(f64::INFINITY, f64::min)
    }

    /// What is wrong in a class, in words; none in class 1.
    #[must_use]
    pub fn fault(self, class: usize) -> Option<&'static str> {
        match (self, class) {
            (_, 1) => None,
            (Self::Noise, _) => Some("too few quanta"),
            (Self::Contrast, 0) => Some("too bright"),
            (Self::Contrast, _) => Some("too dark"),
            (Self::Rotation, 0) => Some("turned to the right"),
            (Self::Rotation, _) => Some("turned to the left"),
        }
    }

    /// A value in units of the network, about −1 to 1.
    pub(super) fn scaled(self, value: f64) -> f64 {
        let [low, high] = self.range();
        (2.0 * value - low - high) / (high - low)
    }

    /// The value that such a number stands for.
    pub(super) fn unscaled(self, number: f64) -> f64 {
        let [low, high] = self.range();
        (number * (high - low) + low + high) / 2.0
    }

    /// The value at a share of the range.
    pub(super) fn at(self, share: f64) -> f64 {
        self.unscaled(2.0 * share - 1.0)
    }

    /// Whether the mirror image has the opposite value.
    pub(super) fn is_odd(self) -> bool {
        self == Self::Rotation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_divide_the_classes_and_class_one_is_right() {
        assert_eq!([100.0_f64, 1359.0, 1361.0].map(|quanta| Quantity::Noise.class_of(quanta.ln())), [0, 0, 1]);
        assert_eq!([-0.3, 0.0, 0.3].map(|g| Quantity::Contrast.class_of(g)), [0, 1, 2]);
        assert_eq!([-6.0, -4.0, 4.0, 6.0].map(|angle| Quantity::Rotation.class_of(angle)), [0, 1, 1, 2]);
        for quantity in Quantity::ALL {
            let faults = (0..quantity.classes()).filter(|class| quantity.fault(*class).is_none());
            assert_eq!(faults.collect::<Vec<_>>(), [1]);
        }
        assert!((LEAST_LN_QUANTA - LEAST_QUANTA.ln()).abs() < 1e-12);
        assert!((LN_QUANTA[0] - 100_f64.ln()).abs() + (LN_QUANTA[1] - 20_000_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_least_quanta_follow_from_the_nodule() {
        let contrast: f64 = 0.841 * 0.01937 * 5.0;
        assert!(((3.0 / contrast).powi(2) / LEAST_QUANTA - 1.0).abs() < 0.01);
    }

    #[test]
    fn scales_go_both_ways() {
        for quantity in Quantity::ALL {
            let [low, high] = quantity.range();
            assert!((quantity.scaled(low) + 1.0).abs() < 1e-12 && (quantity.scaled(high) - 1.0).abs() < 1e-12);
            assert!((quantity.unscaled(quantity.scaled(low)) - low).abs() < 1e-12);
            assert!((quantity.at(1.0) - high).abs() < 1e-12);
        }
    }
}
