use super::{FrequencyUnit, MetricError, Region, fourier::Fourier, pair::check_sides, trend::Trend};
use crate::{data::Image, parallel::*};

/// Least and largest side of the squares.
const SIDES: [usize; 2] = [8, 1024];

/// How a noise power spectrum is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NpsOptions {
    /// Side of the squares, in pixels, a power of two of 8 to 1024; they overlap by half.
    pub side: usize,
    /// Degree of the polynomial that is subtracted from the region first: 0 (its mean), 1 or 2.
    pub detrend: usize,
}

impl Default for NpsOptions {
    /// What IEC 62220-1 lays down: squares of 256 pixels, a surface of the second degree.
    fn default() -> Self {
        Self { side: 256, detrend: 2 }
    }
}

/// Noise power spectrum; see [`nps`].
#[derive(Clone, Debug, PartialEq)]
pub struct Nps {
    /// Side of the squares, and of the spectrum.
    pub side: usize,
    /// Unit of frequencies; powers are in value²·mm² or value²·px².
    pub unit: FrequencyUnit,
    /// Distance between frequencies, across and down.
    pub step: [f64; 2],
    /// Power, column fastest, frequency −side/2 first: the zero frequency is at column and row side/2.
    pub values: Vec<f64>,
    /// Mean over rings of one step: frequency (mean of the ring's) and power, without the zero frequency, up to the
    /// lower of both Nyquist frequencies.
    pub radial: Vec<[f64; 2]>,
    /// Mean square of what was transformed, in value²: the integral of the spectrum.
    pub variance: f64,
    /// Number of squares.
    pub count: usize,
}

impl Nps {
    /// Mean frequency, by power: it falls when noise grows coarser. Nothing when there is no noise.
    ///
    /// ```text
    /// f̄ = Σ √(u² + v²)·NPS(u, v) / Σ NPS(u, v)
    /// ```
    #[must_use]
    pub fn mean_frequency(&self) -> Option<f64> {
        let [mut moment, mut sum] = [0.0; 2];
        for (index, power) in self.values.iter().enumerate() {
            moment += frequency(index, self.side, self.step) * power;
            sum += power;
        }
        (sum > 0.0).then(|| moment / sum)
    }
}

/// √(u² + v²) at a place of the spectrum.
fn frequency(index: usize, side: usize, step: [f64; 2]) -> f64 {
    let middle = (side / 2) as f64;
    (((index % side) as f64 - middle) * step[0]).hypot(((index / side) as f64 - middle) * step[1])
}

/// Noise power spectrum of a region without structure, or of the difference of two images.
///
/// ```text
/// NPS(u, v) = Δx·Δy / (M·N²) · Σₘ |Σ (I(x, y) − S(x, y))·exp(−2πi·(u·x + v·y))|²
/// ```
/// where the outer sum is over M squares of N × N pixels that overlap by half, Δx and Δy are the pixel spacings, I are
/// the values and S is the polynomial fitted to the whole region. Units: value²·mm², or value²·px² for an image without
/// spacing. Its integral, Σ NPS / (N·Δx·N·Δy), is the variance; white noise of variance σ² has NPS = σ²·Δx·Δy
/// everywhere. A difference of two images has twice the noise of one: halve its spectrum. Values must be linear in the
/// exposure for the standard's NPS; no normalisation by the mean signal is made.
///
/// IEC 62220-1-1:2015, clause 6.2, but for the average, which is over rings here and not over lines beside the axes.
///
/// # Errors
/// [`MetricError`] when the options are out of bounds, the region lies outside or is smaller than a square, or a value
/// is not finite.
pub fn nps(image: &Image, region: Region, options: NpsOptions) -> Result<Nps, MetricError> {
    let NpsOptions { side, detrend } = options;
    if !(side.is_power_of_two() && (SIDES[0]..=SIDES[1]).contains(&side)) {
        let allowed = "a power of two of 8 to 1024";
        return Err(MetricError::Setting { what: "side of the squares", allowed, got: side as f64 });
    }
    if detrend > 2 {
        let allowed = "0, 1 or 2";
        return Err(MetricError::Setting { what: "degree of the trend", allowed, got: detrend as f64 });
    }
    image.check_finite()?;
    let rows: Vec<&[f32]> = region.rows(image)?.collect();
    check_sides("NPS", region.size(), side)?;
    let residuals = without_trend(&rows, region, detrend);

    let starts = |length: usize| (0..=length - side).step_by(side / 2);
    let corners: Vec<[usize; 2]> =
        starts(region.height).flat_map(|y| starts(region.width).map(move |x| [x, y])).collect();
    let fourier = Fourier::new(side);
    // One sum per row of squares, added in order.
    let sums: Vec<Vec<f64>> = corners
        .par_chunks(starts(region.width).count())
        .map(|corners| {
            let mut sum = vec![0.0; side * side];
            for [left, top] in corners {
                let square: Vec<f64> = (residuals.chunks_exact(region.width).skip(*top).take(side))
                    .flat_map(|row| &row[*left..left + side])
                    .copied()
                    .collect();
                sum.iter_mut().zip(fourier.power(&square)).for_each(|(sum, power)| *sum += power);
            }
            sum
        })
        .collect();

    let (unit, spacing) = FrequencyUnit::of(image);
    let scale = spacing[0] * spacing[1] / (corners.len() * side * side) as f64;
    let middle = side / 2;
    let shifted = |i: usize| (i + middle) % side;
    let values: Vec<f64> = (0..side * side)
        .map(|i| shifted(i / side) * side + shifted(i % side))
        .map(|i| scale * sums.iter().map(|sum| sum[i]).sum::<f64>())
        .collect();
    let step = spacing.map(|spacing| 1.0 / (side as f64 * spacing));
    let variance = values.iter().sum::<f64>() * step[0] * step[1];
    let radial = radial(&values, side, step);
    Ok(Nps { side, unit, step, values, radial, variance, count: corners.len() })
}

fn without_trend(rows: &[&[f32]], region: Region, degree: usize) -> Vec<f64> {
    // From −1 to 1 across the region.
    let place = |index: usize, length: usize| (2 * index + 1) as f64 / length as f64 - 1.0;
    let places = |y: usize| (0..region.width).map(move |x| [place(x, region.width), place(y, region.height)]);
    let points = rows
        .iter()
        .enumerate()
        .flat_map(|(y, row)| places(y).zip(*row).map(|([x, y], &value)| [x, y, f64::from(value)]));
    let trend = Trend::fit(degree, points);
    let residuals = rows.par_iter().enumerate().flat_map_iter(|(y, row)| {
        let trend = &trend;
        places(y).zip(*row).map(move |([x, y], &value)| f64::from(value) - trend.at(x, y))
    });
    residuals.collect()
}

/// Means over rings one step wide; with unequal spacings, of the coarser one.
fn radial(values: &[f64], side: usize, step: [f64; 2]) -> Vec<[f64; 2]> {
    let width = step[0].max(step[1]);
    let nyquist = (side / 2) as f64 * step[0].min(step[1]);
    let mut rings = vec![[0.0; 3]; side];
    for (i, power) in values.iter().enumerate() {
        let frequency = frequency(i, side, step);
        if frequency > 0.0 && frequency <= nyquist {
            let ring = &mut rings[(frequency / width).round() as usize];
            *ring = [ring[0] + frequency, ring[1] + power, ring[2] + 1.0];
        }
    }
    rings.into_iter().filter(|ring| ring[2] > 0.0).map(|[f, p, n]| [f / n, p / n]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    /// Noise of nearly normal distribution, variance 1: twelve uniform numbers.
    fn noise(count: usize) -> Vec<f64> {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1 << 24) as f64
        };
        (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    fn picture(columns: usize, spacing_mm: Option<[f64; 2]>, values: &[f64]) -> Image {
        let size = [columns, values.len() / columns];
        let values = values.iter().map(|&v| v as f32).collect();
        Image::new(size, spacing_mm, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    const OPTIONS: NpsOptions = NpsOptions { side: 32, detrend: 2 };

    #[test]
    fn white_noise_is_flat_and_its_integral_is_the_variance() {
        let values: Vec<f64> = noise(256 * 200).iter().map(|v| 1000.0 + 5.0 * v).collect();
        let image = picture(256, Some([0.2, 0.1]), &values);
        let found = nps(&image, Region::whole(&image), OPTIONS).unwrap();
        assert_eq!((found.count, found.unit), (15 * 11, FrequencyUnit::PerMillimetre));
        assert!((found.variance - 25.0).abs() < 0.5, "{}", found.variance);
        let integral = found.values.iter().sum::<f64>() / (32.0 * 0.2 * 32.0 * 0.1);
        assert!((integral - found.variance).abs() < 1e-9);
        // 25 value² times 0.02 mm²; about 150 half independent squares and ten places or more per ring.
        for [frequency, power] in &found.radial {
            assert!((power - 0.5).abs() < 0.1, "{power} at {frequency}");
        }
        let [last, _] = found.radial[found.radial.len() - 1];
        assert!(last <= 2.5 && last > 2.3, "{last}");
    }

    #[test]
    fn smoothed_noise_falls_off_as_its_filter_does() {
        let (white, columns) = (noise(256 * 257), 256);
        // Means of two neighbours down: power cos²(πv), with v in cycles per pixel.
        let values: Vec<f64> = (0..256 * 256).map(|i| (white[i] + white[i + columns]) / 2.0).collect();
        let image = picture(columns, None, &values);
        let found = nps(&image, Region::whole(&image), OPTIONS).unwrap();
        assert!((found.variance - 0.5).abs() < 0.02);
        // White noise has its mean at ∫∫ √(u² + v²) = 0.3826 per pixel.
        let mean = |image: &Image| nps(image, Region::whole(image), OPTIONS).unwrap().mean_frequency().unwrap();
        let unfiltered = picture(columns, None, &white);
        assert!((mean(&unfiltered) - 0.3826).abs() < 0.005 && mean(&image) < 0.33, "{}", mean(&unfiltered));
        for row in 0..32 {
            let want = (std::f64::consts::PI * (row as f64 - 16.0) / 32.0).cos().powi(2);
            let got = found.values[row * 32..][..32].iter().sum::<f64>() / 32.0;
            assert!((got - want).abs() < 0.1, "row {row}: {got} instead of {want}");
        }
    }

    #[test]
    fn a_trend_is_no_noise_unless_left_in() {
        let [columns, rows] = [96, 80];
        let surface = |i: usize| {
            let [x, y] = [i % columns, i / columns].map(|v| v as f64 / 50.0);
            10.0 * x - 20.0 * y + 4.0 * x * x + 3.0 * x * y
        };
        let values: Vec<f64> = noise(columns * rows).iter().enumerate().map(|(i, v)| v + surface(i)).collect();
        let image = picture(columns, None, &values);
        let variance = |detrend| nps(&image, Region::whole(&image), NpsOptions { side: 32, detrend }).unwrap().variance;
        assert!((variance(2) - 1.0).abs() < 0.1, "{}", variance(2));
        assert!(variance(0) > 10.0, "{}", variance(0));
    }

    #[test]
    fn regions_smaller_than_a_square_are_refused() {
        let image = picture(40, None, &[0.0; 1600]);
        let region = Region { x: 5, y: 5, width: 31, height: 32 };
        let message = nps(&image, region, OPTIONS).unwrap_err().to_string();
        assert_eq!(message, "NPS needs sides of 32 pixels or more, got 31x32");
        for options in [NpsOptions { side: 48, detrend: 2 }, NpsOptions { side: 4, detrend: 0 }] {
            assert!(nps(&image, Region::whole(&image), options).is_err(), "{options:?}");
        }
        assert!(nps(&image, Region::whole(&image), NpsOptions { side: 32, detrend: 3 }).is_err());
    }
}
