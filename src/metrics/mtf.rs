use std::f64::consts::PI;

use super::{FrequencyUnit, MetricError, Region, fourier::Fourier, pair::check_sides};
use crate::data::Image;

/// Least side of a region, in pixels.
const LEAST_SIDE: usize = 20;
/// Bins of the edge profile per pixel.
const OVERSAMPLING: f64 = 4.0;
/// Windows about the edge in which it is located, one after the other, as shares of a line, and the least in pixels.
const LOCATING: [f64; 3] = [0.5, 0.25, 0.125];
const LEAST_LOCATING: f64 = 8.0;
/// A line whose step is below this share of the mean one does not tell where the edge is.
const LEAST_STEP: f64 = 0.25;
/// Share of lines that must tell it.
const LEAST_LINES: f64 = 0.5;
/// Largest root mean square of the distances of the lines' edges from the straight one, in pixels.
const STRAIGHT: f64 = 1.0;
/// Least room on either side of the edge, in pixels.
const LEAST_ROOM: f64 = 8.0;
/// Largest share of bins without a pixel.
const MOST_EMPTY: f64 = 0.1;
/// Share of the line spread's window that is flat; the rest is tapered.
const FLAT: f64 = 0.5;
/// Samples of the transform per sample of the line spread, for a fine frequency axis.
const PADDING: usize = 4;

/// Modulation transfer function across an edge; see [`mtf`].
#[derive(Clone, Debug, PartialEq)]
pub struct Mtf {
    /// Unit of frequencies.
    pub unit: FrequencyUnit,
    /// Frequency and modulation, from 0 to twice the Nyquist frequency; modulation is 1 at 0.
    pub curve: Vec<[f64; 2]>,
    /// Lowest frequency with half the modulation, if it falls so far.
    pub half: Option<f64>,
    /// Lowest frequency with a tenth of the modulation, if it falls so far.
    pub tenth: Option<f64>,
    /// Nyquist frequency across the edge.
    pub nyquist: f64,
    /// Angle between the edge and the rows or columns it runs along.
    pub angle_rad: f64,
}

impl Mtf {
    /// Modulation at a frequency within the curve, between its samples linearly.
    #[must_use]
    pub fn at(&self, frequency: f64) -> Option<f64> {
        let next = self.curve.iter().position(|[f, _]| *f >= frequency)?;
        let [f1, m1] = self.curve[next];
        let [f0, m0] = self.curve[next.saturating_sub(1)];
        Some(if f1 > f0 { m0 + (m1 - m0) * (frequency - f0) / (f1 - f0) } else { m1 })
    }

    /// Lowest frequency at which the modulation falls to a level.
    fn fall(curve: &[[f64; 2]], level: f64) -> Option<f64> {
        let [[f0, m0], [f1, m1]] = *curve.array_windows::<2>().find(|[_, [_, m]]| *m <= level)?;
        Some(f0 + (f1 - f0) * (m0 - level) / (m0 - m1))
    }
}

/// Presampled modulation transfer function from a slightly slanted edge, nearly along rows or columns.
///
/// ```text
/// MTF(f) = |Σ w(k)·(E(k + 1) − E(k))·exp(−2πi·f·k·δ)| / (the same at f = 0) / sinc²(f·δ)
/// ```
/// where E is the edge profile, means of the pixels in bins of δ = a quarter of a pixel by their distance from the edge;
/// w is 1 about the edge and falls as a cosine over the outer half of the profile; and sinc(x) = sin(πx)/(πx) takes
/// back what bins and differences do, once each. The edge is a straight line through the centroids of the
/// differences along the lines that cross it, located three times in ever narrower windows. Frequencies are across the
/// edge. The edge must cross at least one pixel sideways (else bins stay empty) and leave 8 pixels on either side.
///
/// After ISO 12233:2017 (annex D) and IEC 62220-1-1:2015 (clause 6.3), with the windows named here. Noise raises the
/// curve at high frequencies, since it takes magnitudes; values must be linear in the exposure.
///
/// # Errors
/// [`MetricError`] when the region lies outside or has sides below 20 pixels, holds no straight slanted edge, or a
/// value is not finite.
pub fn mtf(image: &Image, region: Region) -> Result<Mtf, MetricError> {
    image.check_finite()?;
    let rows = region.rows(image)?;
    check_sides("MTF", region.size(), LEAST_SIDE)?;
    let rows: Vec<Vec<f64>> = rows.map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect();
    let (unit, spacing) = FrequencyUnit::of(image);
    let columns: Vec<Vec<f64>> = (0..region.width).map(|x| rows.iter().map(|row| row[x]).collect()).collect();
    // The edge is crossed along the lines with the larger step from end to end.
    let step = |lines: &[Vec<f64>]| {
        let sum: f64 = lines.iter().map(|line| line[line.len() - 1] - line[0]).sum();
        (sum / lines.len() as f64).abs()
    };
    let (lines, [across, along]) =
        if step(&rows) >= step(&columns) { (rows, spacing) } else { (columns, [spacing[1], spacing[0]]) };

    let edge = Edge::of(&lines)?;
    let shear = edge.slope * across / along;
    let cosine = 1.0 / shear.hypot(1.0);
    let profile = edge.profile(&lines, cosine)?;
    let pitch = across / OVERSAMPLING;
    let nyquist = 0.5 / across;
    let curve = transfer(&profile, pitch, 2.0 * nyquist)?;
    let [half, tenth] = [0.5, 0.1].map(|level| Mtf::fall(&curve, level));
    Ok(Mtf { unit, curve, half, tenth, nyquist, angle_rad: shear.abs().atan() })
}

/// Where the edge crosses line k: `start + slope·k`, in pixels along the line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    start: f64,
    slope: f64,
}

impl Edge {
    fn of(lines: &[Vec<f64>]) -> Result<Self, MetricError> {
        let width = lines[0].len() as f64;
        let mut edge = Self { start: (width - 1.0) / 2.0, slope: 0.0 };
        for share in LOCATING {
            edge = edge.refined(lines, (share * width).max(LEAST_LOCATING))?;
        }
        let crossed = edge.slope.abs() * (lines.len() - 1) as f64;
        if crossed < 1.0 {
            return Err(undefined(format!("the edge crosses {crossed:.2} pixels sideways, 1 or more are needed")));
        }
        Ok(edge)
    }

    fn at(self, line: usize) -> f64 {
        self.start + self.slope * line as f64
    }

    /// The straight line through the centroids of the differences, within a window of cosine shape about the edge.
    fn refined(self, lines: &[Vec<f64>], half_width: f64) -> Result<Self, MetricError> {
        let moments: Vec<[f64; 2]> = lines
            .iter()
            .enumerate()
            .map(|(k, line)| {
                let (mut sum, mut moment) = (0.0, 0.0);
                for (i, [left, right]) in line.array_windows().enumerate() {
                    let offset = i as f64 + 0.5 - self.at(k);
                    if offset.abs() < half_width {
                        let weighted = (1.0 + (PI * offset / half_width).cos()) * (right - left);
                        sum += weighted;
                        moment += weighted * (i as f64 + 0.5);
                    }
                }
                [sum, moment]
            })
            .collect();
        let mean = moments.iter().map(|[sum, _]| sum).sum::<f64>() / moments.len() as f64;
        let found: Vec<[f64; 2]> = (moments.iter().enumerate())
            .filter(|(_, [sum, _])| mean != 0.0 && sum / mean > LEAST_STEP)
            .map(|(k, [sum, moment])| [k as f64, moment / sum])
            .collect();
        if (found.len() as f64) < LEAST_LINES * lines.len() as f64 || found.len() < 3 {
            let reason = format!("only {} of {} lines show a step", found.len(), lines.len());
            return Err(undefined(reason));
        }
        let count = found.len() as f64;
        let [mean_k, mean_place] = [0, 1].map(|i| found.iter().map(|p| p[i]).sum::<f64>() / count);
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            found.iter().map(|[k, place]| f(k - mean_k, place - mean_place)).sum()
        };
        let slope = sum(&|k, place| k * place) / sum(&|k, _| k * k);
        let deviation = (sum(&|k, place| (place - slope * k).powi(2)) / count).sqrt();
        if deviation > STRAIGHT && half_width <= LEAST_LOCATING.max(LOCATING[2] * lines[0].len() as f64) {
            let reason = format!("what is steepest lies {deviation:.1} pixels from a straight line");
            return Err(undefined(reason));
        }
        Ok(Self { start: mean_place - slope * mean_k, slope })
    }

    /// Means in bins by the distance from the edge, which is in the middle bin.
    fn profile(self, lines: &[Vec<f64>], cosine: f64) -> Result<Vec<f64>, MetricError> {
        let last = (lines[0].len() - 1) as f64;
        let room = [0, lines.len() - 1].map(|k| self.at(k).min(last - self.at(k)));
        let room = room[0].min(room[1]) * cosine;
        if room < LEAST_ROOM {
            let reason = format!("the edge leaves {room:.1} pixels beside it, {LEAST_ROOM} are needed");
            return Err(undefined(reason));
        }
        let reach = (room * OVERSAMPLING).floor() as usize;
        let mut bins = vec![[0.0; 2]; 2 * reach + 1];
        for (k, line) in lines.iter().enumerate() {
            for (i, value) in line.iter().enumerate() {
                let place = (i as f64 - self.at(k)) * cosine * OVERSAMPLING + reach as f64;
                let bin = place.round();
                if bin >= 0.0
                    && let Some(bin) = bins.get_mut(bin as usize)
                {
                    *bin = [bin[0] + value, bin[1] + 1.0];
                }
            }
        }
        filled(&bins)
    }
}

/// Means of the bins; those without a pixel get the value between their neighbours.
fn filled(bins: &[[f64; 2]]) -> Result<Vec<f64>, MetricError> {
    let means: Vec<Option<f64>> = bins.iter().map(|[sum, count]| (*count > 0.0).then(|| sum / count)).collect();
    let empty = means.iter().filter(|mean| mean.is_none()).count();
    if empty as f64 > MOST_EMPTY * means.len() as f64 {
        let reason = format!("{empty} of {} bins of the edge profile hold no pixel", means.len());
        return Err(undefined(reason));
    }
    let known = |i: usize| Some((i, means[i]?));
    let fill = |i: usize| match ((0..i).rev().find_map(known), (i + 1..means.len()).find_map(known)) {
        (Some((j, left)), Some((k, right))) => left + (right - left) * (i - j) as f64 / (k - j) as f64,
        (Some((_, value)), None) | (None, Some((_, value))) => value,
        (None, None) => 0.0,
    };
    Ok(means.iter().enumerate().map(|(i, mean)| mean.unwrap_or_else(|| fill(i))).collect())
}

/// From the edge profile, with so much between its bins, to the modulation up to a frequency.
fn transfer(profile: &[f64], pitch: f64, highest: f64) -> Result<Vec<[f64; 2]>, MetricError> {
    let half = (profile.len() - 1) as f64 / 2.0;
    let mut spread: Vec<[f64; 2]> = profile
        .array_windows()
        .enumerate()
        .map(|(k, [left, right])| {
            let off = ((k as f64 + 0.5 - half) / half).abs();
            let window = if off <= FLAT { 1.0 } else { (1.0 + (PI * (off - FLAT) / (1.0 - FLAT)).cos()) / 2.0 };
            [window * (right - left), 0.0]
        })
        .collect();
    let length = (PADDING * spread.len()).next_power_of_two();
    spread.resize(length, [0.0; 2]);
    Fourier::new(length).transform(&mut spread);
    let whole = spread[0][0].abs();
    if whole == 0.0 {
        return Err(undefined("there is no step across the edge".to_owned()));
    }
    let step = 1.0 / (length as f64 * pitch);
    let curve = spread.iter().enumerate().map(|(k, [re, im])| {
        let frequency = k as f64 * step;
        let x = PI * frequency * pitch;
        let sinc = if k == 0 { 1.0 } else { x.sin() / x };
        [frequency, re.hypot(*im) / whole / (sinc * sinc)]
    });
    Ok(curve.take_while(|[frequency, _]| *frequency <= highest + step).collect())
}

fn undefined(reason: String) -> MetricError {
    MetricError::Undefined { metric: "MTF", reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    /// Φ(x), by Abramowitz and Stegun 7.1.26 to 1e-7.
    fn normal(x: f64) -> f64 {
        let t = 1.0 / (1.0 + 0.327_591_1 * x.abs() / 2_f64.sqrt());
        let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
        let erf = 1.0 - series.iter().fold(0.0, |sum, c| sum * t + c) * t * (-x * x / 2.0).exp();
        0.5 * (1.0 + erf.copysign(x))
    }

    /// Edge through the middle at an angle from the columns, blurred by a Gaussian of `sigma` in mm.
    fn edge(angle_deg: f64, sigma: f64, spacing_mm: [f64; 2], is_across: bool, noise: f64) -> Image {
        let size = [90, 100];
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        let mut state = 1_u64;
        let values = (0..size[0] * size[1]).map(|i| {
            let x = ((i % size[0]) as f64 - 46.3) * spacing_mm[0];
            let y = ((i / size[0]) as f64 - 48.9) * spacing_mm[1];
            let d = if is_across { y * cos + x * sin } else { x * cos + y * sin };
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (3000.0 - 2000.0 * normal(d / sigma) + noise * ((state >> 40) as f64 / (1 << 23) as f64 - 1.0)) as f32
        });
        Image::new(size, Some(spacing_mm), Sample::Float, Unit::Arbitrary, values.collect()).unwrap()
    }

    fn worst(found: &Mtf, sigma: f64) -> f64 {
        let want = |f: f64| (-2.0 * (PI * sigma * f).powi(2)).exp();
        let curve = found.curve.iter().filter(|[f, _]| *f <= found.nyquist);
        curve.map(|[f, m]| (m - want(*f)).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_gaussian_edge_has_the_transfer_of_its_gaussian() {
        for (angle, sigma, spacing, is_across) in [
            (3.0, 0.1, [0.1, 0.1], false),
            (-7.0, 0.08, [0.1, 0.1], false),
            (5.0, 0.15, [0.1, 0.1], true),
            (4.0, 0.25, [0.2, 0.1], false),
            (12.0, 0.2, [0.1, 0.2], true),
        ] {
            let image = edge(angle, sigma, spacing, is_across, 0.0);
            let found = mtf(&image, Region::whole(&image)).unwrap();
            let off = worst(&found, sigma);
            assert!(off < 0.01, "{angle}°, σ {sigma}: off by {off}");
            assert!((found.angle_rad.to_degrees() - angle.abs()).abs() < 0.05, "{}", found.angle_rad.to_degrees());
            assert_eq!(found.nyquist, 0.5 / spacing[usize::from(is_across)]);
            // exp(−2π²σ²f²) is 1/2 at √(ln 2/2)/(πσ).
            let half = (2_f64.ln() / 2.0).sqrt() / (PI * sigma);
            assert!((found.half.unwrap() / half - 1.0).abs() < 0.01, "{:?} instead of {half}", found.half);
            assert!((found.at(half).unwrap() - 0.5).abs() < 0.01);
            // The control: a blur larger by a tenth is another curve.
            assert!(worst(&found, 1.1 * sigma) > 0.03);
        }
    }

    #[test]
    fn noise_of_a_hundredth_of_the_step_does_little() {
        let image = edge(4.0, 0.1, [0.1, 0.1], false, 20.0);
        let off = worst(&mtf(&image, Region::whole(&image)).unwrap(), 0.1);
        assert!(off < 0.05, "{off}");
    }

    #[test]
    fn what_holds_no_slanted_edge_has_no_transfer() {
        let refused = |image: &Image, word: &str| {
            let error = mtf(image, Region::whole(image)).unwrap_err();
            assert!(error.is_undefined() && error.to_string().contains(word), "{error}");
        };
        refused(&edge(0.1, 0.1, [0.1; 2], false, 0.0), "the edge crosses 0.17 pixels sideways");
        refused(&edge(40.0, 0.1, [0.1; 2], false, 0.0), "the edge leaves ");
        let plain = |value: &dyn Fn(usize) -> f32, rows: usize| {
            let values = (0..40 * rows).map(value).collect();
            Image::new([40, rows], None, Sample::Float, Unit::Arbitrary, values).unwrap()
        };
        refused(&plain(&|_| 7.0, 40), "only 0 of 40 lines show a step");
        refused(&plain(&|i| i as f32, 19), "MTF needs sides of 20 pixels or more, got 40x19");
    }
}
