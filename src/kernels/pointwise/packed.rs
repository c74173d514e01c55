//! What the pointwise kernels on packed pixels share: one row in, one row out, tables beside.

use super::map::PointwiseParams;
use crate::engine::{Block, Domain, Extent, Kernel, Shader};

/// Twin: parameters, the rows of the first input and whole tables, the rows of the output.
pub(super) type PackedTwin = fn(&PointwiseParams, &[&[u32]], &mut [u32]);

/// Rough count of operations per invocation.
const OPERATIONS: f64 = 10.0;

pub(super) struct Packed {
    pub(super) shader: &'static Shader,
    pub(super) params: PointwiseParams,
    /// Rows of the output, invocations of a row.
    pub(super) extent: Extent,
    /// Shapes of the buffers; the first is read row by row, other inputs are tables.
    pub(super) shapes: Vec<[u32; 2]>,
    pub(super) twin: PackedTwin,
}

impl Kernel for Packed {
    fn shader(&self) -> &'static Shader {
        self.shader
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(self.extent, f64::from(self.extent.columns) * OPERATIONS)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        self.shapes.clone()
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let row_words = self.shapes[0][1] as usize;
        let mut inputs = reads.to_vec();
        inputs[0] = &reads[0][block.rows.start * row_words..block.rows.end * row_words];
        (self.twin)(&self.params, &inputs, writes[0]);
    }
}

/// Sets the half-words beyond the last column to 0 in rows of `columns` pixels.
pub(super) fn clear_spare(pixels: &mut [u16], columns: usize) {
    if columns % 2 == 1 {
        for spare in pixels.iter_mut().skip(columns).step_by(columns + 1) {
            *spare = 0;
        }
    }
}
