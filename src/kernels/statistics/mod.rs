//! Smallest, largest and mean value of a buffer, in a written order of summation.
//!
//! Rows are summed left to right, rows of a slice first to last, slices first to last: three levels keep the error of
//! the mean near ε·(columns + rows + slices)/2 instead of ε times their product.

pub mod merge;
pub mod rows;

use crate::engine::{Buffer, Graph, Shader};

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&rows::SHADER, &merge::SHADER];

/// Smallest, largest and mean of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Smallest value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Sum over count.
    pub mean: f32,
}

impl Statistics {
    /// From the numbers that [`record`] leaves, smallest, largest, sum and a spare one, and how many values there were.
    ///
    /// The count is the host's: in `f32` it would stop being exact beyond 2²⁴ values.
    #[must_use]
    pub fn new([min, max, sum, _]: [f32; 4], count: u64) -> Self {
        Self { min, max, mean: (f64::from(sum) / count as f64) as f32 }
    }
}

/// Records the statistics of all values: one element for [`Statistics::new`].
pub fn record(graph: &mut Graph<'_>, values: Buffer<f32>) -> Buffer<[f32; 4]> {
    let rows = rows::record(graph, values);
    let slices = merge::record(graph, rows);
    merge::record(graph, slices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_more_than_two_to_the_24_values_divides_by_all_of_them() {
        // An `f32` that counts by ones stops at 2²⁴.
        let count = 3 << 24;
        assert_eq!(Statistics::new([1.0, 1.0, count as f32, 0.0], count).mean, 1.0);
    }
}
