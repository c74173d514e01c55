//! Group normalisation, a gain and shift per image and channel, and SiLU in one pass over the planes, on the CPU.
//!
//! ```text
//! u = gain[n, c] · (x − mean[n, g]) / sqrt(variance[n, g] + ε) + shift[n, c]
//! out = u · σ(u)                                                      SiLU, where asked for
//! ```
//!
//! where g is the group of channel c, and mean and (population) variance run over the pixels of its channels
//! (Wu & He 2018). As separate tensor operations this takes about eight passes over memory and three times as long as
//! the convolution beside it. Sums run over blocks in one order whatever the number of threads.

use std::mem::MaybeUninit;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::planes::Planes;

/// Added to the variance, so that constant groups become zero.
pub(super) const EPSILON: f32 = 1e-5;
/// Vectors of sums beside each other: an addition takes as many cycles.
const ACCUMULATORS: usize = 4;
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
    let mut out = Vec::with_capacity(x.len());
    let (arch, channels) = (Arch::new(), norm.group_channels());
    let groups =
        out.spare_capacity_mut()[..x.len()].par_chunks_mut(norm.group_len()).zip(x.par_chunks(norm.group_len()));
    groups
        .zip(gain.par_chunks(channels).zip(shift.par_chunks(channels)))
        .for_each(|((out, x), (gain, shift))| arch.dispatch(Forward { x, gain, shift, norm, out }));
    // SAFETY: each group has written all of its values.
    unsafe { out.set_len(x.len()) };
    out
}

/// One group of one image.
struct Forward<'a> {
    x: &'a [f32],
    gain: &'a [f32],
    shift: &'a [f32],
    norm: Norm,
    out: &'a mut [MaybeUninit<f32>],
}

// The loops are compiled for the vectors of the processor where they are part of such a function; a closure is not
// always made one.
impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, gain, shift, norm, out } = self;
        let [mean, scale] = moments(simd, x);
        let pixels = norm.planes.pixels();
        let planes = out.chunks_mut(pixels).zip(x.chunks(pixels));
        for ((out, x), (gain, shift)) in planes.zip(gain.iter().zip(shift)) {
            let (factor, offset) = (gain * scale, shift - gain * scale * mean);
            if norm.silu {
                for (out, x) in out.iter_mut().zip(x) {
                    let u = x * factor + offset;
                    out.write(u * sigmoid(u));
                }
            } else {
                for (out, x) in out.iter_mut().zip(x) {
                    out.write(x * factor + offset);
                }
            }
        }
    }
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
    let (arch, channels) = (Arch::new(), norm.group_channels());
    let images = to_x.par_chunks_mut(norm.group_len()).zip(x.par_chunks(norm.group_len()));
    let images = images.zip(grad.par_chunks(norm.group_len()));
    let factors = to_gain.par_chunks_mut(channels).zip(to_shift.par_chunks_mut(channels));
    let factors = factors.zip(gain.par_chunks(channels).zip(shift.par_chunks(channels)));
    images.zip(factors).for_each(|(((to_x, x), grad), ((to_gain, to_shift), (gain, shift)))| {
        arch.dispatch(Backward { x, gain, shift, grad, norm, to_x, to_gain, to_shift });
    });
    (to_x, to_gain, to_shift)
}

/// One group of one image.
struct Backward<'a> {
    x: &'a [f32],
    gain: &'a [f32],
    shift: &'a [f32],
    grad: &'a [f32],
    norm: Norm,
    to_x: &'a mut [f32],
    to_gain: &'a mut [f32],
    to_shift: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, gain, shift, grad, norm, to_x, to_gain, to_shift } = self;
        let (pixels, channels) = (norm.planes.pixels(), norm.group_channels());
        let [mean, scale] = moments(simd, x);
        // Gradients with respect to u, kept in the place of those with respect to x, and their sums.
        let (mut sum, mut moment) = (0.0f64, 0.0f64);
        for channel in 0..channels {
            let range = channel * pixels..(channel + 1) * pixels;
            let (factor, offset) = (gain[channel] * scale, shift[channel] - gain[channel] * scale * mean);
            let (to, x, grad) = (&mut to_x[range.clone()], &x[range.clone()], &grad[range]);
            if norm.silu {
                for ((to, x), grad) in to.iter_mut().zip(x).zip(grad) {
                    let u = x * factor + offset;
                    let s = sigmoid(u);
                    *to = grad * s * (1.0 + u * (1.0 - s));
                }
            } else {
                to.copy_from_slice(grad);
            }
            let (plain, weighted) = sums(simd, to, x, mean, scale);
            (to_shift[channel], to_gain[channel]) = (plain as f32, weighted as f32);
            sum += f64::from(gain[channel]) * plain;
            moment += f64::from(gain[channel]) * weighted;
        }
        let count = (channels * pixels) as f64;
        let (sum, moment) = ((sum / count) as f32, (moment / count) as f32);
        for (channel, (to_x, x)) in to_x.chunks_mut(pixels).zip(x.chunks(pixels)).enumerate() {
            let gain = gain[channel];
            for (to, x) in to_x.iter_mut().zip(x) {
                *to = scale * (*to * gain - sum - (x - mean) * scale * moment);
            }
        }
    }
}

/// Mean and reciprocal deviation.
#[inline(always)]
fn moments<S: Simd>(simd: S, values: &[f32]) -> [f32; 2] {
    let count = values.len() as f64;
    let mean = (reduce(simd, values, 0.0, false) / count) as f32;
    let variance = reduce(simd, values, mean, true) / count;
    [mean, (1.0 / (variance + f64::from(EPSILON)).sqrt()) as f32]
}

/// Σ (v − mean), or of its squares.
#[inline(always)]
fn reduce<S: Simd>(simd: S, values: &[f32], mean: f32, squares: bool) -> f64 {
    let of_all = simd.splat_f32s(mean);
    let mut sum = 0.0;
    for block in values.chunks(BLOCK) {
        let (vectors, rest) = S::as_simd_f32s(block);
        let (fours, ones) = vectors.as_chunks::<ACCUMULATORS>();
        let mut sums = [simd.splat_f32s(0.0); ACCUMULATORS];
        for four in fours {
            for index in 0..ACCUMULATORS {
                let v = simd.sub_f32s(four[index], of_all);
                let v = if squares { simd.mul_f32s(v, v) } else { v };
                sums[index] = simd.add_f32s(sums[index], v);
            }
        }
        for one in ones {
            let v = simd.sub_f32s(*one, of_all);
            let v = if squares { simd.mul_f32s(v, v) } else { v };
            sums[0] = simd.add_f32s(sums[0], v);
        }
        for v in rest {
            let v = v - mean;
            sum += f64::from(if squares { v * v } else { v });
        }
        sum += total(simd, sums);
    }
    sum
}

/// Σ u and Σ u·x̂, where x̂ is the normalised x.
#[inline(always)]
fn sums<S: Simd>(simd: S, u: &[f32], x: &[f32], mean: f32, scale: f32) -> (f64, f64) {
    let (means, scales) = (simd.splat_f32s(mean), simd.splat_f32s(scale));
    let (mut plain, mut weighted) = (0.0, 0.0);
    for (u, x) in u.chunks(BLOCK).zip(x.chunks(BLOCK)) {
        let ((u, u_rest), (x, x_rest)) = (S::as_simd_f32s(u), S::as_simd_f32s(x));
        let mut sums = [[simd.splat_f32s(0.0); ACCUMULATORS]; 2];
        for (index, (u, x)) in u.iter().zip(x).enumerate() {
            let at = index % ACCUMULATORS;
            let x = simd.mul_f32s(simd.sub_f32s(*x, means), scales);
            sums[0][at] = simd.add_f32s(sums[0][at], *u);
            sums[1][at] = simd.add_f32s(sums[1][at], simd.mul_f32s(*u, x));
        }
        for (u, x) in u_rest.iter().zip(x_rest) {
            plain += f64::from(*u);
            weighted += f64::from(u * ((x - mean) * scale));
        }
        plain += total(simd, sums[0]);
        weighted += total(simd, sums[1]);
    }
    (plain, weighted)
}

#[inline(always)]
fn total<S: Simd>(simd: S, sums: [S::f32s; ACCUMULATORS]) -> f64 {
    let mut total = 0.0;
    for sum in sums {
        total += f64::from(simd.reduce_sum_f32s(sum));
    }
    total
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
