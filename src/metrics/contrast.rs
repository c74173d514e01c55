use std::f64::consts::PI;

use super::{MetricError, trend::Trend};
use crate::{data::Image, parallel::*};

/// The ring around an insert, in radii: clear of its blurred edge, and near.
pub(super) const RING: [f64; 2] = [1.6, 2.8];
/// Coefficients of the plane that is taken out of the ring.
const PLANE_TERMS: f64 = 3.0;
/// Least diameter, in pixels: below it no pixel need lie within.
const LEAST_DIAMETER: f64 = 2.0;

/// A disc whose contrast is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Insert {
    /// Column and row of the centre, in pixels; the middle of the first pixel is 0, 0.
    pub centre: [f64; 2],
    /// Diameter, in pixels.
    pub diameter: f64,
}

/// What was measured of an [`Insert`]; see [`contrast_detail`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InsertContrast {
    /// Mean inside less that of the ring's plane, in the image's unit; negative when the insert is darker.
    pub contrast: f64,
    /// Standard deviation in the ring about its plane.
    pub noise: f64,
    /// Contrast-to-noise ratio, never negative.
    pub cnr: f64,
    /// Detectability after Rose: CNR·√area; 5 is his limit of what is seen with certainty.
    pub rose: f64,
    /// Number of pixels inside.
    pub pixels: usize,
    /// Number of pixels of the ring.
    pub ring_pixels: usize,
}

/// Contrast-to-noise ratio of disc inserts against a ring around each.
///
/// ```text
/// contrast = mean of (I − P) over the disc,   noise = √(Σ (I − P)² / (n − 3)) over the ring
/// CNR = |contrast| / noise,   Rose = CNR·√(π·d²/4)
/// ```
/// where I are the values, P is the plane fitted to the n pixels of the ring from 1.6 to 2.8 radii, so that a linear
/// course of the background is neither contrast nor noise, and d is the diameter in pixels. The disc is taken half a
/// pixel smaller in radius, which leaves out pixels that it fills in part. Rose's number holds for white noise: noise
/// with a correlation, as after smoothing, is seen as less than it hides.
///
/// A. Rose, J. Opt. Soc. Am. 38:196, 1948.
///
/// # Errors
/// [`MetricError`] when a diameter is below 2 pixels, a ring reaches beyond the image, a value is not finite, or a ring
/// has no noise at all.
pub fn contrast_detail(image: &Image, inserts: &[Insert]) -> Result<Vec<InsertContrast>, MetricError> {
    image.check_finite()?;
    inserts.par_iter().map(|insert| insert.measure(image)).collect()
}

impl Insert {
    fn measure(self, image: &Image) -> Result<InsertContrast, MetricError> {
        let Self { centre: [cx, cy], diameter } = self;
        if !(diameter.is_finite() && diameter >= LEAST_DIAMETER) {
            return Err(MetricError::Setting { what: "diameter", allowed: "2 pixels or more", got: diameter });
        }
        let radius = diameter / 2.0;
        let reach = RING[1] * radius;
        let size = image.size();
        let is_inside = |centre: f64, side: usize| centre - reach >= -0.5 && centre + reach <= side as f64 - 0.5;
        if !(is_inside(cx, size[0]) && is_inside(cy, size[1])) {
            let what = format!("the ring of {reach:.1} pixels around the insert at {cx}, {cy}");
            return Err(MetricError::Outside { what, size });
        }
        let view = image.view();
        let span = |centre: f64| (centre - reach).ceil().max(0.0) as usize..=(centre + reach).floor() as usize;
        // Places in units of the ring's reach, with the distance from the centre in pixels.
        let pixels = || {
            span(cy).flat_map(|y| span(cx).map(move |x| [x, y])).map(|[x, y]| {
                let [dx, dy] = [x as f64 - cx, y as f64 - cy];
                (dx.hypot(dy), [dx / reach, dy / reach, f64::from(view[[y, x]])])
            })
        };
        let ring = || pixels().filter(|(r, _)| (RING[0] * radius..=reach).contains(r)).map(|(_, point)| point);
        let plane = Trend::fit(1, ring());
        let above = |[x, y, value]: [f64; 3]| value - plane.at(x, y);
        let disc: Vec<f64> = pixels().filter(|(r, _)| *r <= radius - 0.5).map(|(_, p)| above(p)).collect();
        let ring_pixels = ring().count();
        let freedom = ring_pixels as f64 - PLANE_TERMS;
        if disc.is_empty() || freedom <= 0.0 {
            let reason = format!("no pixel lies within the insert at {cx}, {cy}");
            return Err(MetricError::Undefined { metric: "CNR", reason });
        }
        let noise = (ring().map(|p| above(p).powi(2)).sum::<f64>() / freedom).sqrt();
        // Rounding leaves residuals of a perfect plane.
        let level = ring().map(|[.., value]| value.abs()).fold(0.0, f64::max);
        if noise <= f64::from(f32::EPSILON) * level {
            let reason = format!("the ring around the insert at {cx}, {cy} has no noise");
            return Err(MetricError::Undefined { metric: "CNR", reason });
        }
        let contrast = disc.iter().sum::<f64>() / disc.len() as f64;
        let cnr = contrast.abs() / noise;
        let rose = cnr * (PI * diameter * diameter / 4.0).sqrt();
        Ok(InsertContrast { contrast, noise, cnr, rose, pixels: disc.len(), ring_pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    /// Noise of variance 1, a slope, and discs of contrast 2.
    fn image(inserts: &[Insert], contrast: f64, noise: f64) -> Image {
        let size = [120, 100];
        let mut state = 7_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1 << 24) as f64
        };
        let values = (0..size[0] * size[1]).map(|i| {
            let [x, y] = [i % size[0], i / size[0]].map(|v| v as f64);
            let is_in = |s: &&Insert| (x - s.centre[0]).hypot(y - s.centre[1]) <= s.diameter / 2.0;
            let random = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            let disc = if inserts.iter().any(|s| is_in(&s)) { contrast } else { 0.0 };
            (50.0 + 0.3 * x - 0.2 * y + disc + noise * random) as f32
        });
        Image::new(size, None, Sample::Float, Unit::Arbitrary, values.collect()).unwrap()
    }

    const INSERTS: [Insert; 2] =
        [Insert { centre: [40.0, 45.5], diameter: 20.0 }, Insert { centre: [93.0, 60.0], diameter: 12.0 }];

    #[test]
    fn contrast_and_noise_are_those_put_in_whatever_the_slope() {
        for contrast in [2.0, -2.0] {
            let found = contrast_detail(&image(&INSERTS, contrast, 1.0), &INSERTS).unwrap();
            for (found, insert) in found.iter().zip(&INSERTS) {
                // Errors of three standard deviations: 3/√80 of the mean, 3/√(2·500) of the noise.
                assert!((found.contrast - contrast).abs() < 0.35, "{found:?}");
                assert!((found.noise - 1.0).abs() < 0.1, "{found:?}");
                assert!((found.cnr - 2.0).abs() < 0.4, "{found:?}");
                let area = PI * insert.diameter.powi(2) / 4.0;
                assert!((found.rose - found.cnr * area.sqrt()).abs() < 1e-9);
            }
        }
        // The control: without discs there is no contrast.
        let found = contrast_detail(&image(&[], 0.0, 1.0), &INSERTS).unwrap();
        assert!(found.iter().all(|f| f.cnr < 0.35), "{found:?}");
    }

    #[test]
    fn inserts_that_cannot_be_measured_are_refused() {
        let noisy = image(&INSERTS, 2.0, 1.0);
        let refused = |image: &Image, centre, diameter, word: &str| {
            let message = contrast_detail(image, &[Insert { centre, diameter }]).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        refused(&noisy, [20.0, 50.0], 20.0, "the ring of 28.0 pixels around the insert at 20, 50 must lie within");
        refused(&noisy, [f64::NAN, 50.0], 20.0, "must lie within the image of 120x100 pixels");
        refused(&noisy, [50.0, 50.0], 1.0, "diameter must be 2 pixels or more, got 1");
        refused(&noisy, [50.0, 50.0], f64::NAN, "diameter must be");
        refused(&image(&[], 0.0, 0.0), [50.0, 50.0], 10.0, "has no noise");
    }
}
