//! Tables of tiles in scikit-image's convention: 14 bits, joined into bins of 65 grey levels. Tier E.
//!
//! ```text
//! h_b = number of pixels with ⌊v/65⌋ = b, for 256 bins;   L = max(1, ⌊s·A⌋)
//! T_v = ⌊16383/A · Σ_{k ≤ ⌊v/65⌋} h'_k⌋
//! ```
//! where h' is h clipped at L and filled up with the excess in steps that never exceed L: first ⌊E/256⌋ to every bin,
//! then one to every so many of the bins that are below L, from bin 0, 1, 2 … on, until nothing is left or no bin takes
//! more. Source: `skimage/exposure/_adapthist.py` of scikit-image 0.26, `clip_histogram` and `map_histogram`.
//!
//! The floor is exact but where the quotient is a whole number k and double precision, in which scikit-image computes,
//! arrives just below it: those places are found on the host and the table holds k − 1, as there.
//!
//! Shapes: `[tile row][tile column · 16384 + v]`, packed ← the same, places of the exact quotients.

use super::ClipLimit;
use super::tables::{Histograms, NO_LIMIT, clipped, identity, row_operations, shared_limit};
use crate::kernels::prelude::*;

/// Grey levels inside scikit-image's algorithm, in bits.
pub(super) const GREY_BITS: u8 = 14;
const LEVELS: usize = 1 << GREY_BITS;
const TOP: u32 = LEVELS as u32 - 1;
/// Bins: the default of scikit-image.
const BINS: usize = 256;
/// Grey levels of a bin: 1 + 16384/256.
const BIN_WIDTH: usize = 1 + LEVELS / BINS;

kernel! {
    /// Tables of tiles from their histograms: grey levels, tiles across and down; clip limit, 0 where it is a share of
    /// the pixels; that share, in 2⁻³²; greatest common divisor of 16383 and a tile's pixels, 0 where tiles have different
    /// numbers of them.
    struct Lut { levels, across, down, limit, share, divisor: u32 }
    shader clahe/lut_skimage + clahe/high_word, Exact, [256, 1];
    reads counts[down, (across * levels)]: rows of u32, places[1, _]: whole of u32;
    writes luts[down, (across * (levels / 2))]: [u16; 2];
    // One workgroup per tile.
    domain |_| Domain::groups(down, across, SHADER.workgroup[0], row_operations(across, levels));
}

/// Records the tables of the tiles of `layout` from their histograms of 14-bit pixels.
pub(super) fn record(graph: &mut Graph<'_>, histograms: &Histograms<'_>, clip: ClipLimit) -> Buffer<[u16; 2]> {
    let [levels, across, down] = histograms.sizes();
    let ([limit, share], divisor, places) = limit_and_places(histograms, clip);
    let luts = graph.buffer("clahe.luts", Extent { slices: 1, rows: down, columns: across * levels / 2 });
    let places = graph.upload_table("clahe.places", &places);
    let kernel = Lut { levels, across, down, limit, share, divisor };
    kernel.compute(graph, "clip and accumulate", histograms.counts, places, luts)
}

/// Clip limit and share as [`shared_limit`] gives them, the divisor, and the places of the exact quotients.
fn limit_and_places(histograms: &Histograms<'_>, clip: ClipLimit) -> ([u32; 2], u32, Vec<u32>) {
    if histograms.is_masked {
        return (shared_limit(clip, BINS as u32), 0, vec![0]);
    }
    let [width, height] = histograms.layout.tiles.axes.map(|axis| axis.numerator);
    let area = width * height;
    let limit = clip.share(BINS as u32).map_or(NO_LIMIT, |share| (share * f64::from(area)).max(1.0) as u32);
    ([limit, 0], greatest_common_divisor(TOP, area), short_places(area))
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Bit j says that double precision falls short of the whole number 16383/A·c at c = j·A/g, g the common divisor.
fn short_places(area: u32) -> Vec<u32> {
    let divisor = greatest_common_divisor(TOP, area);
    let mut words = vec![0_u32; divisor as usize / 32 + 1];
    let scale = f64::from(TOP) / f64::from(area);
    for j in 0..=divisor {
        let whole = j * (TOP / divisor);
        if f64::from(j * (area / divisor)) * scale < f64::from(whole) {
            words[j as usize / 32] |= 1 << (j % 32);
        }
    }
    words
}

fn twin(kernel: &Lut, _: &Block, counts: &[u32], places: &[u32], luts: &mut [[u16; 2]]) {
    for (counts, lut) in counts.chunks_exact(LEVELS).zip(luts.as_flattened_mut().chunks_exact_mut(LEVELS)) {
        tile(kernel, counts, places, lut);
    }
}

fn tile(kernel: &Lut, counts: &[u32], places: &[u32], lut: &mut [u16]) {
    let mut bins = [0_i32; BINS];
    for (bin, counts) in bins.iter_mut().zip(counts.chunks(BIN_WIDTH)) {
        *bin = counts.iter().sum::<u32>().cast_signed();
    }
    let [area, limit, excess] = clipped([kernel.limit, kernel.share], &bins.map(i32::cast_unsigned));
    if area == 0 {
        return identity(lut);
    }
    // Counts of pixels are below 2^31.
    fill(&mut bins, limit.min(area).cast_signed(), excess.cast_signed());
    let mut sum = 0;
    for (bin, lut) in bins.into_iter().zip(lut.chunks_mut(BIN_WIDTH)) {
        sum += bin.cast_unsigned();
        lut.fill(mapped(sum, area, kernel.divisor, places) as u16);
    }
}

/// Clips bins and fills them up with what is above the limit.
fn fill(bins: &mut [i32; BINS], limit: i32, mut excess: i32) {
    let increment = excess / BINS as i32;
    let upper = limit - increment;
    for bin in bins.iter_mut() {
        *bin = (*bin).min(limit);
        if *bin < upper {
            *bin += increment;
            excess -= increment;
        }
        if *bin >= upper && *bin < limit {
            excess -= limit - *bin;
            *bin = limit;
        }
    }
    let mut start = 0;
    while excess > 0 {
        let below = bins.iter().filter(|b| **b < limit).count() as i32;
        if below == 0 {
            break;
        }
        let step = (below / excess).max(1) as usize;
        for bin in bins[start..].iter_mut().step_by(step) {
            if *bin < limit {
                *bin += 1;
                excess -= 1;
            }
        }
        start = (start + 1) % BINS;
    }
}

/// ⌊16383·sum/area⌋, at most 16383, less one at the places where double precision falls short.
fn mapped(sum: u32, area: u32, divisor: u32, places: &[u32]) -> u32 {
    let product = u64::from(sum) * u64::from(TOP);
    let (value, rest) = ((product / u64::from(area)) as u32, product % u64::from(area));
    if divisor > 0 && rest == 0 && sum <= area {
        let place = sum / (area / divisor);
        return value - (places[place as usize / 32] >> (place % 32) & 1);
    }
    value.min(TOP)
}
