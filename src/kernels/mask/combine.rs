//! Two masks made one. Tier E.
//!
//! Shapes: `[row][word]` ← the same, twice.

use crate::{
    engine::{Block, Domain, Graph, Kernel, Shader, StructText, Tier},
    kernels::Mask,
    shader_struct,
};

use super::bits::last_valid;

shader_struct! {
    /// Parameters of the combination.
    pub struct CombineParams {
        /// Columns, words per row, code of the operation; one spare number.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.combine",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/combine.wgsl"),
    structs: &[StructText::of::<CombineParams>()],
    reads: 2,
    writes: 1,
    workgroup: [32, 4],
};

/// What is made of two masks; its number is what the shader knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Pixels set in both.
    And = 0,
    /// Pixels set in either.
    Or = 1,
    /// Pixels set in the first and not in the second.
    AndNot = 2,
    /// Pixels not set in the first; the second does not matter.
    Not = 3,
}

/// Records the combination of two masks; the graph is refused when their sizes differ.
pub fn record(graph: &mut Graph<'_>, left: Mask, right: Mask, operation: Operation) -> Mask {
    if left.size != right.size {
        let ([a, b], [c, d]) = (left.size, right.size);
        graph.refuse("combine", format!("masks must have one size, got {a} × {b} and {c} × {d} pixels"));
    }
    let result = Mask::new(graph, "mask.combined", left.size);
    let params = CombineParams { size: [left.size[0], Mask::row_words(left.size), operation as u32, 0] };
    let kernel = Combine { params, size: left.size, operation };
    graph.compute("combine", kernel, [left.buffer.rows(), right.buffer.rows()], [result.buffer.replace()]);
    result
}

/// Records the pixels set in both masks.
pub fn and(graph: &mut Graph<'_>, left: Mask, right: Mask) -> Mask {
    record(graph, left, right, Operation::And)
}

/// Records the pixels set in either mask.
pub fn or(graph: &mut Graph<'_>, left: Mask, right: Mask) -> Mask {
    record(graph, left, right, Operation::Or)
}

/// Records the pixels set in `left` and not in `right`.
pub fn and_not(graph: &mut Graph<'_>, left: Mask, right: Mask) -> Mask {
    record(graph, left, right, Operation::AndNot)
}

/// Records the pixels that are not set.
pub fn complement(graph: &mut Graph<'_>, mask: Mask) -> Mask {
    record(graph, mask, mask, Operation::Not)
}

struct Combine {
    params: CombineParams,
    size: [u32; 2],
    operation: Operation,
}

impl Kernel for Combine {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Mask::extent(self.size), 4.0 * f64::from(self.params.size[1]))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        vec![[self.size[1], self.params.size[1]]; 3]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let words = self.params.size[1] as usize;
        let rows = block.rows.start * words..block.rows.end * words;
        let (left, right) = (&reads[0][rows.clone()], &reads[1][rows]);
        let result = &mut *writes[0];
        match self.operation {
            Operation::And => map(left, right, result, |a, b| a & b),
            Operation::Or => map(left, right, result, |a, b| a | b),
            Operation::AndNot => map(left, right, result, |a, b| a & !b),
            Operation::Not => map(left, right, result, |a, _| !a),
        }
        let valid = last_valid(self.size[0]);
        result.chunks_exact_mut(words).for_each(|row| row[words - 1] &= valid);
    }
}

fn map(left: &[u32], right: &[u32], result: &mut [u32], operation: impl Fn(u32, u32) -> u32) {
    for ((result, a), b) in result.iter_mut().zip(left).zip(right) {
        *result = operation(*a, *b);
    }
}
