//! What a dispatch binds: of each buffer one part, or rows of several parts stitched together.

use std::ops::Range;

use super::{
    super::{Domain, Graph, Read, Window, Write},
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
    let mut scratch = 0..;
    let mut bound = |buffer: usize, rows: Range<u64>| {
        let parts = &parts[buffer];
        let part = parts.of_row(rows.start);
        if part == parts.of_row(rows.end - 1) {
            return Binding { buffer, first_row: part as u64 * parts.rows, memory: Memory::Part(part) };
        }
        let memory = Memory::Stitch { scratch: scratch.next().unwrap_or(0), rows: rows.end - rows.start };
        Binding { buffer, first_row: rows.start, memory }
    };
    let mut bindings = Vec::new();
    for read in reads {
        let buffer = read.buffer();
        let (all, slice_rows) = (&parts[buffer], u64::from(graph.buffers[buffer].extent.rows));
        let needed = match *read {
            Read::Whole(_) => 0..all.all_rows,
            Read::Rows(_) => rows.clone(),
            Read::Slices(_) => {
                let out_rows = u64::from(domain.extent.rows);
                rows.start / out_rows * slice_rows..rows.end.div_ceil(out_rows) * slice_rows
            }
            Read::Inputs(_, reach) => {
                let inputs = u64::from(inputs.start)..u64::from(inputs.end);
                let slices = Window::around(reach).rows(&inputs, graph.buffers[buffer].extent.slices.into());
                slices.start * slice_rows..slices.end * slice_rows
            }
            Read::Window(_, window) => window.rows(rows, all.all_rows),
            Read::Anywhere(_, count) => {
                bindings.extend((0..count as usize).map(|part| {
                    // Bindings without a part see the last one again, under rows that there are none of.
                    let (first_row, memory) = match all.count() {
                        parts if part < parts => (part as u64 * all.rows, Memory::Part(part)),
                        parts => (u32::MAX.into(), Memory::Part(parts - 1)),
                    };
                    Binding { buffer, first_row, memory }
                }));
                continue;
            }
        };
        bindings.push(bound(buffer, needed));
    }
    bindings.extend(writes.iter().map(|write| match write.rows() {
        Some(buffer) => bound(buffer, rows.clone()),
        None => bound(write.buffer(), 0..parts[write.buffer()].all_rows),
    }));
    bindings
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
