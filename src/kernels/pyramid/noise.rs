//! Noise of a band: how its magnitudes are distributed, counted on the device.
//!
//! ```text
//! σ = median |L| / 0.6745
//! ```
//! over the band's values that differ from 0, which is the standard deviation of normal noise whatever share of the
//! image holds structure, up to a half (Hampel, J. Am. Stat. Assoc. 69:383, 1974). A band of a radiograph is noise
//! almost everywhere, edges are few.
//!
//! - Magnitudes are counted in 4096 bins of width M/8/4096, M being the full scale; the last holds what is larger still.
//!   Values are taken to lie evenly in a bin, so that σ is known to within one width over 0.6745, at worst.
//! - Exact zeros are left out. They come from saturated, collimated and empty regions, where neighbours are equal and a
//!   band has no noise to show; counted, they would pull the median towards 0, and to 0 once they are half the image.
//!   Values of whole numbers are also 0 by chance, which raises σ: by a tenth at σ = 5, by a hundredth at σ = 50.
//! - With a mask, pixel (x, y) of level k counts if pixel (x·2^k, y·2^k) of the mask is set.
//! - Every s-th row is counted, s being the smallest stride that leaves at most about two million pixels of the band.
//!
//! Rows are cut into up to 64 strips, counted apart and then merged ([`super::median`]): integers, so that no order
//! shows.
//!
//! Shapes: `[1][strip][4096]` ← `[1][rows][columns]`, the words of a mask. Tier P, exact for given values.

use crate::kernels::prelude::*;

kernel! {
    /// Counting of magnitudes.
    struct Noise {
        /// Columns and rows of the band; rows of a strip, rows from one that is counted to the next, strips.
        columns, rows, strip, stride, strips: u32,
        /// Rows of the mask, 1 without one; words of its row, 0 without one; level of the band: columns and rows of
        /// the mask are 2^level times its own.
        mask_rows, mask_words, level: u32,
        /// Bins per unit.
        scale: f32,
    }
    shader pyramid/noise, Pinned, [256, 1];
    reads band[rows, columns]: window(rows_of(strip)) of f32,
          mask[mask_rows, (mask_words.max(1))]: window(rows_of(strip << level)) of u32;
    writes results[strips, (BINS as u32)]: u32;
    domain |_| Domain::groups(strips, 1, SHADER.workgroup[0], 8.0 * f64::from(columns) * f64::from(strip / stride));
}

fn rows_of(strip: u32) -> Window {
    Window { numerator: strip, denominator: 1, first: 0, last: strip as i32 - 1 }
}

/// Bins of a histogram: what 16 KiB of workgroup memory hold.
pub(super) const BINS: usize = 4096;
/// Share of the full scale that the bins span: noise beyond an eighth of it is no noise.
const SPAN: f64 = 1.0 / 8.0;
/// Pixels that are counted, about: the median of so many is right to 0.1 %.
const SAMPLES: u64 = 1 << 21;
/// Histograms that are counted apart.
const MAX_STRIPS: u32 = 64;

/// Records the noise of `band`, which is that of level `level` of an image with values up to `largest`.
///
/// The result is one value, σ; 0 where nothing but zeros is counted.
pub fn record(graph: &mut Graph<'_>, band: Buffer<f32>, level: usize, mask: Option<Mask>, largest: f32) -> Buffer<f32> {
    let counts = counted(graph, band, level, mask, largest);
    super::median::record(graph, counts, bin_width(largest))
}

/// Width of a bin.
pub(super) fn bin_width(full_scale: f32) -> f64 {
    f64::from(full_scale) * SPAN / BINS as f64
}

/// Rows from one that is counted to the next, for a band of a size.
fn stride(extent: Extent) -> u32 {
    extent.elements().div_ceil(SAMPLES).clamp(1, u64::from(extent.rows)) as u32
}

/// Rows of a strip: whole strides, no more strips than [`MAX_STRIPS`].
fn strip_rows(extent: Extent) -> u32 {
    let stride = stride(extent);
    extent.rows.div_ceil(stride).div_ceil(MAX_STRIPS) * stride
}

fn counted(graph: &mut Graph<'_>, band: Buffer<f32>, level: usize, mask: Option<Mask>, full_scale: f32) -> Buffer<u32> {
    let extent = graph.extent(band);
    let (stride, strip) = (stride(extent), strip_rows(extent));
    let strips = extent.rows.div_ceil(strip);
    // Without a mask something is bound that is never used.
    let (mask_rows, mask_words) = mask.map_or((1, 0), |mask| (mask.size[1], Mask::row_words(mask.size)));
    let mask = mask.map_or_else(|| graph.upload_table("pyramid.no mask", &[0]), |mask| mask.buffer);
    let Extent { rows, columns, .. } = extent;
    let (level, scale) = (level as u32, (1.0 / bin_width(full_scale)) as f32);
    let kernel = Noise { columns, rows, strip, stride, strips, mask_rows, mask_words, level, scale };
    kernel.compute(graph, "noise", band, mask, "pyramid.counts")
}

fn twin(kernel: &Noise, block: &Block, band: &[f32], mask: &[u32], results: &mut [u32]) {
    let Noise { level, scale, .. } = *kernel;
    let [columns, rows, strip, stride] = [kernel.columns, kernel.rows, kernel.strip, kernel.stride].map(|n| n as usize);
    let mask_words = kernel.mask_words as usize;
    for (index, counts) in block.rows.clone().zip(results.chunks_exact_mut(BINS)) {
        let Ok(counts) = <&mut [u32; BINS]>::try_from(counts) else { return };
        counts.fill(0);
        for y in (index * strip..rows.min((index + 1) * strip)).step_by(stride) {
            let row = &band[y * columns..][..columns];
            if mask_words == 0 {
                row.iter().for_each(|value| count(counts, *value, scale, 1));
                continue;
            }
            let words = &mask[(y << level) * mask_words..][..mask_words];
            for (x, value) in row.iter().enumerate() {
                let column = x << level;
                count(counts, *value, scale, words[column / 32] >> (column % 32) & 1);
            }
        }
    }
}

/// Adds `weight`, 1 or 0, to the bin of a value that is not 0.
#[inline(always)]
fn count(counts: &mut [u32; BINS], value: f32, scale: f32, weight: u32) {
    let size = value.abs();
    let bin = (size * scale).min((BINS - 1) as f32) as usize;
    counts[bin & (BINS - 1)] += weight & u32::from(size > 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_pixels_are_counted_than_it_takes() {
        let extent = |rows, columns| Extent::new(1, rows, columns);
        for (rows, columns, want) in [(1, 1, 1), (1448, 1448, 1), (4000, 4000, 8), (4288, 4288, 9), (3, 4_000_000, 3)] {
            let extent = extent(rows, columns);
            assert_eq!(stride(extent), want, "{rows} × {columns}");
            let strip = strip_rows(extent);
            assert!(strip.is_multiple_of(want) && extent.rows.div_ceil(strip) <= MAX_STRIPS, "{strip}");
        }
    }
}
