//! Values through a curve, given by points at equal steps.
//!
//! ```text
//! r = y_n + (x·s − n)·(y_{n+1} − y_n)        n = ⌊x·s⌋, at least 0 and at most N − 2
//! ```
//! with s the points per unit of x and y_0 … y_{N−1} the curve at 0, 1/s, 2/s, …; on both sides the first and the last piece go
//! on straight.
//!
//! Shapes: `[slice][row][column]` ← the same, points. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Values through a curve: values per row, points of the curve, points per unit, number of the last piece.
    struct Curve { columns, points: u32, scale, last: f32 }
    shader pointwise/curve, Pinned, [64, 4];
    reads curve[1, points]: whole of f32, values[_, columns]: rows of f32;
    writes results[_, columns]: f32;
    operations 15.0;
}

/// Records `values` through the curve `points`, at least two, which lie `step` apart from 0 on.
///
/// # Panics
/// With fewer than two points.
pub fn record(graph: &mut Graph<'_>, points: &[f32], step: f32, values: Buffer<f32>) -> Buffer<f32> {
    assert!(points.len() >= 2, "a curve has at least two points");
    let columns = graph.extent(values).columns;
    let curve = graph.upload_table("curve.points", points);
    let kernel = Curve { columns, points: points.len() as u32, scale: 1.0 / step, last: points.len() as f32 - 2.0 };
    kernel.compute(graph, "curve", curve, values, "curve.values")
}

vectorised! {
    fn twin(kernel: &Curve, _block: &Block, curve: &[f32], values: &[f32], results: &mut [f32]) {
        for (result, value) in results.iter_mut().zip(values) {
            let at = value * kernel.scale;
            let piece = at.floor().max(0.0).min(kernel.last);
            let [low, high] = [curve[piece as usize], curve[piece as usize + 1]];
            *result = low + (at - piece) * (high - low);
        }
    }
}
