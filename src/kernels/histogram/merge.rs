//! Adds up the histograms of the strips of every tile. Tier E.
//!
//! Shapes: `[tile row][bin]` ← `[tile row · strips + strip][bin]`.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::vectorised::vectorised,
    shader_struct,
};

shader_struct! {
    /// Parameters of the merging.
    pub struct MergeStripsParams {
        /// Bins of a row, strips per tile; two spare numbers.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "histogram.merge",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/histogram/merge.wgsl"),
    structs: &[StructText::of::<MergeStripsParams>()],
    reads: 1,
    writes: 1,
    workgroup: [64, 1],
};

/// Records the sums of every `strips` rows of `partial`.
pub fn record(graph: &mut Graph<'_>, partial: Buffer<u32>, strips: u32) -> Buffer<u32> {
    let Extent { rows, columns, .. } = graph.extent(partial);
    let extent = Extent { slices: 1, rows: rows / strips, columns };
    let merged = graph.buffer("histogram.merged", extent);
    let window = Window { numerator: strips, denominator: 1, first: 0, last: strips as i32 - 1 };
    let kernel = Merge { params: MergeStripsParams { size: [columns, strips, 0, 0] }, extent };
    graph.compute("merge histograms", kernel, [partial.window(window)], [merged.replace()]);
    merged
}

struct Merge {
    params: MergeStripsParams,
    extent: Extent,
}

impl Kernel for Merge {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [bins, strips, ..] = self.params.size;
        Domain::rows(self.extent, f64::from(bins) * f64::from(strips))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [bins, strips, ..] = self.params.size;
        vec![[self.extent.rows * strips, bins], [self.extent.rows, bins]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [bins, strips, ..] = self.params.size.map(|n| n as usize);
        for (row, merged) in block.rows.clone().zip(writes[0].chunks_exact_mut(bins)) {
            twin(&reads[0][row * strips * bins..][..strips * bins], merged);
        }
    }
}

/// Bins that are summed over all strips at a time, so that the sums stay in the first-level cache.
const CHUNK: usize = 2048;

vectorised! {
    fn twin(strips: &[u32], merged: &mut [u32]) {
        let bins = merged.len();
        for (chunk, sums) in merged.chunks_mut(CHUNK).enumerate() {
            sums.fill(0);
            for strip in strips.chunks_exact(bins) {
                for (sum, count) in sums.iter_mut().zip(&strip[chunk * CHUNK..]) {
                    *sum = sum.wrapping_add(*count);
                }
            }
        }
    }
}
