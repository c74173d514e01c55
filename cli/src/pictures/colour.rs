/// Lightness of zero and of the ends of the scale, in Oklab.
const LIGHTNESS: [f64; 2] = [0.97, 0.45];
/// Chroma at the ends; the largest that keeps both hues within sRGB all along the scale.
const CHROMA: f64 = 0.18;
/// Hue of negative and positive values, in degrees: blue and red, told apart with every kind of colour blindness.
const HUE_DEG: [f64; 2] = [260.0, 28.0];

/// Colour scale for signed errors: blue below zero, white at zero, red above, equally dark at equal magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Diverging {
    limit: f32,
}

impl Diverging {
    /// Scale from −`limit` to +`limit`, whatever the sign given.
    pub(crate) fn new(limit: f32) -> Self {
        Self { limit: limit.abs() }
    }

    /// Magnitude at which the colours end.
    pub(crate) fn limit(self) -> f32 {
        self.limit
    }

    /// Position of a value on the scale, from 0 (−limit) over ½ (zero) to 1 (+limit); NaN counts as zero.
    pub(crate) fn position(self, value: f32) -> f32 {
        if self.limit == 0.0 || value.is_nan() {
            return 0.5;
        }
        0.5 + 0.5 * (value / self.limit).clamp(-1.0, 1.0)
    }
}

/// sRGB of a position on the diverging scale, 0 to 1.
///
/// Mixed in Oklab (Ottosson 2020), where equal steps look equal: lightness falls and chroma grows linearly with the
/// magnitude, so the map reads correctly when printed in grey.
pub(super) fn diverging_rgb(position: f32) -> [u8; 3] {
    let signed = 2.0 * f64::from(position) - 1.0;
    let magnitude = signed.abs().min(1.0);
    let lightness = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * magnitude;
    let (sin, cos) = HUE_DEG[usize::from(signed > 0.0)].to_radians().sin_cos();
    linear_rgb(lightness, CHROMA * magnitude * cos, CHROMA * magnitude * sin).map(srgb)
}

/// Linear sRGB from Oklab, with the matrices of Ottosson, "A perceptual color space for image processing" (2020).
fn linear_rgb(lightness: f64, a: f64, b: f64) -> [f64; 3] {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
}

/// IEC 61966-2-1 transfer curve, to 8 bits.
fn srgb(linear: f64) -> u8 {
    let encoded = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (encoded.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_near_white_and_the_ends_are_blue_and_red() {
        assert!(diverging_rgb(0.5).iter().all(|&c| c > 240));
        let ([r, _, b], [red, _, blue]) = (diverging_rgb(0.0), diverging_rgb(1.0));
        assert!(b > r + 80 && red > blue + 80);
    }

    #[test]
    fn no_colour_of_the_scale_is_clipped() {
        for step in 0..=200 {
            let signed = f64::from(step) / 100.0 - 1.0;
            let (sin, cos) = HUE_DEG[usize::from(signed > 0.0)].to_radians().sin_cos();
            let lightness = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * signed.abs();
            let rgb = linear_rgb(lightness, CHROMA * signed.abs() * cos, CHROMA * signed.abs() * sin);
            assert!(rgb.iter().all(|c| (-1e-3..=1.001).contains(c)), "{signed}: {rgb:?}");
        }
    }

    #[test]
    fn positions_are_symmetric_and_bounded() {
        let scale = Diverging::new(-2.0);
        assert_eq!([-9.0, -2.0, 0.0, 1.0, 9.0, f32::NAN].map(|v| scale.position(v)), [0.0, 0.0, 0.5, 0.75, 1.0, 0.5]);
        assert_eq!(Diverging::new(0.0).position(1.0), 0.5);
    }
}
