//! The convolution as it is written, by register blocks.
//!
//! A block of outputs is held in registers (channels × vectors of positions: 8 × 3 with AVX-512), so that a step of
//! 24 fused multiply-adds needs 3 loads of pixels and 8 of weights. Sums run over channels, then taps, in that order for
//! every output.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Slices, TAPS,
    block::{Block, CHANNELS_NARROW, CHANNELS_WIDE, VECTORS},
    bordered::bordered,
};

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
    input: &[f32],
    slices: Slices,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    bias: Option<&[f32]>,
    out: usize,
) -> Vec<f32> {
    let arch = Arch::new();
    let block = Block::of(arch).channels;
    let (planes, depth) = (slices.planes, slices.depth);
    let padded = bordered(input, slices);
    let packed = packed(weight, [out, planes.channels], block);
    let mut output = vec![0.0; planes.count * out * planes.pixels()];
    // A task is a block of channels of one image, cut into bands of rows where there are few of them.
    let blocks = out.div_ceil(block);
    let bands = (4 * rayon::current_num_threads()).div_ceil(planes.count * blocks).clamp(1, planes.rows.div_ceil(8));
    let band_rows = planes.rows.div_ceil(bands);
    let mut tasks = Vec::with_capacity(planes.count * blocks * bands);
    let bands = |plane| <[f32]>::chunks_mut(plane, band_rows * planes.columns);
    for (volume, rest) in output.chunks_mut(out * depth * planes.pixels()).enumerate() {
        for (index, group) in rest.chunks_mut(block * depth * planes.pixels()).enumerate() {
            let channels = group.chunks_mut(depth * planes.pixels());
            let mut parts: Vec<_> =
                channels.map(|channel| channel.chunks_mut(planes.pixels()).flat_map(bands)).collect();
            for slice in 0..depth {
                for band in 0..planes.rows.div_ceil(band_rows) {
                    let rows: Vec<&mut [f32]> = parts.iter_mut().filter_map(Iterator::next).collect();
                    tasks.push((volume * depth + slice, index, band * band_rows, rows));
                }
            }
        }
    }
    tasks.into_par_iter().for_each(|(image, index, first_row, rows)| {
        let size = planes.channels * TAPS * block;
        arch.dispatch(Band {
            input: &padded[slices.padded(image, 0) * planes.bordered()..],
            weight: &packed[index * size..(index + 1) * size],
            bias: bias.map(|b| &b[index * block..out.min((index + 1) * block)]),
            slices,
            first_row,
            rows,
        });
    });
    output
}

/// A band of rows of one block of output channels of one image.
struct Band<'a> {
    input: &'a [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    slices: Slices,
    first_row: usize,
    rows: Vec<&'a mut [f32]>,
}

impl WithSimd for Band<'_> {
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

impl Band<'_> {
    #[inline(always)]
    fn run<S: Simd, const CHANNELS: usize>(mut self, simd: S) {
        let planes = self.slices.planes;
        let (stride, columns) = (planes.stride(), planes.columns);
        let last_plane = self.slices.padded(0, planes.channels - 1);
        let (window, depth) = (self.slices.window, self.slices.padded_depth());
        let row_count = self.rows[0].len() / columns;
        let (first, last) = (self.first_row * stride, (self.first_row + row_count) * stride - 2);
        let offsets: [usize; TAPS] = std::array::from_fn(|tap| tap / 3 * stride + tap % 3);
        let step = VECTORS * S::F32_LANES;
        let mut tile = [[0.0f32; VECTORS * 16]; CHANNELS];
        assert!(self.input.len() >= last_plane * planes.bordered() + last + 2 * stride + 2 + step);
        assert!(self.weight.len() == planes.channels * TAPS * CHANNELS);
        for position in (first..last).step_by(step) {
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; CHANNELS];
            // Where a channel lies, counted along: a division takes longer than its taps.
            let (mut shift, mut plane) = (0, 0);
            for channel in 0..planes.channels {
                for (tap, offset) in offsets.iter().enumerate() {
                    // SAFETY: `position < last`, and the first assertion covers the last channel, tap and vector; the
                    // second covers the weights.
                    let (pixels, weights) = unsafe {
                        (
                            self.input.as_ptr().add(plane + position + offset),
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
                shift += 1;
                plane += planes.bordered();
                if shift == window {
                    (shift, plane) = (0, plane + (depth - window) * planes.bordered());
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
