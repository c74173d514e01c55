//! Joseph's projector where the detector's columns are parallel to the grid's z axis.
//!
//! ```text
//! s(view, i, j) = Σ_n Σ_b Σ_z w(b(n) − b)·w(z(n, j) − z)·µ[n, b, z]        w(d) = max(0, 1 − |d|)
//! ```
//! The sum of [`super::joseph`] without the length of the ray from slice to slice, by which [`super::weigh`] multiplies. All rays of a detector
//! column lie between the same two columns of voxels in a slice ([`super::columns`]), so that these are joined once, and what is left is to
//! interpolate along z at places that are affine in the row. [`super::joseph_axial_adjoint`] has the same weights.
//!
//! A sample belongs to the lower one of the two y slices it lies between; slices come first to last, for rays that descend in y where that is
//! not their main axis last to first, so that a volume in parts gives the same bits.
//!
//! On the CPU lanes are detector rows: sixteen of them meet joined voxels that lie in a window of 32, out of which two permutations pick. All
//! columns of a block go through sixteen slices before any goes on, so that these are read from memory once.
//!
//! Shapes: `[view][u][v]` ← columns `[view][u]`, `[y][x][z]` as [`super::reorder`] makes it. Tier P.

use std::ops::Range;

use super::columns::Column;
use super::reorder;
use crate::kernels::prelude::*;
use crate::{data::Grid, vectorised::Vectors};

kernel! {
    /// Sums along the rays of columns.
    struct JosephAxial {
        /// Voxels along x, y and z.
        nx, ny, nz: u32,
        /// Columns of voxels for every y, and values of such a column, padding included.
        wide, deep: u32,
        /// Rows of the detector, and half the number of gaps between them.
        rows: u32,
        half_rows: f32,
    }
    shader project/joseph_axial, Pinned, [64, 2];
    structs Column;
    reads columns[_, 1]: rows of Column, volume[wide, deep]: inputs_around(1) of f32;
    writes sums[_, rows]: f32;
    domain |output| Domain::rows(output, f64::from(rows) * f64::from(nx.max(ny)) * SAMPLE_OPERATIONS)
        .over(ny, Order::BothWays)
        .in_blocks(BLOCK / rows);
}

/// Pixels that the twin takes at once, so that slices are read from memory once for many detector columns.
const BLOCK: u32 = 32_768;

/// Operations of one sample, those of other kernels that take as long.
const SAMPLE_OPERATIONS: f64 = 16.0;

/// Records the sums over `volume`, whose voxels lie z fastest, on `grid` into `sums` (extent: views × columns × rows).
pub fn record(graph: &mut Graph<'_>, grid: &Grid, columns: Buffer<Column>, volume: Buffer<f32>, sums: Buffer<f32>) {
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let Extent { rows: wide, columns: deep, .. } = reorder::extent(grid);
    let rows = graph.extent(sums).columns;
    let kernel = JosephAxial { nx, ny, nz, wide, deep, rows, half_rows: (rows as f32 - 1.0) / 2.0 };
    kernel.compute(graph, "project", columns, volume, sums);
}

/// Zeros before and behind the joined voxels: rows of which some meet them lie so close by.
const PAD: usize = 3 * LANES;
/// Joined voxels that wait.
const WAITING: usize = 4096;
/// Largest change from row to row for which sixteen rows and their neighbours lie in a window.
pub(super) const LARGEST_STEP: f32 = 1.9;
/// Numbers of the lanes.
pub(super) const NUMBERS: Lanes =
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
/// 2²³: the last bits of a whole number below 2²³ plus this one are those of the number.
pub(super) const WHOLE: f32 = 8_388_608.0;

vectorised! {
    fn twin(kernel: &JosephAxial, block: &Block, columns: &[Column], volume: &[f32], sums: &mut [f32]) {
        let rows = kernel.rows as usize;
        if !block.resume {
            sums.fill(0.0);
        }
        if volume.is_empty() {
            return;
        }
        let mut met = Met::<V>::of(kernel.nz as usize);
        let mut total = vec![0.0; rows.next_multiple_of(LANES)];
        // All columns go through a few slices before any goes on, so that these stay in the cache.
        for begin in (0..kernel.nx.max(kernel.ny) as usize).step_by(LANES) {
            for (column, sums) in columns.iter().zip(sums.chunks_exact_mut(rows)) {
                let is_descending = column.axis == 0 && column.across_step < 0.0;
                let slices = column.first.max(begin as u32)..(column.first + column.count).min((begin + LANES) as u32);
                if block.way.includes(is_descending) && !slices.is_empty() {
                    total[..rows].copy_from_slice(sums);
                    kernel.follow::<V>(block, column, slices, volume, &mut met, &mut total);
                    sums.copy_from_slice(&total[..rows]);
                }
            }
        }
    }
}

/// What the rays of a detector column meet in slices: joined voxels wait for those of the next slices, since a value that has just been
/// stored cannot be loaded at another place at once.
struct Met<V: Vectors> {
    /// Joined voxels of slices one after another, each with its padding.
    joined: Vec<f32>,
    stride: usize,
    /// The slices that wait.
    slices: Vec<Reach>,
    /// Rows where they are the same in all slices.
    groups: Vec<Group<V>>,
}

/// What rays with places `base + j′·step` along z meet in a slice.
#[derive(Clone)]
struct Reach {
    base: f32,
    step: f32,
    /// Voxels that the places lie between.
    voxels: Range<usize>,
    /// Groups of sixteen rows that see the volume, with one row more at either end.
    groups: Range<usize>,
}

/// Sixteen rows: where their window of joined voxels begins, which numbers of it lie below their places, and the weights of these and of
/// the ones above.
struct Group<V: Vectors> {
    start: usize,
    index: V::Integers,
    weights: [V::Floats; 2],
}

impl JosephAxial {
    /// Adds the samples of one detector column in up to sixteen slices and the slab of the block; `total` are whole vectors of rows.
    #[inline(always)]
    fn follow<V: Vectors>(
        &self,
        block: &Block,
        column: &Column,
        slices: Range<u32>,
        volume: &[f32],
        met: &mut Met<V>,
        total: &mut [f32],
    ) {
        let (wide, deep) = (self.wide as usize, self.deep as usize);
        let is_x = column.axis == 0;
        let (count_a, count_b) = if is_x { (self.nx, self.ny) } else { (self.ny, self.nx) };
        let slab = block.inputs.clone();
        let origin = slab.start.saturating_sub(1);
        let mut slices = slices.start as usize..slices.end as usize;
        if !is_x {
            slices = slices.start.max(slab.start)..slices.end.min(slab.end);
        }
        let half = count_a as f32 * 0.5 - 0.5;
        let last = count_b as i32 - 1;
        let crossings = column.crossings(slices.start as f32 - half, count_b);
        let at = |n: usize, b: usize| if is_x { (b - origin) * wide + n } else { (n - origin) * wide + b };
        // Rows that lie in the middle of slices take what is joined as it is.
        let direct = match column.matched(self.half_rows) {
            Some((first, 1)) => {
                let (rows, nz) = (self.rows as i32, self.nz as i32);
                let rows = (-first).clamp(0, rows)..(nz - first).clamp(0, rows);
                let voxels = (rows.start + first).clamp(0, nz) as usize..(rows.end + first).clamp(0, nz) as usize;
                Some((rows.start as usize..rows.end as usize, voxels))
            }
            _ => None,
        };
        let is_level = direct.is_none() && column.is_level() && column.rise.abs() <= LARGEST_STEP;
        let mut reach = self.reach(column.heights(0.0));
        met.groups.clear();
        if is_level {
            for number in reach.groups.clone() {
                // SAFETY: the caller is built for the instruction set of `V`.
                met.groups.push(unsafe { self.group::<V>(&reach, number) });
            }
        }
        for (lane, n) in slices.enumerate() {
            let low = crossings.low[lane];
            let near = low.max(0) as usize;
            if is_x && !slab.contains(&near) {
                continue;
            }
            let far = (low + 1).min(last) as usize;
            let [near, far] = [&volume[at(n, near) * deep..], &volume[at(n, far) * deep..]];
            let weights = [crossings.weights[0][lane], crossings.weights[1][lane]];
            if let Some((rows, voxels)) = &direct {
                // SAFETY: the caller is built for the instruction set of `V`.
                unsafe { join::<V, true>(weights, voxels, [near, far], &mut total[rows.clone()]) };
                continue;
            }
            if !is_level {
                reach = self.reach(column.heights(n as f32 - half));
            }
            let joined = &mut met.joined[met.slices.len() * met.stride + PAD..][reach.voxels.clone()];
            // SAFETY: the caller is built for the instruction set of `V`.
            unsafe { join::<V, false>(weights, &reach.voxels, [near, far], joined) };
            met.slices.push(reach.clone());
            if met.slices.len() == met.joined.len() / met.stride {
                // SAFETY: as above.
                unsafe { self.add(met, is_level, total.as_chunks_mut().0) };
            }
        }
        // SAFETY: as above.
        unsafe { self.add(met, is_level, total.as_chunks_mut().0) };
    }

    /// Adds what lies between the joined voxels of the slices that wait.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`.
    #[inline(always)]
    unsafe fn add<V: Vectors>(&self, met: &mut Met<V>, is_level: bool, total: &mut [Lanes]) {
        for (reach, joined) in met.slices.iter().zip(met.joined.chunks_exact(met.stride)) {
            let total = &mut total[reach.groups.clone()];
            // SAFETY: as of this function; windows of groups lie in the voxels with their padding.
            unsafe {
                if is_level {
                    for (group, total) in met.groups.iter().zip(total) {
                        group.add(joined, total);
                    }
                } else if reach.step.abs() <= LARGEST_STEP {
                    for (number, total) in reach.groups.clone().zip(total) {
                        self.group::<V>(reach, number).add(joined, total);
                    }
                } else {
                    self.add_singly(reach, joined, total);
                }
            }
        }
        met.slices.clear();
    }

    #[inline(always)]
    fn reach(&self, [base, step]: [f32; 2]) -> Reach {
        let above = self.nz as f32;
        let ends = [base + -self.half_rows * step, base + self.half_rows * step];
        let lowest = ends[0].min(ends[1]).floor().max(0.0);
        let end = (ends[0].max(ends[1]).floor() + 2.0).min(above).max(lowest);
        let inverse = reciprocal(step);
        let rows = [-1.0, above].map(|z| (z - base) * inverse + self.half_rows);
        let count = self.rows.div_ceil(LANES as u32) as f32;
        let group = |row: f32| (row * (1.0 / LANES as f32)).max(0.0).min(count);
        // SAFETY: numbers of voxels, and from 0 to the number of groups.
        unsafe {
            let begin = group(rows[0].min(rows[1]) - 1.0).to_int_unchecked::<i32>() as usize;
            let stop = group(rows[0].max(rows[1]) + 1.0).ceil().to_int_unchecked::<i32>() as usize;
            let [lowest, end] = [lowest.min(above), end].map(|z| z.to_int_unchecked::<i32>() as usize);
            let groups = if lowest < end { begin..stop.max(begin) } else { 0..0 };
            Reach { base, step, voxels: lowest..end.max(lowest), groups }
        }
    }

    /// Sixteen rows of small steps.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`.
    #[inline(always)]
    unsafe fn group<V: Vectors>(&self, &Reach { base, step, .. }: &Reach, number: usize) -> Group<V> {
        let above = self.nz as f32;
        let from = (number * LANES) as f32 - self.half_rows;
        let lowest_lane = if step < 0.0 { (LANES - 1) as f32 } else { 0.0 };
        let lowest = (base + (from + lowest_lane) * step).floor();
        // SAFETY: the lowest place is within a window of the voxels, and the padding is longer.
        unsafe {
            let start = lowest.max(-(PAD as f32)).min(above + LANES as f32);
            let rows = V::add(V::splat(from), V::floats(&NUMBERS));
            let places = V::add(V::splat(base), V::mul(rows, V::splat(step)));
            let low = V::floor(places);
            let one = V::splat(1.0);
            // As the adjoint has them, so that rounding leaves them equal.
            let near = V::sub(one, V::sub(places, low));
            let far = V::sub(one, V::sub(V::add(low, one), places));
            let index = V::bits(V::add(V::sub(low, V::splat(start)), V::splat(WHOLE)));
            Group { start: (start.to_int_unchecked::<i32>() + PAD as i32) as usize, index, weights: [near, far] }
        }
    }

    /// Adds what lies between joined voxels at the places of rows, one by one.
    fn add_singly(&self, &Reach { base, step, ref groups, .. }: &Reach, joined: &[f32], total: &mut [Lanes]) {
        for (group, total) in groups.clone().zip(total) {
            let from = (group * LANES) as f32 - self.half_rows;
            for (lane, total) in total.iter_mut().enumerate() {
                let place = base + (from + lane as f32) * step;
                let low = place.floor();
                // SAFETY: the padding holds what is beyond the voxels.
                let at = unsafe { low.max(-2.0).min(self.nz as f32).to_int_unchecked::<i32>() } + PAD as i32;
                let [near, far] = [joined[at as usize], joined[at as usize + 1]];
                *total += (1.0 - (place - low)) * near + (1.0 - ((low + 1.0) - place)) * far;
            }
        }
    }
}

impl<V: Vectors> Met<V> {
    /// For columns of `nz` voxels: of as many slices as a first cache has room for.
    fn of(nz: usize) -> Self {
        let stride = nz + 3 * PAD;
        let count = (WAITING / stride).clamp(1, LANES);
        Self { joined: vec![0.0; count * stride], stride, slices: Vec::with_capacity(count), groups: Vec::new() }
    }
}

impl<V: Vectors> Group<V> {
    /// Adds what lies between joined voxels at the places of the rows.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`, and the window lies in the joined voxels.
    #[inline(always)]
    unsafe fn add(&self, joined: &[f32], total: &mut Lanes) {
        // SAFETY: as of this function.
        unsafe {
            let window = &*joined.as_ptr().add(self.start).cast::<[f32; 2 * LANES]>();
            let near = V::pick_lanes(window, self.index);
            let far = V::pick_lanes(window, V::add_integers(self.index, V::splat_integer(1)));
            let sample = V::add(V::mul(self.weights[0], near), V::mul(self.weights[1], far));
            *total = V::lanes(V::add(V::floats(total), sample));
        }
    }
}

/// Stores what lies between two columns of voxels, or with `ADDS` adds it.
///
/// # Safety
/// The processor has the instruction set of `V`.
#[inline(always)]
unsafe fn join<V: Vectors, const ADDS: bool>(
    weights: [f32; 2],
    voxels: &Range<usize>,
    columns: [&[f32]; 2],
    joined: &mut [f32],
) {
    let (whole, rest) = joined.as_chunks_mut::<LANES>();
    let (near, near_rest) = columns[0][voxels.clone()].as_chunks::<LANES>();
    let (far, far_rest) = columns[1][voxels.clone()].as_chunks::<LANES>();
    for ((joined, near), far) in whole.iter_mut().zip(near).zip(far) {
        // SAFETY: as of this function.
        unsafe {
            let near = V::mul(V::splat(weights[0]), V::floats(near));
            let sample = V::add(near, V::mul(V::splat(weights[1]), V::floats(far)));
            *joined = V::lanes(if ADDS { V::add(V::floats(joined), sample) } else { sample });
        }
    }
    for ((joined, near), far) in rest.iter_mut().zip(near_rest).zip(far_rest) {
        let sample = weights[0] * near + weights[1] * far;
        *joined = if ADDS { *joined + sample } else { sample };
    }
}
