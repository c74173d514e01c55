//! Slow parts of the vertical details of a sinogram (Fourier–wavelet removal of stripes).

use std::sync::Arc;

use ndarray::{Array2, Axis};
use rustfft::{Fft, FftDirection, FftPlanner, num_complex::Complex64};

/// Daubechies' scaling coefficients of five vanishing moments, whose squares add up to 1: the minimum-phase factor of
/// ((1 + z)/2)⁵ and the polynomial of Daubechies (*Ten Lectures on Wavelets*, SIAM 1992, eq. 6.1.12 and table 6.1).
const SCALING: [f64; 10] = [
    0.160_102_397_974_192_93,
    0.603_829_269_797_189_7,
    0.724_308_528_437_772_9,
    0.138_428_145_901_320_73,
    -0.242_294_887_066_382_03,
    -0.032_244_869_584_638_375,
    0.077_571_493_840_045_72,
    -0.006_241_490_212_798_274,
    -0.012_580_751_999_081_999,
    0.003_335_725_285_473_771_3,
];
const TAPS: usize = SCALING.len();

/// Most levels for a side of so many samples: the details of each still have more samples of their own than of the sides' mirror images.
pub(super) fn most_levels(samples: usize) -> usize {
    (samples / (TAPS - 1)).checked_ilog2().unwrap_or(0) as usize
}

/// What damping by 1 − exp(−k²/2σ²) takes from the vertical details of a sinogram, `[view][column]`; see [`super::Stripes::Wavelet`].
pub(super) fn slow_details(sinogram: Array2<f64>, levels: usize, sigma: f64) -> Array2<f64> {
    const VIEWS: Axis = Axis(0);
    const COLUMNS: Axis = Axis(1);
    // The transform is linear: bands that are not damped take nothing away, and are not computed.
    let mut smooth = sinogram;
    let mut bands = Vec::with_capacity(levels);
    for _ in 0..levels {
        let size = smooth.dim();
        let [low, high] = [SCALING, wavelet()].map(|filter| along(COLUMNS, &smooth, |line| analysed(line, &filter)));
        let [low, high] = [low, high].map(|band| along(VIEWS, &band, |line| analysed(line, &SCALING)));
        let slow = Slow::new(high.len_of(VIEWS), sigma);
        bands.push((size, along(VIEWS, &high, |line| slow.part(line))));
        smooth = low;
    }
    smooth.fill(0.0);
    for ((views, columns), details) in bands.into_iter().rev() {
        let [low, high] = [smooth, details].map(|band| along(VIEWS, &band, |line| synthesised(line, &SCALING, views)));
        smooth = along(COLUMNS, &low, |line| synthesised(line, &SCALING, columns))
            + along(COLUMNS, &high, |line| synthesised(line, &wavelet(), columns));
    }
    smooth
}

/// exp(−k²/2σ²) in the Fourier domain of a line, k in cycles along it. The line goes there with its mirror image, so that its ends meet.
struct Slow {
    weights: Vec<f64>,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl Slow {
    fn new(samples: usize, sigma: f64) -> Self {
        let length = 2 * samples;
        let weight = |index: usize| {
            let cycles = index.min(length - index) as f64 / 2.0;
            (-0.5 * (cycles / sigma).powi(2)).exp() / length as f64
        };
        let mut planner = FftPlanner::new();
        let [forward, inverse] =
            [FftDirection::Forward, FftDirection::Inverse].map(|way| planner.plan_fft(length, way));
        Self { weights: (0..length).map(weight).collect(), forward, inverse }
    }

    fn part(&self, line: &[f64]) -> Vec<f64> {
        let mut values: Vec<Complex64> = line.iter().chain(line.iter().rev()).map(Complex64::from).collect();
        self.forward.process(&mut values);
        values.iter_mut().zip(&self.weights).for_each(|(value, weight)| *value *= weight);
        self.inverse.process(&mut values);
        values[..line.len()].iter().map(|value| value.re).collect()
    }
}

/// The filter of the details: the scaling coefficients backwards, every second one negative.
fn wavelet() -> [f64; TAPS] {
    std::array::from_fn(|i| if i % 2 == 0 { SCALING[TAPS - 1 - i] } else { -SCALING[TAPS - 1 - i] })
}

/// Each line of an array along one axis made into another; all become equally long.
fn along(axis: Axis, array: &Array2<f64>, work: impl Fn(&[f64]) -> Vec<f64>) -> Array2<f64> {
    let lines: Vec<Vec<f64>> = array.lanes(axis).into_iter().map(|line| work(&line.to_vec())).collect();
    let size = (lines.len(), lines.first().map_or(0, Vec::len));
    match axis {
        Axis(0) => Array2::from_shape_fn((size.1, size.0), |(sample, line)| lines[line][sample]),
        _ => Array2::from_shape_fn(size, |(line, sample)| lines[line][sample]),
    }
}

/// One band of a line: every second sample of what a filter gives, the line mirrored at its ends, which are repeated.
fn analysed(line: &[f64], filter: &[f64; TAPS]) -> Vec<f64> {
    let last = 2 * line.len() - 1;
    let sample = |place: usize| {
        // Place TAPS is the line's first; lines as short as the filter are mirrored once at most.
        let place = if place < TAPS { TAPS - 1 - place } else { place - TAPS };
        line[place.min(last.saturating_sub(place)).min(line.len() - 1)]
    };
    (0..line.len().midpoint(TAPS - 1))
        .map(|k| filter.iter().zip(2 * k + 2..).map(|(tap, place)| tap * sample(place)).sum())
        .collect()
}

/// What one band adds to a line of `samples` samples.
fn synthesised(band: &[f64], filter: &[f64; TAPS], samples: usize) -> Vec<f64> {
    // Sample `place` of the upsampled and filtered band; the first TAPS − 2 lie before the line.
    let at = |place: usize| -> f64 {
        let first = (place + 1).saturating_sub(TAPS).div_ceil(2);
        (first..=(place / 2).min(band.len() - 1)).map(|k| band[k] * filter[place - 2 * k]).sum()
    };
    (0..samples).map(|sample| at(sample + TAPS - 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from −1/2 to 1/2 that look random.
    fn values(count: usize) -> Vec<f64> {
        (0..count as u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761)) / 4_294_967_296.0 - 0.5).collect()
    }

    #[test]
    fn both_bands_make_the_line_again() {
        for samples in [9, 10, 17, 40, 41] {
            let line = values(samples);
            let [low, high] =
                [SCALING, wavelet()].map(|filter| synthesised(&analysed(&line, &filter), &filter, samples));
            let worst = |of: &[f64]| line.iter().zip(of).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let both: Vec<f64> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
            assert!(worst(&both) < 1e-15 && worst(&low) > 0.05, "{samples}: {} {}", worst(&both), worst(&low));
        }
    }

    #[test]
    fn what_is_constant_along_views_goes_and_what_is_quick_stays() {
        let stripes = values(40);
        let smooth = |line: &[f64]| analysed(line, &SCALING);
        let rough = |band: &[f64], samples| synthesised(band, &SCALING, samples);
        let bands = [smooth(&stripes), smooth(&smooth(&stripes))];
        let expected = rough(&rough(&bands[1], bands[0].len()), 40);
        for sigma in [0.01, 1.0] {
            let worst = |cycles: f64| {
                let turn = |view: usize| (std::f64::consts::TAU * cycles * (view as f64 + 0.5) / 37.0).cos();
                let sinogram = Array2::from_shape_fn((37, 40), |(view, column)| turn(view) * stripes[column]);
                let taken = slow_details(sinogram, 2, sigma);
                let kept = |(view, column)| turn(view) * (stripes[column] - expected[column]) - taken[[view, column]];
                let differences = Array2::from_shape_fn((37, 40), kept);
                [differences, taken].map(|of| of.iter().fold(0.0, |most: f64, value| most.max(value.abs())))
            };
            println!("{sigma}: {:?} {:?}", worst(0.0), worst(8.0));
            assert!(worst(0.0)[0] < 1e-13 && worst(0.0)[1] > 0.3, "{sigma}: {:?}", worst(0.0));
            assert!(worst(8.0)[1] < 0.1, "{sigma}: {:?}", worst(8.0));
        }
    }

    #[test]
    fn levels_leave_a_line_samples_of_its_own() {
        assert_eq!([8, 17, 18, 35, 36, 181, 2048].map(most_levels), [0, 0, 1, 1, 2, 4, 7]);
    }
}
