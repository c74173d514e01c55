//! Exact adjoint of [Joseph's projector along columns](super::joseph_axial), by gathering.
//!
//! ```text
//! x[n, b, z] = Σ_view Σ_i w(b(n) − b)·Σ_j w(z(n, j) − z)·q(view, i, j)        w(d) = max(0, 1 − |d|)
//! ```
//! with the lines of [`super::columns`]; q is multiplied by the lengths of the rays before ([`super::weigh`]). On a GPU every voxel looks for
//! the detector columns whose lines pass beside it between where its two neighbours are seen; the rows are those within two voxels of z over
//! the change from row to row. What is asked for beyond them has weight 0.
//!
//! On the CPU every detector column is followed through the slices of a block of voxels, one column after another, and gives to the two
//! columns of voxels beside its line: the same sums in the same order. What its rows give along z is found once for both, and once for all
//! slices where the beam is level. Lanes are voxels along z, which take from rows in a window of 32 where that is long enough.
//!
//! Shapes: `[y][x][z]` ← columns `[view][u]`, `[view][u][v]`; the unit is that of q. Tier P.

use std::ops::Range;

use super::columns::Column;
use super::joseph_axial::{NUMBERS, WHOLE};
use super::seen::{self, ViewForms};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Sum over all rays at every voxel.
    struct JosephAxialAdjoint {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Half the number of gaps between rows.
        half_rows: f32,
        /// What is added on both sides of what is seen of a voxel, so that rounding leaves no pixel out.
        margin: f32,
    }
    shader project/joseph_axial_adjoint + project/seen, Pinned, [64, 2];
    structs Column, ViewForms;
    reads
        views[1, view_count]: whole of ViewForms,
        lines[columns, 1]: inputs of Column,
        weighed[columns, rows]: inputs of f32;
    writes volume[nx, nz]: f32;
    domain |output| Domain::rows(output, f64::from(nz) * f64::from(view_count) * VIEW_OPERATIONS)
        .over(view_count, Order::Ascending)
        .in_blocks(BLOCK / nz);
}

/// Voxels that the twin takes at once, so that what a detector column gives is found once for many of them.
const BLOCK: u32 = 32_768;
/// Operations of one view at one voxel, those of other kernels that take as long.
const VIEW_OPERATIONS: f64 = 20.0;
/// Change across from slice to slice below which it is not divided by: places round to less than that.
const FLAT: f32 = 1e-3;
/// What the first row is moved by, so that rounding leaves none out.
const ROW_MARGIN: f32 = 0.01;

/// Records the adjoint on `grid`: `weighed` (extent: views × columns × rows) to a volume whose voxels lie z fastest.
pub fn record(
    graph: &mut Graph<'_>,
    geometry: &Geometry,
    grid: &Grid,
    lines: Buffer<Column>,
    weighed: Buffer<f32>,
) -> Buffer<f32> {
    let views = graph.upload_table("joseph.views", &seen::forms(geometry, grid));
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    let view_count = geometry.views().len() as u32;
    let (half_rows, margin) = ((rows as f32 - 1.0) / 2.0, seen::margin(geometry));
    let kernel = JosephAxialAdjoint { nx, ny, nz, columns, rows, view_count, half_rows, margin };
    let volume = graph.buffer("joseph.gathered", Extent::new(ny as usize, nx as usize, nz as usize));
    kernel.compute(graph, "project back", views, lines, weighed, volume)
}

vectorised! {
    fn twin(
        kernel: &JosephAxialAdjoint,
        block: &Block,
        _views: &[ViewForms],
        lines: &[Column],
        weighed: &[f32],
        volume: &mut [f32],
    ) {
        let (columns, rows) = (kernel.columns as usize, kernel.rows as usize);
        if !block.resume {
            volume.fill(0.0);
        }
        let mut spread = vec![[0.0; LANES]; kernel.nz.div_ceil(LANES as u32) as usize];
        for view in 0..block.inputs.len() {
            let of_view = view * columns..(view + 1) * columns;
            for (line, values) in lines[of_view.clone()].iter().zip(weighed[of_view.start * rows..].chunks_exact(rows)) {
                kernel.give::<V>(block, line, values, &mut spread, volume);
            }
        }
    }
}

impl JosephAxialAdjoint {
    /// Adds what a detector column gives to the columns of voxels of the block.
    #[inline(always)]
    fn give<V: Vectors>(&self, block: &Block, line: &Column, values: &[f32], spread: &mut [Lanes], volume: &mut [f32]) {
        let (nx, nz) = (self.nx as usize, self.nz as usize);
        let is_x = line.axis == 0;
        let (count_a, count_b) = if is_x { (self.nx, self.ny) } else { (self.ny, self.nx) };
        let half = count_a as f32 * 0.5 - 0.5;
        let slices = slices(line, half, [block.rows.start / nx, (block.rows.end - 1) / nx]);
        let is_level = line.is_level();
        let mut reached = 0..0;
        if is_level && !slices.is_empty() {
            reached = match line.matched(self.half_rows) {
                Some(rows) => self.copied(rows, values, spread),
                // SAFETY: the caller is built for the instruction set of `V`.
                None => unsafe { self.spread::<V>(line.heights(0.0), values, spread) },
            };
        }
        // Columns of voxels from slice to slice, and across.
        let [along, across] = if is_x { [1, nx] } else { [nx, 1] };
        for begin in slices.clone().step_by(LANES) {
            let crossings = line.crossings(begin as f32 - half, count_b);
            for lane in 0..LANES.min(slices.end - begin) {
                let n = begin + lane;
                // Beside the volume where the weight is 0.
                let near = (n * along).wrapping_add_signed(crossings.low[lane] as isize * across as isize);
                let far = near.wrapping_add(across);
                let [near_weight, far_weight] = [crossings.weights[0][lane], crossings.weights[1][lane]];
                let is_near = near_weight > 0.0 && block.rows.contains(&near);
                let is_far = far_weight > 0.0 && block.rows.contains(&far);
                // SAFETY: the caller is built for the instruction set of `V`.
                unsafe {
                    if !is_level && (is_near || is_far) {
                        reached = self.spread::<V>(line.heights(n as f32 - half), values, spread);
                    }
                    if is_near {
                        add::<V>(near_weight, spread, &reached, &mut volume[(near - block.rows.start) * nz..][..nz]);
                    }
                    if is_far {
                        add::<V>(far_weight, spread, &reached, &mut volume[(far - block.rows.start) * nz..][..nz]);
                    }
                }
            }
        }
    }

    /// What the rows of a detector column give to the voxels of a column, of a weight of 1: sixteen voxels each of those that are named.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`.
    #[inline(always)]
    unsafe fn spread<V: Vectors>(&self, [base, step]: [f32; 2], values: &[f32], spread: &mut [Lanes]) -> Range<usize> {
        let inverse = reciprocal(step);
        let radius = inverse.abs() + ROW_MARGIN;
        let count = (radius + radius).floor() + 1.0;
        let reach = (LANES - 1) as f32 * inverse;
        let last = self.rows as f32 - 1.0;
        let mut reached = spread.len()..0;
        // SAFETY: a step is at least 1/16.
        let rows = unsafe { count.to_int_unchecked::<i32>() };
        for (number, spread) in spread.iter_mut().enumerate() {
            let first = (number * LANES) as f32;
            // First rows of the first and the last voxel.
            let middle = (first - base) * inverse + self.half_rows;
            let ends = [middle - radius, (middle + reach) - radius];
            let start = (ends[0].min(ends[1]) - 1.0).floor();
            let end = ends[0].max(ends[1]) + count + 1.0;
            if end < 0.0 || start > last {
                continue;
            }
            reached = reached.start.min(number)..number + 1;
            let is_narrow = end - start < (2 * LANES) as f32;
            let mut edge = [0.0; 2 * LANES];
            // SAFETY: windows lie in the values, or are filled with those that do; indices that are gathered are bounded.
            unsafe {
                let at = start.to_int_unchecked::<i32>();
                let window = match values.get(at.max(0) as usize..).and_then(|values| values.first_chunk()) {
                    Some(window) if at >= 0 => window,
                    _ => {
                        let within = at.max(0)..(at + 2 * LANES as i32).min(values.len() as i32);
                        if !within.is_empty() {
                            let skipped = (within.start - at) as usize;
                            let values = &values[within.start as usize..within.end as usize];
                            edge[skipped..][..values.len()].copy_from_slice(values);
                        }
                        &edge
                    }
                };
                let (zero, one, splat_step) = (V::splat(0.0), V::splat(1.0), V::splat(step));
                let z = V::add(V::splat(first), V::floats(&NUMBERS));
                let middle = V::add(V::mul(V::sub(z, V::splat(base)), V::splat(inverse)), V::splat(self.half_rows));
                // The first row that is at least so large.
                let before = V::floor(V::sub(V::splat(radius), middle));
                let mut row = V::sub(zero, before);
                let mut sum = zero;
                for _ in 0..rows {
                    let value = if is_narrow {
                        V::pick_lanes(window, V::bits(V::add(V::sub(row, V::splat(start)), V::splat(WHOLE))))
                    } else {
                        Self::looked_up::<V>(values, row, last)
                    };
                    let place = V::add(V::splat(base), V::mul(V::sub(row, V::splat(self.half_rows)), splat_step));
                    let distance = V::sub(place, z);
                    let distance = V::choose(V::less(distance, zero), V::sub(zero, distance), distance);
                    let near = V::sub(one, distance);
                    let near = V::choose(V::less(zero, near), near, zero);
                    sum = V::add(sum, V::mul(near, value));
                    row = V::add(row, one);
                }
                *spread = V::lanes(sum);
            }
        }
        reached
    }

    /// The same where each row lies in the middle of a slice: the weights of its value are 1 and 0.
    fn copied(&self, (first, step): (i32, i32), values: &[f32], spread: &mut [Lanes]) -> Range<usize> {
        let last = first + step * (values.len() as i32 - 1);
        let within = first.min(last).max(0)..(first.max(last) + 1).min(self.nz as i32);
        if within.is_empty() {
            return 0..0;
        }
        let [start, end] = [within.start as usize, within.end as usize];
        let groups = start / LANES..end.div_ceil(LANES);
        let spread = spread.as_flattened_mut();
        spread[groups.start * LANES..start].fill(0.0);
        spread[end..groups.end * LANES].fill(0.0);
        let skipped = first.abs_diff(if step > 0 { within.start } else { within.end - 1 }) as usize;
        let values = &values[skipped..skipped + (end - start)];
        if step > 0 {
            spread[start..end].copy_from_slice(values);
        } else {
            spread[start..end].iter_mut().rev().zip(values).for_each(|(spread, value)| *spread = *value);
        }
        groups
    }

    /// Values of rows, 0 beyond the detector.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`, and there are values.
    #[inline(always)]
    unsafe fn looked_up<V: Vectors>(values: &[f32], row: V::Floats, last: f32) -> V::Floats {
        // SAFETY: as of this function; an index that lies outside gives a value that is not taken.
        unsafe {
            let (zero, last) = (V::splat(0.0), V::splat(last));
            let raised = V::choose(V::less(row, zero), zero, row);
            let bits = V::bits(V::add(raised, V::splat(WHOLE)));
            let index = V::add_integers(bits, V::splat_integer(-(WHOLE.to_bits() as i32)));
            let value = V::gather(values, index);
            V::choose(V::less(row, zero), zero, V::choose(V::less(last, row), zero, value))
        }
    }
}

/// Slices in which a line may pass beside columns of voxels of the rows `y` of the grid, from the first to the last.
#[inline(always)]
fn slices(line: &Column, half: f32, y: [usize; 2]) -> Range<usize> {
    let [first, end] = [line.first, line.first + line.count].map(|n| n as usize);
    if line.axis == 1 {
        return first.max(y[0])..end.min(y[1] + 1).max(first.max(y[0]));
    }
    // Slices between the places that lie a voxel outside of these rows, and what rounding may move them by.
    let outer = [y[0] as f32 - 1.0, y[1] as f32 + 1.0];
    let around = 1.0 + half * FLAT;
    if line.across_step.abs() < FLAT {
        let is_beside = line.across < outer[0] - around || line.across > outer[1] + around;
        return if is_beside { first..first } else { first..end };
    }
    let ends = outer.map(|y| (y - line.across) / line.across_step + half);
    let low = (ends[0].min(ends[1]) - 2.0).max(first as f32) as usize;
    let high = (ends[0].max(ends[1]) + 2.0).max(0.0) as usize;
    low.min(end)..high.min(end).max(low.min(end))
}

/// Adds spread values to those that are named of a column of voxels, with a weight.
///
/// # Safety
/// The processor has the instruction set of `V`.
#[inline(always)]
unsafe fn add<V: Vectors>(weight: f32, spread: &[Lanes], reached: &Range<usize>, volume: &mut [f32]) {
    let (whole, rest) = volume.as_chunks_mut::<LANES>();
    for number in reached.start..reached.end.min(whole.len()) {
        let (volume, spread) = (&mut whole[number], &spread[number]);
        // SAFETY: as of this function.
        unsafe { *volume = V::lanes(V::add(V::floats(volume), V::mul(V::splat(weight), V::floats(spread)))) };
    }
    if reached.end > whole.len() {
        for (volume, spread) in rest.iter_mut().zip(spread[whole.len()]) {
            *volume += weight * spread;
        }
    }
}
