//! Mask of a rectangle. Tier E.
//!
//! The pixels with left ≤ x < right and top ≤ y < bottom are set. The borders are a buffer, so that they may come
//! from [`super::borders`] as well as from the host.
//!
//! Shapes: `[row][word]` ← `[left, top, right, bottom]`.

use crate::{
    engine::{Block, Buffer, Domain, Graph, Kernel, Shader, StructText, Tier},
    kernels::Mask,
    shader_struct,
};

use super::{combine, expand::set};

shader_struct! {
    /// Parameters of the rectangle.
    pub struct RectangleParams {
        /// Columns, words per row; two spare numbers.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.rectangle",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/rectangle.wgsl"),
    structs: &[StructText::of::<RectangleParams>()],
    reads: 1,
    writes: 1,
    workgroup: [32, 4],
};

/// Records the mask of `size` pixels whose set pixels are those within `borders`: left, top, right, bottom.
pub fn record(graph: &mut Graph<'_>, borders: Buffer<u32>, size: [u32; 2]) -> Mask {
    let mask = Mask::new(graph, "mask.rectangle", size);
    let params = RectangleParams { size: [size[0], Mask::row_words(size), 0, 0] };
    graph.compute("rectangle", Rectangle { params, size }, [borders.whole()], [mask.buffer.replace()]);
    mask
}

/// Records what of `mask` lies within `borders`.
pub fn clip(graph: &mut Graph<'_>, mask: Mask, borders: Buffer<u32>) -> Mask {
    let rectangle = record(graph, borders, mask.size);
    combine::and(graph, mask, rectangle)
}

struct Rectangle {
    params: RectangleParams,
    size: [u32; 2],
}

impl Kernel for Rectangle {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Mask::extent(self.size), 10.0 * f64::from(self.params.size[1]))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        vec![[1, 4], [self.size[1], self.params.size[1]]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [columns, words, ..] = self.params.size.map(|n| n as usize);
        let [left, top, right, bottom] = [0, 1, 2, 3].map(|i| reads[0][i] as usize);
        for (row, mask) in block.rows.clone().zip(writes[0].chunks_exact_mut(words)) {
            mask.fill(0);
            if (top..bottom).contains(&row) {
                set(mask, left, right.min(columns));
            }
        }
    }
}
