//! Tables of tiles in OpenCV's convention. Tier P.
//!
//! ```text
//! L   = max(1, ⌊c·A/H⌋)
//! c_i = Σ_{k ≤ i} min(h_k, L) + (i + 1)·⌊E/H⌋ + min(⌊i/d⌋ + 1, r)    r = E mod H, d = max(⌊H/r⌋, 1)
//! T_i = round(f32(c_i)·f32((H − 1)/A))                             half to even
//! ```
//! with H = 256 or 65,536 bins whatever the number of grey levels; only the tables of grey levels that exist are kept.
//! Source: `modules/imgproc/src/clahe.cpp` of OpenCV 4.11 and 5.0, `CLAHE_CalcLut_Body`.
//!
//! With a mask A is what the tile's histogram holds, and L and the scale follow it on the device.
//!
//! Shapes: `[tile row][tile column · levels + g]`, packed ← the same.

use super::tables::{CHUNK, Histograms, NO_LIMIT, accumulate, clipped, identity, row_operations, shared_limit};
use super::{Clahe, ClipLimit};
use crate::kernels::prelude::*;

kernel! {
    /// Tables of tiles from their histograms: grey levels, tiles across and down, bins; clip limit, 0 where it is a
    /// share of the pixels; that share, in 2⁻³²; largest value over a tile's pixels, 0 where tiles have different numbers
    /// of them.
    struct Lut { levels, across, down, bins, limit, share: u32, scale: f32 }
    shader clahe/lut_opencv + clahe/high_word + clahe/scan, Pinned, [256, 1];
    reads counts[down, (across * levels)]: rows of u32;
    writes luts[down, (across * (levels / 2))]: [u16; 2];
    // One workgroup per tile.
    domain |_| Domain::groups(down, across, SHADER.workgroup[0], row_operations(across, levels));
}

/// 2^23: the sum with a smaller number holds it, rounded half to even, in its low bits.
pub(super) const ROUNDER: f32 = 8_388_608.0;

/// Records the tables of the tiles of `layout` from their histograms.
pub(super) fn record(graph: &mut Graph<'_>, histograms: &Histograms<'_>, clahe: &Clahe) -> Buffer<[u16; 2]> {
    let ([levels, across, down], bins) = (histograms.sizes(), 1 << clahe.bits_out(histograms.bits));
    let ([limit, share], scale) = limit_and_scale(histograms, clahe.clip, bins);
    let kernel = Lut { levels, across, down, bins, limit, share, scale };
    kernel.compute(graph, "clip and accumulate", histograms.counts, "clahe.luts")
}

/// Clip limit and share as [`shared_limit`] gives them, and the largest value over a tile's pixels.
fn limit_and_scale(histograms: &Histograms<'_>, clip: ClipLimit, bins: u32) -> ([u32; 2], f32) {
    if histograms.is_masked {
        return (shared_limit(clip, bins), 0.0);
    }
    let [width, height] = histograms.layout.tiles.axes.map(|axis| f64::from(axis.numerator));
    let area = width * height;
    let limit = match clip {
        ClipLimit::Uniform(c) => (c * area / f64::from(bins)).max(1.0) as u32,
        ClipLimit::Share(s) => (s * area).max(1.0) as u32,
        ClipLimit::Off => NO_LIMIT,
    };
    ([limit, 0], (bins - 1) as f32 / area as f32)
}

fn twin(kernel: &Lut, _: &Block, counts: &[u32], luts: &mut [[u16; 2]]) {
    let levels = kernel.levels as usize;
    for (counts, lut) in counts.chunks_exact(levels).zip(luts.as_flattened_mut().chunks_exact_mut(levels)) {
        tile(kernel, counts, lut);
    }
}

vectorised! {
    fn tile(kernel: &Lut, counts: &[u32], lut: &mut [u16]) {
        let [area, limit, excess] = clipped([kernel.limit, kernel.share], counts);
        if area == 0 {
            return identity(lut);
        }
        let bins = kernel.bins;
        let (batch, rest) = (excess / bins, excess % bins);
        // ⌊i/d⌋ = ⌊i·⌈2^31/d⌉/2^31⌋ for i < 2^16, since d is at most 2^15 or the number of bins itself
        // (Granlund and Montgomery 1994, theorem 4.2).
        let stride = bins.checked_div(rest).unwrap_or(bins).max(1);
        let inverse = (1_u32 << 31).div_ceil(stride);
        let scale = match kernel.scale {
            0.0 => (bins - 1) as f32 * reciprocal(area as f32),
            scale => scale,
        };
        let mut run = 0;
        let mut sums = [0; CHUNK];
        for (chunk, (counts, lut)) in counts.chunks(CHUNK).zip(lut.chunks_mut(CHUNK)).enumerate() {
            accumulate(counts, limit, &mut run, &mut sums);
            for (k, (entry, sum)) in lut.iter_mut().zip(sums).enumerate() {
                let bin = (chunk * CHUNK + k) as u32;
                let strides = ((u64::from(bin) * u64::from(inverse)) >> 31) as u32;
                let sum = sum.wrapping_add((bin + 1).wrapping_mul(batch)).wrapping_add((strides + 1).min(rest));
                // Counts of pixels are below 2^31. The product is at most 65,535·(1 + 2^−22), below 65,535.5.
                let scaled = sum.cast_signed() as f32 * scale;
                *entry = (scaled + ROUNDER).to_bits() as u16;
            }
        }
    }
}
