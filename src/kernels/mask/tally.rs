//! Pixels of every component, and the component that has the most. Tier E.
//!
//! Shapes: counts `[1][pixel]`, at the place of the component's label, and best `[label, count]` ← labels
//! `[1][pixel]`. Of components with as many pixels the one with the smallest label is best, the first in raster order;
//! where nothing is counted, best is [`NONE`] with 0.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    shader_struct,
};

use super::labels::{NONE, row_of};

shader_struct! {
    /// Parameters of the count.
    pub struct TallyParams {
        /// Columns, rows, whether only pixels of the border count; one spare number.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.tally",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/tally.wgsl"),
    structs: &[StructText::of::<TallyParams>()],
    reads: 1,
    writes: 2,
    workgroup: [256, 1],
};

/// Which pixels of a component count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All: its area.
    All = 0,
    /// Those in the first and last row and column of the image.
    Border = 1,
}

/// What [`record`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Per pixel number, which is a label, how many pixels have it.
    pub counts: Buffer<u32>,
    /// Label with the most, and how many.
    pub best: Buffer<u32>,
}

/// Records the count of the `labels` of an image of `size` pixels.
pub fn record(graph: &mut Graph<'_>, labels: Buffer<u32>, size: [u32; 2], counted: Counted) -> Tally {
    let counts = graph.buffer("mask.counts", row_of(size));
    let best = graph.buffer("mask.best", Extent::table(2));
    let params = TallyParams { size: [size[0], size[1], counted as u32, 0] };
    graph.compute("tally", Tallied { params }, [labels.whole()], [counts.replace(), best.replace()]);
    Tally { counts, best }
}

struct Tallied {
    params: TallyParams,
}

impl Kernel for Tallied {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, ..] = self.params.size.map(f64::from);
        let extent = Extent { slices: 1, rows: 1, columns: SHADER.workgroup[0] };
        Domain::rows(extent, 10.0 * columns * rows)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let pixels = self.params.size[0] * self.params.size[1];
        vec![[1, pixels], [1, pixels], [1, 2]]
    }

    fn twin(&self, _: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [columns, _, border, _] = self.params.size;
        let labels = reads[0];
        let [counts, best] = writes else { return };
        counts.fill(0);
        if border == 0 {
            count(labels, counts);
        } else {
            let columns = columns as usize;
            let last = labels.len() - columns;
            count(&labels[..columns], counts);
            if last > 0 {
                for row in labels[columns..last].chunks_exact(columns) {
                    count(&row[..1], counts);
                    count(&row[1.max(columns - 1)..], counts);
                }
                count(&labels[last..], counts);
            }
        }
        let (mut label, mut most) = (NONE, 0);
        for (pixel, &count) in counts.iter().enumerate() {
            if count > most {
                (label, most) = (pixel as u32, count);
            }
        }
        best.copy_from_slice(&[label, most]);
    }
}

/// Adds the labels up, neighbours with the same label at once.
fn count(labels: &[u32], counts: &mut [u32]) {
    for run in labels.chunk_by(|a, b| a == b) {
        if run[0] != NONE {
            counts[run[0] as usize] += run.len() as u32;
        }
    }
}
