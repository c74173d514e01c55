//! The convolution as it is written, by register blocks.
//!
//! A block of outputs is held in registers (channels × vectors of positions: 8 × 3 with AVX-512), so that a step of
//! 24 fused multiply-adds needs 3 loads of pixels and 8 of weights. Channels are summed in groups, whose rows stay in the
//! first cache. Sums run over channels, then taps, in that order for every output.

use std::cell::Cell;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Added, Slices, TAPS,
    block::{Block, CHANNELS_NARROW, CHANNELS_WIDE, VECTORS},
};

/// Input channels whose pixels stay in the first cache while a row passes.
const GROUP: usize = 24;
/// Floats of a band's pixels at most, unless four rows have more.
const TILE_FLOATS: usize = 64 << 10;

thread_local! {
    /// Memory that stays with a thread between bands.
    static KEPT: Cell<Kept> = const { Cell::new(Kept { tile: Vec::new(), sums: Vec::new() }) };
}

/// The pixels of a band with a border of zeros, and sums of a block of outputs.
#[derive(Default)]
struct Kept {
    tile: Vec<f32>,
    sums: Vec<f32>,
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

/// Images or volumes of `out` channels; `weight` gives the taps of an output and an input.
pub(super) fn convolve(
    arch: Arch,
    input: &[f32],
    slices: Slices,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    added: Added,
    out: usize,
) -> Vec<f32> {
    let planes = slices.planes;
    // One channel that leaves a network is a block of its own.
    let block = if out == 1 { 1 } else { Block::of(arch).channels };
    let weight = packed(weight, [out, planes.channels], block);
    let mut output = vec![0.0; planes.count * out * planes.pixels()];
    // As many rows as stay in the second cache, and fewer where there would be too few bands.
    let most = (TILE_FLOATS / (planes.channels * planes.stride())).saturating_sub(2).clamp(4, planes.rows.max(4));
    let bands =
        (4 * rayon::current_num_threads()).div_ceil(planes.count).clamp(planes.rows.div_ceil(most), planes.rows);
    let band_rows = planes.rows.div_ceil(bands);
    let mut tasks = Vec::with_capacity(planes.count * bands);
    for (volume, output) in output.chunks_mut(out * slices.depth * planes.pixels()).enumerate() {
        let of_plane = |plane| <[f32]>::chunks_mut(plane, band_rows * planes.columns);
        let channels = output.chunks_mut(slices.depth * planes.pixels());
        let mut parts: Vec<_> = channels.map(|c| c.chunks_mut(planes.pixels()).flat_map(of_plane)).collect();
        for slice in 0..slices.depth {
            for first_row in (0..planes.rows).step_by(band_rows) {
                let outputs: Vec<&mut [f32]> = parts.iter_mut().filter_map(Iterator::next).collect();
                tasks.push((volume * slices.depth + slice, first_row, outputs));
            }
        }
    }
    tasks.into_par_iter().for_each(|(image, first_row, outputs)| {
        let mut kept = KEPT.take();
        let band = Band { input, weight: &weight, added, slices, block, image, first_row, outputs, kept: &mut kept };
        arch.dispatch(band);
        KEPT.set(kept);
    });
    output
}

/// A band of rows of all output channels of one image.
struct Band<'a> {
    input: &'a [f32],
    weight: &'a [f32],
    added: Added<'a>,
    slices: Slices,
    /// Output channels of a block.
    block: usize,
    image: usize,
    first_row: usize,
    outputs: Vec<&'a mut [f32]>,
    kept: &'a mut Kept,
}

impl WithSimd for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.block == 1 {
            self.run::<S, 1>(simd);
        } else if S::REGISTER_COUNT >= 32 {
            self.run::<S, CHANNELS_WIDE>(simd);
        } else {
            self.run::<S, CHANNELS_NARROW>(simd);
        }
    }
}

impl Band<'_> {
    #[inline(always)]
    fn run<S: Simd, const CHANNELS: usize>(mut self, simd: S) {
        let planes = self.slices.planes;
        let (stride, columns) = (planes.stride(), planes.columns);
        let rows = self.outputs[0].len() / columns;
        let step = VECTORS * S::F32_LANES;
        let steps = (rows * stride).div_ceil(step);
        let Kept { mut tile, mut sums } = std::mem::take(self.kept);
        let plane = (rows + 2) * stride;
        // The taps of the last step reach beyond the last plane.
        grow(&mut tile, planes.channels * plane + step + 2);
        grow(&mut sums, steps * CHANNELS * step);
        self.copy(&mut tile, rows);
        let of_block = &mut sums[..steps * CHANNELS * step];
        let size = planes.channels * TAPS * CHANNELS;
        for (block, weights) in self.weight.chunks_exact(size).enumerate() {
            // Sums over the groups of channels so far: [step][output][position].
            of_block.fill(0.0);
            let groups = weights.chunks(GROUP * TAPS * CHANNELS).enumerate();
            for (group, weights) in groups {
                for (index, sums) in of_block.chunks_exact_mut(CHANNELS * step).enumerate() {
                    let tile = &tile[group * GROUP * plane + index * step..];
                    add::<S, CHANNELS>(simd, (tile, plane, stride), weights, sums);
                }
            }
            self.store::<CHANNELS>(block, of_block, step);
        }
        *self.kept = Kept { tile, sums };
    }

    /// The rows of the band and those beside it, of all channels, with borders of zeros.
    #[inline(always)]
    fn copy(&self, tile: &mut [f32], rows: usize) {
        let planes = self.slices.planes;
        let (stride, columns) = (planes.stride(), planes.columns);
        for (channel, tile) in tile.chunks_exact_mut((rows + 2) * stride).take(planes.channels).enumerate() {
            let plane = self.slices.plane(self.image, channel);
            for (row, tile) in tile.chunks_exact_mut(stride).enumerate() {
                let from = (self.first_row + row).checked_sub(1).filter(|row| *row < planes.rows).zip(plane);
                let Some((row, plane)) = from else {
                    tile.fill(0.0);
                    continue;
                };
                (tile[0], tile[columns + 1]) = (0.0, 0.0);
                tile[1..=columns].copy_from_slice(&self.input[(plane * planes.rows + row) * columns..][..columns]);
            }
        }
    }

    /// Writes what of a block's sums lies within rows, with what is added.
    #[inline(always)]
    fn store<const CHANNELS: usize>(&mut self, block: usize, sums: &[f32], step: usize) {
        let planes = self.slices.planes;
        let (stride, columns, out) = (planes.stride(), planes.columns, self.outputs.len());
        for (index, output) in self.outputs.iter_mut().enumerate().skip(block * CHANNELS).take(CHANNELS) {
            let bias = self.added.bias.map_or(0.0, |bias| bias[index]);
            let plane = self.slices.output(self.image, index, out) * planes.rows;
            for (row, output) in output.chunks_exact_mut(columns).enumerate() {
                let mut done = 0;
                while done < columns {
                    let (of_step, at) = ((row * stride + done) / step, (row * stride + done) % step);
                    let length = (columns - done).min(step - at);
                    let from = &sums[(of_step * CHANNELS + index % CHANNELS) * step + at..][..length];
                    output[done..][..length].iter_mut().zip(from).for_each(|(to, from)| *to = from + bias);
                    done += length;
                }
                if let Some(onto) = self.added.onto {
                    let from = &onto[(plane + self.first_row + row) * columns..][..columns];
                    output.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
            }
        }
    }
}

/// Makes a buffer as long as is needed.
fn grow(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}

/// Adds the taps of a group of channels, planes apart from `tile` on, to the sums of a step: `[output][position]`.
#[inline(always)]
fn add<S: Simd, const CHANNELS: usize>(
    simd: S,
    (tile, plane, stride): (&[f32], usize, usize),
    weights: &[f32],
    kept: &mut [f32],
) {
    let kept = &mut S::as_mut_simd_f32s(kept).0[..CHANNELS * VECTORS];
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; CHANNELS];
    // By index, here and below: what an iterator lends stays in memory, and is stored after every step.
    for index in 0..CHANNELS {
        for vector in 0..VECTORS {
            sums[index][vector] = kept[index * VECTORS + vector];
        }
    }
    for (channel, weights) in weights.chunks_exact(TAPS * CHANNELS).enumerate() {
        let tile = &tile[channel * plane..];
        for (tap, weights) in weights.chunks_exact(CHANNELS).enumerate() {
            let pixels = &S::as_simd_f32s(&tile[tap / 3 * stride + tap % 3..]).0[..VECTORS];
            for index in 0..CHANNELS {
                let weight = simd.splat_f32s(weights[index]);
                for vector in 0..VECTORS {
                    sums[index][vector] = simd.mul_add_e_f32s(weight, pixels[vector], sums[index][vector]);
                }
            }
        }
    }
    for index in 0..CHANNELS {
        for vector in 0..VECTORS {
            kept[index * VECTORS + vector] = sums[index][vector];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Planes, taps, tests::values};
    use super::*;

    /// One channel out and more, fewer channels in than a group and more, rows shorter and longer than a step, several bands.
    const SHAPES: [([usize; 4], usize); 4] =
        [([2, 3, 40, 67], 1), ([1, 30, 33, 50], 9), ([2, 25, 5, 7], 1), ([1, 2, 200, 90], 8)];

    #[test]
    fn narrow_blocks_threads_and_what_a_thread_kept_do_not_show() {
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let input = values(p.count * p.channels * p.pixels(), 1);
            let (weight, bias) = (values(out * p.channels * TAPS, 2), values(out, 3));
            let added = Added { bias: Some(&bias), onto: None };
            let run = |arch, input: &[f32]| {
                convolve(arch, input, Slices::images(p), |o, c| taps(&weight, p.channels, o, c), added, out)
            };
            let want = run(Arch::new(), &input);
            run(Arch::new(), &vec![f32::NAN; input.len()]);
            assert!(run(Arch::new(), &input) == want, "{shape:?}: what was kept");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(9).build().unwrap();
            assert!(pool.install(|| run(Arch::new(), &input)) == want, "{shape:?}: threads");
            let narrow = run(Arch::Scalar, &input);
            let error = narrow.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error < 3e-6 * (p.channels as f32).sqrt(), "{shape:?}: {error:e}");
        }
    }
}
