use super::{
    NoiseError,
    band::{Band, State},
    clipping::Clipping,
};
use crate::{data::Image, parallel::*};

/// Median of |z| of a standard normal z: Φ⁻¹(3/4).
pub(super) const MEDIAN_OF_NORMAL: f64 = 0.674_489_750_196_081_7;
/// Fewest windows that an estimate rests on; a standard deviation from 64 has a standard error of 15 %.
pub(super) const MIN_WINDOWS: usize = 64;
/// Smallest side of an image: (16 − 4)/2 + 1 = 7 windows.
const MIN_IMAGE_SIDE: usize = 16;
/// Share of the windows that is kept, those of the least bend: edges would raise the median.
pub(super) const GENTLE_SHARE: f64 = 0.7;
/// Distances of a window's mean from a clipped value, in σ, largest first. At 3σ a clipped normal has lost 0.3 % of its
/// standard deviation, at 2σ 4 %, at 1.5σ 10 %.
pub(super) const CLEARANCES: [f64; 4] = [3.0, 2.5, 2.0, 1.5];
/// Share of the windows that must have a clearance.
const CLEAR_SHARE: f64 = 0.05;
/// Rounds in which σ and the windows that are clear by multiples of it settle.
const ROUNDS: usize = 3;
/// Standard deviation of what rounding to whole steps adds: 1/√12 steps.
pub(super) const ROUNDING: f64 = 0.288_675_134_594_812_9;
/// Measured deviations up to this many steps are rounding: 2/√12, for four times its variance, as if all of a rounded
/// ramp's error fell into the diagonal band, a quarter of the spectrum.
const FLOOR_STEPS: f64 = 2.0 * ROUNDING;
/// 2²⁴: up to here `f32` holds every whole number.
const LARGEST_WHOLE: f32 = 16_777_216.0;

/// White noise of one size in the whole image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNoise {
    /// Standard deviation, in the image's units, without what rounding to `step` adds.
    pub sigma: f64,
    /// Standard deviation as measured, rounding included.
    pub measured: f64,
    /// Distance of grey levels: their greatest common divisor where all values are whole numbers, else 0.
    pub step: f64,
    /// Windows that the estimate rests on; 0 where an image of at most two values needs none.
    pub windows: usize,
}

/// Standard deviation of white noise in an image, from the median of its finest diagonal wavelet band.
///
/// ```text
/// σ = median |d| / 0.6745          (Donoho, IEEE Trans. Inf. Theory 41:613, 1995)
/// ```
/// where d is the diagonal band of Daubechies' db2, as in scikit-image's `estimate_sigma`, over windows that
/// - lie within the image and the mask (`true` counts; nothing is mirrored at borders);
/// - are among the 70 % where the low-pass band, which is orthogonal to d, bends least;
/// - have a mean (low-pass band, 3×3) at least 3σ from a clipped extreme of the image. Where too few windows are, 2.5σ,
///   2σ or 1.5σ will do; where not even those, windows that touch no clipped pixel. An extreme counts as clipped when it has
///   twice as many pixels as the value next to it, and at least 16.
///
/// Windows are chosen by means, not by whether they hold clipped pixels, since leaving out just those would leave out the
/// largest noise. Exact zeros are kept, unlike scikit-image: with coarse grey levels they are part of the noise.
///
/// **Floor.** Rounding to grey levels is not noise: (step/√12)² is taken off, and up to 2/√12 = 0.58 measured steps (half a
/// step of noise) the answer is 0. An image without noise gives 0 where it is flat, straight or of few values; elsewhere its
/// curvature remains: of waves 32 pixels long in both directions less than 0.1 % of their amplitude, of waves of 16 pixels
/// less than 1 %. Rounded slopes of half a step per pixel in both directions can pass for noise of 0.7 steps.
///
/// # Errors
/// [`NoiseError`] when a value is not finite, a side is shorter than 16 pixels, the mask has another length, or fewer than
/// 64 windows are left.
pub fn gaussian_sigma(image: &Image, mask: Option<&[bool]>) -> Result<GaussianNoise, NoiseError> {
    let survey = Survey::of(image, mask)?;
    let Some(band) = survey.band() else {
        return Ok(GaussianNoise { sigma: 0.0, measured: 0.0, step: 0.0, windows: 0 });
    };
    survey.gaussian(&band)
}

/// A checked image with what is known of its pixels.
pub(super) struct Survey<'a> {
    image: &'a Image,
    states: Vec<State>,
    pub(super) clipping: Clipping,
}

impl<'a> Survey<'a> {
    pub(super) fn of(image: &'a Image, mask: Option<&[bool]>) -> Result<Self, NoiseError> {
        let ([columns, rows], values) = (image.size(), image.values());
        if columns.min(rows) < MIN_IMAGE_SIDE {
            return Err(NoiseError::TooSmall { min: MIN_IMAGE_SIDE, columns, rows });
        }
        if let Some(mask) = mask.filter(|m| m.len() != values.len()) {
            return Err(NoiseError::Mask { expected: values.len(), got: mask.len() });
        }
        image.check_finite()?;
        let inside = |i: usize| mask.is_none_or(|m| m[i]);
        if mask.is_some_and(|m| !m.contains(&true)) {
            return Err(NoiseError::TooFewWindows { min: MIN_WINDOWS, got: 0 });
        }
        let clipping = Clipping::of(values, mask);
        let state = |(i, &v): (usize, &f32)| match inside(i) {
            false => State::Outside,
            true if clipping.holds(v) => State::Clipped,
            true => State::Clean,
        };
        let states = values.par_iter().enumerate().map(state).collect();
        Ok(Self { image, states, clipping })
    }

    /// The finest level; none where an image has at most two values, hence no noise.
    pub(super) fn band(&self) -> Option<Band> {
        (!self.clipping.two_levels).then(|| Band::new(self.image.size(), self.image.values(), &self.states))
    }

    /// Noise of the finest level, without what rounding adds.
    pub(super) fn gaussian(&self, band: &Band) -> Result<GaussianNoise, NoiseError> {
        let (measured, windows) = white_sigma(band, &self.clipping)?;
        let step = step(self.image.values());
        let rounding = ROUNDING * step;
        let sigma =
            if measured <= FLOOR_STEPS * step { 0.0 } else { (measured * measured - rounding * rounding).sqrt() };
        Ok(GaussianNoise { sigma, measured, step, windows })
    }
}

/// Standard deviation of white noise in a level, and the number of windows it rests on.
pub(super) fn white_sigma(band: &Band, clipping: &Clipping) -> Result<(f64, usize), NoiseError> {
    let among = |keep: &dyn Fn(usize) -> bool| {
        let mut windows: Vec<usize> = (0..band.mean.len()).filter(|&i| keep(i)).collect();
        keep_gentle(&mut windows, |i| band.bend[i]);
        windows
    };
    let sigma_of =
        |windows: &[usize]| robust_sigma(&mut windows.iter().map(|&i| band.detail[i].abs()).collect::<Vec<_>>());
    let clean = among(&|i| band.state[i] == State::Clean);
    if clean.len() < MIN_WINDOWS {
        return Err(NoiseError::TooFewWindows { min: MIN_WINDOWS, got: clean.len() });
    }
    let mut best = (sigma_of(&clean), clean.len());
    if !clipping.is_any() {
        return Ok(best);
    }
    let inside = band.state.iter().filter(|s| **s != State::Outside).count();
    let enough = MIN_WINDOWS.max((CLEAR_SHARE * inside as f64) as usize);
    for _ in 0..ROUNDS {
        let clear = CLEARANCES.iter().map(|clearance| {
            let distance = (clearance * best.0) as f32;
            among(&|i| band.state[i] != State::Outside && clipping.distance(band.mean[i]) > distance)
        });
        let Some(clear) = clear.into_iter().find(|windows| windows.len() >= enough) else { break };
        best = (sigma_of(&clear), clear.len());
    }
    Ok(best)
}

/// Keeps the share of windows that bend least, and all ties with the last of them.
pub(super) fn keep_gentle(windows: &mut Vec<usize>, bend: impl Fn(usize) -> f32) {
    if windows.is_empty() {
        return;
    }
    let mut bends: Vec<f32> = windows.iter().map(|&i| bend(i)).collect();
    let last = ((bends.len() - 1) as f64 * GENTLE_SHARE) as usize;
    let limit = *bends.select_nth_unstable_by(last, f32::total_cmp).1;
    windows.retain(|&i| bend(i) <= limit);
}

/// Median of sizes over that of a standard normal; 0 of nothing.
pub(super) fn robust_sigma(sizes: &mut [f32]) -> f64 {
    if sizes.is_empty() {
        return 0.0;
    }
    let middle = sizes.len() / 2;
    f64::from(*sizes.select_nth_unstable_by(middle, f32::total_cmp).1) / MEDIAN_OF_NORMAL
}

/// Greatest common divisor of the differences of values, where all are whole numbers; else 0.
pub(super) fn step(values: &[f32]) -> f64 {
    let first = values.first().copied().unwrap_or(0.0);
    if !values.par_iter().all(|v| v.fract() == 0.0 && v.abs() <= LARGEST_WHOLE) {
        return 0.0;
    }
    let divisor = values.par_iter().map(|v| (v - first).abs() as u32).reduce(|| 0, gcd);
    f64::from(divisor)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    fn image(size: [usize; 2], value: impl Fn(usize, usize) -> f32) -> Image {
        let values = (0..size[0] * size[1]).map(|i| value(i % size[0], i / size[0])).collect();
        Image::new(size, None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn images_without_noise_have_none() {
        let sigma = |value: &dyn Fn(usize, usize) -> f32| gaussian_sigma(&image([64, 48], value), None).unwrap().sigma;
        assert_eq!(sigma(&|_, _| 0.3), 0.0);
        assert_eq!(sigma(&|x, _| if x < 30 { 0.0 } else { 1.0 }), 0.0);
        assert_eq!(
            sigma(&|x, y| if x + y < 50 {
                0.1
            } else if x < 40 {
                0.5
            } else {
                0.9
            }),
            0.0
        );
        let disc = |x: usize, y: usize| x.abs_diff(30).pow(2) + y.abs_diff(20).pow(2) < 200;
        assert_eq!(sigma(&|x, y| if disc(x, y) { 7.0 } else { 2.0 }), 0.0);
        // A straight ramp is annihilated but for the rounding of f32.
        assert!(sigma(&|x, y| 0.013 * x as f32 + 0.007 * y as f32) < 1e-6);
        let wave = |pixels: f32| {
            let of = |i: usize| (std::f32::consts::TAU * i as f32 / pixels + 0.4).cos();
            sigma(&|x, y| of(x) * of(y))
        };
        assert!(wave(32.0) < 1e-3 && wave(16.0) < 1e-2, "{} {}", wave(32.0), wave(16.0));
        // Rounded to whole grey levels it is not noise either.
        let rounded = |slope: f32| sigma(&|x, y| (slope * x as f32 + 0.9 * slope * y as f32).round());
        for slope in [0.1, 0.37, 0.77, 1.3] {
            assert_eq!(rounded(slope), 0.0, "{slope}");
        }
        // The worst case: steps at every other pixel both ways, ±1/4 step, in a band that doubles them.
        assert!((0.5..0.5 / MEDIAN_OF_NORMAL).contains(&rounded(0.5)), "{}", rounded(0.5));
    }

    #[test]
    fn unusable_images_are_refused_by_name() {
        let message = |image: &Image, mask: Option<&[bool]>| gaussian_sigma(image, mask).unwrap_err().to_string();
        assert!(message(&image([15, 40], |_, _| 0.0), None).contains("at least 16 pixels"));
        assert!(message(&image([16, 16], |x, _| if x == 3 { f32::NAN } else { 0.0 }), None).contains("finite"));
        let ramp = image([40, 40], |x, y| (x * y) as f32);
        assert!(message(&ramp, Some(&[true; 3])).contains("1600, got 3"));
        assert!(message(&ramp, Some(&[false; 1600])).contains("at least 64"));
    }

    #[test]
    fn steps_are_common_divisors_of_whole_numbers() {
        assert_eq!(step(&[5.0, 21.0, 37.0, 53.0]), 16.0);
        assert_eq!(step(&[0.0, 1.0, 5.0]), 1.0);
        assert_eq!(step(&[0.0, 0.5]), 0.0);
        assert_eq!(step(&[3.0; 4]), 0.0);
    }
}
