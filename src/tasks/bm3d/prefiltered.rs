//! The search on thresholded spectra: noise that would hide which blocks are alike is taken out before.

use super::{
    matching::{Groups, Plane, REACH, WINDOW, number},
    options::Step,
    transform::{Stack, Transform},
};
use crate::kernels::vectorised::{LANES, vectorised};

/// Side of the blocks of the only profile that prefilters.
const N: usize = 12;
/// References across whose candidates' spectra are in memory together, a few megabytes.
const REFERENCES: usize = 32;
/// Coefficients whose differences are added to a distance in one pass; divides those of a block of 12x12.
const COEFFICIENTS: usize = 8;
/// Distances found together: those of all offsets along one row, and some that nobody asks for.
const PADDED: usize = WINDOW.next_multiple_of(LANES);

/// Groups of the references at `xs` in each of the rows of blocks `ys`, by distance of thresholded spectra.
pub(super) fn search(plane: Plane<'_>, step: &Step, sigma: f32, [xs, ys]: [&[usize]; 2], out: &mut [Groups]) {
    out.iter_mut().for_each(|groups| groups.clear(step.distance * (N * N) as f32));
    let top = ys[0].saturating_sub(REACH);
    let bottom = (ys[ys.len() - 1] + REACH).min(plane.rows - N);
    let (transform, mut spectra) = (Transform::dct(), Spectra::default());
    for (chunk, first) in xs.chunks(REFERENCES).zip((0..).step_by(REFERENCES)) {
        let left = chunk[0].saturating_sub(REACH);
        let right = (chunk[chunk.len() - 1] + REACH).min(plane.columns - N);
        spectra.fill(plane, &transform, [left, right], [top, bottom], step.prefilter * sigma);
        for (&y, groups) in ys.iter().zip(&mut *out) {
            for (group, &x) in (first..).zip(chunk) {
                let begin = x.saturating_sub(REACH);
                let count = (x + REACH).min(plane.columns - N) + 1 - begin;
                for candidate in y.saturating_sub(REACH)..=(y + REACH).min(plane.rows - N) {
                    let mut distances = [0.0; PADDED];
                    spectra.distances([x - left, y - top], [begin - left, candidate - top], &mut distances);
                    let dy = candidate as isize - y as isize;
                    for (dx, &distance) in (begin as isize - x as isize..).zip(&distances[..count]) {
                        if [dx, dy] != [0, 0] {
                            groups.offer(group, distance, number(dx, dy));
                        }
                    }
                }
            }
        }
    }
}

/// Thresholded spectra of all blocks of a rectangle: coefficient after coefficient for each row of blocks.
#[derive(Default)]
struct Spectra {
    /// Blocks of a row, and room that distances may be read from but mean nothing.
    pitch: usize,
    values: Vec<f32>,
}

impl Spectra {
    fn fill(
        &mut self,
        plane: Plane<'_>,
        transform: &Transform<N>,
        [left, right]: [usize; 2],
        [top, bottom]: [usize; 2],
        threshold: f32,
    ) {
        self.pitch = right - left + 1 + PADDED;
        self.values.resize((bottom - top + 1) * (N * N) * self.pitch, 0.0);
        let mut stack = Stack::default();
        for (y, row) in (top..=bottom).zip(self.values.chunks_exact_mut(N * N * self.pitch)) {
            stack.blocks.clear();
            stack.blocks.extend((left..=right).map(|x| plane.block([x, y])));
            spectra(transform, &mut stack);
            for (x, block) in stack.blocks.iter().enumerate() {
                for (&value, line) in block.as_flattened().iter().zip(row.chunks_exact_mut(self.pitch)) {
                    line[x] = if value.abs() > threshold { value } else { 0.0 };
                }
            }
        }
    }

    /// Distances of the block `reference` and those from `first` on in their row, all in [column, row].
    fn distances(&self, reference: [usize; 2], first: [usize; 2], out: &mut [f32]) {
        let row = |y: usize| &self.values[y * N * N * self.pitch..][..N * N * self.pitch];
        let spectrum = std::array::from_fn(|k| row(reference[1])[k * self.pitch + reference[0]]);
        add_differences(&spectrum, &row(first[1])[first[0]..], self.pitch, out);
    }
}

vectorised! {
    fn spectra(transform: &Transform<N>, stack: &mut Stack<N>) {
        transform.forward_each(stack);
    }
}

vectorised! {
    fn add_differences(spectrum: &[f32; N * N], candidates: &[f32], pitch: usize, out: &mut [f32]) {
        let count = out.len();
        for (part, first) in spectrum.as_chunks::<COEFFICIENTS>().0.iter().zip((0..).step_by(COEFFICIENTS)) {
            let lines: [&[f32]; COEFFICIENTS] = std::array::from_fn(|k| &candidates[(first + k) * pitch..][..count]);
            for x in 0..count {
                let mut sum = out[x];
                for k in 0..COEFFICIENTS {
                    let difference = lines[k][x] - part[k];
                    sum += difference * difference;
                }
                out[x] = sum;
            }
        }
    }
}
