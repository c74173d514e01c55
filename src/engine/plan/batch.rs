//! Batches: the commands that are handed to a device in one submission, and the staging memory that they need.

use std::ops::Range;

use super::{
    super::{Graph, Limits, buffer::WORD_BYTES, graph::Action},
    Parts, Placement, Step,
};

/// Largest staging buffer of a batch: large enough for full transfer speed, small enough to be forgotten in the budget.
const STAGING_WORDS: u64 = (12 << 20) / WORD_BYTES;
/// Staging buffers in flight per direction: one that the host fills or reads while the device works on two batches.
pub(crate) const RING_DEPTH: usize = 3;
/// Most dispatches of one batch.
const DISPATCHES: usize = 256;
/// Operations of one batch, in those of one dispatch: progress and cancelling wait for a batch.
const OPERATIONS: f64 = 4.0;

/// Commands of one submission.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) commands: Vec<Command>,
    /// Words of host data that it takes to the device.
    pub(crate) upload_words: u64,
    /// Words that it brings to the host.
    pub(crate) download_words: u64,
    pub(crate) dispatches: usize,
    operations: f64,
}

/// What a device does for one step of the plan, or for a part of one.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Upload { step: usize, transfer: Transfer },
    Clear { step: usize },
    Copy { step: usize },
    Compute { step: usize, pieces: Range<usize> },
    Download { step: usize, transfer: Transfer },
}

impl Command {
    pub(crate) fn step(&self) -> usize {
        match self {
            Self::Upload { step, .. }
            | Self::Clear { step }
            | Self::Copy { step }
            | Self::Compute { step, .. }
            | Self::Download { step, .. } => *step,
        }
    }
}

/// Words on their way between the host and one part of a buffer.
#[derive(Debug, PartialEq)]
pub(crate) struct Transfer {
    pub(crate) part: usize,
    /// First word within the part.
    pub(crate) part_word: u64,
    /// Words of the buffer.
    pub(crate) words: Range<usize>,
    /// First word within the batch's staging buffer.
    pub(crate) staging_word: u64,
}

/// Staging buffers of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Staging {
    /// Bytes of one buffer; 0 where nothing is transferred.
    pub(crate) bytes: u64,
    pub(crate) count: u64,
}

impl Staging {
    /// Of batches that transfer so many words each.
    pub(super) fn of(words: impl Iterator<Item = u64>, is_repeated: bool) -> Self {
        let (mut most, mut transfers) = (0, 0);
        for words in words.filter(|words| *words > 0) {
            most = most.max(words);
            transfers += 1;
        }
        let depth = RING_DEPTH as u64;
        let count = if is_repeated && transfers > 0 { depth } else { depth.min(transfers) };
        Self { bytes: most * WORD_BYTES, count }
    }

    pub(crate) fn all_bytes(self) -> u64 {
        self.bytes * self.count
    }
}

/// Divides steps into batches, in their order.
pub(super) fn batches<'s>(
    graph: &Graph<'_>,
    steps: impl Iterator<Item = (usize, &'s Step)>,
    placements: &[Placement],
    limits: &Limits,
) -> Vec<Batch> {
    let mut batches = Batches { all: Vec::new(), open: Batch::default() };
    for (index, step) in steps {
        match graph.passes[step.pass].action {
            Action::Upload { to, .. } | Action::Input { to } => {
                batches.transfers(
                    &placements[to],
                    |batch| &mut batch.upload_words,
                    |transfer| Command::Upload { step: index, transfer },
                );
            }
            Action::Download { from, .. } => {
                batches.transfers(
                    &placements[from],
                    |batch| &mut batch.download_words,
                    |transfer| Command::Download { step: index, transfer },
                );
            }
            Action::Clear { .. } => batches.open.commands.push(Command::Clear { step: index }),
            Action::Copy { .. } => batches.open.commands.push(Command::Copy { step: index }),
            Action::Compute { .. } => batches.compute(index, step, limits.dispatch_operations * OPERATIONS),
        }
    }
    batches.close();
    batches.all
}

struct Batches {
    all: Vec<Batch>,
    open: Batch,
}

impl Batches {
    fn close(&mut self) {
        if !self.open.commands.is_empty() {
            self.all.push(std::mem::take(&mut self.open));
        }
    }

    fn compute(&mut self, index: usize, step: &Step, operations: f64) {
        for (number, piece) in step.pieces.iter().enumerate() {
            let is_full = self.open.dispatches == DISPATCHES || self.open.operations + piece.operations > operations;
            if is_full && self.open.dispatches > 0 {
                self.close();
            }
            self.open.dispatches += 1;
            self.open.operations += piece.operations;
            match self.open.commands.last_mut() {
                Some(Command::Compute { step, pieces }) if *step == index => pieces.end = number + 1,
                _ => self.open.commands.push(Command::Compute { step: index, pieces: number..number + 1 }),
            }
        }
    }

    /// Cuts the words of a buffer where its parts end and where a batch's staging is full.
    fn transfers(
        &mut self,
        placement: &Placement,
        staged: fn(&mut Batch) -> &mut u64,
        command: impl Fn(Transfer) -> Command,
    ) {
        let Placement::In { parts, .. } = placement else { return };
        for (part, first, words) in parts.each() {
            let mut done = 0;
            while done < words {
                if *staged(&mut self.open) == STAGING_WORDS {
                    self.close();
                }
                let staging_word = *staged(&mut self.open);
                let count = (words - done).min(STAGING_WORDS - staging_word);
                let start = (first + done) as usize;
                let words = start..start + count as usize;
                self.open.commands.push(command(Transfer { part, part_word: done, words, staging_word }));
                *staged(&mut self.open) += count;
                done += count;
            }
        }
    }
}

impl Parts {
    /// Number, first word and count of words of every part.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let Self { rows, row_words, .. } = *self;
        (0..self.count()).map(move |part| (part, part as u64 * rows * row_words, self.words(part)))
    }
}
