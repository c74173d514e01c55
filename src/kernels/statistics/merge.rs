//! Merges the statistics of the rows of each slice. Tier P.
//!
//! Shapes: `[1][slice]` of four numbers ← `[slice][row]` of four numbers.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    shader_struct,
};

shader_struct! {
    /// Parameters of the merging.
    pub struct MergeParams {
        /// Rows per slice; three spare numbers.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "statistics.merge",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/statistics/merge.wgsl"),
    structs: &[StructText::of::<MergeParams>()],
    reads: 1,
    writes: 1,
    workgroup: [1, 64],
};

/// Records the merging of `rows`, one element per row, to one element per slice; slices become the rows of one slice.
pub fn record(graph: &mut Graph<'_>, rows: Buffer<[f32; 4]>) -> Buffer<[f32; 4]> {
    let Extent { slices, rows: count, .. } = graph.extent(rows);
    let results = graph.buffer("statistics.merged", Extent { slices: 1, rows: slices, columns: 1 });
    let kernel = Merge { params: MergeParams { size: [count, 0, 0, 0] }, slices };
    graph.compute("merge statistics", kernel, [rows.whole()], [results.replace()]);
    results
}

struct Merge {
    params: MergeParams,
    slices: u32,
}

impl Kernel for Merge {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let extent = Extent { slices: 1, rows: self.slices, columns: 1 };
        Domain::rows(extent, 4.0 * f64::from(self.params.size[0]))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        vec![[self.params.size[0], 4], [0, 4]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let rows: &[[f32; 4]] = bytemuck::cast_slice(reads[0]);
        let results: &mut [[f32; 4]] = bytemuck::cast_slice_mut(writes[0]);
        let count = self.params.size[0] as usize;
        for (slice, result) in block.rows.clone().zip(results) {
            let rows = &rows[slice * count..(slice + 1) * count];
            let mut merged = rows[0];
            for row in &rows[1..] {
                merged = [merged[0].min(row[0]), merged[1].max(row[1]), merged[2] + row[2], 0.0];
            }
            *result = merged;
        }
    }
}
