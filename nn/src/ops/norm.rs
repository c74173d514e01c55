//! Group normalisation, a gain and shift per image and channel, and SiLU in one pass over the planes, on the CPU.
//!
//! ```text
//! u = gain[n, c] · (x − mean[n, g]) / sqrt(variance[n, g] + ε) + shift[n, c]
//! out = u · σ(u)                                                      SiLU, where asked for
//! ```
//!
//! where g is the group of channel c, and mean and (population) variance run over the pixels of its channels
//! (Wu & He 2018). As separate tensor operations this takes about eight passes over memory and three times as long as
//! the convolution beside it. Sums run over blocks of one order whatever the number of threads.

use pulp::Arch;
use rayon::prelude::*;

use super::conv::Planes;

/// Added to the variance, so that constant groups become zero.
pub(super) const EPSILON: f32 = 1e-5;
const LANES: usize = 16;
/// Values summed in single precision before they join a sum in double.
const BLOCK: usize = 2048;

/// What is normalised, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm {
    pub(super) planes: Planes,
    pub(super) groups: usize,
    pub(super) silu: bool,
}

impl Norm {
    fn group_channels(&self) -> usize {
        self.planes.channels / self.groups
    }

    fn group_len(&self) -> usize {
        self.group_channels() * self.planes.pixels()
    }
}

/// The images, normalised.
pub(super) fn forward(x: &[f32], gain: &[f32], shift: &[f32], norm: Norm) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let (arch, pixels, channels) = (Arch::new(), norm.planes.pixels(), norm.group_channels());
    let groups = out.par_chunks_mut(norm.group_len()).zip(x.par_chunks(norm.group_len()));
    groups.zip(gain.par_chunks(channels).zip(shift.par_chunks(channels))).for_each(|((out, x), (gain, shift))| {
        arch.dispatch(|| {
            let [mean, scale] = moments(x);
            let planes = out.chunks_mut(pixels).zip(x.chunks(pixels));
            for ((out, x), (gain, shift)) in planes.zip(gain.iter().zip(shift)) {
                let (factor, offset) = (gain * scale, shift - gain * scale * mean);
                if norm.silu {
                    out.iter_mut().zip(x).for_each(|(out, x)| {
                        let u = x * factor + offset;
                        *out = u * sigmoid(u);
                    });
                } else {
                    out.iter_mut().zip(x).for_each(|(out, x)| *out = x * factor + offset);
                }
            }
        });
    });
    out
}

/// Gradients with respect to the images, the gains and the shifts.
pub(super) fn backward(
    x: &[f32],
    gain: &[f32],
    shift: &[f32],
    grad: &[f32],
    norm: Norm,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let mut to_x = vec![0.0; x.len()];
    let (mut to_gain, mut to_shift) = (vec![0.0; gain.len()], vec![0.0; shift.len()]);
    let (arch, pixels, channels) = (Arch::new(), norm.planes.pixels(), norm.group_channels());
    let images = to_x.par_chunks_mut(norm.group_len()).zip(x.par_chunks(norm.group_len()));
    let images = images.zip(grad.par_chunks(norm.group_len()));
    let factors = to_gain.par_chunks_mut(channels).zip(to_shift.par_chunks_mut(channels));
    let factors = factors.zip(gain.par_chunks(channels).zip(shift.par_chunks(channels)));
    images.zip(factors).for_each(|(((to_x, x), grad), ((to_gain, to_shift), (gain, shift)))| {
        arch.dispatch(|| {
            let [mean, scale] = moments(x);
            // Gradients with respect to u, kept in the place of those with respect to x, and their sums.
            let (mut sum, mut moment) = (0.0f64, 0.0f64);
            for channel in 0..channels {
                let range = channel * pixels..(channel + 1) * pixels;
                let (factor, offset) = (gain[channel] * scale, shift[channel] - gain[channel] * scale * mean);
                let planes = to_x[range.clone()].iter_mut().zip(&x[range.clone()]).zip(&grad[range.clone()]);
                if norm.silu {
                    planes.for_each(|((to, x), grad)| {
                        let u = x * factor + offset;
                        let s = sigmoid(u);
                        *to = grad * s * (1.0 + u * (1.0 - s));
                    });
                } else {
                    planes.for_each(|((to, _), grad)| *to = *grad);
                }
                let (plain, weighted) = sums(&to_x[range.clone()], &x[range], mean, scale);
                (to_shift[channel], to_gain[channel]) = (plain as f32, weighted as f32);
                sum += f64::from(gain[channel]) * plain;
                moment += f64::from(gain[channel]) * weighted;
            }
            let count = (channels * pixels) as f64;
            let (sum, moment) = ((sum / count) as f32, (moment / count) as f32);
            for (channel, (to_x, x)) in to_x.chunks_mut(pixels).zip(x.chunks(pixels)).enumerate() {
                let gain = gain[channel];
                to_x.iter_mut().zip(x).for_each(|(to, x)| {
                    *to = scale * (*to * gain - sum - (x - mean) * scale * moment);
                });
            }
        });
    });
    (to_x, to_gain, to_shift)
}

/// Mean and reciprocal deviation.
#[inline(always)]
fn moments(values: &[f32]) -> [f32; 2] {
    let count = values.len() as f64;
    let mean = (reduce(values, |v| v) / count) as f32;
    let variance = reduce(values, |v| (v - mean) * (v - mean)) / count;
    [mean, (1.0 / (variance + f64::from(EPSILON)).sqrt()) as f32]
}

/// Σ u and Σ u·x̂, where x̂ is the normalised x.
#[inline(always)]
fn sums(u: &[f32], x: &[f32], mean: f32, scale: f32) -> (f64, f64) {
    let (mut plain, mut weighted) = (0.0, 0.0);
    for (u, x) in u.chunks(BLOCK).zip(x.chunks(BLOCK)) {
        let mut lanes = [[0.0f32; LANES]; 2];
        for (u, x) in u.chunks(LANES).zip(x.chunks(LANES)) {
            for (lane, (u, x)) in u.iter().zip(x).enumerate() {
                lanes[0][lane] += u;
                lanes[1][lane] += u * ((x - mean) * scale);
            }
        }
        plain += lanes[0].iter().map(|v| f64::from(*v)).sum::<f64>();
        weighted += lanes[1].iter().map(|v| f64::from(*v)).sum::<f64>();
    }
    (plain, weighted)
}

#[inline(always)]
fn reduce(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut sum = 0.0;
    for block in values.chunks(BLOCK) {
        let mut lanes = [0.0f32; LANES];
        let mut rows = block.chunks_exact(LANES);
        for row in &mut rows {
            lanes.iter_mut().zip(row).for_each(|(lane, v)| *lane += f(*v));
        }
        lanes.iter_mut().zip(rows.remainder()).for_each(|(lane, v)| *lane += f(*v));
        sum += lanes.iter().map(|v| f64::from(*v)).sum::<f64>();
    }
    sum
}

/// 1 / (1 + e⁻ᵘ), within 3 units in the last place, in a form that compilers vectorise.
#[inline(always)]
pub(super) fn sigmoid(u: f32) -> f32 {
    1.0 / (1.0 + exp(-u))
}

/// eˣ by the power of two nearest to it and a polynomial of degree 6 on what remains; x is limited to ±87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it rounds to an integer, whose bits stand lowest.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 as a value of 16 bits and the rest (Cody & Waite 1980).
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0);
    let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail))));
    f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23) * p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoids_are_close_to_the_exact_ones() {
        for step in -2000..=2000 {
            let u = step as f32 * 0.05;
            let want = 1.0 / (1.0 + (-f64::from(u)).exp());
            let error = (f64::from(sigmoid(u)) - want).abs() / want;
            assert!(u < -86.0 || error < 4e-7, "{u}: {error}");
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let planes = Planes::new([2, 4, 3, 5]);
        for silu in [false, true] {
            let norm = Norm { planes, groups: 2, silu };
            let count = 120;
            let x: Vec<f32> = (0..count).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
            let gain: Vec<f32> = (0..8).map(|i| 0.5 + i as f32 / 8.0).collect();
            let shift: Vec<f32> = (0..8).map(|i| i as f32 / 4.0 - 1.0).collect();
            let grad: Vec<f32> = (0..count).map(|i| ((i * 29 % 31) as f32 - 15.0) / 15.0).collect();
            let loss = |x: &[f32], gain: &[f32], shift: &[f32]| -> f64 {
                let out = forward(x, gain, shift, norm);
                out.iter().zip(&grad).map(|(o, g)| f64::from(*o) * f64::from(*g)).sum()
            };
            let (to_x, to_gain, to_shift) = backward(&x, &gain, &shift, &grad, norm);
            let step = 1e-2;
            let check = |got: f32, plus: f64, minus: f64, name: &str| {
                let want = (plus - minus) / (2.0 * f64::from(step));
                assert!((f64::from(got) - want).abs() < 2e-3 * want.abs().max(1.0), "{name}: {got} {want}");
            };
            for i in (0..count).step_by(7) {
                let moved =
                    |by: f32| x.iter().enumerate().map(|(j, v)| if i == j { v + by } else { *v }).collect::<Vec<_>>();
                check(to_x[i], loss(&moved(step), &gain, &shift), loss(&moved(-step), &gain, &shift), "x");
            }
            for i in 0..8 {
                let moved = |of: &[f32], by: f32| {
                    of.iter().enumerate().map(|(j, v)| if i == j { v + by } else { *v }).collect::<Vec<_>>()
                };
                check(
                    to_gain[i],
                    loss(&x, &moved(&gain, step), &shift),
                    loss(&x, &moved(&gain, -step), &shift),
                    "gain",
                );
                check(
                    to_shift[i],
                    loss(&x, &gain, &moved(&shift, step)),
                    loss(&x, &gain, &moved(&shift, -step)),
                    "shift",
                );
            }
        }
    }
}
