//! One buffer added to another, times a quotient of sums that other kernels left on the device.
//!
//! ```text
//! r = x + s·(a/b)·y      a, b: the sums of two statistics;  a/b = 0 where |b| < 2⁻¹²⁶
//! ```
//! s is the host's, usually ±1. The step lengths of conjugate gradients are such quotients (Hestenes and Stiefel, J. Res. NBS 49
//! (1952) 409); once a residual has vanished, its norm divides nothing and the iteration stands still. a/b is a times the
//! reciprocal of b, within 2 units of the last place.
//!
//! Shapes: `[slice][row][column]` ← twice the same, two single elements of statistics. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// Sum with a factor that is on the device: values per row, and the factor s.
    struct AddScaled { columns: u32, sign: f32 }
    shader pointwise/add_scaled, Pinned, [64, 4];
    reads first[_, columns]: rows of f32, second[_, columns]: rows of f32,
          numerator[1, 1]: whole of [f32; 4], denominator[1, 1]: whole of [f32; 4];
    writes results[_, columns]: f32;
    operations 30.0;
}

/// Records x + `sign`·(Σ`numerator` / Σ`denominator`)·y, where the sums are those of [`crate::kernels::statistics`].
pub fn record(
    graph: &mut Graph<'_>,
    x: Buffer<f32>,
    sign: f32,
    [numerator, denominator]: [Buffer<[f32; 4]>; 2],
    y: Buffer<f32>,
) -> Buffer<f32> {
    let kernel = AddScaled { columns: graph.extent(x).columns, sign };
    kernel.compute(graph, "add scaled", x, y, numerator, denominator, "add_scaled.sum")
}

fn twin(
    kernel: &AddScaled,
    _: &Block,
    x: &[f32],
    y: &[f32],
    numerator: &[[f32; 4]],
    denominator: &[[f32; 4]],
    results: &mut [f32],
) {
    let [[_, _, a, _], [_, _, b, _]] = [numerator[0], denominator[0]];
    let quotient = if b.abs() < f32::MIN_POSITIVE { 0.0 } else { a * reciprocal(b) };
    added(kernel.sign * quotient, x, y, results);
}

vectorised! {
    fn added(factor: f32, x: &[f32], y: &[f32], results: &mut [f32]) {
        for ((result, x), y) in results.iter_mut().zip(x).zip(y) {
            *result = x + factor * y;
        }
    }
}
