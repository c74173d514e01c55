//! Connected components: a label per pixel. Tier E.
//!
//! The label of a component is its smallest pixel number `y·columns + x`, the first in raster order; what does not
//! take part has [`NONE`]. So the result is unique, however the work is ordered.
//!
//! The shader is a union–find with links by atomic minimum (Jayanti & Tarjan 2016, arXiv:1612.01514, for such
//! concurrent links). Atomics and barriers of one workgroup are all that WebGPU promises, so **one** workgroup does
//! the whole image, and the forest, which depends on timing, is flattened before the pass ends: trees depend on
//! timing, the smallest member of a tree does not. It is meant for masks of up to about a million pixels: larger ones
//! are reduced first. The twin unites runs in raster order, in linear time.
//!
//! Shapes: `[1][pixel]` ← `[row][word]`. The labels are one row, as they are computed as one.

use crate::kernels::prelude::*;

kernel! {
    /// Connected components.
    struct Labels {
        /// Columns and rows of the image, words per row.
        columns, rows, words: u32,
        /// What is xored with the words before, and neighbours of a pixel, 4 or 8.
        flip, neighbours: u32,
    }
    shader mask/labels, Exact, [256, 1];
    reads mask[rows, words]: whole of u32;
    writes labels[1, (columns * rows)]: u32 as "atomic<u32>";
    domain |output| Domain::groups(1, 1, SHADER.workgroup[0], 30.0 * f64::from(output.columns));
}

/// Label of pixels that do not take part.
pub const NONE: u32 = u32::MAX;

/// Which pixels are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The set pixels, connected by 8 neighbours.
    Set,
    /// The unset pixels, connected by 4 neighbours.
    Unset,
}

impl Ground {
    /// What turns its pixels into set ones, by exclusive or, and the number of neighbours of a pixel.
    fn connected(self) -> (u32, u32) {
        match self {
            Self::Set => (0, 8),
            Self::Unset => (u32::MAX, 4),
        }
    }
}

/// Records the labels of `mask`, one per pixel, in one row.
pub fn record(graph: &mut Graph<'_>, mask: Mask, ground: Ground) -> Buffer<u32> {
    let ([columns, rows, words], (flip, neighbours)) = (mask.shape(), ground.connected());
    Labels { columns, rows, words, flip, neighbours }.compute(graph, "labels", mask, "mask.labels")
}

fn twin(kernel: &Labels, _: &Block, mask: &[u32], labels: &mut [u32]) {
    let Labels { columns, words, flip, neighbours, .. } = *kernel;
    let runs = Runs::united(mask, words as usize, Mask::last_valid(columns), flip, u32::from(neighbours == 8));
    runs.write(columns as usize, labels);
}

/// Neighbouring pixels of one row: first and last column, and the earlier run it is linked to.
#[derive(Clone, Copy, Debug)]
struct Run {
    row: u32,
    first: u32,
    last: u32,
    parent: u32,
}

/// Runs in raster order, so that the smallest run of a component holds its first pixel.
struct Runs(Vec<Run>);

impl Runs {
    fn united(mask: &[u32], words: usize, valid: u32, flip: u32, reach: u32) -> Self {
        let mut runs = Self(Vec::new());
        let mut above = 0..0;
        for (y, row) in mask.chunks_exact(words).enumerate() {
            let begin = runs.0.len();
            for (index, &word) in row.iter().enumerate() {
                let valid = if index + 1 == words { valid } else { u32::MAX };
                runs.append(begin, y as u32, (index * WORD_PIXELS) as u32, (word ^ flip) & valid);
            }
            runs.link(above, begin, reach);
            above = begin..runs.0.len();
        }
        runs
    }

    /// Appends the runs of a word; one that goes on from the word before makes that one longer.
    fn append(&mut self, begin: usize, row: u32, column: u32, mut bits: u32) {
        while bits != 0 {
            let low = bits.trailing_zeros();
            let length = (bits >> low).trailing_ones();
            let (first, last) = (column + low, column + low + length - 1);
            let count = self.0.len();
            match self.0[begin..].last_mut() {
                Some(run) if run.last + 1 == first => run.last = last,
                _ => self.0.push(Run { row, first, last, parent: count as u32 }),
            }
            // A carry out of the run removes it.
            bits &= bits.wrapping_add(1 << low);
        }
    }

    /// Unites the runs from `begin` on with those above that they touch, going through both rows once.
    fn link(&mut self, above: std::ops::Range<usize>, begin: usize, reach: u32) {
        let (mut upper, mut lower) = (above.start, begin);
        while upper < above.end && lower < self.0.len() {
            let (a, b) = (self.0[upper], self.0[lower]);
            if a.first <= b.last + reach && b.first <= a.last + reach {
                self.unite(upper, lower);
            }
            if a.last < b.last {
                upper += 1;
            } else {
                lower += 1;
            }
        }
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)].parent = a.min(b) as u32;
    }

    /// Halves paths on the way.
    fn root(&mut self, mut run: usize) -> usize {
        loop {
            let parent = self.0[run].parent;
            if parent as usize == run {
                return run;
            }
            let next = self.0[parent as usize].parent;
            self.0[run].parent = next;
            run = next as usize;
        }
    }

    fn write(mut self, columns: usize, labels: &mut [u32]) {
        labels.fill(NONE);
        for index in 0..self.0.len() {
            // Parents come first, so theirs are roots by now.
            let root = self.0[self.0[index].parent as usize].parent;
            self.0[index].parent = root;
            let Run { row, first, last, .. } = self.0[index];
            let Run { row: root_row, first: root_first, .. } = self.0[root as usize];
            let label = root_row * columns as u32 + root_first;
            labels[row as usize * columns..][first as usize..=last as usize].fill(label);
        }
    }
}
