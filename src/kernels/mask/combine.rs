//! Two masks made one. Tier E.
//!
//! Shapes: `[row][word]` ← the same, twice.

use crate::kernels::prelude::*;

kernel! {
    /// Combination of two masks: pixels and words per row, number of the [`Operation`].
    struct Combine { columns, words, operation: u32 }
    shader mask/combine, Exact, [32, 4];
    reads left[_, words]: rows of u32, right[_, words]: rows of u32;
    writes combined[_, words]: u32;
    operations 4.0;
}

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
    left.check_size(graph, "combine", &right);
    let result = Mask::new(graph, "mask.combined", left.size);
    let [columns, _, words] = left.shape();
    Combine { columns, words, operation: operation as u32 }.compute(graph, "combine", left, right, result)
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

fn twin(kernel: &Combine, _: &Block, left: &[u32], right: &[u32], combined: &mut [u32]) {
    match kernel.operation {
        n if n == Operation::And as u32 => map(left, right, combined, |a, b| a & b),
        n if n == Operation::Or as u32 => map(left, right, combined, |a, b| a | b),
        n if n == Operation::AndNot as u32 => map(left, right, combined, |a, b| a & !b),
        _ => map(left, right, combined, |a, _| !a),
    }
    let (words, valid) = (kernel.words as usize, Mask::last_valid(kernel.columns));
    combined.chunks_exact_mut(words).for_each(|row| row[words - 1] &= valid);
}

fn map(left: &[u32], right: &[u32], result: &mut [u32], operation: impl Fn(u32, u32) -> u32) {
    for ((result, a), b) in result.iter_mut().zip(left).zip(right) {
        *result = operation(*a, *b);
    }
}
