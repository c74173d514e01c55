use std::ops::Range;

use crate::{
    data::{Grid, Unit, Volume},
    parallel::*,
};

/// Voxels of a mask that is given as a volume are above it.
pub(crate) const INSIDE: f32 = 0.5;

/// Bits per word.
const BITS: usize = 64;

/// One bit for each voxel, rows of whole words with x from the lowest bit on; what lies behind a row's last voxel is 0.
///
/// Sixty-four voxels to a word, so that what a word does not tell apart costs as much as one voxel, and a chest fits a cache.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mask {
    size: [usize; 3],
    /// Words of a row.
    stride: usize,
    words: Vec<u64>,
}

/// Set voxels of one row that follow each other, and the connected part they belong to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    /// Number of the part; parts are numbered by their first voxels in raster order.
    pub(crate) part: usize,
    pub(crate) x: Range<usize>,
    pub(crate) y: usize,
    pub(crate) z: usize,
}

impl Span {
    /// Number of voxels.
    pub(crate) fn len(&self) -> usize {
        self.x.len()
    }
}

/// Voxels of a row from `start` up to but not including `end` that are set.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    start: u32,
    end: u32,
}

impl Mask {
    /// The voxels whose value `is_set`.
    pub(crate) fn of(volume: &Volume, is_set: impl Fn(f32) -> bool + Sync) -> Self {
        let size = volume.grid().size();
        let [nx, ny, nz] = size;
        let stride = nx.div_ceil(BITS);
        let mut words = vec![0; stride * ny * nz];
        words.par_chunks_mut(stride * ny).zip(volume.values().par_chunks(nx * ny)).for_each(|(words, values)| {
            for (words, values) in words.chunks_exact_mut(stride).zip(values.chunks_exact(nx)) {
                for (word, values) in words.iter_mut().zip(values.chunks(BITS)) {
                    *word = values.iter().rev().fold(0, |word, &value| word << 1 | u64::from(is_set(value)));
                }
            }
        });
        Self { size, stride, words }
    }

    /// The words of row y of slice z.
    pub(super) fn row(&self, y: usize, z: usize) -> &[u64] {
        let at = (z * self.size[1] + y) * self.stride;
        &self.words[at..at + self.stride]
    }

    /// Whether voxel x of a row is set.
    pub(super) fn bit(row: &[u64], x: usize) -> bool {
        row[x / BITS] >> (x % BITS) & 1 == 1
    }

    /// 1 where the mask is set and 0 elsewhere, on a grid of its size.
    pub(super) fn volume(&self, grid: Grid) -> Volume {
        let [nx, ny, _] = self.size;
        let mut volume = Volume::zeros(grid, Unit::Arbitrary);
        volume.values_mut().par_chunks_mut(nx * ny).enumerate().for_each(|(z, values)| {
            for (y, values) in values.chunks_exact_mut(nx).enumerate() {
                let row = self.row(y, z);
                values.iter_mut().enumerate().for_each(|(x, value)| *value = f32::from(u8::from(Self::bit(row, x))));
            }
        });
        volume
    }

    /// What both have.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.words.par_iter_mut().zip(other.words.par_iter()).for_each(|(a, b)| *a &= b);
        self
    }

    /// Within each slice, the voxels all of whose neighbours within an ellipse are set; what lies beyond the slice counts as set.
    ///
    /// `reach` is the ellipse: how far it goes along x at y = 0, 1, 2 … voxels from its centre.
    pub(super) fn eroded(&self, reach: &[usize]) -> Self {
        let [nx, ny, _] = self.size;
        let (stride, slice) = (self.stride, self.stride * ny);
        let widest = reach.iter().copied().max().unwrap_or(0);
        let mut words = self.words.clone();
        words.par_chunks_mut(slice).zip(self.words.par_chunks(slice)).for_each(|(out, given)| {
            // Each row eroded along x by 0, 1, 2 … voxels.
            let mut along_x = vec![given.to_vec()];
            along_x[0].chunks_exact_mut(stride).for_each(|row| row[stride - 1] |= !last_word(nx));
            for step in 0..widest {
                let before = &along_x[step];
                let mut next = before.clone();
                for (row, next) in before.chunks_exact(stride).zip(next.chunks_exact_mut(stride)) {
                    for i in 0..stride {
                        let below = if i == 0 { u64::MAX } else { row[i - 1] };
                        let above = row.get(i + 1).copied().unwrap_or(u64::MAX);
                        next[i] &= (row[i] << 1 | below >> (BITS - 1)) & (row[i] >> 1 | above << (BITS - 1));
                    }
                }
                along_x.push(next);
            }
            for (y, out) in out.chunks_exact_mut(stride).enumerate() {
                out.fill(u64::MAX);
                for (dy, &width) in reach.iter().enumerate() {
                    for row in [y.checked_sub(dy), Some(y + dy).filter(|&row| row < ny)].into_iter().flatten() {
                        let row = &along_x[width][row * stride..][..stride];
                        out.iter_mut().zip(row).for_each(|(out, word)| *out &= word);
                    }
                }
                out[stride - 1] &= last_word(nx);
            }
        });
        Self { words, ..*self }
    }

    /// Within each slice, the voxels with a neighbour within an ellipse that is set.
    pub(super) fn dilated(&self, reach: &[usize]) -> Self {
        self.complement().eroded(reach).complement()
    }

    fn complement(&self) -> Self {
        let mut words = self.words.clone();
        let (stride, last) = (self.stride, last_word(self.size[0]));
        words.par_chunks_mut(stride * self.size[1]).for_each(|slice| {
            for row in slice.chunks_exact_mut(stride) {
                row.iter_mut().for_each(|word| *word = !*word);
                row[stride - 1] &= last;
            }
        });
        Self { words, ..*self }
    }

    /// The connected parts (by faces, edges and corners), as their spans in raster order.
    pub(crate) fn parts(&self) -> Vec<Span> {
        let ny = self.size[1];
        let (rows, mut parts) = self.joined(&[[-1, 0], [-1, -1], [0, -1], [1, -1]], 1);
        let (mut spans, mut numbers) = (Vec::with_capacity(rows.runs.len()), vec![u32::MAX; rows.runs.len()]);
        let mut count = 0;
        for row in 0..ny * self.size[2] {
            for index in rows.of(row) {
                let Run { start, end } = rows.runs[index];
                let number = &mut numbers[parts.root(index)];
                if *number == u32::MAX {
                    (*number, count) = (count, count + 1);
                }
                let x = start as usize..end as usize;
                spans.push(Span { part: *number as usize, x, y: row % ny, z: row / ny });
            }
        }
        spans
    }

    /// The runs of all slices, joined where they lie within `reach` voxels of those of rows so many `[rows, slices]` away.
    fn joined(&self, neighbours: &[[isize; 2]], reach: u32) -> (Rows, Parts) {
        let [_, ny, nz] = self.size;
        let rows = Rows::of_slices(self, 0, nz);
        let mut parts = Parts::new(rows.runs.len());
        for z in 0..nz {
            for y in 0..ny {
                for &[dy, dz] in neighbours {
                    let other = y.checked_add_signed(dy).filter(|&y| y < ny).zip(z.checked_add_signed(dz));
                    if let Some((other_y, other_z)) = other {
                        parts.join_rows(&rows, z * ny + y, other_z * ny + other_y, reach);
                    }
                }
            }
        }
        (rows, parts)
    }

    /// The connected parts (by faces) that have at least `share` of the largest part's voxels.
    pub(super) fn largest_parts(&self, share: f64) -> Self {
        let [_, ny, nz] = self.size;
        let (rows, mut parts) = self.joined(&[[-1, 0], [0, -1]], 0);
        let mut sizes = vec![0_u64; rows.runs.len()];
        for (index, run) in rows.runs.iter().enumerate() {
            sizes[parts.root(index)] += u64::from(run.end - run.start);
        }
        let least = share * sizes.iter().max().copied().unwrap_or(0) as f64;
        let mut kept = Self { words: vec![0; self.words.len()], ..*self };
        for row in 0..ny * nz {
            let words = &mut kept.words[row * self.stride..][..self.stride];
            for index in rows.of(row) {
                if sizes[parts.root(index)] as f64 >= least {
                    set(words, rows.runs[index]);
                }
            }
        }
        kept
    }

    /// With everything set that is cut off from the edge of its slice.
    pub(super) fn filled(mut self) -> Self {
        let [nx, ny, _] = self.size;
        let (stride, slice) = (self.stride, self.stride * ny);
        let empty = self.complement();
        self.words.par_chunks_mut(slice).enumerate().for_each(|(z, words)| {
            let rows = Rows::of_slices(&empty, z, z + 1);
            let mut parts = Parts::new(rows.runs.len());
            (1..ny).for_each(|y| parts.join_rows(&rows, y, y - 1, 0));
            let mut is_outside = vec![false; rows.runs.len()];
            for y in 0..ny {
                for index in rows.of(y) {
                    let Run { start, end } = rows.runs[index];
                    if y == 0 || y == ny - 1 || start == 0 || end as usize == nx {
                        is_outside[parts.root(index)] = true;
                    }
                }
            }
            for y in 0..ny {
                for index in rows.of(y) {
                    if !is_outside[parts.root(index)] {
                        set(&mut words[y * stride..][..stride], rows.runs[index]);
                    }
                }
            }
        });
        self
    }

    /// First voxel of the box around all that is set, and the voxel behind its last; `None` when nothing is.
    pub(super) fn bounds(&self) -> Option<([usize; 3], [usize; 3])> {
        let [_, ny, nz] = self.size;
        let (mut low, mut high) = ([usize::MAX; 3], [0; 3]);
        for z in 0..nz {
            for y in 0..ny {
                let row = self.row(y, z);
                let (Some(first), Some(last)) = (row.iter().position(|&w| w != 0), row.iter().rposition(|&w| w != 0))
                else {
                    continue;
                };
                let start = first * BITS + row[first].trailing_zeros() as usize;
                let end = (last + 1) * BITS - row[last].leading_zeros() as usize;
                low = [low[0].min(start), low[1].min(y), low[2].min(z)];
                high = [high[0].max(end), high[1].max(y + 1), high[2].max(z + 1)];
            }
        }
        (high != [0; 3]).then_some((low, high))
    }

    /// Number of voxels that are set.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// The bits of a row's last word that are voxels.
fn last_word(nx: usize) -> u64 {
    u64::MAX >> (nx.wrapping_neg() % BITS)
}

fn set(row: &mut [u64], Run { start, end }: Run) {
    let (start, end) = (start as usize, end as usize);
    for (word, first) in row[start / BITS..].iter_mut().zip((start / BITS * BITS..end).step_by(BITS)) {
        let from = u64::MAX << start.saturating_sub(first);
        *word |= from & u64::MAX >> BITS.saturating_sub(end - first);
    }
}

/// The runs of some slices, row after row.
struct Rows {
    runs: Vec<Run>,
    /// Index of each row's first run, and behind the last row.
    starts: Vec<usize>,
}

impl Rows {
    fn of_slices(mask: &Mask, from: usize, to: usize) -> Self {
        let slice = |z: usize| {
            let (mut runs, mut ends) = (Vec::new(), Vec::new());
            for y in 0..mask.size[1] {
                append_runs(mask.row(y, z), &mut runs);
                ends.push(runs.len());
            }
            (runs, ends)
        };
        let slices: Vec<_> = (from..to).into_par_iter().map(slice).collect();
        let (mut all, mut starts) = (Vec::new(), vec![0]);
        for (runs, ends) in slices {
            starts.extend(ends.iter().map(|end| all.len() + end));
            all.extend(runs);
        }
        Self { runs: all, starts }
    }

    fn of(&self, row: usize) -> Range<usize> {
        self.starts[row]..self.starts[row + 1]
    }
}

fn append_runs(row: &[u64], runs: &mut Vec<Run>) {
    let mut open: Option<u32> = None;
    for (index, &word) in row.iter().enumerate() {
        let (first, mut at) = ((index * BITS) as u32, 0);
        while at < BITS as u32 {
            let rest = word >> at;
            match open {
                None => {
                    at += rest.trailing_zeros().min(BITS as u32 - at);
                    open = (at < BITS as u32).then_some(first + at);
                }
                Some(start) => {
                    at += (!rest).trailing_zeros().min(BITS as u32 - at);
                    if at < BITS as u32 {
                        runs.push(Run { start, end: first + at });
                        open = None;
                    }
                }
            }
        }
    }
    if let Some(start) = open {
        runs.push(Run { start, end: (row.len() * BITS) as u32 });
    }
}

/// Runs joined to parts: a forest in which the root of each tree is its first run.
struct Parts(Vec<u32>);

impl Parts {
    fn new(runs: usize) -> Self {
        Self((0..runs as u32).collect())
    }

    fn root(&mut self, run: usize) -> usize {
        let mut at = run as u32;
        while self.0[at as usize] != at {
            let above = self.0[self.0[at as usize] as usize];
            self.0[at as usize] = above;
            at = above;
        }
        at as usize
    }

    /// Joins the runs of two rows that share an x, or are at most `reach` (0 or 1) voxels from doing so.
    fn join_rows(&mut self, rows: &Rows, a: usize, b: usize, reach: u32) {
        let (mut a, mut b) = (rows.of(a), rows.of(b));
        while a.start < a.end && b.start < b.end {
            let [first, second] = [rows.runs[a.start], rows.runs[b.start]];
            if first.start < second.end + reach && second.start < first.end + reach {
                let [one, other] = [self.root(a.start), self.root(b.start)];
                self.0[one.max(other)] = one.min(other) as u32;
            }
            // At least a voxel lies between runs of a row, so that what ends first touches nothing behind the other.
            if first.end <= second.end { a.start += 1 } else { b.start += 1 }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Grid, Unit};

    const SIZE: [usize; 3] = [131, 7, 3];

    fn mask(set: &[bool]) -> Mask {
        let values = set.iter().map(|&set| f32::from(u8::from(set))).collect();
        let grid = Grid::centred(SIZE, [1.0; 3]).unwrap();
        Mask::of(&Volume::new(grid, Unit::Arbitrary, values).unwrap(), |value| value > 0.5)
    }

    fn bits(mask: &Mask) -> Vec<bool> {
        let [nx, ny, nz] = mask.size;
        let rows = (0..ny * nz).map(|row| mask.row(row % ny, row / ny));
        rows.flat_map(|row| (0..nx).map(move |x| Mask::bit(row, x))).collect()
    }

    /// Parts by spreading from voxel to voxel, within slices alone or through them.
    fn spread(set: &[bool], seeds: Vec<usize>, through_slices: bool) -> Vec<bool> {
        let [nx, ny, nz] = SIZE;
        let mut reached = vec![false; set.len()];
        let mut open: Vec<usize> = seeds.into_iter().filter(|&i| set[i]).collect();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut reached[at], true) {
                continue;
            }
            let (x, y, z) = (at % nx, at / nx % ny, at / nx / ny);
            let mut go = |ok: bool, to: usize| {
                if ok && set[to] && !reached[to] {
                    open.push(to);
                }
            };
            go(x > 0, at.wrapping_sub(1));
            go(x + 1 < nx, at + 1);
            go(y > 0, at.wrapping_sub(nx));
            go(y + 1 < ny, at + nx);
            go(through_slices && z > 0, at.wrapping_sub(nx * ny));
            go(through_slices && z + 1 < nz, at + nx * ny);
        }
        reached
    }

    fn anything() -> impl Strategy<Value = Vec<bool>> {
        let count = SIZE.iter().product::<usize>();
        (0.05..0.95_f64).prop_flat_map(move |p| proptest::collection::vec(proptest::bool::weighted(p), count))
    }

    proptest! {
        #[test]
        fn erosion_and_dilation_are_those_of_every_voxel(set in anything(), reach in proptest::collection::vec(0..4_usize, 1..4)) {
            let [nx, ny, nz] = SIZE;
            let near = |x: usize, y: usize, z: usize, wanted: bool| {
                let hit = |i: i64, j: i64| {
                    let (x, y) = (x as i64 + i, y as i64 + j);
                    let is_in = (0..nx as i64).contains(&x) && (0..ny as i64).contains(&y);
                    is_in && set[(z * ny + y as usize) * nx + x as usize] == wanted
                };
                reach.iter().zip(0..).any(|(&w, j)| (-(w as i64)..=w as i64).any(|i| hit(i, j) || hit(i, -j)))
            };
            let voxels = || (0..nx * ny * nz).map(|i| (i % nx, i / nx % ny, i / nx / ny));
            let given = mask(&set);
            let eroded: Vec<bool> = voxels().map(|(x, y, z)| !near(x, y, z, false)).collect();
            let dilated: Vec<bool> = voxels().map(|(x, y, z)| near(x, y, z, true)).collect();
            prop_assert_eq!(bits(&given.eroded(&reach)), eroded);
            prop_assert_eq!(bits(&given.dilated(&reach)), dilated);
        }

        #[test]
        fn parts_by_corners_are_those_of_spreading_from_voxel_to_voxel(set in anything()) {
            let [nx, ny, nz] = SIZE;
            // Sparser than `anything`, of which nearly all is one part.
            let set: Vec<bool> = set.iter().enumerate().map(|(at, set)| *set && at * at % 7 < 2).collect();
            let mut numbers = vec![usize::MAX; set.len()];
            let mut count = 0;
            for seed in 0..set.len() {
                let mut open = vec![seed];
                let is_new = set[seed] && numbers[seed] == usize::MAX;
                while let Some(at) = open.pop().filter(|_| is_new) {
                    numbers[at] = count;
                    let place = [at % nx, at / nx % ny, at / nx / ny];
                    for step in 0..27_usize {
                        let [x, y, z] =
                            [0, 1, 2].map(|axis| (place[axis] + step / [1, 3, 9][axis] % 3).wrapping_sub(1));
                        let to = (z.wrapping_mul(ny).wrapping_add(y)).wrapping_mul(nx).wrapping_add(x);
                        if x < nx && y < ny && z < nz && set[to] && numbers[to] == usize::MAX {
                            numbers[to] = count;
                            open.push(to);
                        }
                    }
                }
                count += usize::from(is_new);
            }
            let mut found = vec![usize::MAX; set.len()];
            for Span { part, x, y, z } in mask(&set).parts() {
                x.for_each(|x| found[(z * ny + y) * nx + x] = part);
            }
            prop_assert_eq!(found, numbers);
        }

        #[test]
        fn parts_and_holes_are_those_of_spreading_from_voxel_to_voxel(set in anything()) {
            let [nx, ny, _] = SIZE;
            let given = mask(&set);
            let edge: Vec<usize> = (0..set.len())
                .filter(|i| i % nx == 0 || i % nx == nx - 1 || i / nx % ny == 0 || i / nx % ny == ny - 1)
                .collect();
            let empty: Vec<bool> = set.iter().map(|set| !set).collect();
            let outside = spread(&empty, edge, false);
            let filled: Vec<bool> = outside.iter().map(|outside| !outside).collect();
            prop_assert_eq!(bits(&given.clone().filled()), filled);

            let mut parts: Vec<Vec<bool>> = Vec::new();
            for at in 0..set.len() {
                if set[at] && !parts.iter().any(|part| part[at]) {
                    parts.push(spread(&set, vec![at], true));
                }
            }
            let count = |part: &Vec<bool>| part.iter().filter(|&&set| set).count();
            let most = parts.iter().map(count).max().unwrap_or(0);
            let wanted: Vec<&Vec<bool>> = parts.iter().filter(|part| count(part) as f64 >= 0.3 * most as f64).collect();
            let union: Vec<bool> = (0..set.len()).map(|at| wanted.iter().any(|part| part[at])).collect();
            let kept = given.largest_parts(0.3);
            prop_assert_eq!(bits(&kept), union.clone());
            let x: Vec<usize> = (0..set.len()).filter(|&at| union[at]).map(|at| at % nx).collect();
            let found = kept.bounds().map(|(low, high)| (low[0], high[0]));
            prop_assert_eq!(found, x.iter().min().zip(x.iter().max()).map(|(low, high)| (*low, high + 1)));
            prop_assert_eq!(kept.count(), x.len());
        }
    }
}
