//! 1 × 1 convolution: the channels of every pixel, mixed.
//!
//! ```text
//! out[n, o, p] = bias[o] + Σ_c weight[o, c] · in[n, c, p]
//! ```
//!
//! A task is a run of pixels of one image: a product of matrices in registers for each block of output channels. Sums run over
//! channels in order.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Planes,
    block::{Block, CHANNELS_NARROW, CHANNELS_WIDE, VECTORS, product},
};

/// Pixels of a task, a multiple of every block's.
const RUN: usize = 768;

/// Images of `out` channels, from weights `[out, in]`.
pub(in crate::ops) fn mix(input: &[f32], planes: Planes, weight: &[f32], bias: &[f32], out: usize) -> Vec<f32> {
    let (arch, channels) = (Arch::new(), planes.channels);
    let block = Block::of(arch).channels;
    let mut packed = vec![0.0; out.div_ceil(block) * channels * block];
    for (output, weights) in weight.chunks_exact(channels).enumerate() {
        let at = output / block * channels * block + output % block;
        packed[at..].iter_mut().step_by(block).zip(weights).for_each(|(to, from)| *to = *from);
    }
    let mut output = vec![0.0; planes.count * out * planes.pixels()];
    let mut tasks = Vec::new();
    for (image, output) in output.chunks_mut(out * planes.pixels()).enumerate() {
        let mut parts: Vec<_> = output.chunks_mut(planes.pixels()).map(|plane| plane.chunks_mut(RUN)).collect();
        for start in (0..planes.pixels()).step_by(RUN) {
            let outputs: Vec<&mut [f32]> = parts.iter_mut().filter_map(Iterator::next).collect();
            tasks.push((image, start, outputs));
        }
    }
    tasks.into_par_iter().for_each(|(image, start, outputs)| {
        let input = &input[image * channels * planes.pixels()..][..channels * planes.pixels()];
        arch.dispatch(Run { input, planes, start, weight: &packed, bias, outputs });
    });
    output
}

/// A run of pixels of one image.
struct Run<'a> {
    input: &'a [f32],
    planes: Planes,
    start: usize,
    weight: &'a [f32],
    bias: &'a [f32],
    outputs: Vec<&'a mut [f32]>,
}

impl WithSimd for Run<'_> {
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

impl Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const CHANNELS: usize>(mut self, simd: S) {
        let step = VECTORS * S::F32_LANES;
        let (channels, pixels) = (self.planes.channels, self.planes.pixels());
        let length = self.outputs.first().map_or(0, |output| output.len());
        let mut products = [0.0; CHANNELS_WIDE * VECTORS * 16];
        for done in (0..length).step_by(step) {
            let count = step.min(length - done);
            let at = self.start + done;
            // The last pixels of an image are fewer than a block, and are copied into one.
            let last = (at + step > pixels).then(|| {
                let mut tile = vec![0.0; channels * step];
                for (tile, plane) in tile.chunks_exact_mut(step).zip(self.input.chunks_exact(pixels)) {
                    tile[..pixels - at].copy_from_slice(&plane[at..]);
                }
                tile
            });
            let input = last.as_ref().map_or((&self.input[at..], pixels), |tile| (tile, step));
            let blocks = self.outputs.chunks_mut(CHANNELS).zip(self.bias.chunks(CHANNELS));
            for ((outputs, bias), weight) in blocks.zip(self.weight.chunks_exact(channels * CHANNELS)) {
                product::<S, CHANNELS>(simd, weight, input, &mut products[..CHANNELS * step]);
                for ((output, bias), products) in outputs.iter_mut().zip(bias).zip(products.chunks_exact(step)) {
                    output[done..][..count].iter_mut().zip(products).for_each(|(to, from)| *to = from + bias);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::values, *};

    /// One pixel, odd sizes, several images and runs, more channels than a block and fewer.
    const SHAPES: [([usize; 4], usize); 5] =
        [([1, 1, 1, 1], 1), ([2, 3, 5, 7], 9), ([3, 33, 30, 31], 40), ([1, 64, 17, 48], 3), ([2, 9, 1, 769], 8)];

    fn given(p: Planes, out: usize) -> [Vec<f32>; 3] {
        [values(p.count * p.channels * p.pixels(), 1), values(out * p.channels, 2), values(out, 3)]
    }

    #[test]
    fn outputs_are_those_of_the_formula() {
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let [input, mut weight, bias] = given(p, out);
            let at = |i: usize| (i / p.pixels() / out, i / p.pixels() % out, i % p.pixels());
            let want: Vec<f64> = (0..p.count * out * p.pixels())
                .map(at)
                .map(|(n, o, pixel)| {
                    let product = |c: usize| {
                        f64::from(weight[o * p.channels + c])
                            * f64::from(input[(n * p.channels + c) * p.pixels() + pixel])
                    };
                    f64::from(bias[o]) + (0..p.channels).map(product).sum::<f64>()
                })
                .collect();
            let error = |weight: &[f32]| {
                let got = mix(&input, p, weight, &bias, out);
                assert_eq!(got.len(), want.len());
                got.iter().zip(&want).map(|(got, want)| (f64::from(*got) - want).abs()).fold(0.0, f64::max)
            };
            assert!(error(&weight) < 1e-5, "{shape:?}: {:e}", error(&weight));
            // The control: one weight.
            weight[out / 2 * p.channels] += 1e-2;
            assert!(error(&weight) > 1e-5, "{shape:?}: {:e}", error(&weight));
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let [input, weight, bias] = given(p, out);
            let [one, two, nine] = [1, 2, 9].map(|count| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
                pool.install(|| mix(&input, p, &weight, &bias, out))
            });
            assert!(one == two && one == nine, "{shape:?}");
        }
    }
}
