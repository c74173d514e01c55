//! Tables of tiles in kerma's convention, from integers alone. Tier E.
//!
//! ```text
//! L   = max(1, ⌊A·s⌋)                       s = c/H, in steps of 2^−32
//! c_i = Σ_{k ≤ i} min(h_k, L) + (i + 1)·⌊E/H⌋ + ⌈(i + 1)·r/H⌉,   r = E mod H
//! T_i = ⌊c_i·M / 2^32⌋,                      M = ⌊(H − 1)·2^32/A⌋ + 1
//! ```
//! where h is the histogram, H = 2^bits the number of bins, A its sum and E = Σ max(h − L, 0). The remainder r of the
//! excess goes to the bins ⌊k·H/r⌋, so that no range of grey values is favoured; a stride of whole bins would leave
//! those above r empty wherever r > H/2 (<https://github.com/opencv/opencv/issues/25837>). c_last = A and so
//! T_last = H − 1. A tile without pixels changes nothing.
//!
//! Shapes: `[tile row][tile column · levels + g]`, packed ← the same.

use super::{
    ClipLimit,
    tables::{CHUNK, Lut, LutParams, accumulate, clipped, high_word, identity, shared_limit},
};
use crate::{
    engine::{Buffer, Graph, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "clahe.lut",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/clahe/lut.wgsl"),
    structs: &[StructText::of::<LutParams>()],
    reads: 1,
    writes: 1,
    workgroup: [256, 1],
};

/// Records the tables of so many `tiles` (across, down) from their histograms of `levels` bins.
pub fn record(
    graph: &mut Graph<'_>,
    counts: Buffer<u32>,
    levels: u32,
    tiles: [u32; 2],
    clip: ClipLimit,
) -> Buffer<[u16; 2]> {
    let [limit, share] = shared_limit(clip, levels);
    let params = LutParams { size: [levels, tiles[0], levels, 0], clip: [limit, share, 0, 0] };
    Lut { shader: &SHADER, params, rows: tiles[1], twin }.record(graph, counts)
}

vectorised! {
    fn twin(params: &LutParams, counts: &[u32], lut: &mut [u16]) {
        let [area, limit, excess] = clipped(params, counts);
        if area == 0 {
            return identity(lut);
        }
        let levels = counts.len() as u32;
        let (bits, last) = (levels.trailing_zeros(), levels - 1);
        let (batch, rest) = (excess >> bits, excess & last);
        let scale = ((u64::from(last) << 32) / u64::from(area)) + 1;
        let (high, low) = ((scale >> 32) as u32, scale as u32);
        let mut run = 0;
        let mut sums = [0; CHUNK];
        for (chunk, (counts, lut)) in counts.chunks(CHUNK).zip(lut.chunks_mut(CHUNK)).enumerate() {
            accumulate(counts, limit, &mut run, &mut sums);
            for (k, (entry, sum)) in lut.iter_mut().zip(sums).enumerate() {
                // At most 65,536·65,535 + 65,535 = 2^32 − 1.
                let bin = (chunk * CHUNK + k) as u32 + 1;
                let sum = sum.wrapping_add(bin.wrapping_mul(batch)).wrapping_add((bin * rest + last) >> bits);
                *entry = sum.wrapping_mul(high).wrapping_add(high_word(sum, low)) as u16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: &[u32], clip: ClipLimit) -> Vec<u16> {
        let [limit, share] = shared_limit(clip, counts.len() as u32);
        let mut lut = vec![0; counts.len()];
        let levels = counts.len() as u32;
        twin(&LutParams { size: [levels, 1, levels, 0], clip: [limit, share, 0, 0] }, counts, &mut lut);
        lut
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
