//! Which memory a buffer gets: parts no larger than a binding, shared by buffers whose lives do not overlap.

use std::ops::Range;

use super::{
    super::{Graph, Limits, buffer::WORD_BYTES, graph::Action, staging::STAGING_BYTES},
    PeakBytes, Step, liveness,
};

/// A free allocation is taken over when it is at most this many times larger than needed.
const REUSE_FACTOR: u64 = 2;

/// How a buffer is cut so that each part can be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Rows of one part (the last may have fewer), counted over all slices.
    pub(crate) rows: u64,
    /// Rows of the buffer.
    pub(crate) all_rows: u64,
    pub(crate) row_words: u64,
}

impl Parts {
    pub(crate) fn count(&self) -> usize {
        self.all_rows.div_ceil(self.rows.max(1)) as usize
    }

    pub(crate) fn words(&self, part: usize) -> u64 {
        let first = part as u64 * self.rows;
        (self.all_rows - first).min(self.rows) * self.row_words
    }

    pub(crate) fn of_row(&self, row: u64) -> usize {
        (row / self.rows.max(1)) as usize
    }

    /// First rows of all parts but the first.
    pub(super) fn cuts(&self) -> impl Iterator<Item = u64> {
        let rows = self.rows;
        (1..self.count() as u64).map(move |part| part * rows)
    }

    /// The parts that hold these rows, each with the words of it that they take.
    pub(crate) fn holding(&self, rows: Range<u64>) -> impl Iterator<Item = (usize, Range<u64>)> {
        let Self { rows: part_rows, row_words, .. } = *self;
        (self.of_row(rows.start)..=self.of_row(rows.end - 1)).map(move |part| {
            let first = part as u64 * part_rows;
            let (start, end) = (rows.start.max(first) - first, rows.end.min(first + part_rows) - first);
            (part, start * row_words..end * row_words)
        })
    }
}

/// Where a buffer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// No live pass uses it.
    Nowhere,
    /// On the host, the uploaded data themselves; `pass` is the upload.
    Borrowed { pass: usize },
    /// In an allocation, from its beginning.
    In { allocation: usize, parts: Parts },
}

/// Memory that buffers of non-overlapping lives share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// Words of each part.
    pub(crate) parts: Vec<u64>,
}

impl Allocation {
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().sum::<u64>() * WORD_BYTES
    }

    fn fits(&self, wanted: &[u64]) -> bool {
        let total: u64 = wanted.iter().sum();
        self.parts.len() == wanted.len()
            && self.parts.iter().zip(wanted).all(|(have, want)| have >= want)
            && self.bytes() <= REUSE_FACTOR * total * WORD_BYTES
    }
}

/// Cuts every buffer into parts of whole slices, or of whole rows where one slice is too large to be bound.
pub(super) fn parts(graph: &Graph<'_>, limits: &Limits) -> Vec<Parts> {
    graph
        .buffers
        .iter()
        .map(|info| {
            let all_rows = info.extent.all_rows();
            let fitting = |words: u64| (limits.binding_bytes / WORD_BYTES).checked_div(words).unwrap_or(u64::MAX);
            let slices = fitting(info.slice_words());
            let rows = if slices >= u64::from(info.extent.slices) {
                all_rows
            } else if slices > 0 {
                slices * u64::from(info.extent.rows)
            } else {
                fitting(info.row_words).max(1)
            };
            Parts { rows: rows.min(all_rows), all_rows, row_words: info.row_words }
        })
        .collect()
}

pub(super) struct Placed {
    pub(super) steps: Vec<Step>,
    pub(super) placements: Vec<Placement>,
    pub(super) allocations: Vec<Allocation>,
    pub(super) peak: PeakBytes,
}

/// Walks the live passes once, handing out and taking back allocations, and keeps the books on memory.
pub(super) fn place(graph: &Graph<'_>, live: &[usize], parts: &[Parts], limits: &Limits) -> Placed {
    let lives = Lives::new(graph, live);
    let mut allocations: Vec<Allocation> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut placements = vec![Placement::Nowhere; graph.buffers.len()];
    let mut steps = Vec::with_capacity(live.len());
    for (index, &pass) in live.iter().enumerate() {
        let action = &graph.passes[pass].action;
        let mut acquires = Vec::new();
        for (buffer, _) in liveness::results(&graph.passes[pass]) {
            if placements[buffer] != Placement::Nowhere {
                continue;
            }
            if limits.host_memory && matches!(action, Action::Upload { .. }) && lives.writers[buffer] == 1 {
                placements[buffer] = Placement::Borrowed { pass };
                continue;
            }
            let wanted: Vec<u64> = (0..parts[buffer].count()).map(|p| parts[buffer].words(p)).collect();
            let is_moved = limits.host_memory && lives.moved[buffer];
            let best = free
                .iter()
                .enumerate()
                .filter(|&(_, &a)| !is_moved && allocations[a].fits(&wanted))
                .min_by_key(|&(_, &a)| allocations[a].bytes())
                .map(|(slot, _)| slot);
            let allocation = match best {
                Some(slot) => free.swap_remove(slot),
                None => {
                    allocations.push(Allocation { parts: wanted });
                    allocations.len() - 1
                }
            };
            acquires.push(allocation);
            placements[buffer] = Placement::In { allocation, parts: parts[buffer] };
        }
        let mut releases = Vec::new();
        let touched = liveness::inputs(&graph.passes[pass]).chain(liveness::results(&graph.passes[pass]).map(|r| r.0));
        for buffer in touched {
            if let (true, Placement::In { allocation, .. }) = (lives.last[buffer] == index, placements[buffer])
                && !releases.contains(&allocation)
            {
                releases.push(allocation);
                if !(limits.host_memory && lives.moved[buffer]) {
                    free.push(allocation);
                }
            }
        }
        let moves = match action {
            // Only the last of several downloads may take the buffer away.
            Action::Download { from, .. } => limits.host_memory && lives.moved[*from] && lives.last[*from] == index,
            _ => false,
        };
        steps.push(Step { pass, pieces: Vec::new(), acquires, releases, moves });
    }
    let spans = reuse_to_single_lives(&mut steps, allocations.len());
    let peak = peak(graph, live, &steps, &allocations, limits, &spans);
    Placed { steps, placements, allocations, peak }
}

/// An allocation is created once and dropped once, however many buffers take turns in it.
fn reuse_to_single_lives(steps: &mut [Step], count: usize) -> Vec<(usize, usize)> {
    let mut spans = vec![(usize::MAX, 0); count];
    for (index, step) in steps.iter().enumerate() {
        for &a in step.acquires.iter().chain(&step.releases) {
            spans[a] = (spans[a].0.min(index), spans[a].1.max(index));
        }
    }
    for (index, step) in steps.iter_mut().enumerate() {
        step.acquires.retain(|&a| spans[a].0 == index);
        step.releases.retain(|&a| spans[a].1 == index);
    }
    spans
}

/// First and last live step of each buffer, its number of writers, and whether its download may take it over.
struct Lives {
    last: Vec<usize>,
    writers: Vec<usize>,
    moved: Vec<bool>,
}

impl Lives {
    fn new(graph: &Graph<'_>, live: &[usize]) -> Self {
        let count = graph.buffers.len();
        let mut lives = Self { last: vec![0; count], writers: vec![0; count], moved: vec![false; count] };
        let mut downloads = vec![0; graph.outputs.len()];
        for (index, &pass) in live.iter().enumerate() {
            let pass = &graph.passes[pass];
            for buffer in liveness::inputs(pass) {
                lives.last[buffer] = index;
            }
            for (buffer, _) in liveness::results(pass) {
                lives.last[buffer] = index;
                lives.writers[buffer] += 1;
            }
            if let Action::Download { output, .. } = pass.action {
                downloads[output] += 1;
            }
        }
        for (index, &pass) in live.iter().enumerate() {
            if let Action::Download { from, output, .. } = graph.passes[pass].action {
                let covers = graph.buffers[from].words() == graph.outputs[output].words as u64;
                let is_upload_only = lives.writers[from] == 1
                    && live.iter().any(|&p| matches!(graph.passes[p].action, Action::Upload { to, .. } if to == from));
                lives.moved[from] = covers && downloads[output] == 1 && lives.last[from] == index && !is_upload_only;
            }
        }
        lives
    }
}

fn peak(
    graph: &Graph<'_>,
    live: &[usize],
    steps: &[Step],
    allocations: &[Allocation],
    limits: &Limits,
    spans: &[(usize, usize)],
) -> PeakBytes {
    let uploads: u64 = live
        .iter()
        .map(|&p| match &graph.passes[p].action {
            Action::Upload { data, .. } => data.len() as u64 * WORD_BYTES,
            _ => 0,
        })
        .sum();
    let mut is_moved = vec![false; graph.outputs.len()];
    for step in steps.iter().filter(|s| s.moves) {
        if let Action::Download { output, .. } = graph.passes[step.pass].action {
            is_moved[output] = true;
        }
    }
    let outputs: u64 = graph
        .outputs
        .iter()
        .zip(&is_moved)
        .filter(|(_, is_moved)| !**is_moved)
        .map(|(o, _)| o.words as u64 * WORD_BYTES)
        .sum();
    if !limits.host_memory {
        let device = allocations.iter().map(Allocation::bytes).sum();
        return PeakBytes { host: uploads + outputs + STAGING_BYTES, device };
    }
    // A moved buffer stays in memory to the end, as an output.
    let moved_allocations: Vec<usize> =
        steps.iter().filter(|s| s.moves).flat_map(|s| s.releases.iter().copied()).collect();
    let at = |index: usize| -> u64 {
        let is_held = |a: usize| spans[a].0 <= index && (index <= spans[a].1 || moved_allocations.contains(&a));
        (0..allocations.len()).filter(|&a| is_held(a)).map(|a| allocations[a].bytes()).sum()
    };
    let buffers = (0..steps.len()).map(at).max().unwrap_or(0);
    PeakBytes { host: uploads + outputs + buffers, device: 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_held_by_parts_without_gap_or_overlap(
            (part_rows, all_rows, row_words) in (1_u64..20, 1_u64..100, 1_u64..5),
            (start, count) in (0.0..1.0_f64, 0.0..1.0_f64),
        ) {
            let parts = Parts { rows: part_rows.min(all_rows), all_rows, row_words };
            let start = (start * all_rows as f64) as u64;
            let end = start + 1 + (count * (all_rows - start - 1) as f64) as u64;
            let mut word = start * row_words;
            for (part, words) in parts.holding(start..end) {
                prop_assert!(words.start < words.end && words.end <= parts.words(part));
                prop_assert_eq!(part as u64 * parts.rows * row_words + words.start, word);
                word += words.end - words.start;
            }
            prop_assert_eq!(word, end * row_words);
        }
    }
}
