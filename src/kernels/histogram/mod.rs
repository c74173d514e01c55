//! Histograms of grey values, of a whole image or of its tiles.
//!
//! Tiles are cut into strips of rows that are counted side by side ([`count`]) and added up ([`merge`]). All sums are
//! of integers, so their order does not matter.

pub mod count;
pub mod merge;
mod tiles;

pub use tiles::{Axis, Tiles};

use super::{Mask, Pixels};
use crate::engine::{Buffer, Graph, Shader};

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&count::SHADER, &merge::SHADER];

/// Strips that are counted side by side, over all tiles: enough for a small GPU.
const STRIPS: u32 = 128;
/// The same where a histogram is too large for workgroup memory, so that what is written does not exceed what is read.
const LARGE_STRIPS: u32 = 32;

/// Records the histograms of the `tiles` of `pixels`, without the pixels outside the `mask`.
///
/// ```text
/// h[t][g] = number of pixels of tile t whose value is g
/// ```
/// A pixel that a tile contains several times, by mirroring at the image's edges, counts as often.
///
/// Shapes: `[tile row][tile column · levels + g]` ← packed pixels. Tier E.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, tiles: &Tiles) -> Buffer<u32> {
    let [across, down] = tiles.axes.map(|a| a.count);
    let wanted = if count::fits_workgroup(pixels.levels()) { STRIPS } else { LARGE_STRIPS };
    let (_, tallest) = tiles.axes[1].lengths();
    // Boundaries of strips are products that must stay within 32 bits.
    let countable = (u32::MAX / tiles.axes[1].numerator.max(1)).saturating_sub(1) / down.max(1);
    let strips = (wanted / (across * down).max(1)).min(countable).clamp(1, tallest.max(1));
    let partial = count::record(graph, pixels, mask, &tiles.in_strips(strips));
    if strips == 1 { partial } else { merge::record(graph, partial, strips) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::{Control, Device, Plan};

    /// Pixel by pixel of every tile.
    fn plainly([columns, _]: [u32; 2], pixels: &[u16], bits: u8, mask: &[bool], tiles: &Tiles) -> Vec<u32> {
        let [x, y] = tiles.axes;
        let levels = 1 << bits;
        let mut counts = vec![0; (x.count * y.count) as usize * levels];
        for (slot, (row, column)) in (0..y.count).flat_map(|r| (0..x.count).map(move |c| (r, c))).enumerate() {
            for v in y.range(row) {
                for u in x.range(column) {
                    let place = (y.mirrored(v) * columns + x.mirrored(u)) as usize;
                    counts[slot * levels + usize::from(pixels[place])] += u32::from(mask[place]);
                }
            }
        }
        counts
    }

    fn recorded(size: [u32; 2], pixels: &[u16], bits: u8, mask: Option<&[bool]>, tiles: &Tiles) -> Vec<u32> {
        let columns = size[0] as usize;
        let pair = |p: &[u16]| [p[0], p.get(1).copied().unwrap_or(0)];
        let words: Vec<[u16; 2]> = pixels.chunks(columns).flat_map(|row| row.chunks(2).map(pair)).collect();
        let bits_of = |b: &[bool]| b.iter().rev().fold(0, |word, b| word << 1 | u32::from(*b));
        let mask: Option<Vec<u32>> =
            mask.map(|m| m.chunks(columns).flat_map(|row| row.chunks(32).map(bits_of)).collect());
        let mut graph = Graph::new();
        let buffer = graph.upload("pixels", Pixels::extent(size), &words);
        let pixels = Pixels::of(&mut graph, buffer, size, bits);
        let mask = mask.as_ref().map(|m| Mask { buffer: graph.upload("mask", Mask::extent(size), m), size });
        let counts = record(&mut graph, pixels, mask, tiles);
        let output = graph.result(counts);
        let plan = Plan::new(&graph, Device::cpu().limits()).unwrap();
        pollster::block_on(Device::cpu().run(&plan, &Control::default())).unwrap().take(output).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_pixel_of_every_tile_counts_once(
            size in [1_u32..90, 1_u32..40],
            bits in 1_u8..=12,
            offsets in [-50_i32..50, -50_i32..50],
            (numerators, denominators) in ([1_u32..40, 1_u32..40], [1_u32..4, 1_u32..4]),
            count in [1_u32..5, 1_u32..5],
            seed in any::<u32>(),
        ) {
            let random = |i: u32| (i ^ seed).wrapping_mul(0x9E37_79B1).rotate_left(15).wrapping_mul(0x85EB_CA77) >> 9;
            let pixels: Vec<u16> = (0..size[0] * size[1]).map(|i| (random(i) % (1 << bits)) as u16).collect();
            let mask: Vec<bool> = (0..size[0] * size[1]).map(|i| i / 40 % 3 == 0 || random(i) % 5 < 2).collect();
            let axis = |a: usize| Axis {
                offset: offsets[a],
                numerator: numerators[a],
                denominator: denominators[a],
                count: count[a],
                length: size[a],
            };
            for tiles in [Tiles { axes: [axis(0), axis(1)] }, Tiles::even(size, count)] {
                let all = vec![true; pixels.len()];
                prop_assert_eq!(recorded(size, &pixels, bits, None, &tiles), plainly(size, &pixels, bits, &all, &tiles));
                let want = plainly(size, &pixels, bits, &mask, &tiles);
                prop_assert_eq!(recorded(size, &pixels, bits, Some(&mask), &tiles), want);
            }
        }
    }

    #[test]
    fn sixteen_bits_are_counted_to_the_last_level() {
        let size = [4096, 16];
        let pixels: Vec<u16> = (0..=u16::MAX).collect();
        assert_eq!(recorded(size, &pixels, 16, None, &Tiles::whole(size)), vec![1; 65_536]);
    }
}
