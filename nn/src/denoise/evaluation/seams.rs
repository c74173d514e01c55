//! Whether tiles show: a line in the spectrum at the distance of the tiles.

use std::f64::consts::TAU;

/// Lines are looked for at so many multiples of the tiles' frequency.
const HARMONICS: usize = 4;
/// Distances of the neighbours that a line is held against, in steps of 1 / length; a Hann window leaks over 2.
const NEIGHBOURS: [f64; 4] = [-3.0, -2.0, 2.0, 3.0];
/// Fewest periods along a side: below, neighbours would lie at frequency zero.
pub(super) const FEWEST_PERIODS: f64 = 5.0;

/// Strongest spectral line at the tiles' period and its multiples over the frequencies beside it, in decibels.
///
/// ```text
/// max over k, axes of  10·log₁₀ P(k/period) − mean over neighbours of 10·log₁₀ P(k/period + j/length)
/// ```
/// where P(f) is the mean power at f of profiles along one axis, of all images, less their mean and under a Hann window.
/// A profile is the mean of as many neighbouring lines as tiles are apart: a seam runs along all of them, noise does
/// not. `periods` are the tiles' distances along rows and columns. The largest of eight estimates is above 0 without
/// seams too: four white images of 256² pixels and tiles 40 pixels apart give 1 to 2 dB, and 7 to 8 dB where every
/// seam is one column that is brighter by the noise's deviation.
pub(super) fn line_db(images: &[Vec<f64>], [columns, rows]: [usize; 2], periods: [f64; 2]) -> f64 {
    let turned =
        |image: &Vec<f64>| -> Vec<f64> { (0..columns * rows).map(|i| image[i % rows * columns + i / rows]).collect() };
    let across = strongest(&profiles(images, columns, periods[1]), columns, periods[0]);
    let upright: Vec<Vec<f64>> = images.iter().map(turned).collect();
    across.max(strongest(&profiles(&upright, rows, periods[0]), rows, periods[1]))
}

/// Means of as many neighbouring lines as the other axis has in one period, less their mean.
fn profiles(images: &[Vec<f64>], length: usize, period: f64) -> Vec<Vec<f64>> {
    let lines = (period.round() as usize).max(1);
    let bands = images.iter().flat_map(|image| image.chunks_exact(lines * length));
    let profile = |band: &[f64]| {
        let mean = band.iter().sum::<f64>() / band.len() as f64;
        (0..length).map(|i| band.iter().skip(i).step_by(length).sum::<f64>() / lines as f64 - mean).collect()
    };
    bands.map(profile).collect()
}

fn strongest(profiles: &[Vec<f64>], length: usize, period: f64) -> f64 {
    // Nyquist's frequency ends the spectrum.
    let last = length as f64 / 2.0 - NEIGHBOURS[3];
    let harmonics = (1..=HARMONICS).map(|k| k as f64 * length as f64 / period).filter(|bin| *bin <= last);
    let level = |bin: f64| 10.0 * power(profiles, length, bin / length as f64).log10();
    let over = harmonics.map(|bin| {
        let beside = NEIGHBOURS.iter().map(|step| level(bin + step)).sum::<f64>() / NEIGHBOURS.len() as f64;
        level(bin) - beside
    });
    over.fold(f64::NEG_INFINITY, f64::max)
}

/// Mean power of profiles at a frequency, in cycles per pixel.
fn power(profiles: &[Vec<f64>], length: usize, frequency: f64) -> f64 {
    let wave: Vec<[f64; 2]> = (0..length)
        .map(|i| {
            let window = 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / length as f64).cos();
            let (sine, cosine) = (TAU * frequency * i as f64).sin_cos();
            [window * cosine, window * sine]
        })
        .collect();
    let of = |profile: &Vec<f64>| {
        let [re, im] =
            profile.iter().zip(&wave).fold([0.0; 2], |[re, im], (v, [cosine, sine])| [re + v * cosine, im + v * sine]);
        re * re + im * im
    };
    profiles.iter().map(of).sum::<f64>() / profiles.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::{
        super::structure::tests::{SIZE, image, noisy},
        *,
    };

    fn white(stream: u32) -> Vec<f64> {
        noisy(&image(|_, _| 0.0), 0.1, stream).values().iter().map(|v| f64::from(*v)).collect()
    }

    #[test]
    fn white_noise_shows_no_line_and_faint_seams_do() {
        let images: Vec<Vec<f64>> = (0..8).map(white).collect();
        let without = line_db(&images, SIZE, [16.0, 16.0]);
        assert!(without < 3.0, "{without}");
        // Every sixteenth column, or row, is brighter by the noise's deviation.
        for across in [true, false] {
            let is_seam = |i: usize| if across { i % SIZE[0] } else { i / SIZE[0] }.is_multiple_of(16);
            let add = |(i, v): (usize, &f64)| v + if is_seam(i) { 0.1 } else { 0.0 };
            let seamed: Vec<Vec<f64>> =
                images.iter().map(|image| image.iter().enumerate().map(add).collect()).collect();
            let with = line_db(&seamed, SIZE, [16.0, 16.0]);
            assert!(with > 5.0, "{with}");
        }
    }
}
