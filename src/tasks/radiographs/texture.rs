//! Anatomical texture and the unsharpness of a detector, both on the line integrals of one image.
//!
//! Bodies of smooth shapes have none of the fine structure of lungs and spongy bone, and a denoiser trained on them
//! alone learns to take such structure for noise. Radiographic background has a power spectrum near 1/f^β with β about
//! 3 (Burgess, Jacobson and Judy, Med. Phys. 28:419, 2001), here as a sum of octaves:
//!
//! ```text
//! p' = max(0, p + s·√p·t + s·√b·t_b)      t = Σ_k a_k·n_k      a_k² ∝ c_k^(β − 2),  Σ a_k² = 1
//! ```
//! where s is the strength, b the line integral through bone alone, and `n_k` noise of unit variance on a lattice of
//! `c_k` millimetres in the body, interpolated by cubic B-splines; an octave of a spectrum f^(−β) in two dimensions has
//! the variance c^(β−2). Cells halve from the grain's coarsest down to [`FINEST_MM`]. Those finer than the pixels are
//! left out, so that a field twice as narrow shows the same matter with another octave. The root is that of random
//! matter: parts along the ray vary independently of one another. Where nothing is in the beam, nothing is added.

use crate::phantom::random::Random;

/// How coarse texture is, and how strong relative to the strength asked for.
struct Grain {
    coarsest_mm: f64,
    /// Range of the slope β of the spectrum.
    slope: [f64; 2],
    gain: f64,
}

/// Lungs, vessels and soft tissue; structure coarser than 16 mm is that of the body itself.
const TISSUE: Grain = Grain { coarsest_mm: 16.0, slope: [2.6, 3.4], gain: 1.0 };
/// Trabeculae, 0.1 to 0.2 mm thick and up to 1 mm apart, many of them on a ray: a flatter spectrum and more of it.
const BONE: Grain = Grain { coarsest_mm: 4.0, slope: [2.0, 2.8], gain: 2.5 };
/// Finest cells.
const FINEST_MM: f64 = 0.25;
/// Finest cells in pixels, about twice the finest that pixels can show.
const FINEST_PX: f64 = 1.5;
/// 1/∫B², B the cubic B-spline: brings interpolated noise back to unit variance along one axis (∫B² = 151/315).
const B_SPLINE_GAIN: f64 = 315.0 / 151.0;

/// Adds texture of the given strength, to bone as well where its line integrals are given.
///
/// `pixel_mm` is the distance between pixels within the body.
pub(super) fn add(
    random: &mut Random,
    strength: f64,
    pixel_mm: f64,
    size: usize,
    bone: Option<&[f32]>,
    integrals: &mut [f32],
) {
    let tissue = field(random, &TISSUE, strength, pixel_mm, size);
    for (p, t) in integrals.iter_mut().zip(tissue) {
        *p = (*p + t * p.sqrt()).max(0.0);
    }
    if let Some(bone) = bone {
        let trabeculae = field(random, &BONE, strength, pixel_mm, size);
        for ((p, b), t) in integrals.iter_mut().zip(bone).zip(trabeculae) {
            *p = (*p + t * b.sqrt()).max(0.0);
        }
    }
}

/// Texture of matter whose line integral is 1.
fn field(random: &mut Random, grain: &Grain, strength: f64, pixel_mm: f64, size: usize) -> Vec<f32> {
    let slope = random.within(grain.slope[0], grain.slope[1]);
    let cells = std::iter::successors(Some(grain.coarsest_mm), |c| Some(c / 2.0)).take_while(|c| *c >= FINEST_MM);
    let octaves: Vec<(f64, f64)> = cells.map(|c| (c, (c / grain.coarsest_mm).powf(slope - 2.0))).collect();
    let total: f64 = octaves.iter().map(|(_, variance)| variance).sum();
    let mut texture = vec![0.0; size * size];
    for (cell_mm, variance) in octaves {
        let cell_px = cell_mm / pixel_mm;
        if cell_px >= FINEST_PX {
            octave(random, strength * grain.gain * (variance / total).sqrt(), cell_px, size, &mut texture);
        }
    }
    texture
}

/// Adds noise of a standard deviation on a lattice of `cell_px` pixels.
fn octave(random: &mut Random, deviation: f64, cell_px: f64, size: usize, out: &mut [f32]) {
    let phases = [0; 2].map(|_| random.within(0.0, 1.0));
    let count = (size as f64 / cell_px).ceil() as usize + 5;
    // Uniform noise of unit variance.
    let scale = 3_f64.sqrt() * deviation * B_SPLINE_GAIN;
    let lattice: Vec<f32> = (0..count * count).map(|_| random.within(-scale, scale) as f32).collect();
    let places = |phase: f64| -> Vec<(usize, [f32; 4])> {
        let at = (0..size).map(|i| i as f64 / cell_px + phase);
        at.map(|x| (x.floor() as usize, b_spline((x - x.floor()) as f32))).collect()
    };
    let columns = places(phases[0]);
    let mut line = vec![0.0; count];
    for ((first, w), out) in places(phases[1]).into_iter().zip(out.chunks_exact_mut(size)) {
        let row = |k: usize| &lattice[(first + k) * count..(first + k + 1) * count];
        let rows = [row(0), row(1), row(2), row(3)];
        for (i, sum) in line.iter_mut().enumerate() {
            *sum = w[0] * rows[0][i] + w[1] * rows[1][i] + w[2] * rows[2][i] + w[3] * rows[3][i];
        }
        for (out, (first, w)) in out.iter_mut().zip(&columns) {
            let v = &line[*first..first + 4];
            *out += w[0] * v[0] + w[1] * v[1] + w[2] * v[2] + w[3] * v[3];
        }
    }
}

/// Weights of the four lattice points around a place, `t` beyond the second, 0 to 1.
fn b_spline(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    let near = |t: f32| 4.0 + t * t * (3.0 * t - 6.0);
    [s * s * s, near(t), near(s), t * t * t].map(|w| w / 6.0)
}

/// Blurs by a Gaussian of so many pixels along rows and along columns, the image continued by its edges.
pub(super) fn blur(sigma_px: [f64; 2], size: usize, values: &mut [f32]) {
    let mut turned = vec![0.0; values.len()];
    blur_rows(sigma_px[0], size, values, &mut turned);
    blur_rows(sigma_px[1], size, &turned, values);
}

/// Blurs along rows, and turns the image over its diagonal.
fn blur_rows(sigma_px: f64, size: usize, from: &[f32], to: &mut [f32]) {
    /// Where the kernel ends, in standard deviations.
    const REACH: f64 = 3.0;
    let reach = (REACH * sigma_px).ceil() as usize;
    let weight = |k: usize| (-0.5 * (k as f64 / sigma_px).powi(2)).exp();
    let total = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    let weights: Vec<f32> = (0..=reach).map(|k| (weight(k) / total) as f32).collect();
    let mut line = vec![0.0; size + 2 * reach];
    for (row, values) in from.chunks_exact(size).enumerate() {
        line[..reach].fill(values[0]);
        line[reach..reach + size].copy_from_slice(values);
        line[reach + size..].fill(values[size - 1]);
        for column in 0..size {
            let at = column + reach;
            let mut sum = weights[0] * line[at];
            for (k, w) in weights.iter().enumerate().skip(1) {
                sum += w * (line[at - k] + line[at + k]);
            }
            to[column * size + row] = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 256;

    fn deviation(values: &[f32]) -> f64 {
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    fn textured(seed: u64, level: f32, pixel_mm: f64) -> Vec<f32> {
        let mut values = vec![level; SIZE * SIZE];
        add(&mut Random::new(seed), 0.05, pixel_mm, SIZE, None, &mut values);
        values
    }

    #[test]
    fn texture_has_its_strength_and_grows_with_the_root() {
        for seed in 0..4 {
            let [thin, thick] = [1.0, 4.0].map(|level| deviation(&textured(seed, level, 0.5)));
            // A field of 128 mm holds 64 of the coarsest cells, so its deviation is known to a tenth or two.
            assert!((0.035..0.065).contains(&thin), "{thin}");
            assert!((thick / thin - 2.0).abs() < 0.01, "{thick} {thin}");
        }
        assert_ne!(textured(0, 1.0, 0.5), textured(1, 1.0, 0.5));
        assert!(textured(0, 0.0, 0.5).iter().all(|v| *v == 0.0), "texture without matter");
    }

    #[test]
    fn bone_has_more_of_it_and_only_where_it_is() {
        let bone: Vec<f32> = (0..SIZE * SIZE).map(|i| if i % SIZE < SIZE / 2 { 1.0 } else { 0.0 }).collect();
        let mut values = vec![1.0; SIZE * SIZE];
        add(&mut Random::new(2), 0.05, 0.2, SIZE, Some(&bone), &mut values);
        let plain = textured(2, 1.0, 0.2);
        let half = |first: usize| -> Vec<f32> {
            let rows = values.chunks_exact(SIZE).zip(plain.chunks_exact(SIZE));
            rows.flat_map(|(a, b)| (first..first + SIZE / 2).map(move |i| a[i] - b[i])).collect()
        };
        assert!((0.08..0.16).contains(&deviation(&half(0))), "{}", deviation(&half(0)));
        assert!(half(SIZE / 2).iter().all(|d| *d == 0.0));
    }

    #[test]
    fn fine_structure_is_weaker_than_coarse() {
        let values = textured(3, 1.0, 0.5);
        let step = |d: usize| {
            let pairs = values.chunks_exact(SIZE).flat_map(|row| row.iter().zip(&row[d..]));
            let differences: Vec<f32> = pairs.map(|(a, b)| a - b).collect();
            deviation(&differences)
        };
        // β = 3 gives differences that grow with the root of the distance; the finest cells smooth the first ones.
        let growth = step(16) / step(4);
        assert!((1.6..2.9).contains(&growth), "{growth}");
        assert!(step(1) > 0.0005);
    }

    #[test]
    fn b_splines_add_up_to_one() {
        for t in [0.0, 0.3, 0.5, 1.0] {
            assert!((b_spline(t).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        assert!((b_spline(0.0)[1] - 2.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_point_becomes_a_gaussian_and_a_constant_stays() {
        let mut point = vec![0.0; 32 * 32];
        point[16 * 32 + 16] = 1.0;
        blur([1.0, 0.5], 32, &mut point);
        // exp(−1/2) and exp(−2) of the middle.
        let (middle, beside, below) = (point[16 * 32 + 16], point[16 * 32 + 17], point[17 * 32 + 16]);
        assert!((beside / middle - 0.6065).abs() < 1e-3 && (below / middle - 0.1353).abs() < 1e-3);
        assert!((point.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let mut flat = vec![3.0; 32 * 32];
        blur([0.4; 2], 32, &mut flat);
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-5));
    }
}
