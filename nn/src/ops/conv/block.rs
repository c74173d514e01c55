//! What is held in registers: sums of some output channels at some vectors of positions.

use pulp::{Arch, Simd, WithSimd};

/// Vectors of positions in a block.
pub(super) const VECTORS: usize = 3;
/// Channels in a block where there are 32 vector registers, and where there are 16.
pub(super) const CHANNELS_WIDE: usize = 8;
pub(super) const CHANNELS_NARROW: usize = 4;

/// Output channels and positions of a block on a machine.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) channels: usize,
    pub(super) positions: usize,
}

impl Block {
    pub(super) fn of(arch: Arch) -> Self {
        arch.dispatch(Measure)
    }
}

/// A product of matrices in a block: `[output][position]` of weights `[in][output]` and pixels `[in][position]`, whose rows lie
/// `stride` apart.
#[inline(always)]
pub(super) fn product<S: Simd, const CHANNELS: usize>(
    simd: S,
    weights: &[f32],
    (pixels, stride): (&[f32], usize),
    to: &mut [f32],
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; CHANNELS];
    for (weights, pixels) in weights.chunks_exact(CHANNELS).zip(pixels.chunks(stride)) {
        let pixels = &S::as_simd_f32s(pixels).0[..VECTORS];
        for index in 0..CHANNELS {
            let weight = simd.splat_f32s(weights[index]);
            for vector in 0..VECTORS {
                sums[index][vector] = simd.mul_add_e_f32s(weight, pixels[vector], sums[index][vector]);
            }
        }
    }
    for (to, sums) in to.chunks_exact_mut(VECTORS * S::F32_LANES).zip(&sums) {
        let (vectors, _) = S::as_mut_simd_f32s(to);
        vectors.iter_mut().zip(sums).for_each(|(to, from)| *to = *from);
    }
}

struct Measure;

impl WithSimd for Measure {
    type Output = Block;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Block {
        let channels = if S::REGISTER_COUNT >= 32 { CHANNELS_WIDE } else { CHANNELS_NARROW };
        Block { channels, positions: VECTORS * S::F32_LANES }
    }
}
