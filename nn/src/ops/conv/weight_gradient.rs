//! Gradient of a 3 × 3 convolution with respect to its weights: correlations of two planes at nine distances.

use std::array;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Planes, Slices, TAPS, bordered::bordered};

/// Output channels and input channels of a block of the gradient with respect to the weights.
const GRADIENT_OUT: usize = 4;
const GRADIENT_IN: usize = 2;
/// Positions of a run, so that those of a block stay in the first cache while other channels pass; a multiple of every
/// vector width.
const GRADIENT_RUN: usize = 1536;

/// Gradient with respect to the weights: `[out, in, 3, 3]`, or `[out, in, 3, 3, 3]` of volumes.
pub(in crate::ops) fn weight_gradient(input: &[f32], slices: Slices, grad: &[f32], out: usize) -> Vec<f32> {
    let (planes, padded) = (slices.planes, bordered(input, slices));
    // The gradient in planes of the same stride without a border: zeros between rows and behind the last row.
    let (stride, columns) = (planes.stride(), planes.columns);
    let plane = planes.positions().next_multiple_of(16);
    let mut spread = vec![0.0; planes.count * out * plane];
    spread.par_chunks_mut(plane).zip(grad.par_chunks(planes.pixels())).for_each(|(to, from)| {
        to.chunks_mut(stride).zip(from.chunks(columns)).for_each(|(to, from)| to[..columns].copy_from_slice(from));
    });
    let mut gradient = vec![0.0; out * planes.channels * TAPS];
    let arch = Arch::new();
    gradient.par_chunks_mut(GRADIENT_OUT * planes.channels * TAPS).enumerate().for_each(|(index, part)| {
        arch.dispatch(WeightBlock { input: &padded, grad: &spread, slices, out, plane, index, part });
    });
    gradient
}

/// Four output channels of the gradient with respect to the weights.
struct WeightBlock<'a> {
    input: &'a [f32],
    grad: &'a [f32],
    slices: Slices,
    out: usize,
    plane: usize,
    index: usize,
    part: &'a mut [f32],
}

impl WithSimd for WeightBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let planes = self.slices.planes;
        let Planes { count, channels, .. } = planes;
        let (bordered, stride) = (planes.bordered(), planes.stride());
        let outputs = self.part.len() / (channels * TAPS);
        for image in 0..count {
            for start in (0..self.plane).step_by(GRADIENT_RUN) {
                let run = start..self.plane.min(start + GRADIENT_RUN);
                // Channels beyond the last repeat it and are dropped when stored.
                let grads: [&[f32]; GRADIENT_OUT] = array::from_fn(|o| {
                    let channel = self.index * GRADIENT_OUT + o.min(outputs - 1);
                    &self.grad[self.slices.output(image, channel, self.out) * self.plane..][run.clone()]
                });
                for first in (0..channels).step_by(GRADIENT_IN) {
                    for row in 0..3 {
                        let inputs: [&[f32]; GRADIENT_IN] = array::from_fn(|c| {
                            let channel = (first + c).min(channels - 1);
                            &self.input[self.slices.padded(image, channel) * bordered + row * stride..]
                                [run.start..run.end + 2]
                        });
                        let sums = correlated(simd, grads, inputs);
                        for (c, sums) in sums.iter().enumerate().take(channels - first) {
                            for (tap, sums) in sums.iter().enumerate() {
                                for (o, sum) in sums.iter().enumerate().take(outputs) {
                                    self.part[(o * channels + first + c) * TAPS + row * 3 + tap] += sum;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Σ of the products of each gradient with each input and its next two pixels: `[in][tap][out]`.
#[inline(always)]
fn correlated<S: Simd>(
    simd: S,
    grads: [&[f32]; GRADIENT_OUT],
    inputs: [&[f32]; GRADIENT_IN],
) -> [[[f32; GRADIENT_OUT]; 3]; GRADIENT_IN] {
    let count = grads[0].len() / S::F32_LANES;
    let mut sums = [[[simd.splat_f32s(0.0); GRADIENT_OUT]; 3]; GRADIENT_IN];
    let grads = grads.map(|of_channel| &S::as_simd_f32s(of_channel).0[..count]);
    let inputs = inputs.map(|of_channel| [0, 1, 2].map(|tap| &S::as_simd_f32s(&of_channel[tap..]).0[..count]));
    for position in 0..count {
        let mut values = [simd.splat_f32s(0.0); GRADIENT_OUT];
        for o in 0..GRADIENT_OUT {
            values[o] = grads[o][position];
        }
        for c in 0..GRADIENT_IN {
            for tap in 0..3 {
                let pixels = inputs[c][tap][position];
                for o in 0..GRADIENT_OUT {
                    sums[c][tap][o] = simd.mul_add_e_f32s(values[o], pixels, sums[c][tap][o]);
                }
            }
        }
    }
    // By way of memory: what is indexed by a variable would be there throughout.
    let mut lanes = [[0.0f32; 16 * GRADIENT_OUT]; 3 * GRADIENT_IN];
    for (lanes, sums) in lanes.iter_mut().zip(sums.as_flattened()) {
        let (vectors, _) = S::as_mut_simd_f32s(lanes);
        vectors.iter_mut().zip(sums).for_each(|(to, from)| *to = *from);
    }
    let mut totals = [[[0.0; GRADIENT_OUT]; 3]; GRADIENT_IN];
    for (totals, lanes) in totals.as_flattened_mut().iter_mut().zip(&lanes) {
        for (total, lanes) in totals.iter_mut().zip(S::as_simd_f32s(lanes).0) {
            *total = simd.reduce_sum_f32s(*lanes);
        }
    }
    totals
}
