//! 3 × 3 convolution on the CPU by register blocks, without unfolding the image.
//!
//! Both directions see every plane as one long row: a plane with a border of zeros has the stride `columns + 2`, so that
//! the nine taps of a pixel lie at nine fixed distances from it, the same for every pixel. Positions in the two columns
//! between rows are computed along and dropped.
//!
//! ```text
//! out[n, o, p] = bias[o] + Σ_c Σ_t weight[o, c, t] · in[n, c, p + offset(t)]
//! ∂weight[o, c, t] = Σ_n Σ_p grad[n, o, p] · in[n, c, p + offset(t)]
//! ∂in = the first with the roles of o and c exchanged and the taps reversed
//! ```
//!
//! A block of outputs is held in registers (channels × vectors of positions: 8 × 3 with AVX-512), so that a step of
//! 24 fused multiply-adds needs 3 loads of pixels and 8 of weights. Sums run over channels, then taps, in that order for
//! every output: the result does not depend on the number of threads.
//!
//! Where there are many channels, outputs and the gradient with respect to the images come from [`winograd`] instead.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::winograd;

/// Taps of a 3 × 3 window.
pub(super) const TAPS: usize = 9;
/// Vectors of positions in a block.
pub(super) const VECTORS: usize = 3;
/// Channels in a block where there are 32 vector registers, and where there are 16.
pub(super) const CHANNELS_WIDE: usize = 8;
pub(super) const CHANNELS_NARROW: usize = 4;
/// Positions read beyond the last plane at most: a block of the widest vectors and the window's reach.
const SLACK: usize = VECTORS * 16 + 16;

/// Sizes of a batch of images in planes: `[count, channels, rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) count: usize,
    pub(super) channels: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Planes {
    pub(super) fn new([count, channels, rows, columns]: [usize; 4]) -> Self {
        Self { count, channels, rows, columns }
    }

    pub(super) fn pixels(&self) -> usize {
        self.rows * self.columns
    }

    fn stride(&self) -> usize {
        self.columns + 2
    }

    /// Positions of a plane that are computed, those between rows included.
    fn positions(&self) -> usize {
        self.rows * self.stride()
    }

    /// Values of a plane with its border.
    fn bordered(&self) -> usize {
        (self.rows + 2) * self.stride()
    }
}

/// The planes with a border of zeros, one pixel wide, and readable slack behind the last.
fn bordered(values: &[f32], planes: &Planes) -> Vec<f32> {
    let mut padded = vec![0.0; planes.count * planes.channels * planes.bordered() + SLACK];
    let (stride, columns) = (planes.stride(), planes.columns);
    let body = planes.count * planes.channels * planes.bordered();
    padded[..body].par_chunks_mut(planes.bordered()).zip(values.par_chunks(planes.pixels())).for_each(
        |(padded, plane)| {
            let rows = padded.chunks_mut(stride).skip(1);
            rows.zip(plane.chunks(columns)).for_each(|(to, from)| to[1..=columns].copy_from_slice(from));
        },
    );
    padded
}

/// Weights `[out, in, 9]` in the order of a block: for each block of output channels, `[in][tap][channel]`.
fn packed(weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync, [out, input]: [usize; 2], block: usize) -> Vec<f32> {
    let mut packed = vec![0.0; out.div_ceil(block) * input * TAPS * block];
    packed.par_chunks_mut(input * TAPS * block).enumerate().for_each(|(index, part)| {
        for (lane, output) in (index * block..out.min((index + 1) * block)).enumerate() {
            for (channel, part) in part.chunks_mut(TAPS * block).enumerate() {
                for (to, tap) in part[lane..].iter_mut().step_by(block).zip(weight(output, channel)) {
                    *to = tap;
                }
            }
        }
    });
    packed
}

/// The taps that lead from an input channel to an output channel, where weights are `[out, in, 3, 3]`.
#[inline(always)]
pub(super) fn taps(weight: &[f32], input: usize, o: usize, c: usize) -> [f32; TAPS] {
    weight[(o * input + c) * TAPS..].first_chunk().copied().unwrap_or_default()
}

/// `[count, out, rows, columns]` of images `[count, in, rows, columns]`, weights `[out, in, 3, 3]` and a bias `[out]`.
pub(super) fn forward(input: &[f32], planes: Planes, weight: &[f32], bias: Option<&[f32]>, out: usize) -> Vec<f32> {
    let channels = planes.channels;
    convolve(input, planes, |o, c| taps(weight, channels, o, c), bias, out)
}

/// Gradient with respect to the images: `grad` is `[count, out, rows, columns]`, the weights have `input` channels.
pub(super) fn input_gradient(grad: &[f32], planes: Planes, weight: &[f32], input: usize) -> Vec<f32> {
    let reversed = |c, o| {
        let mut taps = taps(weight, input, o, c);
        taps.reverse();
        taps
    };
    convolve(grad, planes, reversed, None, input)
}

fn convolve(
    input: &[f32],
    planes: Planes,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    bias: Option<&[f32]>,
    out: usize,
) -> Vec<f32> {
    if winograd::suits(planes, out) {
        winograd::convolve(input, planes, weight, bias, out)
    } else {
        direct(input, planes, weight, bias, out)
    }
}

fn direct(
    input: &[f32],
    planes: Planes,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    bias: Option<&[f32]>,
    out: usize,
) -> Vec<f32> {
    let arch = Arch::new();
    let block = arch.dispatch(Width);
    let padded = bordered(input, &planes);
    let packed = packed(weight, [out, planes.channels], block);
    let mut output = vec![0.0; planes.count * out * planes.pixels()];
    // A task is a block of channels of one image, cut into bands of rows where there are few of them.
    let blocks = out.div_ceil(block);
    let bands = (4 * rayon::current_num_threads()).div_ceil(planes.count * blocks).clamp(1, planes.rows.div_ceil(8));
    let band_rows = planes.rows.div_ceil(bands);
    let mut tasks = Vec::with_capacity(planes.count * blocks * bands);
    for (image, rest) in output.chunks_mut(out * planes.pixels()).enumerate() {
        for (index, group) in rest.chunks_mut(block * planes.pixels()).enumerate() {
            let mut parts: Vec<_> =
                group.chunks_mut(planes.pixels()).map(|p| p.chunks_mut(band_rows * planes.columns)).collect();
            for band in 0..planes.rows.div_ceil(band_rows) {
                let rows: Vec<&mut [f32]> = parts.iter_mut().filter_map(Iterator::next).collect();
                tasks.push((image, index, band * band_rows, rows));
            }
        }
    }
    tasks.into_par_iter().for_each(|(image, index, first_row, rows)| {
        let size = planes.channels * TAPS * block;
        arch.dispatch(Block {
            input: &padded[image * planes.channels * planes.bordered()..],
            weight: &packed[index * size..(index + 1) * size],
            bias: bias.map(|b| &b[index * block..out.min((index + 1) * block)]),
            planes,
            first_row,
            rows,
        });
    });
    output
}

/// Channels of a block on this machine.
struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        if S::REGISTER_COUNT >= 32 { CHANNELS_WIDE } else { CHANNELS_NARROW }
    }
}

/// A band of rows of one block of output channels of one image.
struct Block<'a> {
    input: &'a [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    planes: Planes,
    first_row: usize,
    rows: Vec<&'a mut [f32]>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, CHANNELS_WIDE>(simd);
        } else {
            self.run::<S, CHANNELS_NARROW>(simd);
        }
    }
}

impl Block<'_> {
    #[inline(always)]
    fn run<S: Simd, const CHANNELS: usize>(mut self, simd: S) {
        let (stride, columns) = (self.planes.stride(), self.planes.columns);
        let row_count = self.rows[0].len() / columns;
        let (first, last) = (self.first_row * stride, (self.first_row + row_count) * stride - 2);
        let offsets: [usize; TAPS] = std::array::from_fn(|tap| tap / 3 * stride + tap % 3);
        let step = VECTORS * S::F32_LANES;
        let mut tile = [[0.0f32; VECTORS * 16]; CHANNELS];
        assert!(self.input.len() >= (self.planes.channels - 1) * self.planes.bordered() + last + 2 * stride + 2 + step);
        assert!(self.weight.len() == self.planes.channels * TAPS * CHANNELS);
        for position in (first..last).step_by(step) {
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; CHANNELS];
            for channel in 0..self.planes.channels {
                for (tap, offset) in offsets.iter().enumerate() {
                    // SAFETY: `position < last`, and the first assertion covers the last channel, tap and vector; the
                    // second covers the weights.
                    let (pixels, weights) = unsafe {
                        (
                            self.input.as_ptr().add(channel * self.planes.bordered() + position + offset),
                            self.weight.as_ptr().add((channel * TAPS + tap) * CHANNELS),
                        )
                    };
                    let pixels: [S::f32s; VECTORS] = std::array::from_fn(|vector| {
                        // SAFETY: as above; vectors are read wherever they start.
                        unsafe { pixels.add(vector * S::F32_LANES).cast::<S::f32s>().read_unaligned() }
                    });
                    for (index, sums) in sums.iter_mut().enumerate() {
                        // SAFETY: as above.
                        let weight = simd.splat_f32s(unsafe { *weights.add(index) });
                        for (sum, pixels) in sums.iter_mut().zip(pixels) {
                            *sum = simd.mul_add_e_f32s(weight, pixels, *sum);
                        }
                    }
                }
            }
            for (tile, sums) in tile.iter_mut().zip(&sums) {
                let (vectors, _) = S::as_mut_simd_f32s(tile);
                vectors.iter_mut().zip(sums).for_each(|(to, from)| *to = *from);
            }
            // Only positions within rows are kept.
            let mut done = position;
            while done < (position + step).min(last) {
                let (row, column) = ((done - first) / stride, (done - first) % stride);
                if column >= columns {
                    done += stride - column;
                    continue;
                }
                let length = (columns - column).min(position + step - done).min(last - done);
                for (index, rows) in self.rows.iter_mut().enumerate() {
                    let bias = self.bias.map_or(0.0, |bias| bias[index]);
                    let from = &tile[index][done - position..][..length];
                    let to = &mut rows[row * columns + column..][..length];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = from + bias);
                }
                done += length;
            }
        }
    }
}

/// Output channels and input channels of a block of the gradient with respect to the weights.
const GRADIENT_OUT: usize = 4;
const GRADIENT_IN: usize = 2;
/// Positions of a run, so that those of a block stay in the first cache while other channels pass; a multiple of every
/// vector width.
const GRADIENT_RUN: usize = 1536;

/// Gradient with respect to the weights: `[out, in, 3, 3]`.
pub(super) fn weight_gradient(input: &[f32], planes: Planes, grad: &[f32], out: usize) -> Vec<f32> {
    let padded = bordered(input, &planes);
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
        arch.dispatch(WeightBlock { input: &padded, grad: &spread, planes, out, plane, index, part });
    });
    gradient
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

/// Four output channels of the gradient with respect to the weights.
struct WeightBlock<'a> {
    input: &'a [f32],
    grad: &'a [f32],
    planes: Planes,
    out: usize,
    plane: usize,
    index: usize,
    part: &'a mut [f32],
}

impl WithSimd for WeightBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Planes { count, channels, .. } = self.planes;
        let (bordered, stride) = (self.planes.bordered(), self.planes.stride());
        let outputs = self.part.len() / (channels * TAPS);
        for image in 0..count {
            for start in (0..self.plane).step_by(GRADIENT_RUN) {
                let run = start..self.plane.min(start + GRADIENT_RUN);
                // Channels beyond the last repeat it and are dropped when stored.
                let grads: [&[f32]; GRADIENT_OUT] = std::array::from_fn(|o| {
                    let channel = self.index * GRADIENT_OUT + o.min(outputs - 1);
                    &self.grad[(image * self.out + channel) * self.plane..][run.clone()]
                });
                for first in (0..channels).step_by(GRADIENT_IN) {
                    for row in 0..3 {
                        let inputs: [&[f32]; GRADIENT_IN] = std::array::from_fn(|c| {
                            let channel = (first + c).min(channels - 1);
                            &self.input[(image * channels + channel) * bordered + row * stride..]
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::ops) fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    /// Straight from the formula, in f64.
    pub(in crate::ops) fn oracle(input: &[f32], p: Planes, weight: &[f32], out: usize) -> Vec<f64> {
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
            let bias = values(out, 3);
            let got = forward(&input, p, &weight, Some(&bias), out);
            for (i, (got, want)) in got.iter().zip(oracle(&input, p, &weight, out)).enumerate() {
                let want = want + f64::from(bias[i / p.pixels() % out]);
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
            let product = dot(&forward(&input, p, &weight, None, out), &grad);
            let by_input = dot(&input, &input_gradient(&grad, Planes { channels: out, ..p }, &weight, p.channels));
            let by_weight = dot(&weight, &weight_gradient(&input, p, &grad, out));
            let bound = 1e-5 * (p.count * out * p.pixels()) as f64;
            assert!((product - by_input).abs() < bound, "{shape:?}: {product} {by_input}");
            assert!((product - by_weight).abs() < bound, "{shape:?}: {product} {by_weight}");
        }
    }
}
