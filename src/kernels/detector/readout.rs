//! Raw counts of a detector from its signal.
//!
//! ```text
//! y = clamp(offset + gain·g·(s + σ·z), least, full)          rounded to whole numbers, halves up, where it is digitised
//! y = 0 of a dead pixel, full of a stuck one
//! ```
//! where s is the signal, z a standard normal number of the pixel and the view, σ the electronic noise in units of the signal, g the
//! pixel's gain ([`super::pattern`]), and gain and offset are in counts. Counts of up to 16 bits are held as numbers of single precision,
//! exactly.
//!
//! Shapes: `[view][row][column]` ← `[1][row][column]`, `[view][row][column]`. Tier P.

use crate::kernels::noise::{ELECTRONIC_DRAW, Stream, counter, deviates, philox_lanes};
use crate::kernels::prelude::*;

kernel! {
    /// Raw counts.
    struct Read {
        /// Columns, rows of a view, words of the key; column, row and view of the first pixel in the whole image.
        columns, rows, key_low, key_high, column, row, view: u32,
        /// 1 where there is electronic noise, and 1 where counts are whole numbers.
        is_noisy, is_whole: u32,
        /// Electronic noise in units of the signal; counts for a unit of the signal, and for none.
        sigma, gain, offset: f32,
        /// Least and largest count, and that of stuck pixels.
        least, largest, full: f32,
    }
    shader detector/readout + noise/deviate + noise/drawn + noise/philox + clahe/high_word, Pinned, [64, 4];
    reads gains[rows, columns]: whole of f32, signals[rows, columns]: rows of f32;
    writes results[rows, columns]: f32;
    operations 360.0;
}

/// How signals become counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Readout {
    /// Standard deviation of the electronic noise, in units of the signal; 0: none.
    pub sigma: f32,
    /// Counts for a unit of the signal, and for none.
    pub gain: f32,
    /// Counts of no signal.
    pub offset: f32,
    /// Largest count.
    pub full: f32,
    /// Whether counts end at 0 and at the full scale.
    pub is_limited: bool,
    /// Whether counts are whole numbers.
    pub is_whole: bool,
}

/// Records the counts of `signals`, whose slices are views, with the pixels' `gains`.
pub fn record(
    graph: &mut Graph<'_>,
    gains: Buffer<f32>,
    signals: Buffer<f32>,
    readout: &Readout,
    stream: &Stream,
) -> Buffer<f32> {
    let Extent { rows, columns, .. } = graph.extent(signals);
    let ([key_low, key_high], [column, row, view]) = (stream.key(), stream.origin);
    let Readout { sigma, gain, offset, full, is_limited, is_whole } = *readout;
    let [least, largest] = if is_limited { [0.0, full] } else { [f32::MIN, f32::MAX] };
    let (is_noisy, is_whole) = ((sigma > 0.0).into(), is_whole.into());
    let kernel = Read {
        columns,
        rows,
        key_low,
        key_high,
        column,
        row,
        view,
        is_noisy,
        is_whole,
        sigma,
        gain,
        offset,
        least,
        largest,
        full,
    };
    kernel.compute(graph, "read-out", gains, signals, "readout.raw")
}

fn twin(kernel: &Read, block: &Block, gains: &[f32], signals: &[f32], results: &mut [f32]) {
    let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
    let lines = signals.chunks_exact(columns).zip(results.chunks_exact_mut(columns));
    for (row, (signals, out)) in block.rows.clone().zip(lines) {
        let counter = counter([kernel.column, kernel.row, kernel.view], kernel.rows, row);
        counted(kernel, counter, &gains[row % rows * columns..][..columns], signals, out);
    }
}

vectorised! {
    /// One row, whose first pixel has the given counter.
    fn counted(kernel: &Read, counter: [u32; 4], gains: &[f32], signals: &[f32], out: &mut [f32]) {
        let ([x, y, z, _], Read { sigma, gain, offset, least, largest, full, .. }) = (counter, *kernel);
        let lines = gains.chunks(LANES).zip(signals.chunks(LANES));
        for (chunk, ((gains, signals), out)) in lines.zip(out.chunks_mut(LANES)).enumerate() {
            let mut noise = [0.0; LANES];
            if kernel.is_noisy != 0 {
                let first = x.wrapping_add((chunk * LANES) as u32);
                let [high, low, ..] = philox_lanes([first, y, z, ELECTRONIC_DRAW], [kernel.key_low, kernel.key_high]);
                noise = deviates(&high, &low);
            }
            for (i, ((own, signal), out)) in gains.iter().zip(signals).zip(out).enumerate() {
                let count = offset + (gain * own) * (signal + sigma * noise[i]);
                let limited = count.max(least).min(largest);
                let rounded = if kernel.is_whole != 0 { (limited + 0.5).floor() } else { limited };
                let bad = if *own < 0.0 { full } else { 0.0 };
                *out = if *own > 0.0 { rounded } else { bad };
            }
        }
    }
}
