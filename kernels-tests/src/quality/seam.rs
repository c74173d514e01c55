use std::f64::consts::TAU;

use kerma::data::Image;

/// Highest frequency looked at, in cycles per pixel: above, tile edges rounded to whole pixels lose their phase.
const HIGHEST: f64 = 0.25;
/// Frequencies between two harmonics that make up the neighbours' level, in units of the distance of harmonics.
const NEIGHBOURS: [f64; 3] = [0.4, 0.5, 0.6];
/// First harmonic looked at: below, the course of the local contrast from tile to tile is no seam.
const FIRST: u32 = 3;

/// How far the tiles' frequency stands above its neighbours, in decibels; negative when below.
///
/// ```text
/// d(x, y) = after(x, y) − before(x, y)
/// s(x) = mean over y of |d(x + 1, y) − d(x, y)|
/// P(f) = |Σ_x w(x)·s(x)·exp(−2πi·f·x)|²
/// seam = mean over harmonics m ≥ 3 and both axes of 10·log₁₀(P(m·f₀) / mean of P between the harmonics)
/// ```
/// where f₀ is the tiles' frequency and w the Hann window. Steps are taken by magnitude, so that seams up and seams down
/// do not cancel: seams at the tiles' edges are a comb, whose lines stand out at every harmonic. Of mere noise the
/// measure lies a little below 0 dB, since the mean of a logarithm lies below the logarithm of the mean. There must be
/// six tiles or more along an axis, or their harmonics cannot be told apart.
#[must_use]
pub fn seam_db(before: &Image, after: &Image, tiles: [u32; 2]) -> f64 {
    let [columns, rows] = before.size();
    let change = |x: usize, y: usize| {
        let i = y * columns + x;
        f64::from(after.values()[i]) - f64::from(before.values()[i])
    };
    let [mut across, mut down] = [vec![0.0; columns - 1], vec![0.0; rows - 1]];
    for y in 0..rows {
        for (x, sum) in across.iter_mut().enumerate() {
            *sum += (change(x + 1, y) - change(x, y)).abs();
        }
    }
    for (y, sum) in down.iter_mut().enumerate() {
        *sum = (0..columns).map(|x| (change(x, y + 1) - change(x, y)).abs()).sum();
    }
    let lines: Vec<f64> = [(across, tiles[0]), (down, tiles[1])].iter().flat_map(|(s, n)| lines_db(s, *n)).collect();
    lines.iter().sum::<f64>() / lines.len() as f64
}

/// Every harmonic above its neighbours.
fn lines_db(steps: &[f64], tiles: u32) -> Vec<f64> {
    let base = f64::from(tiles) / (steps.len() + 1) as f64;
    let harmonics = FIRST..=(HIGHEST / base) as u32;
    let line = |m: u32| {
        let m = f64::from(m);
        let sides = NEIGHBOURS.iter().flat_map(|n| [m - n, m + n]).map(|f| power(steps, f * base));
        let level = sides.sum::<f64>() / (2.0 * NEIGHBOURS.len() as f64);
        // Nothing changed at all: no line, and no division of zero by zero.
        10.0 * (power(steps, m * base).max(f64::MIN_POSITIVE) / level.max(f64::MIN_POSITIVE)).log10()
    };
    harmonics.map(line).collect()
}

fn power(steps: &[f64], frequency: f64) -> f64 {
    let count = steps.len() as f64;
    let terms = (0..).zip(steps).map(|(x, step)| {
        let window = 0.5 - 0.5 * (TAU * (f64::from(x) + 0.5) / count).cos();
        let (sin, cos) = (TAU * frequency * f64::from(x)).sin_cos();
        [window * step * cos, window * step * sin]
    });
    let [re, im] = terms.fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d]);
    re * re + im * im
}

#[cfg(test)]
mod tests {
    use kerma::data::{Sample, Unit};

    use super::*;
    use crate::Seeded;

    const SIDE: usize = 384;

    fn image(value: impl FnMut(usize) -> f64) -> Image {
        let values = (0..SIDE * SIDE).map(value).map(|v| v as f32).collect();
        Image::new([SIDE; 2], None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn seams_stand_out_and_noise_and_anatomy_do_not() {
        let flat = image(|_| 0.0);
        let mut random = Seeded::new(3);
        let noise = image(|_| random.between(-1.0, 1.0));
        let smooth = image(|i| 30.0 * ((i % SIDE) as f64 / 47.0).sin() + f64::from(noise.values()[i]));
        // Offsets of about the noise, different from tile to tile.
        let offset = |i: usize| ((i % SIDE / 48 * 7 + i / SIDE / 48 * 5) % 11) as f64 * 0.3;
        let tiled = image(|i| offset(i) + f64::from(smooth.values()[i]));
        let found = [&noise, &smooth, &tiled].map(|after| seam_db(&flat, after, [8, 8]));
        // Twenty harmonics: their mean is known to 1.3 dB.
        assert!(found[0] < 2.6 && found[1] < 2.6 && found[2] > 10.0, "{found:?}");
        assert!(seam_db(&flat, &flat, [8, 8]).abs() < 1e-9);
    }
}
