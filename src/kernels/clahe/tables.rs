//! What the kernels share that turn histograms into tables: limits, clipping and sums.

use super::{ClipLimit, axes::Layout};
use crate::engine::Buffer;

/// Histograms of the tiles of a layout.
pub(super) struct Histograms<'l> {
    /// One row per row of tiles.
    pub(super) counts: Buffer<u32>,
    /// Significant bits of the pixels.
    pub(super) bits: u8,
    /// Whether a mask leaves tiles different numbers of pixels.
    pub(super) is_masked: bool,
    pub(super) layout: &'l Layout,
}

impl Histograms<'_> {
    /// Grey levels; tiles across and down.
    pub(super) fn sizes(&self) -> [u32; 3] {
        let [across, down] = self.layout.counts();
        [1 << self.bits, across, down]
    }
}

/// Clip limit above every count.
pub(super) const NO_LIMIT: u32 = u32::MAX;

/// Clip limits as the shaders take them: a fixed one or 0, and the share of the pixels that replaces it where 0.
pub(super) fn shared_limit(clip: ClipLimit, bins: u32) -> [u32; 2] {
    match clip.share(bins) {
        // Shares below 1: 2^32 is reached by rounding alone.
        Some(share) => [0, (share * 2f64.powi(32)).round().clamp(1.0, f64::from(u32::MAX)) as u32],
        None => [NO_LIMIT, 0],
    }
}

/// Operations of a row of `across` tiles: three walks over the bins.
pub(super) fn row_operations(across: u32, levels: u32) -> f64 {
    12.0 * f64::from(across) * f64::from(levels)
}

/// Pixels of a tile, its clip limit, a fixed one or a share of the pixels, and what is above that limit.
#[inline(always)]
pub(super) fn clipped([fixed, share]: [u32; 2], counts: &[u32]) -> [u32; 3] {
    let area = counts.iter().fold(0_u32, |sum, n| sum.wrapping_add(*n));
    let limit = if fixed == 0 { high_word(area, share).max(1) } else { fixed };
    let excess = counts.iter().fold(0_u32, |sum, n| sum.wrapping_add((*n).max(limit) - limit));
    [area, limit, excess]
}

/// High word of a product.
#[inline(always)]
pub(super) fn high_word(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

/// Bins whose sums are formed in one go before they are scaled.
pub(super) const CHUNK: usize = 256;

/// Adds up clipped counts; `run` goes on from chunk to chunk.
#[inline(always)]
pub(super) fn accumulate(counts: &[u32], limit: u32, run: &mut u32, sums: &mut [u32; CHUNK]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *run = run.wrapping_add((*count).min(limit));
        *sum = *run;
    }
}

/// Table that changes nothing, for a tile without pixels.
pub(super) fn identity(lut: &mut [u16]) {
    for (value, entry) in lut.iter_mut().enumerate() {
        *entry = value as u16;
    }
}
