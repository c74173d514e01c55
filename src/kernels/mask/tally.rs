//! Pixels of every component, and the component that has the most. Tier E.
//!
//! Shapes: counts `[1][pixel]`, at the place of the component's label, and best `[label, count]` ← labels
//! `[1][pixel]`. Of components with as many pixels the one with the smallest label is best, the first in raster order;
//! where nothing is counted, best is [`NONE`] with 0.

use super::labels::NONE;
use crate::kernels::prelude::*;

kernel! {
    /// Pixels of every component: columns and rows of the image; 1 for [`Counted::Border`].
    struct Tallied { columns, rows, border_only: u32 }
    shader mask/tally, Exact, [256, 1];
    reads labels[1, (columns * rows)]: whole of u32;
    writes counts[1, (columns * rows)]: u32 as "atomic<u32>", best[1, 2]: u32;
    domain |output| Domain::groups(1, 1, SHADER.workgroup[0], 10.0 * f64::from(output.columns));
}

/// Which pixels of a component count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All: its area.
    All = 0,
    /// Those in the first and last row and column of the image.
    Border = 1,
}

/// What [`record`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Per pixel number, which is a label, how many pixels have it.
    pub counts: Buffer<u32>,
    /// Label with the most, and how many.
    pub best: Buffer<u32>,
}

/// Records the count of the `labels` of an image of `size` pixels.
pub fn record(graph: &mut Graph<'_>, labels: Buffer<u32>, [columns, rows]: [u32; 2], counted: Counted) -> Tally {
    let kernel = Tallied { columns, rows, border_only: counted as u32 };
    let (counts, best) = kernel.compute(graph, "tally", labels, "mask.counts", "mask.best");
    Tally { counts, best }
}

fn twin(kernel: &Tallied, _: &Block, labels: &[u32], counts: &mut [u32], best: &mut [u32]) {
    counts.fill(0);
    if kernel.border_only == 0 {
        count(labels, counts);
    } else {
        let columns = kernel.columns as usize;
        let last = labels.len() - columns;
        count(&labels[..columns], counts);
        if last > 0 {
            for row in labels[columns..last].chunks_exact(columns) {
                count(&row[..1], counts);
                count(&row[1.max(columns - 1)..], counts);
            }
            count(&labels[last..], counts);
        }
    }
    let (mut label, mut most) = (NONE, 0);
    for (pixel, &count) in counts.iter().enumerate() {
        if count > most {
            (label, most) = (pixel as u32, count);
        }
    }
    best.copy_from_slice(&[label, most]);
}

/// Adds the labels up, neighbours with the same label at once.
fn count(labels: &[u32], counts: &mut [u32]) {
    for run in labels.chunk_by(|a, b| a == b) {
        if run[0] != NONE {
            counts[run[0] as usize] += run.len() as u32;
        }
    }
}
