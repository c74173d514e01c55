//! Runs a plan on the host: twins on all cores.

use std::{ops::Range, time::Duration};

use web_time::Instant;

use super::{
    Block, Control, Counts, Domain, Error, Inputs, Kernel, Outputs, PassTime, Plan, Read, RunReport, Sums, Window,
    Write,
    graph::{Action, BufferInfo},
    host_memory::zeroed,
    plan::{Piece, Placement},
};
use crate::parallel::*;

/// Blocks per core: enough that an unlucky slow block does not leave the others idle.
const BLOCKS_PER_CORE: usize = 16;

/// A pass below this many operations is done before other threads are awake.
const PARALLEL_OPERATIONS: f64 = 1e5;

/// Memory of a plan that may run many times.
#[derive(Default)]
pub(crate) struct Prepared {
    memory: Vec<Vec<u32>>,
}

impl Prepared {
    /// Runs the plan, made with [`super::Limits::host`]; `kept` are the session's buffers.
    pub(crate) fn run(
        &mut self,
        plan: &Plan<'_, '_>,
        kept: &mut [Vec<u32>],
        inputs: &Inputs<'_>,
        control: &Control<'_>,
    ) -> Result<Outputs, Error> {
        self.memory.resize(plan.allocations.len(), Vec::new());
        self.exchange_imports(plan, kept);
        let outputs = run(plan, &mut self.memory, inputs, control);
        self.exchange_imports(plan, kept);
        if outputs.is_ok() {
            for keep in &plan.graph.keeps {
                let entry = plan.graph.buffers[keep.to].kept;
                if let (Some(entry), Placement::In { allocation, .. }) = (entry, plan.placements[keep.from]) {
                    std::mem::swap(&mut self.memory[allocation], &mut kept[entry.index]);
                }
            }
        }
        outputs
    }

    /// Kept buffers are part of the plan's memory while it runs.
    fn exchange_imports(&mut self, plan: &Plan<'_, '_>, kept: &mut [Vec<u32>]) {
        for (buffer, entry) in plan.graph.imports() {
            if let Placement::In { allocation, .. } = plan.placements[buffer] {
                std::mem::swap(&mut self.memory[allocation], &mut kept[entry.index]);
            }
        }
    }
}

fn run(
    plan: &Plan<'_, '_>,
    memory: &mut [Vec<u32>],
    inputs: &Inputs<'_>,
    control: &Control<'_>,
) -> Result<Outputs, Error> {
    let start = Instant::now();
    let graph = plan.graph;
    let mut counts = Counts::default();
    let mut outputs: Vec<Vec<u32>> = vec![Vec::new(); graph.outputs.len()];
    let mut passes = Vec::with_capacity(plan.steps.len());
    let (mut done, all) = (0, plan.dispatch_count());
    for step in &plan.steps {
        let began = Instant::now();
        let pass = &graph.passes[step.pass];
        for &a in &step.acquires {
            if memory[a].is_empty() {
                memory[a] = zeroed(plan.allocations[a].parts.iter().sum::<u64>() as usize);
                counts.allocations += 1;
            }
        }
        match &pass.action {
            Action::Upload { data, to } => {
                if let Some(words) = words_mut(plan, memory, *to) {
                    words.copy_from_slice(data);
                }
            }
            Action::Input { to } => {
                if let (Some(words), Some(data)) = (words_mut(plan, memory, *to), inputs.words(graph, *to)) {
                    words.copy_from_slice(data);
                }
            }
            Action::Clear { buffer } => {
                if let Some(words) = words_mut(plan, memory, *buffer) {
                    words.fill(0);
                }
            }
            Action::Copy { from, to } => {
                // The target leaves the memory for a moment, so that the source can be read meanwhile.
                if let Placement::In { allocation, .. } = plan.placements[*to] {
                    let mut target = std::mem::take(&mut memory[allocation]);
                    let source = words(plan, memory, inputs, *from);
                    target[..source.len()].copy_from_slice(source);
                    memory[allocation] = target;
                }
            }
            Action::Compute { kernel, domain, reads, writes } => {
                for piece in &step.pieces {
                    control.step(&pass.label, done, all)?;
                    compute(plan, memory, inputs, (kernel.as_ref(), domain), (reads, writes), piece);
                    done += 1;
                }
            }
            Action::Download { from, output, first_word } => match (step.moves, plan.placements[*from]) {
                (true, Placement::In { allocation, .. }) => outputs[*output] = std::mem::take(&mut memory[allocation]),
                _ => {
                    let source = words(plan, memory, inputs, *from);
                    let target = &mut outputs[*output];
                    if target.is_empty() {
                        *target = zeroed(graph.outputs[*output].words);
                        counts.allocations += 1;
                    }
                    target[*first_word..*first_word + source.len()].copy_from_slice(source);
                }
            },
        }
        for &a in &step.releases {
            memory[a] = Vec::new();
        }
        passes.push(PassTime { pass: pass.label.clone(), time: began.elapsed() });
    }
    control.step("done", all, all)?;
    passes.retain(|p| p.time > Duration::ZERO);
    let report = RunReport { passes, total: start.elapsed(), peak_bytes: plan.peak_bytes(), counts };
    Ok(Outputs { graph: graph.id, words: outputs, report })
}

fn words<'m>(plan: &'m Plan<'_, '_>, memory: &'m [Vec<u32>], inputs: &'m Inputs<'_>, buffer: usize) -> &'m [u32] {
    match plan.placements[buffer] {
        Placement::Nowhere => &[],
        Placement::Borrowed { pass } => match &plan.graph.passes[pass].action {
            Action::Upload { data, .. } => data,
            Action::Input { .. } => inputs.words(plan.graph, buffer).unwrap_or_default(),
            _ => &[],
        },
        Placement::In { allocation, .. } => &memory[allocation][..plan.graph.buffers[buffer].words() as usize],
    }
}

fn words_mut<'m>(plan: &Plan<'_, '_>, memory: &'m mut [Vec<u32>], buffer: usize) -> Option<&'m mut [u32]> {
    match plan.placements[buffer] {
        Placement::In { allocation, .. } => {
            Some(&mut memory[allocation][..plan.graph.buffers[buffer].words() as usize])
        }
        Placement::Borrowed { .. } | Placement::Nowhere => None,
    }
}

fn compute(
    plan: &Plan<'_, '_>,
    memory: &mut [Vec<u32>],
    inputs: &Inputs<'_>,
    (kernel, domain): (&dyn Kernel, &Domain),
    (reads, writes): (&[Read], &[Write]),
    piece: &Piece,
) {
    let rows = piece.rows.start as usize..piece.rows.end as usize;
    // The written buffers leave the memory for a moment, so that the others can be read meanwhile.
    let mut take = |buffer: usize| match plan.placements[buffer] {
        Placement::In { allocation, parts } => {
            Some((allocation, parts.row_words as usize, std::mem::take(&mut memory[allocation])))
        }
        Placement::Borrowed { .. } | Placement::Nowhere => None,
    };
    let mut taken: Vec<(usize, usize, Vec<u32>)> = writes.iter().filter_map(|w| take(w.rows()?)).collect();
    let sums = writes.iter().filter(|w| w.rows().is_none());
    let mut summed: Vec<(usize, usize, Vec<u32>)> = sums.filter_map(|w| take(w.buffer())).collect();
    {
        let sums: Vec<Sums<'_>> = summed.iter_mut().map(|(.., words)| Sums::new(words)).collect();
        let sources: Vec<&[u32]> = reads.iter().map(|r| words(plan, memory, inputs, r.buffer())).collect();
        let twin = |(rows, mut outputs): (Range<usize>, Vec<&mut [u32]>)| {
            let inputs = piece.inputs.start as usize..piece.inputs.end as usize;
            let block = Block { rows, inputs, way: piece.way, resume: piece.resume };
            let seen =
                |(index, read): (usize, &Read)| seen(&plan.graph.buffers[read.buffer()], *read, &block, sources[index]);
            let sources: Vec<&[u32]> = reads.iter().enumerate().map(seen).collect();
            kernel.twin(&block, &sources, &mut outputs, &sums);
        };
        if piece.operations < PARALLEL_OPERATIONS {
            let count = rows.len();
            split(rows, count, &mut taken).into_iter().for_each(twin);
        } else {
            let grain = domain.slab_rows(kernel.shader()).unwrap_or(domain.grain.max(1).into()) as usize;
            let per_block = rows.len().div_ceil(current_num_threads() * BLOCKS_PER_CORE);
            let per_block = per_block.max(domain.block as usize).next_multiple_of(grain).max(grain);
            split(rows, per_block, &mut taken).into_par_iter().for_each(twin);
        }
    }
    for (allocation, _, words) in taken.into_iter().chain(summed) {
        memory[allocation] = words;
    }
}

/// What a twin sees of a buffer that it reads.
fn seen<'w>(info: &BufferInfo, read: Read, block: &Block, words: &'w [u32]) -> &'w [u32] {
    let part = |start: usize, end: usize, unit: u64| &words[start * unit as usize..end * unit as usize];
    match read {
        Read::Rows(_) => part(block.rows.start, block.rows.end, info.row_words),
        Read::Inputs(_, reach) => {
            let inputs = block.inputs.start as u64..block.inputs.end as u64;
            let slices = Window::around(reach).rows(&inputs, info.extent.slices.into());
            part(slices.start as usize, slices.end as usize, info.slice_words())
        }
        Read::Whole(_) | Read::Slices(_) | Read::Window(..) | Read::Anywhere(..) => words,
    }
}

/// Cuts the written buffers into blocks of rows that can be computed side by side.
fn split(
    rows: Range<usize>,
    per_block: usize,
    taken: &mut [(usize, usize, Vec<u32>)],
) -> Vec<(Range<usize>, Vec<&mut [u32]>)> {
    let mut rest: Vec<(usize, &mut [u32])> =
        taken.iter_mut().map(|(_, row_words, words)| (*row_words, &mut words[rows.start * *row_words..])).collect();
    let mut blocks = Vec::new();
    let mut first = rows.start;
    while first < rows.end {
        let end = rows.end.min(first + per_block);
        let mut outputs = Vec::with_capacity(rest.len());
        for (row_words, words) in &mut rest {
            let (head, tail) = std::mem::take(words).split_at_mut((end - first) * *row_words);
            outputs.push(head);
            *words = tail;
        }
        blocks.push((first..end, outputs));
        first = end;
    }
    blocks
}
