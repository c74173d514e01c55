use serde::{Deserialize, Serialize};

use crate::{
    data::{Image, Sample, Unit},
    engine::arithmetic::{exp, log},
    phantom::random::Random,
};

/// How a line integral p becomes a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurveKind {
    /// exp(−p): a detector that is linear in dose.
    Transmission,
    /// exp(−p/2): the root of the dose, whose quantum noise is even.
    Root,
    /// p: the logarithm of the dose.
    Log,
}

/// From line integrals to a picture with values in \[0, 1\].
///
/// ```text
/// u = clamp((f(p) − low)/(high − low), 0, 1)^γ       inverted: 1 − u
/// ```
/// where f is that of the kind. `low` and `high` are quantiles of one image and cut off at most half a per cent of its
/// pixels each. It is applied on the host, in the arithmetic that the kernels of
/// [`crate::kernels::pointwise`] use (`transmission`, `scale_add`), so that its bits are the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// How a line integral becomes a signal.
    pub kind: CurveKind,
    /// Signal that becomes 0.
    pub low: f32,
    /// Signal that becomes 1; more than `low`.
    pub high: f32,
    /// Exponent, positive.
    pub gamma: f32,
    /// Whether the picture is turned from bright to dark.
    pub inverted: bool,
}

/// Share of the pixels that the standard display cuts off at either end.
const STANDARD_CUT: f64 = 0.001;
/// Largest share of the pixels that any display cuts off at either end.
const LARGEST_CUT: f64 = 0.005;
/// Least difference between the bounds of a flat image.
const LEAST_RANGE: f32 = 1e-3;

impl Curve {
    /// The usual display: logarithm, bones bright, for measuring denoisers.
    #[must_use]
    pub fn standard(image: &Image) -> Self {
        Self::fitted(CurveKind::Log, image, [STANDARD_CUT; 2])
    }

    /// Some display, drawn from a seed, for training: all kinds, both polarities, gamma from 0.25 to 1.6.
    #[must_use]
    pub fn seeded(seed: u64, image: &Image) -> Self {
        let mut random = Random::of(seed, &[]);
        let kind = match random.within(0.0, 1.0) {
            k if k < 0.55 => CurveKind::Log,
            k if k < 0.80 => CurveKind::Root,
            _ => CurveKind::Transmission,
        };
        let cuts = [0; 2].map(|_| random.within(0.0, LARGEST_CUT));
        let gamma = match kind {
            // Most of the body lies below a tenth of the unattenuated signal.
            CurveKind::Transmission => random.within(0.25, 0.7),
            CurveKind::Root => random.within(0.4, 1.0),
            CurveKind::Log => random.within(0.6, 1.6),
        };
        let inverted = random.within(0.0, 1.0) < 0.35;
        Self { gamma: gamma as f32, inverted, ..Self::fitted(kind, image, cuts) }
    }

    /// Curve of a kind whose bounds leave out `cuts` of the image's pixels at the low and the high end, 0 to 0.005.
    #[must_use]
    pub fn fitted(kind: CurveKind, image: &Image, cuts: [f64; 2]) -> Self {
        let mut signal: Vec<f32> = image.values().iter().map(|p| kind.signal(*p)).collect();
        let last = signal.len() - 1;
        let cut = |share: f64| (share.clamp(0.0, LARGEST_CUT) * last as f64) as usize;
        let (cut_low, cut_high) = (cut(cuts[0]), last - cut(cuts[1]));
        let mut at = |rank: usize| *signal.select_nth_unstable_by(rank, f32::total_cmp).1;
        let (low, high) = (at(cut_low), at(cut_high));
        let high = high.max(low + LEAST_RANGE * low.abs().max(1.0));
        Self { kind, low, high, gamma: 1.0, inverted: false }
    }

    /// The picture of `image`.
    #[must_use]
    pub fn apply(&self, image: &Image) -> Image {
        let values = image.values().iter().map(|p| self.value(*p)).collect();
        Image::new(image.size(), image.spacing_mm(), Sample::Float, Unit::Arbitrary, values)
            .unwrap_or_else(|_| unreachable!("an image of the same shape"))
    }

    /// The signal of one line integral.
    #[must_use]
    pub fn value(&self, integral: f32) -> f32 {
        /// Below this the logarithm's argument might not be a normal number; γ of 0.25 makes 3·10⁻⁸ of it.
        const DARK: f32 = 1e-30;
        let share = ((self.kind.signal(integral) - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let share = if self.gamma == 1.0 || share < DARK { share } else { exp(self.gamma * log(share)).min(1.0) };
        if self.inverted { 1.0 - share } else { share }
    }
}

impl CurveKind {
    fn signal(self, integral: f32) -> f32 {
        match self {
            Self::Transmission => exp(-integral),
            Self::Root => exp(-0.5 * integral),
            Self::Log => integral,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(step: f32) -> Image {
        let values = (0..10_000).map(|i| step * i as f32).collect();
        Image::new([100, 100], None, Sample::Float, Unit::LineIntegral, values).unwrap()
    }

    #[test]
    fn displays_stay_in_range_and_cut_off_at_most_one_per_cent() {
        let image = ramp(0.001);
        for seed in 0..60 {
            let curve = Curve::seeded(seed, &image);
            let picture = curve.apply(&image);
            assert!(picture.values().iter().all(|u| (0.0..=1.0).contains(u)), "{curve:?}");
            let outside = image.values().iter().map(|p| curve.kind.signal(*p));
            let outside = outside.filter(|x| !(curve.low..=curve.high).contains(x)).count();
            assert!(outside <= 100, "{curve:?} cuts off {outside}");
            let mut sorted = picture.values().to_vec();
            sorted.sort_by(f32::total_cmp);
            assert_eq!((sorted[0], sorted[9999]), (0.0, 1.0), "{curve:?}");
        }
        // The control: the same window made narrower cuts off more.
        let curve = Curve::standard(&image);
        let narrow = Curve { high: 0.9 * curve.high, ..curve };
        assert!(narrow.apply(&image).values().iter().filter(|u| **u == 1.0).count() > 900);
    }

    #[test]
    fn seeds_give_all_kinds_and_both_polarities() {
        let image = ramp(0.001);
        let all: Vec<Curve> = (0..60).map(|seed| Curve::seeded(seed, &image)).collect();
        for kind in [CurveKind::Transmission, CurveKind::Root, CurveKind::Log] {
            assert!(all.iter().any(|c| c.kind == kind && c.inverted), "{kind:?}");
            assert!(all.iter().any(|c| c.kind == kind && !c.inverted), "{kind:?}");
        }
        assert_eq!(Curve::seeded(5, &image), Curve::seeded(5, &image));
    }

    #[test]
    fn the_standard_display_shows_bones_bright() {
        let image = ramp(0.001);
        let picture = Curve::standard(&image).apply(&image);
        assert!(picture.values().windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn a_flat_image_has_a_flat_picture() {
        let image = ramp(0.0);
        for seed in 0..10 {
            let picture = Curve::seeded(seed, &image).apply(&image);
            assert!(picture.values().iter().all(|u| *u == picture.values()[0] && u.is_finite()));
        }
    }
}
