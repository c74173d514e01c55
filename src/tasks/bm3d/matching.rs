//! Search for the blocks of a window that are most like a reference block.

use super::{options::Step, transform::Block};
use crate::vectorised::{LANES, vectorised};

/// Farthest a candidate lies from its reference along one axis: the window is 39x39 blocks [NS].
pub(super) const REACH: usize = 19;
pub(super) const WINDOW: usize = 2 * REACH + 1;
/// References matched together: their strips of both blocks' rows stay in the first-level cache.
const REFERENCES: usize = 128;

/// Pixels of an image.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) values: &'a [f32],
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// Positions of reference blocks along one axis: every `stride`, and the last that fits.
pub(super) fn references(length: usize, side: usize, stride: usize) -> Vec<usize> {
    let last = length - side;
    (0..last).step_by(stride).chain([last]).collect()
}

/// Groups of the references of one row of blocks: members sorted by distance, the reference first.
pub(super) struct Groups {
    capacity: usize,
    lengths: Vec<usize>,
    /// Bits of the distance, then the offset; positive floats sort like their bits.
    keys: Vec<u64>,
    /// Largest distance that still enters.
    limits: Vec<f32>,
}

impl Groups {
    /// Room for `count` groups.
    pub(super) fn new(count: usize, capacity: usize) -> Self {
        Self { capacity, lengths: vec![0; count], keys: vec![0; count * capacity], limits: vec![0.0; count] }
    }

    /// Back to groups of the reference alone.
    pub(super) fn clear(&mut self, limit: f32) {
        self.lengths.fill(1);
        self.limits.fill(limit);
        self.keys.chunks_exact_mut(self.capacity).for_each(|keys| keys[0] = 0);
    }

    #[inline(always)]
    pub(super) fn offer(&mut self, group: usize, distance: f32, offset: u32) {
        if distance <= self.limits[group] {
            self.insert(group, u64::from(distance.to_bits()) << 32 | u64::from(offset));
        }
    }

    fn insert(&mut self, group: usize, key: u64) {
        let keys = &mut self.keys[group * self.capacity..][..self.capacity];
        let length = &mut self.lengths[group];
        if *length < keys.len() {
            *length += 1;
        } else if keys[keys.len() - 1] <= key {
            return;
        }
        let mut place = *length - 1;
        while keys[place - 1] > key {
            keys[place] = keys[place - 1];
            place -= 1;
        }
        keys[place] = key;
        if *length == keys.len() {
            self.limits[group] = f32::from_bits((keys[keys.len() - 1] >> 32) as u32);
        }
    }

    /// Columns and rows of the blocks of one group, the largest power of two of them, reference first.
    #[inline(always)]
    pub(super) fn members(&self, group: usize, [x, y]: [usize; 2]) -> impl ExactSizeIterator<Item = [usize; 2]> {
        let length = 1 << self.lengths[group].ilog2();
        self.keys[group * self.capacity..][..length].iter().map(move |&key| {
            let offset = key as u32 as usize;
            if offset == 0 {
                return [x, y];
            }
            [x + (offset - 1) % WINDOW - REACH, y + (offset - 1) / WINDOW - REACH]
        })
    }
}

/// Number of an offset in the window; 0 is the reference itself.
pub(super) fn number(dx: isize, dy: isize) -> u32 {
    ((dy + REACH as isize) as usize * WINDOW + (dx + REACH as isize) as usize + 1) as u32
}

/// Memory that a search works in.
#[derive(Default)]
struct Scratch {
    columns: Vec<f32>,
    distances: Vec<f32>,
}

/// Groups of the references at `xs` in each of the rows of blocks `ys`.
pub(super) fn search(plane: Plane<'_>, step: &Step, [xs, ys]: [&[usize]; 2], out: &mut [Groups]) {
    let mut scratch = Scratch::default();
    for (&y, groups) in ys.iter().zip(out) {
        search_row(plane, step, y, xs, &mut scratch, groups);
    }
}

/// Groups of the references of one row of blocks.
///
/// Distances of one offset are found for a whole strip at once: squared differences are summed down the columns of a
/// block, then along its rows.
fn search_row(plane: Plane<'_>, step: &Step, row: usize, xs: &[usize], scratch: &mut Scratch, out: &mut Groups) {
    let side = step.side;
    out.clear(step.distance * (side * side) as f32);
    let reach = REACH as isize;
    for (chunk, first) in xs.chunks(REFERENCES).zip((0..).step_by(REFERENCES)) {
        let y_last = plane.rows - side;
        for y in row.saturating_sub(REACH)..=(row + REACH).min(y_last) {
            let dy = y as isize - row as isize;
            for dx in -reach..=reach {
                if [dx, dy] == [0, 0] {
                    continue;
                }
                // References whose candidate lies within the image.
                let x_last = (plane.columns - side) as isize;
                let begin = chunk.partition_point(|&x| (x as isize) < -dx);
                let end = chunk.partition_point(|&x| x as isize + dx <= x_last);
                if begin >= end {
                    continue;
                }
                let (x, width) = (chunk[begin], chunk[end - 1] - chunk[begin] + side);
                let strips = [row * plane.columns + x, y * plane.columns + x.wrapping_add_signed(dx)];
                let pair = strips.map(|start| &plane.values[start..]);
                distances(pair, plane.columns, side, width, scratch);
                let number = number(dx, dy);
                for (group, &reference) in (first + begin..).zip(&chunk[begin..end]) {
                    out.offer(group, scratch.distances[reference - x], number);
                }
            }
        }
    }
}

vectorised! {
    /// Summed squared differences of the blocks that begin at each column of two strips `width` wide.
    fn distances(strips: [&[f32]; 2], stride: usize, side: usize, width: usize, scratch: &mut Scratch) {
        match side {
            8 => strip::<8>(strips, stride, width, scratch),
            11 => strip::<11>(strips, stride, width, scratch),
            _ => unreachable!("no profile matches pixels of other blocks"),
        }
    }
}

#[inline(always)]
fn strip<const N: usize>(strips: [&[f32]; 2], stride: usize, width: usize, scratch: &mut Scratch) {
    let padded = width.next_multiple_of(LANES);
    if scratch.columns.len() < padded + LANES {
        scratch.columns.resize(padded + LANES, 0.0);
        scratch.distances.resize(padded, 0.0);
    }
    let columns = &mut scratch.columns[..width];
    let mut rows: [[&[f32]; 2]; N] = [[&[]; 2]; N];
    for (row, pair) in rows.iter_mut().enumerate() {
        *pair = [&strips[0][row * stride..][..width], &strips[1][row * stride..][..width]];
    }
    for x in 0..width {
        let mut sum = 0.0;
        for [reference, candidate] in &rows {
            let difference = reference[x] - candidate[x];
            sum += difference * difference;
        }
        columns[x] = sum;
    }
    let count = width + 1 - N;
    let mut windows: [&[f32]; N] = [&[]; N];
    for (k, window) in windows.iter_mut().enumerate() {
        *window = &scratch.columns[k..][..count];
    }
    let distances = &mut scratch.distances[..count];
    for x in 0..count {
        let mut sum = windows[0][x];
        for window in &windows[1..] {
            sum += window[x];
        }
        distances[x] = sum;
    }
}

impl Plane<'_> {
    /// Pixels of the block at [column, row].
    #[inline(always)]
    pub(super) fn block<const N: usize>(self, [x, y]: [usize; 2]) -> Block<N> {
        let start = y * self.columns + x;
        let mut block = [[0.0; N]; N];
        for (y, row) in block.iter_mut().enumerate() {
            row.copy_from_slice(&self.values[start + y * self.columns..][..N]);
        }
        block
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SIZE: [usize; 2] = [61, 47];

    fn values() -> Vec<f32> {
        (0..SIZE[0] * SIZE[1]).map(|i| ((i * 7919 + i * i * 31) % 257) as f32 / 257.0).collect()
    }

    /// Distances of all candidates of a reference, nearest first, found one by one in f64.
    fn exhaustive(values: &[f32], side: usize, [x, y]: [usize; 2]) -> Vec<f64> {
        let at = |x: usize, y: usize| f64::from(values[y * SIZE[0] + x]);
        let distance = |cx: usize, cy: usize| {
            let pixels = (0..side * side).map(|i| [i % side, i / side]);
            pixels.map(|[i, k]| (at(x + i, y + k) - at(cx + i, cy + k)).powi(2)).sum::<f64>()
        };
        let range = |v: usize, length: usize| v.saturating_sub(REACH)..=(v + REACH).min(length - side);
        let mut all: Vec<f64> = range(y, SIZE[1])
            .flat_map(|cy| range(x, SIZE[0]).map(move |cx| [cx, cy]))
            .map(|[a, b]| distance(a, b))
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// Compares the groups that `search` finds with an exhaustive search.
    pub(in super::super) fn check(step: &Step, search: impl Fn(Plane<'_>, &Step, [&[usize]; 2], &mut [Groups])) {
        let values = values();
        let plane = Plane { values: &values, columns: SIZE[0], rows: SIZE[1] };
        let [xs, ys] = SIZE.map(|length| references(length, step.side, step.stride));
        let mut groups: Vec<Groups> = ys.iter().map(|_| Groups::new(xs.len(), step.members)).collect();
        search(plane, step, [&xs, &ys], &mut groups);
        let limit = f64::from(step.distance) * (step.side * step.side) as f64;
        for (groups, &y) in groups.iter().zip(&ys) {
            for (group, &x) in xs.iter().enumerate() {
                let expected = exhaustive(&values, step.side, [x, y]);
                let alike = expected.iter().filter(|d| **d <= limit).count().min(step.members);
                let members: Vec<[usize; 2]> = groups.members(group, [x, y]).collect();
                assert_eq!(members[0], [x, y]);
                assert_eq!(members.len(), 1 << alike.ilog2(), "at {x}, {y}");
                let found = &groups.keys[group * step.members..][..members.len()];
                for (key, want) in found.iter().zip(expected) {
                    let got = f64::from(f32::from_bits((key >> 32) as u32));
                    // Rounding of 2·144 operations of 2^-24 each.
                    assert!((got - want).abs() <= 2e-5 * want.max(1.0), "at {x}, {y}: {got} {want}");
                }
            }
        }
    }

    #[test]
    fn groups_are_those_of_an_exhaustive_search() {
        for side in [8, 11] {
            for distance in [0.13, 1e9] {
                check(&Step { side, members: 16, stride: 3, distance, prefilter: 0.0, threshold: 0.0 }, search);
            }
        }
    }

    #[test]
    fn offsets_and_members_are_inverse() {
        let mut groups = Groups::new(1, 4);
        groups.clear(10.0);
        groups.offer(0, 3.0, number(-19, 5));
        groups.offer(0, 2.0, number(19, -19));
        groups.offer(0, 3.0, number(1, 4));
        groups.offer(0, 3.0, number(0, 6));
        groups.offer(0, 11.0, number(0, 1));
        let members: Vec<_> = groups.members(0, [30, 40]).collect();
        assert_eq!(members, [[30, 40], [49, 21], [31, 44], [11, 45]]);
    }

    #[test]
    fn references_reach_the_last_block() {
        assert_eq!(references(17, 8, 3), [0, 3, 6, 9]);
        assert_eq!(references(18, 8, 3), [0, 3, 6, 9, 10]);
        assert_eq!(references(8, 8, 3), [0]);
    }
}
