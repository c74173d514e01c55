//! What a dispatch binds: of each buffer one part, or rows of several parts stitched together.

use std::ops::Range;

use super::{
    super::{Domain, Graph, Read, Write},
    Parts, Piece,
};

/// What one storage binding of a dispatch sees of its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) buffer: usize,
    /// Row of the buffer, counted over all slices, at which the bound memory begins.
    pub(crate) first_row: u64,
    pub(crate) memory: Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// One part of the buffer.
    Part(usize),
    /// A copy of so many rows, made just before the dispatch in this part of the plan's scratch.
    Stitch { scratch: usize, rows: u64 },
}

impl Binding {
    /// Rows of the buffer that are copied into scratch.
    pub(crate) fn stitched(&self) -> Option<(usize, Range<u64>)> {
        match self.memory {
            Memory::Part(_) => None,
            Memory::Stitch { scratch, rows } => Some((scratch, self.first_row..self.first_row + rows)),
        }
    }
}

/// Bindings of a dispatch that computes `rows` from `inputs`, in the order of the shader.
pub(super) fn bindings(
    graph: &Graph<'_>,
    domain: &Domain,
    (reads, writes): (&[Read], &[Write]),
    parts: &[Parts],
    rows: &Range<u64>,
    inputs: &Range<u32>,
) -> Vec<Binding> {
    let needed = reads.iter().map(|read| {
        let buffer = read.buffer();
        let slice_rows = u64::from(graph.buffers[buffer].extent.rows);
        let needed = match read {
            Read::Whole(_) => 0..parts[buffer].all_rows,
            Read::Rows(_) => rows.clone(),
            Read::Slices(_) => {
                let out_rows = u64::from(domain.extent.rows);
                rows.start / out_rows * slice_rows..rows.end.div_ceil(out_rows) * slice_rows
            }
            Read::Inputs(_) => u64::from(inputs.start) * slice_rows..u64::from(inputs.end) * slice_rows,
            Read::Window(_, window) => window.rows(rows, &parts[buffer]),
        };
        (buffer, needed)
    });
    let mut scratch = 0..;
    let all = needed.chain(writes.iter().map(|write| (write.buffer(), rows.clone())));
    all.map(|(buffer, rows)| {
        let parts = &parts[buffer];
        let part = parts.of_row(rows.start);
        if part == parts.of_row(rows.end - 1) {
            return Binding { buffer, first_row: part as u64 * parts.rows, memory: Memory::Part(part) };
        }
        let memory = Memory::Stitch { scratch: scratch.next().unwrap_or(0), rows: rows.end - rows.start };
        Binding { buffer, first_row: rows.start, memory }
    })
    .collect()
}

/// Words of each part of the scratch in which all these dispatches, one after the other, stitch rows together.
pub(super) fn scratch_words<'p>(pieces: impl Iterator<Item = &'p Piece>, parts: &[Parts]) -> Vec<u64> {
    let mut words = Vec::new();
    for binding in pieces.flat_map(|piece| &piece.bindings) {
        if let Some((scratch, rows)) = binding.stitched() {
            words.resize(words.len().max(scratch + 1), 0);
            words[scratch] = words[scratch].max((rows.end - rows.start) * parts[binding.buffer].row_words);
        }
    }
    words
}
