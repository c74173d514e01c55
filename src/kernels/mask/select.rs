//! Mask of the components that are kept. Tier E.
//!
//! Shapes: `[row][word]` ← labels `[1][pixel]`, counts `[1][pixel]`, best `[label, count]`.

use crate::{
    engine::{Block, Buffer, Domain, Graph, Kernel, Shader, StructText, Tier},
    kernels::Mask,
    shader_struct,
};

use super::{
    bits::WORD_PIXELS,
    labels::{NONE, row_of},
    tally::Tally,
};

shader_struct! {
    /// Parameters of the selection.
    pub struct SelectParams {
        /// Columns, words per row, code of what is kept; one spare number.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.select",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/select.wgsl"),
    structs: &[StructText::of::<SelectParams>()],
    reads: 3,
    writes: 1,
    workgroup: [32, 4],
};

/// What is kept; its number is what the shader knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The component that the tally found best.
    Best = 0,
    /// Pixels without label, and components of which nothing was counted.
    Uncounted = 1,
}

/// Records the mask of `size` pixels of what is kept.
pub fn record(graph: &mut Graph<'_>, labels: Buffer<u32>, tally: Tally, size: [u32; 2], kept: Kept) -> Mask {
    let mask = Mask::new(graph, "mask.selected", size);
    let params = SelectParams { size: [size[0], Mask::row_words(size), kept as u32, 0] };
    let reads = [labels.whole(), tally.counts.whole(), tally.best.whole()];
    graph.compute("select", Select { params, size, kept }, reads, [mask.buffer.replace()]);
    mask
}

struct Select {
    params: SelectParams,
    size: [u32; 2],
    kept: Kept,
}

impl Kernel for Select {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Mask::extent(self.size), 6.0 * f64::from(self.size[0]))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let pixels = row_of(self.size).columns;
        vec![[1, pixels], [1, pixels], [1, 2], [self.size[1], self.params.size[1]]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [labels, counts, best] = *reads else { return };
        let [columns, words, ..] = self.params.size.map(|n| n as usize);
        let labels = &labels[block.rows.start * columns..block.rows.end * columns];
        match self.kept {
            Kept::Best => {
                let best = best[0];
                pack(labels, columns, words, writes[0], |label| label == best && label != NONE);
            }
            Kept::Uncounted => {
                pack(labels, columns, words, writes[0], |label| label == NONE || counts[label as usize] == 0);
            }
        }
    }
}

fn pack(labels: &[u32], columns: usize, words: usize, mask: &mut [u32], is_kept: impl Fn(u32) -> bool) {
    for (labels, mask) in labels.chunks_exact(columns).zip(mask.chunks_exact_mut(words)) {
        for (labels, word) in labels.chunks(WORD_PIXELS).zip(mask) {
            *word = labels.iter().enumerate().fold(0, |bits, (k, &label)| bits | u32::from(is_kept(label)) << k);
        }
    }
}
