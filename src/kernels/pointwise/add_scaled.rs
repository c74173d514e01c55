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

use super::map::WORKGROUP;
use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier, arithmetic::reciprocal},
    kernels::vectorised::vectorised,
    shader_struct,
};

shader_struct! {
    /// Parameters of the addition.
    pub struct AddScaledParams {
        /// Columns.
        pub columns: u32,
        /// The factor s.
        pub sign: f32,
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.add_scaled",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/pointwise/add_scaled.wgsl"),
    structs: &[StructText::of::<AddScaledParams>()],
    reads: 4,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records x + `sign`·(Σ`numerator` / Σ`denominator`)·y, where the sums are those of [`crate::kernels::statistics`].
pub fn record(
    graph: &mut Graph<'_>,
    x: Buffer<f32>,
    sign: f32,
    [numerator, denominator]: [Buffer<[f32; 4]>; 2],
    y: Buffer<f32>,
) -> Buffer<f32> {
    let extent = graph.extent(x);
    let sum = graph.buffer("add_scaled.sum", extent);
    let kernel = AddScaled { params: AddScaledParams { columns: extent.columns, sign }, extent };
    let reads = [x.rows(), y.rows(), numerator.whole(), denominator.whole()];
    graph.compute("add scaled", kernel, reads, [sum.replace()]);
    sum
}

struct AddScaled {
    params: AddScaledParams,
    extent: Extent,
}

/// Operations per value, the factor's included.
const OPERATIONS: f64 = 30.0;

impl Kernel for AddScaled {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(self.extent, f64::from(self.extent.columns) * OPERATIONS)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let columns = self.extent.columns;
        vec![[0, columns], [0, columns], [1, 4], [1, 4], [0, columns]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let columns = self.extent.columns as usize;
        let range = block.rows.start * columns..block.rows.end * columns;
        let [a, b] = [reads[2], reads[3]].map(|statistics| f32::from_bits(statistics[2]));
        let quotient = if b.abs() < f32::MIN_POSITIVE { 0.0 } else { a * reciprocal(b) };
        twin(self.params.sign * quotient, &reads[0][range.clone()], &reads[1][range], writes[0]);
    }
}

vectorised! {
    fn twin(factor: f32, x: &[u32], y: &[u32], out: &mut [u32]) {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            *out = (f32::from_bits(*x) + factor * f32::from_bits(*y)).to_bits();
        }
    }
}
