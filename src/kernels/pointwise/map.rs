//! What all pointwise kernels share: rows in, rows out, four constants.

use crate::{
    engine::{Block, Domain, Extent, Kernel, Shader},
    shader_struct,
};

shader_struct! {
    /// Parameters of a pointwise kernel.
    pub struct PointwiseParams {
        /// Columns; three spare numbers.
        pub size: [u32; 4],
        /// Constants, as each kernel defines them.
        pub constants: [f32; 4],
    }
}

/// Workgroup of every pointwise kernel.
pub(super) const WORKGROUP: [u32; 2] = [64, 4];
/// Rough count of operations per value.
const OPERATIONS: f64 = 30.0;

/// Twin of a pointwise kernel: constants, the same rows of every input, the rows of the output.
pub(super) type MapTwin = fn(&[f32; 4], &[&[u32]], &mut [u32]);

pub(super) struct Map {
    pub(super) shader: &'static Shader,
    pub(super) params: PointwiseParams,
    pub(super) extent: Extent,
    pub(super) twin: MapTwin,
}

impl Map {
    pub(super) fn new(shader: &'static Shader, extent: Extent, constants: [f32; 4], twin: MapTwin) -> Self {
        let params = PointwiseParams { size: [extent.columns, 0, 0, 0], constants };
        Self { shader, params, extent, twin }
    }
}

impl Kernel for Map {
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
        vec![[0, self.extent.columns]; self.shader.reads + self.shader.writes]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let columns = self.extent.columns as usize;
        let range = block.rows.start * columns..block.rows.end * columns;
        let rows: Vec<&[u32]> = reads.iter().map(|r| &r[range.clone()]).collect();
        (self.twin)(&self.params.constants, &rows, writes[0]);
    }
}
