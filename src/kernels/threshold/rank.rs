//! Grey values at two ranks of a histogram.
//!
//! ```text
//! v(p) = least v with   h[0] + … + h[v]  >  p·(n − 1)/10⁶
//! ```
//! with n the number of counted pixels and p the rank in parts per million: the pixel at place ⌊p·(n − 1)/10⁶⌋ of the
//! sorted pixels, counted from 0. p = 0 is the smallest value, p = 10⁶ the largest. Where nothing was counted, the
//! values are 0 and the largest grey level.
//!
//! The comparison is of whole numbers below 2⁵², which the shader holds in two words.
//!
//! Shapes: a row of low value, high value, n, spare ← a row of bins. Tier E.

use crate::kernels::prelude::*;

/// Parts in a whole: ranks are given in parts per million.
const WHOLE: u32 = 1_000_000;

kernel! {
    /// Values at two ranks: bins of the histogram, lower and higher rank in parts of `whole`, parts in a whole.
    struct Rank { bins, low, high, whole: u32 }
    shader threshold/rank + threshold/product, Exact, [256, 1];
    reads histogram[1, bins]: rows of u32;
    writes results[1, 4]: u32;
    domain |_| Domain::groups(1, 1, SHADER.workgroup[0], 8.0 * f64::from(bins));
}

/// Records the values of a one-row `histogram` at two ranks in parts per million: low value, high value, number of
/// pixels, 0.
pub fn record(graph: &mut Graph<'_>, histogram: Buffer<u32>, ranks_ppm: [u32; 2]) -> Buffer<u32> {
    let bins = graph.extent(histogram).columns;
    let [low, high] = ranks_ppm.map(|p| p.min(WHOLE));
    Rank { bins, low, high, whole: WHOLE }.compute(graph, "rank", histogram, "rank.values")
}

fn twin(kernel: &Rank, _: &Block, histogram: &[u32], results: &mut [u32]) {
    results.copy_from_slice(&values(histogram, [kernel.low, kernel.high]));
}

fn values(histogram: &[u32], ranks_ppm: [u32; 2]) -> [u32; 4] {
    let total: u64 = histogram.iter().map(|h| u64::from(*h)).sum();
    if total == 0 {
        return [0, histogram.len() as u32 - 1, 0, 0];
    }
    let [low, high] = ranks_ppm.map(|rank| {
        let place = u64::from(rank) * (total - 1) / u64::from(WHOLE);
        let mut below = 0;
        let passed = histogram.iter().take_while(|h| {
            below += u64::from(**h);
            below <= place
        });
        passed.count() as u32
    });
    [low, high, total as u32, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_places_in_the_sorted_pixels() {
        let pixels = [3_u32, 3, 4, 7, 7, 7, 9, 12, 12, 15];
        let mut histogram = [0_u32; 16];
        pixels.iter().for_each(|p| histogram[*p as usize] += 1);
        for rank in (0..=WHOLE).step_by(7919).chain([WHOLE]) {
            let place = u64::from(rank) * 9 / 1_000_000;
            assert_eq!(values(&histogram, [rank, 0])[0], pixels[place as usize]);
        }
        assert_eq!(values(&histogram, [0, WHOLE]), [3, 15, 10, 0]);
    }

    #[test]
    fn nothing_counted_gives_the_whole_range() {
        assert_eq!(values(&[0; 256], [0, 500_000]), [0, 255, 0, 0]);
    }
}
