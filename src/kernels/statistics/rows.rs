//! Smallest, largest and sum of every row. Tier P.
//!
//! Shapes: `[slice][row]` of four numbers ← `[slice][row][column]`.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    shader_struct,
};

shader_struct! {
    /// Parameters of the row statistics.
    pub struct RowsParams {
        /// Columns; three spare numbers.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "statistics.rows",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/statistics/rows.wgsl"),
    structs: &[StructText::of::<RowsParams>()],
    reads: 1,
    writes: 1,
    workgroup: [1, 64],
};

/// Records the statistics of the rows of `values`: per row smallest, largest, sum and a spare zero.
///
/// The result has the slices and rows of `values`, one element each.
pub fn record(graph: &mut Graph<'_>, values: Buffer<f32>) -> Buffer<[f32; 4]> {
    let extent = graph.extent(values);
    let results = graph.buffer("statistics.rows", Extent { columns: 1, ..extent });
    let kernel = Rows { params: RowsParams { size: [extent.columns, 0, 0, 0] }, extent };
    graph.compute("row statistics", kernel, [values.rows()], [results.replace()]);
    results
}

struct Rows {
    params: RowsParams,
    extent: Extent,
}

impl Kernel for Rows {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Extent { columns: 1, ..self.extent }, 3.0 * f64::from(self.extent.columns))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        vec![[0, self.extent.columns], [0, 4]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let values: &[f32] = bytemuck::cast_slice(reads[0]);
        let results: &mut [[f32; 4]] = bytemuck::cast_slice_mut(writes[0]);
        let columns = self.extent.columns as usize;
        for (row, result) in block.rows.clone().zip(results) {
            let values = &values[row * columns..(row + 1) * columns];
            let (mut low, mut high, mut sum) = (values[0], values[0], values[0]);
            for &value in &values[1..] {
                low = low.min(value);
                high = high.max(value);
                sum += value;
            }
            *result = [low, high, sum, 0.0];
        }
    }
}
