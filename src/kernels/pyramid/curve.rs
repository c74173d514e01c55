use crate::engine::{
    Buffer, Graph,
    arithmetic::{exp, log, reciprocal},
};

/// What the values of a band go through on the way back into the image.
///
/// ```text
/// y = x · (1 + (G(|x|) − 1) · N(|x|))
/// G(a) = min(gain · (a/M)^(power − 1), ceiling)
/// N(a) = 1 − exp(−(a/(k·σ))²),   1 without containment
/// ```
/// where M is the full scale of the image, so that one hot pixel cannot change the picture, k the strength of the
/// containment and σ the noise measured in the band: values at the level of the noise are kept as they are, only
/// what stands out is amplified. Without containment y = gain · M · sgn x · (|x|/M)^power, the amplification of
/// faint detail of Vuylsteke & Schoeters, Proc. SPIE 2167:551, 1994, a power below 1 lifting what is faint.
///
/// A power below 1 lets G grow without bound as a goes to 0; the ceiling bounds it. Magnitudes below 10⁻³⁰ of the full
/// scale are taken for that.
#[derive(Clone, Copy, Debug)]
pub struct Curve {
    /// Factor of a value at full scale.
    pub gain: f32,
    /// Exponent; 1 makes the gain the same for all magnitudes.
    pub power: f32,
    /// Largest factor.
    pub ceiling: f32,
    /// M: largest value that the image may hold; positive. Of no account where the power is 1.
    pub full_scale: f32,
    /// What protects noise from being amplified.
    pub containment: Option<Containment>,
}

/// Soft threshold below which a curve leaves values alone.
#[derive(Clone, Copy, Debug)]
pub struct Containment {
    /// k: how many standard deviations the threshold is at, above 0.
    pub strength: f32,
    /// σ of the band: one value, as [`super::noise()`] gives it. 0 contains nothing.
    pub noise: Buffer<f32>,
}

/// Bits of a curve's shape, as the shader sees them.
const GAIN: u32 = 1;
const POWER: u32 = 2;
const CONTAINMENT: u32 = 4;

impl Curve {
    /// Keeps every value, to the bit.
    pub const IDENTITY: Self = Self::constant(1.0);

    /// The same factor for every value.
    #[must_use]
    pub const fn constant(gain: f32) -> Self {
        Self { gain, power: 1.0, ceiling: f32::MAX, full_scale: 1.0, containment: None }
    }

    /// Containment, unless it contains nothing.
    pub(super) fn contained(&self) -> Option<Containment> {
        self.containment.filter(|c| c.strength > 0.0)
    }

    /// What a pass binds as its containment: without one something that is never used.
    pub(super) fn bound(&self, graph: &mut Graph<'_>) -> Containment {
        let none = |graph: &mut Graph<'_>| graph.upload_table("pyramid.no noise", &[0.0]);
        self.contained().unwrap_or_else(|| Containment { strength: 0.0, noise: none(graph) })
    }

    /// Bits of its shape; 0 for a curve that keeps every value.
    pub(super) fn shape(&self) -> u32 {
        let is_power = self.power != 1.0;
        if !is_power && self.gain.min(self.ceiling) == 1.0 {
            return 0;
        }
        GAIN | if is_power { POWER } else { 0 } | if self.contained().is_some() { CONTAINMENT } else { 0 }
    }

    /// Gain, power − 1, ceiling, 1/M.
    pub(super) fn constants(&self) -> [f32; 4] {
        let gain = if self.power == 1.0 { self.gain.min(self.ceiling) } else { self.gain };
        [gain, self.power - 1.0, self.ceiling, 1.0 / self.full_scale]
    }
}

/// Smallest share of the full scale that is told from 0, and smallest noise: its reciprocal is a normal number.
const TINY: f32 = 1e-30;
/// (a/(kσ))² from which N is 1 in single precision, by far; keeps squares finite.
const FAR: f32 = 16.0;

/// 1/(kσ).
#[inline(always)]
pub(super) fn inverse_threshold(strength: f32, noise: f32) -> f32 {
    reciprocal((strength * noise).max(TINY))
}

/// Operations of a curve of some shape.
pub(super) fn operations(shape: u32) -> f64 {
    const TRANSCENDENTAL: f64 = 25.0;
    let power = if shape & POWER != 0 { 2.0 } else { 0.0 };
    let containment = if shape & CONTAINMENT != 0 { 1.0 } else { 0.0 };
    TRANSCENDENTAL * (power + containment)
}

/// A curve of a shape, as its shader computes it.
#[inline(always)]
pub(super) fn curved<const SHAPE: u32>(
    x: f32,
    [gain, exponent, ceiling, inverse_scale]: [f32; 4],
    inverse: f32,
) -> f32 {
    if SHAPE == 0 {
        return x;
    }
    let size = x.abs();
    let mut gain = gain;
    if SHAPE & POWER != 0 {
        let share = (size * inverse_scale).max(TINY);
        gain = (gain * exp(exponent * log(share))).min(ceiling);
    }
    if SHAPE & CONTAINMENT != 0 {
        let t = (size * inverse).min(FAR);
        gain = 1.0 + (gain - 1.0) * (1.0 - exp(-(t * t)));
    }
    x * gain
}

/// The same, and with [`super::Arithmetic::Whole`] to a whole number; what is kept is one.
#[inline(always)]
pub(super) fn rounded<const WHOLE: bool, const SHAPE: u32>(x: f32, constants: [f32; 4], inverse: f32) -> f32 {
    let value = curved::<SHAPE>(x, constants, inverse);
    if WHOLE && SHAPE != 0 { (value + 0.5).floor() } else { value }
}

/// Rows that a kernel computes through a curve.
pub(super) trait Rows {
    /// With the rounding and the shape known to the compiler.
    fn compute<const WHOLE: bool, const SHAPE: u32>(self);
}

/// Computes rows through a curve of a shape, with [`super::Arithmetic::Whole`] if `is_whole` is 1.
#[inline(always)]
pub(super) fn compute(rows: impl Rows, is_whole: u32, shape: u32) {
    if is_whole == 1 {
        compute_shaped::<true>(rows, shape);
    } else {
        compute_shaped::<false>(rows, shape);
    }
}

#[inline(always)]
fn compute_shaped<const WHOLE: bool>(rows: impl Rows, shape: u32) {
    const POWERED: u32 = GAIN | POWER;
    const CONTAINED: u32 = GAIN | CONTAINMENT;
    const ALL: u32 = GAIN | POWER | CONTAINMENT;
    match shape {
        0 => rows.compute::<WHOLE, 0>(),
        GAIN => rows.compute::<WHOLE, GAIN>(),
        POWERED => rows.compute::<WHOLE, POWERED>(),
        CONTAINED => rows.compute::<WHOLE, CONTAINED>(),
        _ => rows.compute::<WHOLE, ALL>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: f32 = 65_535.0;
    const POWERED: u32 = GAIN | POWER;
    const ALL: u32 = GAIN | POWER | CONTAINMENT;

    fn musica() -> Curve {
        Curve { gain: 1.3, power: 0.7, ceiling: 6.0, full_scale: SCALE, containment: None }
    }

    #[test]
    fn a_power_is_that_of_the_formula_and_odd() {
        let curve = musica();
        for x in [50_000.0f32, 3_000.0, 900.0] {
            let want = 1.3 * f64::from(SCALE) * (f64::from(x) / f64::from(SCALE)).powf(0.7);
            let got = curved::<POWERED>(x, curve.constants(), 0.0);
            // log and exp with an exponent below 2 lose a few units in the last place.
            assert!((f64::from(got) / want - 1.0).abs() < 1e-6, "{x}: {got} instead of {want}");
            assert_eq!(curved::<POWERED>(-x, curve.constants(), 0.0), -got);
        }
    }

    #[test]
    fn gain_never_exceeds_its_ceiling() {
        let curve = musica();
        for x in [0.0f32, 1e-37, 1e-20, 1e-3, 1.0, 5.0] {
            let got = curved::<POWERED>(x, curve.constants(), 0.0);
            assert_eq!(got, 6.0 * x);
        }
        assert_eq!(Curve { ceiling: 2.0, ..Curve::constant(3.0) }.constants()[0], 2.0);
    }

    #[test]
    fn noise_is_kept_and_what_stands_out_is_not() {
        let (curve, inverse) = (musica(), inverse_threshold(3.0, 20.0));
        let gain = |x: f32| curved::<ALL>(x, curve.constants(), inverse) / x;
        assert!((gain(2.0) - 1.0).abs() < 0.01 && gain(600.0) > 3.0, "{} {}", gain(2.0), gain(600.0));
        // No noise: nothing is contained.
        let free = inverse_threshold(3.0, 0.0);
        assert_eq!(
            curved::<ALL>(1.0, curve.constants(), free),
            1.0 + (curved::<POWERED>(1.0, curve.constants(), 0.0) - 1.0)
        );
        assert_eq!(curved::<ALL>(0.0, curve.constants(), free), 0.0);
    }

    #[test]
    fn shapes_ask_for_no_more_than_they_need() {
        assert_eq!(Curve::IDENTITY.shape(), 0);
        assert_eq!(Curve::constant(2.0).shape(), GAIN);
        assert_eq!(musica().shape(), POWERED);
    }
}
