//! Tables of tiles in kerma's convention, from integers alone. Tier E.
//!
//! ```text
//! h_b = Σ counts of the g levels of bin b    g = 2^k levels each, H = 2^bits/g bins
//! L   = max(1, ⌊A·s⌋)                        s = c/H, in steps of 2^−32
//! C_b = Σ_{i < b} min(h_i, L) + b·⌊E/H⌋ + ⌈b·r/H⌉,   r = E mod H
//! S   = C_b + ⌊(j + 1)·(C_{b+1} − C_b)/g⌋    for level j of bin b, from 0 on
//! T   = ⌊S·M / 2^32⌋,                        M = ⌊(2^bits − 1)·2^32/A⌋ + 1
//! ```
//! where h is the histogram, A its sum and E = Σ max(h − L, 0). The remainder r of the excess goes to the bins
//! ⌊k·H/r⌋, so that no range of grey values is favoured; a stride of whole bins would leave those above r empty
//! wherever r > H/2 (<https://github.com/opencv/opencv/issues/25837>). The last S is A and so the last T = 2^bits − 1.
//! A tile without pixels changes nothing.
//!
//! Bins are as narrow as a tile of nominal size can fill: H is the largest power of two up to 2^bits and
//! max(`FEWEST_BINS`, A/`PIXELS_PER_BIN`). With a bin per level a small tile of 16 bits would have c·A/H < 1, where
//! no limit holds: every pixel would be a step of its own, and noise would take the whole range. Within a bin tables
//! are straight lines, so that grouping makes no steps.
//!
//! Shapes: `[tile row][tile column · levels + g]`, packed ← the same.

use super::ClipLimit;
use super::tables::{CHUNK, Histograms, accumulate, clipped, high_word, identity, row_operations, shared_limit};
use crate::kernels::prelude::*;

kernel! {
    /// Tables of tiles from their histograms: grey levels, tiles across and down, bins; clip limit, 0 where it is a
    /// share of the pixels; that share, in 2⁻³²; exponent k of the 2^k levels of a bin.
    struct Lut { levels, across, down, bins, limit, share, group_bits: u32 }
    shader clahe/lut + clahe/high_word + clahe/scan, Exact, [256, 1];
    reads counts[down, (across * levels)]: rows of u32;
    writes luts[down, (across * (levels / 2))]: [u16; 2];
    // One workgroup per tile.
    domain |_| Domain::groups(down, across, SHADER.workgroup[0], row_operations(across, levels));
}

/// Pixels of a tile per bin at the least, on average: then the steps of a limit are a sixteenth of a flat histogram's
/// height, and the height of a bin, which scatters by the root of its count, is known to a quarter.
const PIXELS_PER_BIN: u64 = 16;
/// Bins at the least, however small the tile: as many as displays have grey levels and scikit-image has bins. No
/// fewer than a workgroup's invocations, so that each owns whole bins.
const FEWEST_BINS: u64 = 256;

/// Records the tables of the tiles of `layout` from their histograms.
pub(super) fn record(graph: &mut Graph<'_>, histograms: &Histograms<'_>, clip: ClipLimit) -> Buffer<[u16; 2]> {
    let Histograms { counts, bits, layout, .. } = *histograms;
    let kernel = lut_of(bits, group_bits(bits, layout.tile_pixels()), layout.counts(), clip);
    kernel.compute(graph, "clip and accumulate", counts, "clahe.luts")
}

/// Exponent k of the 2^k levels that a bin holds where tiles nominally have so many pixels; at most 8.
fn group_bits(bits: u8, tile_pixels: u64) -> u32 {
    let most = (tile_pixels / PIXELS_PER_BIN).max(FEWEST_BINS);
    u32::from(bits).saturating_sub(most.ilog2())
}

fn lut_of(bits: u8, group_bits: u32, [across, down]: [u32; 2], clip: ClipLimit) -> Lut {
    let levels = 1_u32 << bits;
    let bins = levels >> group_bits;
    let [limit, share] = shared_limit(clip, bins);
    Lut { levels, across, down, bins, limit, share, group_bits }
}

fn twin(kernel: &Lut, _: &Block, counts: &[u32], luts: &mut [[u16; 2]]) {
    let levels = kernel.levels as usize;
    for (counts, lut) in counts.chunks_exact(levels).zip(luts.as_flattened_mut().chunks_exact_mut(levels)) {
        tile(kernel, counts, lut);
    }
}

vectorised! {
    fn tile(kernel: &Lut, counts: &[u32], lut: &mut [u16]) {
        let Lut { levels, bins, group_bits, .. } = *kernel;
        let group = 1_usize << group_bits;
        let joined;
        let counts = if group == 1 {
            counts
        } else {
            joined = grouped(counts, group);
            &joined
        };
        let [area, limit, excess] = clipped([kernel.limit, kernel.share], counts);
        if area == 0 {
            return identity(lut);
        }
        let (bits, last) = (bins.trailing_zeros(), bins - 1);
        let (batch, rest) = (excess >> bits, excess & last);
        let scale = ((u64::from(levels - 1) << 32) / u64::from(area)) + 1;
        let (mut run, mut start) = (0, 0);
        let mut sums = [0; CHUNK];
        for (chunk, (counts, lut)) in counts.chunks(CHUNK).zip(lut.chunks_mut(CHUNK * group)).enumerate() {
            accumulate(counts, limit, &mut run, &mut sums);
            for (k, sum) in sums.iter_mut().enumerate() {
                // At most 65,536·65,535 + 65,535 = 2^32 − 1 for bins that exist.
                let bin = (chunk * CHUNK + k) as u32 + 1;
                let given = bin.wrapping_mul(batch).wrapping_add(bin.wrapping_mul(rest).wrapping_add(last) >> bits);
                *sum = sum.wrapping_add(given);
            }
            if group == 1 {
                scaled(&sums, scale, lut);
                continue;
            }
            // Groups have at most 256 levels and divide a chunk.
            let mut levels = [0; CHUNK];
            for (bins, lut) in sums.chunks_exact(CHUNK / group).zip(lut.chunks_exact_mut(CHUNK)) {
                spread(bins, group_bits, &mut start, &mut levels);
                scaled(&levels, scale, lut);
            }
        }
    }
}

/// Sums of groups of neighbouring counts.
#[inline(always)]
fn grouped(counts: &[u32], group: usize) -> Vec<u32> {
    counts.chunks_exact(group).map(|levels| levels.iter().fold(0_u32, |sum, n| sum.wrapping_add(*n))).collect()
}

/// Sums at every level from those at the ends of bins; `start` is the sum before the first and goes on.
///
/// A bin's count times a level's place may pass 2^32, so that its whole parts and its remainder are scaled apart.
#[inline(always)]
fn spread(bins: &[u32], group_bits: u32, start: &mut u32, levels: &mut [u32; CHUNK]) {
    for (bin, levels) in bins.iter().zip(levels.chunks_exact_mut(1 << group_bits)) {
        let count = bin.wrapping_sub(*start);
        let (whole, rest) = (count >> group_bits, count & ((1 << group_bits) - 1));
        for (j, level) in (1_u32..).zip(levels) {
            *level = start.wrapping_add(whole.wrapping_mul(j)).wrapping_add((rest * j) >> group_bits);
        }
        *start = *bin;
    }
}

/// Entries from sums: ⌊S·M/2^32⌋.
#[inline(always)]
fn scaled(sums: &[u32; CHUNK], scale: u64, lut: &mut [u16]) {
    let (high, low) = ((scale >> 32) as u32, scale as u32);
    for (entry, sum) in lut.iter_mut().zip(sums) {
        *entry = sum.wrapping_mul(high).wrapping_add(high_word(*sum, low)) as u16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped_table(counts: &[u32], group_bits: u32, clip: ClipLimit) -> Vec<u16> {
        let mut entries = vec![0; counts.len()];
        tile(&lut_of(counts.len().ilog2() as u8, group_bits, [1, 1], clip), counts, &mut entries);
        entries
    }

    fn table(counts: &[u32], clip: ClipLimit) -> Vec<u16> {
        grouped_table(counts, 0, clip)
    }

    /// The formulas as they stand, in wide integers.
    fn plainly(counts: &[u32], group_bits: u32, share: Option<f64>) -> Vec<u16> {
        let group = 1_u64 << group_bits;
        let heights: Vec<u64> = counts.chunks(group as usize).map(|c| c.iter().map(|n| u64::from(*n)).sum()).collect();
        let (bins, area) = (heights.len() as u64, heights.iter().sum::<u64>());
        let steps = share.map(|s| (s * 2f64.powi(32)).round() as u64);
        let limit = steps.map_or(u64::MAX, |s| ((area * s) >> 32).max(1));
        let excess: u64 = heights.iter().map(|h| h.saturating_sub(limit)).sum();
        let scale = ((counts.len() as u64 - 1) << 32) / area + 1;
        let (mut run, mut lut) = (0, Vec::new());
        for (b, height) in heights.iter().enumerate() {
            let given = |b: u64| b * (excess / bins) + (b * (excess % bins)).div_ceil(bins);
            let start = run + given(b as u64);
            run += (*height).min(limit);
            let count = run + given(b as u64 + 1) - start;
            lut.extend((1..=group).map(|j| (((start + j * count / group) * scale) >> 32) as u16));
        }
        lut
    }

    #[test]
    fn tables_are_those_of_the_formulas() {
        for (bits, group_bits) in [(12, 0), (12, 4), (16, 8), (16, 3), (9, 1)] {
            for (seed, heaviest) in [(1, 60), (5, 3), (9, 1 << 22)] {
                let random = |i: u32| (i ^ seed).wrapping_mul(2_654_435_761).rotate_left(13) >> 9;
                // Up to 2^30 pixels, most of them in few bins.
                let count =
                    |i: u32| if random(i).is_multiple_of(200) { random(i + 7) % heaviest } else { random(i) & 1 };
                let counts: Vec<u32> = (0..1 << bits).map(count).collect();
                for c in [0.5, 2.0, 40.0] {
                    let share = c / f64::from(1_u32 << (bits - group_bits));
                    let got = grouped_table(&counts, group_bits, ClipLimit::Uniform(c));
                    assert_eq!(got, plainly(&counts, group_bits, Some(share)), "{bits}, {group_bits}, {seed}, {c}");
                }
                assert_eq!(grouped_table(&counts, group_bits, ClipLimit::Off), plainly(&counts, group_bits, None));
            }
        }
    }

    #[test]
    fn bins_hold_sixteen_pixels_or_there_are_256() {
        // 4000², 8 × 8 tiles: 250 000 pixels fill 8192 bins.
        assert_eq!(group_bits(16, 250_000), 3);
        assert_eq!(group_bits(14, 250_000), 1);
        assert_eq!(group_bits(13, 250_000), 0);
        assert_eq!(group_bits(16, 65_536 * 16), 0);
        assert_eq!(group_bits(16, 65_536 * 16 - 1), 1);
        assert_eq!(group_bits(16, 1), 8);
        assert_eq!(group_bits(12, 40 * 33 / 64), 4);
        assert!((1..=8).all(|bits| group_bits(bits, 1) == 0));
    }

    #[test]
    fn a_limit_holds_in_small_tiles() {
        // 16,384 pixels within a sixteenth of 65,536 levels, each level with 4 pixels: 16 times a flat height.
        let mut counts = vec![0; 1 << 16];
        counts[30_000..30_000 + 4096].fill(4);
        let k = group_bits(16, 16_384);
        for clip in [1.0, 2.0, 3.0] {
            let lut = grouped_table(&counts, k, ClipLimit::Uniform(clip));
            let slope = f64::from(lut[33_000] - lut[31_000]) / 2000.0;
            // What is clipped comes back to all bins: at most one height more.
            assert!(slope <= clip + 1.0 && slope >= clip * 0.9, "{clip} became {slope}");
        }
    }

    #[test]
    fn every_table_is_monotone_and_ends_at_the_top() {
        for bits in [1, 3, 8, 12, 16] {
            let levels = 1_usize << bits;
            for seed in 1..8_u32 {
                let counts: Vec<u32> = (0..levels as u32)
                    .map(|i| (i.wrapping_mul(2_654_435_761) >> (8 + seed * 3)) % (seed * 50))
                    .collect();
                for clip in [ClipLimit::Off, ClipLimit::Uniform(0.01), ClipLimit::Uniform(2.0), ClipLimit::Share(0.5)] {
                    let lut = table(&counts, clip);
                    let is_empty = counts.iter().all(|n| *n == 0);
                    assert!(lut.is_sorted());
                    assert_eq!(usize::from(lut[levels - 1]), levels - 1, "{bits} bits, {clip:?}, empty: {is_empty}");
                }
            }
        }
    }

    #[test]
    fn no_range_of_bins_is_favoured() {
        // All pixels in one bin, clipped to 1: a remainder of 47,320 must reach bins far above 47,320.
        let mut counts = vec![0; 1 << 16];
        counts[100] = 47_321;
        let lut = table(&counts, ClipLimit::Uniform(0.001));
        // A count is worth 65,535/47,321 = 1.4 levels: that of bin 100, the one rounded up, and a bin's own make 4.
        for i in (1000..1 << 16).step_by(1000) {
            assert!((i32::from(lut[i]) - i as i32).abs() <= 4, "{i} became {}", lut[i]);
        }
    }

    #[test]
    fn without_a_limit_it_is_plain_equalisation() {
        let lut = table(&[4, 0, 0, 4, 0, 8, 0, 0], ClipLimit::Off);
        assert_eq!(lut, [1, 1, 1, 3, 3, 7, 7, 7]);
        assert_eq!(table(&[0; 8], ClipLimit::Off), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
