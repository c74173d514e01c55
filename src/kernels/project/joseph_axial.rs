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
//! On the CPU lanes are detector rows: sixteen of them meet joined voxels that lie in a window of 32, out of which two permutations pick.
//!
//! Shapes: `[view][u][v]` ← columns `[view][u]`, `[y][x][z]` as [`super::reorder`] makes it. Tier P.

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
        .over(ny, Order::BothWays);
}

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
        let mut joined = vec![0.0; kernel.nz as usize + 3 * PAD];
        let mut total = vec![0.0; rows.next_multiple_of(LANES)];
        for (column, sums) in columns.iter().zip(sums.chunks_exact_mut(rows)) {
            if !block.resume {
                sums.fill(0.0);
            }
            let is_descending = column.axis == 0 && column.across_step < 0.0;
            if volume.is_empty() || !block.way.includes(is_descending) {
                continue;
            }
            total[..rows].copy_from_slice(sums);
            kernel.follow::<V>(block, column, volume, &mut joined, &mut total);
            sums.copy_from_slice(&total[..rows]);
        }
    }
}

impl JosephAxial {
    /// Adds the samples of one detector column in the slab of the block; `total` are whole vectors of rows.
    #[inline(always)]
    fn follow<V: Vectors>(
        &self,
        block: &Block,
        column: &Column,
        volume: &[f32],
        joined: &mut [f32],
        total: &mut [f32],
    ) {
        let [nx, ny, nz, wide, deep] = [self.nx, self.ny, self.nz, self.wide, self.deep].map(|n| n as i32);
        let is_x = column.axis == 0;
        let (count_a, count_b) = if is_x { (nx, ny) } else { (ny, nx) };
        let slab = block.inputs.start as i32..block.inputs.end as i32;
        let origin = (slab.start - 1).max(0);
        let mut slices = column.first as i32..(column.first + column.count) as i32;
        if !is_x {
            slices = slices.start.max(slab.start)..slices.end.min(slab.end);
        }
        let half = count_a as f32 * 0.5 - 0.5;
        let last = nz as f32 - 1.0;
        for n in slices {
            let ahead = n as f32 - half;
            let place = column.across + ahead * column.across_step;
            let low = place.floor();
            // As the adjoint has them, so that rounding leaves them equal.
            let (above, below) = (place - low, (low + 1.0) - place);
            // SAFETY: places are between −1 and the number of voxels, by the slices that count, but for rounding.
            let low = unsafe { low.max(-2.0).min(count_b as f32).to_int_unchecked::<i32>() };
            let (near, far) = (low.clamp(0, count_b - 1), (low + 1).clamp(0, count_b - 1));
            if is_x && !slab.contains(&near) {
                continue;
            }
            let weights = [if low == near { 1.0 - above } else { 0.0 }, if low + 1 == far { 1.0 - below } else { 0.0 }];
            let base = column.height + ahead * column.height_step;
            let step = column.rise + ahead * column.rise_step;
            let ends = [base + -self.half_rows * step, base + self.half_rows * step];
            let (lowest, highest) =
                (ends[0].min(ends[1]).floor().max(0.0), (ends[0].max(ends[1]).floor() + 1.0).min(last));
            if lowest > highest {
                continue;
            }
            // SAFETY: numbers of voxels.
            let [first, end] = [lowest, highest + 1.0].map(|z| unsafe { z.to_int_unchecked::<i32>() } as usize);
            let at = |b: i32| {
                let (x, y) = if is_x { (n, b) } else { (b, n) };
                &volume[((y - origin) * wide + x) as usize * deep as usize..][first..end]
            };
            let (near, far) = (at(near), at(far));
            for ((joined, near), far) in joined[PAD + first..PAD + end].iter_mut().zip(near).zip(far) {
                *joined = weights[0] * near + weights[1] * far;
            }
            // SAFETY: the caller is built for the instruction set of `V`.
            unsafe { self.interpolate::<V>([base, step], nz, joined, total) };
        }
    }

    /// Adds what lies between joined voxels at the places of all rows.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`.
    #[inline(always)]
    unsafe fn interpolate<V: Vectors>(&self, [base, step]: [f32; 2], nz: i32, joined: &[f32], total: &mut [f32]) {
        let above = nz as f32;
        // Rows that see the volume in this slice, and one more at either end.
        let inverse = reciprocal(step);
        let ends = [-1.0, above].map(|z| (z - base) * inverse + self.half_rows);
        let groups = total.len() / LANES;
        let group = |row: f32| (row * (1.0 / LANES as f32)).max(0.0).min(groups as f32);
        // SAFETY: from 0 to the number of groups.
        let [begin, end] = unsafe {
            let begin = group(ends[0].min(ends[1]) - 1.0).to_int_unchecked::<i32>();
            let end = group(ends[0].max(ends[1]) + 1.0).ceil().to_int_unchecked::<i32>();
            [begin as usize, end as usize]
        };
        let lowest_lane = if step < 0.0 { (LANES - 1) as f32 } else { 0.0 };
        let mut from = (begin * LANES) as f32 - self.half_rows;
        for total in total.as_chunks_mut::<LANES>().0.get_mut(begin..end).into_iter().flatten() {
            let lowest = (base + (from + lowest_lane) * step).floor();
            if step.abs() > LARGEST_STEP {
                for (lane, total) in total.iter_mut().enumerate() {
                    let place = base + (from + lane as f32) * step;
                    let low = place.floor();
                    // SAFETY: the padding holds what is beyond the voxels.
                    let at = unsafe { low.max(-2.0).min(above).to_int_unchecked::<i32>() } + PAD as i32;
                    let [near, far] = [joined[at as usize], joined[at as usize + 1]];
                    *total += (1.0 - (place - low)) * near + (1.0 - ((low + 1.0) - place)) * far;
                }
                from += LANES as f32;
                continue;
            }
            // SAFETY: the lowest place is within a window of the voxels, and the padding is longer.
            unsafe {
                let start = lowest.max(-(PAD as f32)).min(above + LANES as f32);
                let window = joined.as_ptr().add((start.to_int_unchecked::<i32>() + PAD as i32) as usize);
                let window = &*window.cast::<[f32; 2 * LANES]>();
                let rows = V::add(V::splat(from), V::floats(&NUMBERS));
                let places = V::add(V::splat(base), V::mul(rows, V::splat(step)));
                let low = V::floor(places);
                let one = V::splat(1.0);
                let above = V::sub(one, V::sub(places, low));
                let below = V::sub(one, V::sub(V::add(low, one), places));
                let index = V::bits(V::add(V::sub(low, V::splat(start)), V::splat(WHOLE)));
                let near = V::pick_lanes(window, index);
                let far = V::pick_lanes(window, V::add_integers(index, V::splat_integer(1)));
                let sample = V::add(V::mul(above, near), V::mul(below, far));
                *total = V::lanes(V::add(V::floats(total), sample));
            }
            from += LANES as f32;
        }
    }
}
