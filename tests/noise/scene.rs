//! Radiographs to hide noise in: a smooth body, sharp edges, texture of power 1/f³; and seeded noise.

use std::f64::consts::TAU;

use kerma::data::{Image, Sample, Unit};

/// Side of a scene in pixels.
pub(crate) const SIDE: usize = 512;

/// `SplitMix64` of Steele, Lea and Flood (OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Uniform in 0..1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
    }

    /// Poisson counts: Knuth's product; from 60 on the quantile's expansion to second order (Cornish and Fisher), whose mean
    /// and variance are right to 1/(18·mean).
    pub(crate) fn counts(&mut self, mean: f64) -> f64 {
        if mean >= 60.0 {
            let z = self.normal();
            return (mean + mean.sqrt() * z + (z * z - 1.0) / 6.0).round().max(0.0);
        }
        let (limit, mut product, mut counts) = ((-mean).exp(), self.uniform(), 0.0);
        while product > limit {
            counts += 1.0;
            product *= self.uniform();
        }
        counts
    }
}

/// Means from about 0.05 to 1 of a body with ribs, beads, a collimated border on two sides and texture, row by row.
pub(crate) fn radiograph() -> Vec<f64> {
    let texture = texture(5);
    (0..SIDE * SIDE)
        .map(|i| {
            let (x, y) = ((i % SIDE) as f64 / SIDE as f64, (i / SIDE) as f64 / SIDE as f64);
            let body = (1.0 - ((x - 0.5) / 0.42).powi(2) - ((y - 0.6) / 0.7).powi(2)).max(0.0).sqrt();
            let rib = ((y + 0.6 * (x - 0.5).powi(2)) * 9.0).fract() < 0.3 && (x - 0.5).abs() > 0.08;
            let spine = (x - 0.5).abs() < 0.05;
            let bead = (0..6).any(|k| {
                let (u, v) = (0.2 + 0.12 * f64::from(k), 0.3 + 0.07 * f64::from(k));
                (x - u).powi(2) + (y - v).powi(2) < 0.0004
            });
            let thickness = 2.4 * body + if rib { 0.35 } else { 0.0 } + if spine { 0.5 } else { 0.0 };
            let signal = (-thickness - if bead { 0.6 } else { 0.0 } + 0.25 * texture[i] * body.min(0.3)).exp();
            if x < 0.04 || y > 0.97 { 0.05 } else { 0.04 + 0.92 * signal.min(1.0) }
        })
        .collect()
}

/// Random waves of standard deviation 1 whose power falls with the third power of the frequency.
fn texture(seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    let mut sum = vec![0.0; SIDE * SIDE];
    for k in 0..160 {
        // Equal steps of the logarithm of the frequency hold f² of the plane's frequencies: power f²·f⁻³, amplitude f^−½.
        let frequency = 0.004 * (0.4_f64 / 0.004).powf(f64::from(k) / 160.0);
        let (turn, phase) = (TAU * random.uniform(), TAU * random.uniform());
        let amplitude = 0.05 * frequency.powf(-0.5);
        let (across, down) = (TAU * frequency * turn.cos(), TAU * frequency * turn.sin());
        let column: Vec<(f64, f64)> = (0..SIDE).map(|x| (across * x as f64 + phase).sin_cos()).collect();
        for (y, row) in sum.chunks_mut(SIDE).enumerate() {
            let (s, c) = (down * y as f64).sin_cos();
            row.iter_mut().zip(&column).for_each(|(t, (sx, cx))| *t += amplitude * (sx * c + cx * s));
        }
    }
    let variance = sum.iter().map(|t| t * t).sum::<f64>() / sum.len() as f64;
    sum.iter().map(|t| t / variance.sqrt()).collect()
}

/// Image of a scene's size from values row by row.
pub(crate) fn image(values: impl IntoIterator<Item = f64>) -> Image {
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    Image::new([SIDE, values.len() / SIDE], None, Sample::Float, Unit::Arbitrary, values).unwrap()
}

/// Value that `share` of the values exceed.
pub(crate) fn exceeded_by(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * (1.0 - share)) as usize]
}
