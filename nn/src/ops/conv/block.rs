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

struct Measure;

impl WithSimd for Measure {
    type Output = Block;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Block {
        let channels = if S::REGISTER_COUNT >= 32 { CHANNELS_WIDE } else { CHANNELS_NARROW };
        Block { channels, positions: VECTORS * S::F32_LANES }
    }
}
