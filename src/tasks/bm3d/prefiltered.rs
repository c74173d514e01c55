//! The search on thresholded spectra: noise that would hide which blocks are alike is taken out before.

use super::{
    matching::{Groups, Plane, REACH, WINDOW, number},
    options::Step,
    transform::{Stack, Transform},
};
use crate::vectorised::{LANES, vectorised};

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
    let (transform, mut spectra, mut distances) = (Transform::dct(), Spectra::default(), Vec::new());
    for (chunk, first) in xs.chunks(REFERENCES).zip((0..).step_by(REFERENCES)) {
        let left = chunk[0].saturating_sub(REACH);
        let right = (chunk[chunk.len() - 1] + REACH).min(plane.columns - N);
        spectra.fill(plane, &transform, [left, right], [top, bottom], step.prefilter * sigma);
        let begins = chunk.iter().map(|x| x.saturating_sub(REACH));
        let pairs: Vec<[usize; 2]> = begins.zip(chunk).map(|(begin, x)| [x - left, begin - left]).collect();
        for (&y, groups) in ys.iter().zip(&mut *out) {
            for candidate in y.saturating_sub(REACH)..=(y + REACH).min(plane.rows - N) {
                distances.clear();
                distances.resize(chunk.len(), [0.0; PADDED]);
                let rows = [y, candidate].map(|y| spectra.row(y - top));
                add_differences(rows, spectra.pitch, &pairs, &mut distances);
                let dy = candidate as isize - y as isize;
                for ((group, &x), distances) in (first..).zip(chunk).zip(&distances) {
                    let begin = x.saturating_sub(REACH);
                    let count = (x + REACH).min(plane.columns - N) + 1 - begin;
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

    fn row(&self, y: usize) -> &[f32] {
        &self.values[y * N * N * self.pitch..][..N * N * self.pitch]
    }
}

vectorised! {
    fn spectra(transform: &Transform<N>, stack: &mut Stack<N>) {
        transform.forward_each(stack);
    }
}

vectorised! {
    /// Adds to each row of `out` the distances of a reference and the `PADDED` candidates from a second column on.
    ///
    /// A few coefficients are taken for all references before the next, so that their lines stay in the cache.
    fn add_differences(rows: [&[f32]; 2], pitch: usize, pairs: &[[usize; 2]], out: &mut [[f32; PADDED]]) {
        let [references, candidates] = rows.map(|row| row.chunks_exact(COEFFICIENTS * pitch));
        for (references, candidates) in references.zip(candidates) {
            for (&[reference, begin], out) in pairs.iter().zip(&mut *out) {
                let mut spectrum = [0.0; COEFFICIENTS];
                let mut lines: [&[f32]; COEFFICIENTS] = [&[]; COEFFICIENTS];
                for k in 0..COEFFICIENTS {
                    spectrum[k] = references[k * pitch + reference];
                    lines[k] = &candidates[k * pitch + begin..][..PADDED];
                }
                for x in 0..PADDED {
                    let mut sum = out[x];
                    for k in 0..COEFFICIENTS {
                        let difference = lines[k][x] - spectrum[k];
                        sum += difference * difference;
                    }
                    out[x] = sum;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::matching::tests::check, *};

    const STEP: Step = Step { side: N, members: 16, stride: 4, distance: 0.14, prefilter: 2.0, threshold: 0.0 };

    #[test]
    fn without_noise_groups_are_those_of_the_pixels() {
        check(&STEP, |plane, step, places, out| search(plane, step, 0.0, places, out));
    }

    #[test]
    #[should_panic(expected = "at ")]
    fn with_noise_they_are_not() {
        check(&STEP, |plane, step, places, out| search(plane, step, 0.2, places, out));
    }
}
