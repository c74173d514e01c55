//! 3 × 3, 3 × 3 × 3 and [1 × 1](pointwise) convolution on the CPU, with a border of zeros, without unfolding the image.
//!
//! ```text
//! out[n, o, p] = bias[o] + Σ_c Σ_t weight[o, c, t] · in[n, c, p + offset(t)]
//! ∂weight[o, c, t] = Σ_n Σ_p grad[n, o, p] · in[n, c, p + offset(t)]
//! ∂in = the first with the roles of o and c exchanged and the taps reversed
//! ```
//!
//! Volumes are convolved slice by slice, each with its neighbours as channels beside its own ([`Slices`]). Where there are
//! many channels, outputs and the gradient with respect to the images come from [`winograd`], else from the
//! [`direct`] sum. All sums run in one order, whatever the number of threads.

mod block;
mod bordered;
mod direct;
mod pointwise;
mod slices;
mod weight_gradient;
mod winograd;

use pulp::Arch;
use rayon::prelude::*;

use super::planes::Planes;

pub(super) use pointwise::mix;
pub(super) use slices::Slices;
pub(super) use weight_gradient::weight_gradient;

/// Taps of a 3 × 3 window.
const TAPS: usize = 9;

/// The taps that lead from an input channel to an output channel, where weights are `[out, in, 3, 3]`.
#[inline(always)]
fn taps(weight: &[f32], input: usize, o: usize, c: usize) -> [f32; TAPS] {
    weight[(o * input + c) * TAPS..].first_chunk().copied().unwrap_or_default()
}

/// What is added to the sums of a convolution.
#[derive(Clone, Copy, Default)]
pub(super) struct Added<'a> {
    /// One number for each output channel.
    pub(super) bias: Option<&'a [f32]>,
    /// Images or volumes like the output, added after the bias.
    pub(super) onto: Option<&'a [f32]>,
}

/// Images or volumes of `out` channels, from weights `[out, in, 3, 3]` or `[out, in, 3, 3, 3]`.
pub(super) fn forward(input: &[f32], slices: Slices, weight: &[f32], added: Added, out: usize) -> Vec<f32> {
    let channels = slices.planes.channels;
    convolve(input, slices, |o, c| taps(weight, channels, o, c), added, out)
}

/// Gradient with respect to the images or volumes: `grad` has `out` channels, the weights have `input`.
pub(super) fn input_gradient(grad: &[f32], slices: Slices, weight: &[f32], input: usize) -> Vec<f32> {
    let window = slices.window;
    let reversed = |c, channel| {
        let (o, shift) = (channel / window, channel % window);
        let mut taps = taps(weight, input * window, o, c * window + window - 1 - shift);
        taps.reverse();
        taps
    };
    convolve(grad, slices, reversed, Added::default(), input)
}

fn convolve(
    input: &[f32],
    slices: Slices,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    added: Added,
    out: usize,
) -> Vec<f32> {
    let arch = Arch::new();
    if winograd::suits(slices.planes, out) {
        winograd::convolve(arch, input, slices, weight, added, out)
    } else {
        direct::convolve(arch, input, slices, weight, added, out)
    }
}

/// Gradient with respect to the bias: `[out]`.
pub(super) fn bias_gradient(grad: &[f32], planes: Planes) -> Vec<f32> {
    let sum = |channel: usize| {
        let of_image = |image: usize| {
            let plane = &grad[(image * planes.channels + channel) * planes.pixels()..][..planes.pixels()];
            plane.iter().map(|v| f64::from(*v)).sum::<f64>()
        };
        (0..planes.count).map(of_image).sum::<f64>() as f32
    };
    (0..planes.channels).into_par_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    /// Straight from the formula, in f64.
    pub(super) fn oracle(input: &[f32], p: Planes, weight: &[f32], out: usize) -> Vec<f64> {
        let at = |n: usize, c: usize, y: isize, x: isize| {
            let inside = (0..p.rows as isize).contains(&y) && (0..p.columns as isize).contains(&x);
            if !inside {
                return 0.0;
            }
            f64::from(input[((n * p.channels + c) * p.rows + y as usize) * p.columns + x as usize])
        };
        let mut output = Vec::new();
        for n in 0..p.count {
            for o in 0..out {
                for y in 0..p.rows as isize {
                    for x in 0..p.columns as isize {
                        let mut sum = 0.0;
                        for c in 0..p.channels {
                            for t in 0..TAPS {
                                let w = f64::from(weight[(o * p.channels + c) * TAPS + t]);
                                sum += w * at(n, c, y + t as isize / 3 - 1, x + t as isize % 3 - 1);
                            }
                        }
                        output.push(sum);
                    }
                }
            }
        }
        output
    }

    const SHAPES: [([usize; 4], usize); 8] = [
        ([1, 1, 1, 1], 1),
        ([2, 3, 5, 7], 9),
        ([1, 8, 16, 16], 8),
        ([1, 5, 9, 50], 3),
        ([3, 2, 33, 4], 17),
        ([1, 9, 64, 61], 12),
        ([2, 32, 9, 11], 35),
        ([1, 48, 6, 40], 32),
    ];

    #[test]
    fn outputs_are_those_of_the_formula() {
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let (input, weight) = (values(p.count * p.channels * p.pixels(), 1), values(out * p.channels * TAPS, 2));
            let (bias, onto) = (values(out, 3), values(p.count * out * p.pixels(), 4));
            let added = Added { bias: Some(&bias), onto: Some(&onto) };
            let got = forward(&input, Slices::images(p), &weight, added, out);
            for (i, (got, want)) in got.iter().zip(oracle(&input, p, &weight, out)).enumerate() {
                let want = want + f64::from(bias[i / p.pixels() % out]) + f64::from(onto[i]);
                let bound = 1e-5 * (p.channels as f64 / 8.0).sqrt().max(1.0);
                assert!((f64::from(*got) - want).abs() < bound, "{shape:?} {i}: {got} {want}");
            }
        }
    }

    #[test]
    fn gradients_are_the_adjoints() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let (input, weight) = (values(p.count * p.channels * p.pixels(), 4), values(out * p.channels * TAPS, 5));
            let grad = values(p.count * out * p.pixels(), 6);
            let slices = Slices::images(p);
            let product = dot(&forward(&input, slices, &weight, Added::default(), out), &grad);
            let to = Slices::images(Planes { channels: out, ..p });
            let by_input = dot(&input, &input_gradient(&grad, to, &weight, p.channels));
            let by_weight = dot(&weight, &weight_gradient(&input, slices, &grad, out));
            let bound = 1e-5 * (p.count * out * p.pixels()) as f64;
            assert!((product - by_input).abs() < bound, "{shape:?}: {product} {by_input}");
            assert!((product - by_weight).abs() < bound, "{shape:?}: {product} {by_weight}");
        }
    }
}
