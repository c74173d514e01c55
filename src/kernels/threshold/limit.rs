//! A threshold held against a limit, above which it divides the object.
//!
//! ```text
//! limit = first + ⌊(last − first)·s/1000⌋
//! y     = first − 1   threshold > limit and first < last
//!         threshold   otherwise
//! ```
//! with first and last the smallest and largest counted value and s a share in parts per thousand. A histogram without
//! background still has a triangle, but within the object: with the limit, all counted values but 0 are foreground then.
//! Foreground lies above a threshold and thresholds are no less than 0, so that grey level 0 is always background.
//!
//! Shapes: a row of y, first, last, the threshold found ← one of threshold, first, last, peak, as [`super::triangle`]
//! leaves it. Tier E.

use crate::kernels::prelude::*;

/// Parts in a whole; a range below 2¹⁶ times it stays below 2²⁶.
const WHOLE: u32 = 1000;

kernel! {
    /// Rejection of a threshold that lies too high: its highest place in the range of the values, in parts of `whole`;
    /// parts in a whole.
    struct Limit { share, whole: u32 }
    shader threshold/limit, Exact, [64, 1];
    reads found[1, 4]: rows of u32;
    writes results[1, 4]: u32;
    domain |_| Domain::rows(Extent::table(1), 8.0);
}

/// Records the `threshold` that [`super::triangle::record`] left, unless it lies above `share_per_mille` of the range
/// of the values: threshold, first and last counted value, the threshold found.
pub fn record(graph: &mut Graph<'_>, threshold: Buffer<u32>, share_per_mille: u32) -> Buffer<u32> {
    let kernel = Limit { share: share_per_mille.min(WHOLE), whole: WHOLE };
    kernel.compute(graph, "limit", threshold, "limit.threshold")
}

fn twin(kernel: &Limit, _: &Block, found: &[u32], results: &mut [u32]) {
    results.copy_from_slice(&limited(found[0], [found[1], found[2]], kernel.share));
}

fn limited(threshold: u32, [first, last]: [u32; 2], share_per_mille: u32) -> [u32; 4] {
    let limit = first + (last - first) * share_per_mille / WHOLE;
    let is_rejected = threshold > limit && first < last;
    [if is_rejected { first.max(1) - 1 } else { threshold }, first, last, threshold]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_within_the_object_are_rejected() {
        assert_eq!(limited(26_207, [6288, 31_893], 333), [6287, 6288, 31_893, 26_207]);
        assert_eq!(limited(14_814, [6288, 31_893], 333)[0], 14_814);
        assert_eq!(limited(14_815, [6288, 31_893], 333)[0], 6287);
        assert_eq!(limited(65_535, [0, 65_535], 999)[0], 0);
        assert_eq!(limited(65_535, [0, 65_535], 1000)[0], 65_535);
        // No threshold puts the value 0 into the foreground.
        assert_eq!([limited(200, [0, 255], 333)[0], limited(200, [1, 255], 333)[0]], [0, 0]);
        // Nothing counted, or one value alone: the threshold's own convention stands.
        assert_eq!(limited(255, [0, 0], 333)[0], 255);
        assert_eq!(limited(6, [7, 7], 333)[0], 6);
    }
}
