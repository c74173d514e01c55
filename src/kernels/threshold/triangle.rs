//! Threshold by the triangle method.
//!
//! A line joins the peak of the histogram to its farther end; the threshold is where the histogram lies farthest below
//! that line (Zack, Rogers & Latt 1977, J. Histochem. Cytochem. 25, 741–753). Programs differ in where the line ends
//! and in what they make of the place that they find; [`Convention`] says which one to follow. With n bins, a = `h[peak]`
//! the first largest count, `lo` and `hi` the ends of the line and the tail on the left (histogram reversed if
//! `peak − lo < hi − peak`):
//! ```text
//! w    = peak − lo
//! f(i) = a·i − w·h[i]                            the distance from the line, up to a factor
//! ```
//! | convention | ends of the line | place | threshold | where no place is better |
//! |---|---|---|---|---|
//! | OpenCV | one bin outside the counted values, if there is one | first largest f > 0, lo < i ≤ peak | place − 1 | lo − 1 |
//! | scikit-image | first and last counted value | first largest f, lo ≤ i < peak | place | – |
//! | ImageJ | as OpenCV | first largest f > f(lo), lo < i ≤ peak | place − 1 | lo − 1 |
//!
//! and the threshold is reversed back. Foreground is what lies **above** the threshold. A threshold that would be −1
//! is 0 (as in ImageJ), one that would be n is n − 1.
//!
//! - Where all pixels have one value v > 0, OpenCV gives v − 1 and ImageJ v − 2, or 0 (all is foreground);
//!   scikit-image gives v (all is background). For v = 0 they give 1, 2 and 0 (all is background).
//! - Where nothing was counted, the threshold is n − 1: nothing is foreground.
//!
//! f is compared in whole numbers below 2⁴⁹, which the shader holds in two words. The three programs compare floats:
//! OpenCV's are exact; ImageJ and scikit-image divide by the length of the line first, so that places at the same
//! distance may come out in another order than first wins.
//!
//! Shapes: a row of threshold, first and last counted value, peak ← a row of bins, at most 65,536. Tier E.

use crate::kernels::prelude::*;

kernel! {
    /// Threshold by the triangle method: bins of the histogram, number of the [`Convention`].
    struct Triangle { bins, convention: u32 }
    shader threshold/triangle + threshold/product, Exact, [256, 1];
    reads histogram[1, bins]: rows of u32;
    writes results[1, 4]: u32;
    domain |_| Domain::groups(1, 1, SHADER.workgroup[0], 20.0 * f64::from(bins));
}

/// Program whose threshold is wanted, to the level; each is generalised to any number of bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Convention {
    /// OpenCV 5.0, `threshold` with `THRESH_TRIANGLE`.
    #[default]
    OpenCv = 0,
    /// scikit-image 0.26, `threshold_triangle` of an image of whole numbers.
    ScikitImage = 1,
    /// ImageJ 1.x, `AutoThresholder` with `Triangle`.
    ImageJ = 2,
}

impl Convention {
    /// Names as they are written on a command line, with their conventions.
    pub const NAMES: [(&'static str, Self); 3] =
        [("opencv", Self::OpenCv), ("skimage", Self::ScikitImage), ("imagej", Self::ImageJ)];
}

/// Records the threshold of a one-row `histogram`: threshold, first and last counted value, peak.
pub fn record(graph: &mut Graph<'_>, histogram: Buffer<u32>, convention: Convention) -> Buffer<u32> {
    let kernel = Triangle { bins: graph.extent(histogram).columns, convention: convention as u32 };
    kernel.compute(graph, "triangle", histogram, "triangle.threshold")
}

fn twin(kernel: &Triangle, _: &Block, histogram: &[u32], results: &mut [u32]) {
    let is_it = |convention: &Convention| *convention as u32 == kernel.convention;
    let convention = Convention::NAMES.map(|(_, convention)| convention).into_iter().find(is_it).unwrap_or_default();
    results.copy_from_slice(&triangle(histogram, convention));
}

/// Threshold, first and last counted value, peak.
fn triangle(histogram: &[u32], convention: Convention) -> [u32; 4] {
    let end = histogram.len() - 1;
    let (Some(first), Some(last)) = (histogram.iter().position(|h| *h > 0), histogram.iter().rposition(|h| *h > 0))
    else {
        return [end as u32, 0, 0, 0];
    };
    let height = histogram.iter().copied().max().unwrap_or(0);
    let peak = histogram.iter().position(|h| *h == height).unwrap_or(0);
    let is_wide = convention != Convention::ScikitImage;
    let (lo, hi) = if is_wide { (first.saturating_sub(1), (last + 1).min(end)) } else { (first, last) };
    let is_reversed = peak - lo < hi - peak;
    let (base, width) = if is_reversed { (end - hi, hi - peak) } else { (lo, peak - lo) };

    // f(lo + d), less a·lo and with w·a added, so that all is positive.
    let (a, w) = (u64::from(height), width as u64);
    let distance = |d: usize| {
        let count = histogram[if is_reversed { hi - d } else { lo + d }];
        a * d as u64 + w * (a - u64::from(count))
    };
    let mut best = match convention {
        Convention::OpenCv => a * (width - base.min(width)) as u64,
        Convention::ScikitImage | Convention::ImageJ => distance(0),
    };
    let mut place = 0;
    for d in 1..width + usize::from(is_wide) {
        let distance = distance(d);
        if distance > best {
            (best, place) = (distance, d);
        }
    }
    let shift = usize::from(is_wide);
    let threshold = if is_reversed { (hi + shift - place).min(end) } else { (lo + place).saturating_sub(shift) };
    [threshold, first, last, peak].map(|n| n as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Threshold before it is kept within the bins: the histogram reversed in memory, distances with their signs.
    fn plainly(histogram: &[u32], convention: Convention) -> i64 {
        let n = histogram.len() as i64;
        let mut h: Vec<i64> = histogram.iter().map(|c| i64::from(*c)).collect();
        let outside = i64::from(convention != Convention::ScikitImage);
        let counted: Vec<i64> = (0..n).filter(|i| h[*i as usize] > 0).collect();
        let mut lo = (counted[0] - outside).max(0);
        let hi = (counted[counted.len() - 1] + outside).min(n - 1);
        let a = counted.iter().map(|i| h[*i as usize]).max().unwrap();
        let mut peak = counted.iter().copied().find(|i| h[*i as usize] == a).unwrap();
        let is_reversed = peak - lo < hi - peak;
        if is_reversed {
            h.reverse();
            (lo, peak) = (n - 1 - hi, n - 1 - peak);
        }
        let f = |i: i64| a * i - (peak - lo) * h[i as usize];
        let (mut best, range) = match convention {
            Convention::OpenCv => ((lo, 0), lo + 1..peak + 1),
            Convention::ScikitImage => ((lo, f(lo)), lo + 1..peak),
            Convention::ImageJ => ((lo, f(lo)), lo + 1..peak + 1),
        };
        for i in range {
            if f(i) > best.1 {
                best = (i, f(i));
            }
        }
        let threshold = best.0 - outside;
        if is_reversed { n - 1 - threshold } else { threshold }
    }

    proptest! {
        #[test]
        fn thresholds_are_those_of_the_plain_formulation(
            histogram in prop::collection::vec(prop_oneof![2 => Just(0_u32), 3 => 0..50_u32, 1 => any::<u32>()], 1..400),
        ) {
            prop_assume!(histogram.iter().any(|h| *h > 0));
            let end = histogram.len() as i64 - 1;
            for (_, convention) in Convention::NAMES {
                let want = plainly(&histogram, convention).clamp(0, end);
                prop_assert_eq!(i64::from(triangle(&histogram, convention)[0]), want, "{:?}", convention);
            }
        }
    }

    #[test]
    fn one_value_is_all_foreground_or_all_background_as_documented() {
        for bins in [256, 4096] {
            for value in [1, 2, 100, bins - 1] {
                let mut histogram = vec![0; bins];
                histogram[value] = 9;
                let v = value as u32;
                let thresholds = Convention::NAMES.map(|(_, c)| triangle(&histogram, c));
                assert_eq!(thresholds, [[v - 1, v, v, v], [v; 4], [v.saturating_sub(2), v, v, v]]);
            }
            let mut zeros = vec![0; bins];
            zeros[0] = 9;
            assert_eq!(Convention::NAMES.map(|(_, c)| triangle(&zeros, c)[0]), [1, 0, 2]);
        }
    }

    #[test]
    fn nothing_counted_has_no_foreground() {
        assert_eq!(triangle(&[0; 1024], Convention::OpenCv), [1023, 0, 0, 0]);
    }
}
