//! Standard deviation of noise from the histograms of its magnitudes.
//!
//! ```text
//! σ = width · (b + (2(r − c) − 1)/(2n)) / 0.6745
//! ```
//! where r = ⌊(N + 1)/2⌋ is the rank of the median among N values, b the bin that holds it, n the values in that bin and
//! c those in the bins below: values are taken to lie evenly in a bin. 0 if there are none.
//!
//! Shapes: one value ← `[1][strip][4096]`. Tier P.

use super::noise::BINS;
use crate::kernels::prelude::*;

kernel! {
    /// Median of the counted magnitudes: histograms, one per row, and the width of a bin over 0.6745.
    struct Median { strips: u32, scale: f32 }
    shader pyramid/median, Pinned, [256, 1];
    reads counts[strips, (BINS as u32)]: whole of u32;
    writes results[1, 1]: f32;
    domain |_| Domain::groups(1, 1, SHADER.workgroup[0], BINS as f64 * f64::from(strips));
}

/// Median magnitude of a standard normal variable.
const NORMAL_MEDIAN: f64 = 0.674_489_750_196_081_7;

/// Records the standard deviation of what `counts` holds, one histogram per row, in bins of `bin_width`.
pub fn record(graph: &mut Graph<'_>, counts: Buffer<u32>, bin_width: f64) -> Buffer<f32> {
    let kernel = Median { strips: graph.extent(counts).rows, scale: (bin_width / NORMAL_MEDIAN) as f32 };
    kernel.compute(graph, "median", counts, "pyramid.noise")
}

fn twin(kernel: &Median, _: &Block, counts: &[u32], results: &mut [f32]) {
    let mut sums = [0u32; BINS];
    for strip in counts.chunks_exact(BINS) {
        sums.iter_mut().zip(strip).for_each(|(sum, count)| *sum += count);
    }
    results[0] = deviation(&sums, kernel.scale);
}

fn deviation(counts: &[u32], scale: f32) -> f32 {
    let rank = counts.iter().sum::<u32>().div_ceil(2);
    let mut below = 0;
    for (bin, &count) in counts.iter().enumerate() {
        if below + count >= rank && count > 0 {
            let share = (2 * (rank - below) - 1) as f32 * reciprocal((2 * count) as f32);
            return (bin as f32 + share) * scale;
        }
        below += count;
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_evenly_among_its_bin() {
        assert_eq!(deviation(&[0, 0, 0], 1.0), 0.0);
        // One value: the middle of its bin. Three of four: the second of them, a half in.
        assert_eq!(deviation(&[0, 1, 0], 2.0), 3.0);
        assert!((deviation(&[1, 0, 3, 1], 1.0) - 2.5).abs() < 1e-6);
        // An even number: the lower of the two in the middle.
        assert_eq!(deviation(&[1, 0, 0, 1], 1.0), 0.5);
    }
}
