use super::{
    NoiseError,
    band::{Band, NOISE_BEND, State},
    gaussian::{CLEARANCES, MIN_WINDOWS, Survey, keep_gentle},
    line::{Level, Line, winsorised_variance},
};
use crate::{
    data::{Image, Sample},
    parallel::*,
};

/// Most level sets, equally wide in the mean.
const LEVEL_COUNT: f64 = 64.0;
/// Fewest windows of a level set: its variance has a standard error of 13 %.
const MIN_LEVEL_WINDOWS: usize = 128;
/// Shares of the windows that lie below and above the range that is divided.
const TAIL_SHARE: f64 = 0.002;
/// Rounds in which the line and the windows chosen with it settle.
const ROUNDS: usize = 4;
/// Largest bend of a window over its variance: one and a half times what noise has on average, which leaves four fifths of
/// noise; twice as much leaves enough structure to raise gains by up to 4 % more.
const MAX_BEND: f64 = 1.5 * NOISE_BEND;
/// Share of the windows that must bend no more than noise does; of an image with less, the gentlest 70 % are used.
const LEAST_SHARE: f64 = 0.1;
/// Standard errors by which a slope must differ from 0.
const SIGNIFICANCE: f64 = 4.0;
/// Relative change of σ over the image's means up to which one σ is as good.
const LEAST_CHANGE: f64 = 0.1;
/// Half the side of the square whose mean stands for a pixel's mean in a noise map, in pixels.
const MAP_REACH: usize = 2;

/// Noise whose variance is a straight line of the mean: variance(v) = gain·v + offset.
///
/// Quanta of value `gain` each, read noise s and a pedestal p (the value without photons) give offset = s² − gain·p, which
/// is negative where the pedestal is high. With gain 0 it is Gaussian noise of variance `offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonGaussian {
    /// Variance per mean, in the image's units: the value of one photon for a detector that counts.
    pub gain: f64,
    /// Variance at mean 0, in squared units.
    pub offset: f64,
}

impl PoissonGaussian {
    /// Whether the noise does not depend on the signal.
    #[must_use]
    pub fn is_gaussian(&self) -> bool {
        self.gain == 0.0
    }

    /// Standard deviation at a mean; 0 where the line is below 0.
    #[must_use]
    pub fn sigma_at(&self, mean: f64) -> f64 {
        (self.gain * mean + self.offset).max(0.0).sqrt()
    }

    /// Standard deviation at every pixel, from the mean of the 5×5 pixels around it (fewer at borders), in the image's units.
    #[must_use]
    pub fn map(&self, image: &Image) -> Image {
        let [columns, rows] = image.size();
        let mut values = vec![0.0; columns * rows];
        let around = |i: usize, n: usize| i.saturating_sub(MAP_REACH)..(i + MAP_REACH + 1).min(n);
        values.par_chunks_mut(columns).enumerate().for_each(|(y, out)| {
            let mut sums = vec![0.0_f64; columns];
            for line in around(y, rows) {
                let line = &image.values()[line * columns..(line + 1) * columns];
                sums.iter_mut().zip(line).for_each(|(s, v)| *s += f64::from(*v));
            }
            for (x, out) in out.iter_mut().enumerate() {
                let across = around(x, columns);
                let count = across.len() * around(y, rows).len();
                *out = self.sigma_at(sums[across].iter().sum::<f64>() / count as f64) as f32;
            }
        });
        Image::new(image.size(), image.spacing_mm(), Sample::Float, image.unit(), values)
            .unwrap_or_else(|_| unreachable!("size of an image"))
    }
}

/// Poisson–Gaussian noise of one image; [`estimate_within`] a mask that is true everywhere.
///
/// # Errors
/// As of [`estimate_within`].
pub fn estimate(image: &Image) -> Result<PoissonGaussian, NoiseError> {
    estimate_within(image, None)
}

/// Poisson–Gaussian noise of the pixels of one image where a mask is true.
///
/// After Foi, Trimeche, Katkovnik, Egiazarian, IEEE Trans. Image Process. 17:1737, 2008, simplified:
/// 1. Windows of the db2 transform as in [`gaussian_sigma`](super::gaussian_sigma) that touch no clipped pixel are sorted by their mean (low-pass
///    band, 3×3) into up to 64 level sets of at least 128; of each, the 70 % that bend least are kept.
/// 2. A set's variance is the winsorised mean of d², at 2σ (Huber, Robust Statistics, 1981, proposal 2).
/// 3. A line is fitted to the variances, weighted by n/variance² of the line itself and by Tukey's biweight.
/// 4. With the line, windows are chosen anew, four times: those that bend no more than noise does, with means at least
///    3σ(mean) from clipped ends of the range; 2 and 3 are repeated.
///
/// The result is one of two models. Where the slope is below four standard errors, or σ changes by less than 10 % over the
/// image's means, or variance *falls* with the mean (values after a logarithm or inverted), noise is taken for Gaussian:
/// gain 0 and the variance of [`gaussian_sigma`](super::gaussian_sigma). In a Poisson–Gaussian model rounding to grey levels is part of
/// the noise, since counts are whole numbers by themselves.
///
/// # Errors
/// [`NoiseError`] when a value is not finite, a side is shorter than 16 pixels, the mask has another length, or fewer than
/// 64 windows are left.
pub fn estimate_within(image: &Image, mask: Option<&[bool]>) -> Result<PoissonGaussian, NoiseError> {
    let survey = Survey::of(image, mask)?;
    let Some(band) = survey.band() else { return Ok(PoissonGaussian { gain: 0.0, offset: 0.0 }) };
    let gaussian = survey.gaussian(&band)?;
    let fitted = if gaussian.sigma > 0.0 { signal_dependence(&band, &survey) } else { None };
    Ok(fitted.map_or_else(
        || PoissonGaussian { gain: 0.0, offset: gaussian.sigma.powi(2) },
        |line| PoissonGaussian { gain: line.slope, offset: line.intercept },
    ))
}

/// The line of variances, if noise grows with the signal.
fn signal_dependence(band: &Band, survey: &Survey<'_>) -> Option<Line> {
    let (mean, bend) = (&band.mean, &band.bend);
    let clipping = &survey.clipping;
    let mut sets = level_sets(mean, |i| band.state[i] == State::Clean);
    let candidates: usize = sets.iter().map(Vec::len).sum();
    sets.iter_mut().for_each(|set| keep_gentle(set, |i| bend[i]));
    let mut levels = levels(band, &sets);
    let mut line = Line::through(&levels)?;
    for _ in 0..ROUNDS {
        let keep = |i: usize| {
            let variance = line.at(f64::from(mean[i])).max(0.0);
            band.state[i] != State::Outside
                && f64::from(bend[i]) <= MAX_BEND * variance
                && f64::from(clipping.distance(mean[i])) >= CLEARANCES[0] * variance.sqrt()
        };
        let sets = level_sets(mean, keep);
        if (sets.iter().map(Vec::len).sum::<usize>() as f64) < LEAST_SHARE * candidates as f64 {
            break;
        }
        let better = self::levels(band, &sets);
        let Some(next) = Line::through(&better) else { break };
        (line, levels) = (next, better);
    }
    let (first, last) = (levels.first()?.mean, levels.last()?.mean);
    let (darkest, brightest) = (line.at(first).max(0.0).sqrt(), line.at(last).max(0.0).sqrt());
    let grows = line.slope > SIGNIFICANCE * line.slope_error && brightest > (1.0 + LEAST_CHANGE) * darkest;
    grows.then_some(line)
}

/// Windows of about equal mean, by rising mean.
fn level_sets(mean: &[f32], keep: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut windows: Vec<usize> = (0..mean.len()).filter(|&i| keep(i)).collect();
    if windows.len() < MIN_WINDOWS {
        return Vec::new();
    }
    windows.par_sort_unstable_by(|&a, &b| mean[a].total_cmp(&mean[b]).then(a.cmp(&b)));
    let tail = (windows.len() as f64 * TAIL_SHARE) as usize;
    let at = |place: usize| f64::from(mean[windows[place]]);
    let width = (at(windows.len() - 1 - tail) - at(tail)) / LEVEL_COUNT;
    let mut sets: Vec<Vec<usize>> = Vec::new();
    let mut end = f64::NEG_INFINITY;
    for &i in &windows {
        let m = f64::from(mean[i]);
        match sets.last_mut() {
            Some(set) if set.len() < MIN_LEVEL_WINDOWS || m < end => set.push(i),
            _ => {
                sets.push(vec![i]);
                end = m + width;
            }
        }
    }
    // What is left at the bright end is too little for a set of its own.
    if let Some(rest) = (sets.len() > 1).then(|| sets.pop_if(|s| s.len() < MIN_LEVEL_WINDOWS)).flatten()
        && let Some(last) = sets.last_mut()
    {
        last.extend(rest);
    }
    sets
}

fn levels(band: &Band, sets: &[Vec<usize>]) -> Vec<Level> {
    let level = |set: &Vec<usize>| {
        let mut sizes: Vec<f32> = set.iter().map(|&i| band.detail[i].abs()).collect();
        let sum: f64 = set.iter().map(|&i| f64::from(band.mean[i])).sum();
        Level { mean: sum / set.len() as f64, variance: winsorised_variance(&mut sizes), windows: set.len() }
    };
    sets.par_iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Unit;

    fn image(values: Vec<f32>) -> Image {
        let rows = values.len() / 20;
        Image::new([20, rows], None, Sample::Float, Unit::Transmission, values).unwrap()
    }

    #[test]
    fn map_follows_the_mean_around_a_pixel() {
        let noise = PoissonGaussian { gain: 2.0, offset: -1.0 };
        let ramp = image((0..400).map(|i| (i % 20) as f32).collect());
        let map = noise.map(&ramp);
        assert_eq!(map.unit(), Unit::Transmission);
        assert_eq!(map.values()[20 * 7 + 9], noise.sigma_at(9.0) as f32);
        assert_eq!(map.values()[0], 1.0, "the mean of 0, 1 and 2 is 1");
        assert_eq!(noise.sigma_at(0.2), 0.0);
        assert!(!noise.is_gaussian());
    }

    #[test]
    fn images_without_noise_have_none() {
        let none = PoissonGaussian { gain: 0.0, offset: 0.0 };
        assert_eq!(estimate(&image(vec![3.0; 400])).unwrap(), none);
        assert_eq!(estimate(&image((0..400).map(|i| if i % 20 < 9 { 1.0 } else { 2.0 }).collect())).unwrap(), none);
    }
}
