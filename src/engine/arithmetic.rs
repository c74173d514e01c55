//! Twins of the functions in `shaders/engine/arithmetic.wgsl`: division, roots, logarithm and exponential from
//! additions, multiplications and integers alone.
//!
//! WGSL leaves the rounding of `/`, `sqrt`, `exp` and `log` to the hardware, so tier P uses none of them. These give
//! the same bits wherever additions and multiplications are IEEE; that they are also accurate is tested below.

/// Largest relative error of [`reciprocal`] and [`inverse_square_root`], in units of 2⁻²⁴ (half an ULP at the top of a
/// binade): one rounding of the last step and what is left of the step before it.
pub const ROOT_ERROR: f64 = 2.5;

/// 1/x for normal x with a normal result: linear seed (12 % off), three Newton steps, one correction.
#[must_use]
#[inline(always)]
pub fn reciprocal(x: f32) -> f32 {
    let bits = x.to_bits();
    let a = f32::from_bits(bits & 0x7fff_ffff);
    let mut r = f32::from_bits(0x7ef3_11c7_u32.wrapping_sub(bits & 0x7fff_ffff));
    r *= 2.0 - a * r;
    r *= 2.0 - a * r;
    r *= 2.0 - a * r;
    let e = 1.0 - a * r;
    r += r * e;
    f32::from_bits(r.to_bits() | (bits & 0x8000_0000))
}

/// 1/√x for positive normal x: linear seed (3.4 % off), three Newton steps, one correction.
#[must_use]
#[inline(always)]
pub fn inverse_square_root(x: f32) -> f32 {
    let h = 0.5 * x;
    let mut r = f32::from_bits(0x5f37_5a86_u32.wrapping_sub(x.to_bits() >> 1));
    r *= 1.5 - h * (r * r);
    r *= 1.5 - h * (r * r);
    r *= 1.5 - h * (r * r);
    let e = 0.5 - h * (r * r);
    r + r * e
}

/// ln x for positive normal x; polynomial of Moshier's Cephes library (`logf`).
#[must_use]
#[inline(always)]
pub fn log(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let e = (shifted.cast_signed() >> 23) as f32;
    let f = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF_BITS)) - 1.0;
    let z = f * f;
    let mut p = COEFFICIENTS[0];
    for c in &COEFFICIENTS[1..] {
        p = p * f + c;
    }
    let mut y = p * f * z + e * LN2_LOW;
    y -= 0.5 * z;
    (f + y) + e * LN2_HIGH
}

/// exp x, x clamped to −87…88; polynomial of Moshier's Cephes library (`expf`).
#[must_use]
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];
    let c = x.clamp(-87.0, 88.0);
    let n = (c * std::f32::consts::LOG2_E + 0.5).floor();
    let mut r = c - n * LN2_HIGH;
    r -= n * LN2_LOW;
    let mut p = COEFFICIENTS[0];
    for c in &COEFFICIENTS[1..] {
        p = p * r + c;
    }
    let y = (p * (r * r) + r) + 1.0;
    y * f32::from_bits(((n as i32 + 127) as u32) << 23)
}

/// Bits of √½: mantissas are taken from [√½, √2).
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
/// ln 2 in two parts, the first short enough that its product with an exponent is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every mantissa, at an even and an odd exponent.
    fn mantissas() -> impl Iterator<Item = f32> {
        (0..1u32 << 24).map(|m| f32::from_bits((127 << 23) + m))
    }

    fn worst(f: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64, inputs: impl Iterator<Item = f32>) -> f64 {
        inputs.map(|x| (f64::from(f(x)) / truth(f64::from(x)) - 1.0).abs()).fold(0.0, f64::max) * f64::from(1 << 24)
    }

    #[test]
    fn roots_are_accurate_for_every_mantissa() {
        let reciprocal = worst(reciprocal, |x| 1.0 / x, mantissas());
        assert!(reciprocal <= ROOT_ERROR, "{reciprocal}");
        let root = worst(inverse_square_root, |x| 1.0 / x.sqrt(), mantissas());
        assert!(root <= ROOT_ERROR, "{root}");
    }

    #[test]
    fn roots_keep_sign_and_scale() {
        for exponent in -60..60 {
            let x = 1.37 * f32::powi(2.0, exponent);
            assert_eq!(reciprocal(-x), -reciprocal(x));
            let scaled = worst(reciprocal, |x| 1.0 / x, std::iter::once(x));
            assert!(scaled <= ROOT_ERROR, "{scaled}");
        }
    }

    #[test]
    fn log_and_exp_are_accurate() {
        // Absolute near ln 1 = 0, relative elsewhere: 4 roundings of terms no larger than the result or 1/2.
        let log_error = (1..1 << 20)
            .map(|i| i as f32 / 4096.0)
            .map(|x| (f64::from(log(x)) - f64::from(x).ln()).abs() / f64::from(x).ln().abs().max(0.1))
            .fold(0.0, f64::max);
        assert!(log_error < 3e-7, "{log_error}");
        let exp_error = (-80_000..80_000)
            .map(|i| i as f32 / 1000.0)
            .map(|x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(exp_error < 3e-7, "{exp_error}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(log(1.0), 0.0);
    }
}
