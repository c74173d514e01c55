//! Smallest, largest and mean value of a buffer, in a written order of summation.
//!
//! Rows are summed left to right, rows of a slice first to last, slices first to last: three levels keep the error of
//! the mean near ε·(columns + rows + slices)/2 instead of ε times their product.

pub mod merge;
pub mod rows;

use crate::engine::{Buffer, Graph};

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
    /// From the four numbers that [`record`] leaves: smallest, largest, sum, count.
    #[must_use]
    pub fn new([min, max, sum, count]: [f32; 4]) -> Self {
        Self { min, max, mean: sum / count }
    }
}

/// Records the statistics of all values: one element for [`Statistics::new`].
pub fn record(graph: &mut Graph<'_>, values: Buffer<f32>) -> Buffer<[f32; 4]> {
    let rows = rows::record(graph, values);
    let slices = merge::record(graph, rows);
    merge::record(graph, slices)
}
