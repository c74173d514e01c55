//! Dilation or erosion along columns. Tier E.
//!
//! ```text
//! dilated[y][x] = ⋁ mask[y + i][x],   eroded[y][x] = ⋀ mask[y + i][x],   |i| ≤ r, y + i in the image
//! ```
//!
//! Shapes: `[row][word]` ← the same, r rows up and down.

use crate::{
    engine::{Block, Domain, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::{Mask, vectorised::vectorised},
    shader_struct,
};

use super::morphology::Spread;

shader_struct! {
    /// Parameters of the pass along columns.
    pub struct DownParams {
        /// Words per row, rows, radius, what is xored with the words before and after.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.down",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/down.wgsl"),
    structs: &[StructText::of::<DownParams>()],
    reads: 1,
    writes: 1,
    workgroup: [32, 4],
};

/// Records one pass along columns.
pub fn record(graph: &mut Graph<'_>, mask: Mask, spread: Spread, radius: u32) -> Mask {
    let result = Mask::new(graph, "mask.down", mask.size);
    let params = DownParams { size: [Mask::row_words(mask.size), mask.size[1], radius, spread.flip()] };
    let kernel = Down { params, size: mask.size };
    let reads = [mask.buffer.window(Window::around(radius))];
    graph.compute(format!("{} columns", spread.verb()), kernel, reads, [result.buffer.replace()]);
    result
}

struct Down {
    params: DownParams,
    size: [u32; 2],
}

impl Kernel for Down {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [words, _, radius, _] = self.params.size.map(f64::from);
        Domain::rows(Mask::extent(self.size), words * (4.0 * radius + 4.0))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        vec![[self.size[1], self.params.size[0]]; 2]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        twin(&self.params, block, reads[0], writes[0]);
    }
}

vectorised! {
    fn twin(params: &DownParams, block: &Block, mask: &[u32], spread: &mut [u32]) {
        let [words, rows, radius, flip] = params.size;
        let [words, rows, radius] = [words, rows, radius].map(|n| n as usize);
        for (row, spread) in block.rows.clone().zip(spread.chunks_exact_mut(words)) {
            let (first, last) = (row.saturating_sub(radius), rows.min(row + radius + 1));
            let mut window = mask[first * words..last * words].chunks_exact(words);
            if let Some(row) = window.next() {
                spread.copy_from_slice(row);
            }
            for row in window {
                if flip == 0 {
                    spread.iter_mut().zip(row).for_each(|(a, b)| *a |= b);
                } else {
                    spread.iter_mut().zip(row).for_each(|(a, b)| *a &= b);
                }
            }
        }
    }
}
