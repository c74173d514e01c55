//! Which memory a buffer gets: parts no larger than a binding, shared by buffers whose lives do not overlap.

use std::ops::Range;

use super::{
    super::{
        Graph, Limits,
        buffer::WORD_BYTES,
        graph::{Action, BufferInfo},
    },
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
    /// Cuts a buffer into parts of whole slices, or of whole rows where one slice is too large to be bound.
    pub(crate) fn of(info: &BufferInfo, limits: &Limits) -> Self {
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
        Self { rows: rows.min(all_rows), all_rows, row_words: info.row_words }
    }

    /// The same, counted in slices of so many rows, of which each part holds whole ones.
    pub(super) fn in_slices(&self, rows: u64) -> Self {
        let rows = rows.max(1);
        Self { rows: self.rows / rows, all_rows: self.all_rows / rows, row_words: self.row_words * rows }
    }

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
    /// Whether it is the memory of a kept buffer, which the session holds.
    pub(crate) is_kept: bool,
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

/// Parts of every buffer.
pub(super) fn parts(graph: &Graph<'_>, limits: &Limits) -> Vec<Parts> {
    graph.buffers.iter().map(|info| Parts::of(info, limits)).collect()
}

pub(super) struct Placed {
    pub(super) steps: Vec<Step>,
    pub(super) placements: Vec<Placement>,
    pub(super) allocations: Vec<Allocation>,
    pub(super) peak: PeakBytes,
}

/// Walks the live passes once, handing out and taking back allocations, and keeps the books on memory.
pub(super) fn place(graph: &Graph<'_>, live: &[usize], parts: &[Parts], limits: &Limits, is_repeated: bool) -> Placed {
    let lives = Lives::new(graph, live, limits, is_repeated);
    let mut allocations: Vec<Allocation> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut placements = vec![Placement::Nowhere; graph.buffers.len()];
    let wanted = |buffer: usize| -> Vec<u64> { parts[buffer].each().map(|(_, _, words)| words).collect() };
    for (buffer, _) in graph.imports() {
        placements[buffer] = Placement::In { allocation: allocations.len(), parts: parts[buffer] };
        allocations.push(Allocation { parts: wanted(buffer), is_kept: true });
    }
    let mut steps = Vec::with_capacity(live.len());
    for (index, &pass) in live.iter().enumerate() {
        let action = &graph.passes[pass].action;
        let mut acquires = Vec::new();
        for (buffer, _) in liveness::results(&graph.passes[pass]) {
            if placements[buffer] != Placement::Nowhere {
                continue;
            }
            let is_given = matches!(action, Action::Upload { .. } | Action::Input { .. });
            if limits.host_memory && is_given && lives.writers[buffer] == 1 && !lives.is_kept[buffer] {
                placements[buffer] = Placement::Borrowed { pass };
                continue;
            }
            let wanted = wanted(buffer);
            let best = free
                .iter()
                .enumerate()
                .filter(|&(_, &a)| !lives.has_its_own[buffer] && allocations[a].fits(&wanted))
                .min_by_key(|&(_, &a)| allocations[a].bytes())
                .map(|(slot, _)| slot);
            let allocation = match best {
                Some(slot) => free.swap_remove(slot),
                None => {
                    allocations.push(Allocation { parts: wanted, is_kept: false });
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
                && !lives.is_kept[buffer]
                && !releases.contains(&allocation)
            {
                releases.push(allocation);
                if !lives.has_its_own[buffer] {
                    free.push(allocation);
                }
            }
        }
        let moves = match action {
            // Only the last of several downloads may take the buffer away.
            Action::Download { from, .. } => lives.moved[*from] && lives.last[*from] == index,
            _ => false,
        };
        let is_once = matches!(action, Action::Upload { to, .. } if lives.is_constant[*to]);
        steps.push(Step { pass, pieces: Vec::new(), acquires, releases, moves, is_once });
    }
    let mut spans = reuse_to_single_lives(&mut steps, allocations.len());
    if is_repeated {
        // Nothing is given back between runs, and what a run acquired is there in the next one.
        spans.fill((0, steps.len()));
        steps.iter_mut().for_each(|step| step.releases.clear());
    }
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

/// What is known of each buffer before it has a place.
struct Lives {
    /// Last live step.
    last: Vec<usize>,
    writers: Vec<usize>,
    /// Its download takes it over, on the host.
    moved: Vec<bool>,
    /// Uploaded before the first of many runs and never written again.
    is_constant: Vec<bool>,
    /// Memory of a kept buffer, or what becomes it at the end of a run.
    is_kept: Vec<bool>,
    /// Shares its memory with no other buffer.
    has_its_own: Vec<bool>,
}

impl Lives {
    fn new(graph: &Graph<'_>, live: &[usize], limits: &Limits, is_repeated: bool) -> Self {
        let count = graph.buffers.len();
        let no = vec![false; count];
        let mut lives = Self {
            last: vec![0; count],
            writers: vec![0; count],
            moved: no.clone(),
            is_constant: no.clone(),
            is_kept: no.clone(),
            has_its_own: no,
        };
        for buffer in graph.imports().map(|(buffer, _)| buffer).chain(graph.keeps.iter().map(|keep| keep.from)) {
            lives.is_kept[buffer] = true;
        }
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
        let mut is_given = vec![false; count];
        for &pass in live {
            if let Action::Upload { to, .. } | Action::Input { to } = graph.passes[pass].action {
                is_given[to] = lives.writers[to] == 1;
                let is_upload = matches!(graph.passes[pass].action, Action::Upload { .. });
                lives.is_constant[to] = is_repeated && is_upload && lives.writers[to] == 1 && !lives.is_kept[to];
            }
        }
        for (index, &pass) in live.iter().enumerate() {
            if let Action::Download { from, output, .. } = graph.passes[pass].action {
                let covers = graph.buffers[from].words() == graph.outputs[output].words as u64;
                let is_free = !is_given[from] && !lives.is_kept[from];
                let is_last = downloads[output] == 1 && lives.last[from] == index;
                lives.moved[from] = limits.host_memory && covers && is_last && is_free;
            }
        }
        for buffer in 0..count {
            lives.has_its_own[buffer] = lives.moved[buffer] || lives.is_kept[buffer] || lives.is_constant[buffer];
        }
        lives
    }
}

/// Memory of everything but staging, which depends on how the work is divided, and kept buffers, which the session holds.
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
        let device = allocations.iter().filter(|allocation| !allocation.is_kept).map(Allocation::bytes).sum();
        return PeakBytes { host: uploads + outputs, device };
    }
    // A moved buffer stays in memory to the end, as an output.
    let moved_allocations: Vec<usize> =
        steps.iter().filter(|s| s.moves).flat_map(|s| s.releases.iter().copied()).collect();
    let at = |index: usize| -> u64 {
        let is_held = |a: usize| spans[a].0 <= index && (index <= spans[a].1 || moved_allocations.contains(&a));
        (0..allocations.len()).filter(|&a| is_held(a) && !allocations[a].is_kept).map(|a| allocations[a].bytes()).sum()
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
