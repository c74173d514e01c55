//! Exact adjoint of [Joseph's projector along columns](super::joseph_axial), by gathering.
//!
//! ```text
//! x[n, b, z] = Σ_view Σ_i w(b(n) − b)·Σ_j w(z(n, j) − z)·q(view, i, j)        w(d) = max(0, 1 − |d|)
//! ```
//! with the lines of [`super::columns`]; q is multiplied by the lengths of the rays before ([`super::weigh`]). The detector columns whose lines
//! pass beside a column of voxels are looked for between where its two neighbours are seen; the rows are those within two voxels of z over the
//! change from row to row. What is asked for beyond them has weight 0.
//!
//! On the CPU lanes are voxels along z, which take from rows in a window of 32 where that is long enough.
//!
//! Shapes: `[y][x][z]` ← columns `[view][u]`, `[view][u][v]`; the unit is that of q. Tier P.

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
        .over(view_count, Order::Ascending);
}

/// Arithmetic operations of one view at one voxel: some three columns of four rows.
const VIEW_OPERATIONS: f64 = 100.0;
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
        views: &[ViewForms],
        lines: &[Column],
        weighed: &[f32],
        volume: &mut [f32],
    ) {
        let [nx, nz, columns, rows] = [kernel.nx, kernel.nz, kernel.columns, kernel.rows].map(|n| n as usize);
        let mut total = vec![0.0; nz.next_multiple_of(LANES)];
        for (row, volume) in block.rows.clone().zip(volume.chunks_exact_mut(nz)) {
            total[..nz].copy_from_slice(volume);
            if !block.resume {
                total.fill(0.0);
            }
            let place = [row % nx, row / nx].map(|n| n as u32);
            let stacks = lines.chunks_exact(columns).zip(weighed.chunks_exact(columns * rows));
            for (view, (lines, weighed)) in views[block.inputs.clone()].iter().zip(stacks) {
                for axis in (0..2).filter(|axis| view.axes[*axis] != 0) {
                    kernel.gather::<V>(view, axis, place, (lines, weighed), &mut total);
                }
            }
            volume.copy_from_slice(&total[..nz]);
        }
    }
}

impl JosephAxialAdjoint {
    /// Adds what the columns of a view with one main axis give to a column of voxels.
    #[inline(always)]
    fn gather<V: Vectors>(
        &self,
        view: &ViewForms,
        axis: usize,
        place: [u32; 2],
        (lines, weighed): (&[Column], &[f32]),
        total: &mut [f32],
    ) {
        let counts = [self.nx, self.ny].map(|n| n as f32);
        let centred = [0, 1].map(|k| place[k] as f32 - (counts[k] * 0.5 - 0.5));
        let ends = [-1.0, 1.0].map(|side| {
            let reach = |k: usize| if k == axis { centred[k] } else { centred[k] + side };
            [reach(0), reach(1), 0.0]
        });
        let [across, _] = seen::pixels(view, ends, [self.columns, self.rows], self.margin);
        let (ahead, other) = (centred[axis], place[1 - axis] as f32);
        let rows = self.rows as usize;
        for column in across[0]..across[1] {
            let line = &lines[column as usize];
            if line.axis != axis as u32 || place[axis].wrapping_sub(line.first) >= line.count {
                continue;
            }
            let from = (line.across + ahead * line.across_step) - other;
            let weight = (1.0 - from.abs()).max(0.0);
            if weight == 0.0 {
                continue;
            }
            let base = line.height + ahead * line.height_step;
            let step = line.rise + ahead * line.rise_step;
            let values = &weighed[column as usize * rows..][..rows];
            // SAFETY: the caller is built for the instruction set of `V`.
            unsafe { self.spread::<V>([base, step], weight, values, total) };
        }
    }

    /// Adds the rows of a detector column to all voxels of a column, with a weight.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`.
    #[inline(always)]
    unsafe fn spread<V: Vectors>(&self, [base, step]: [f32; 2], weight: f32, values: &[f32], total: &mut [f32]) {
        let inverse = reciprocal(step);
        let radius = inverse.abs() + ROW_MARGIN;
        let count = (radius + radius).floor() + 1.0;
        let reach = (LANES - 1) as f32 * inverse;
        let last = self.rows as f32 - 1.0;
        // SAFETY: a step is at least 1/16.
        let rows = unsafe { count.to_int_unchecked::<i32>() };
        for (first, total) in (0..).step_by(LANES).zip(total.as_chunks_mut::<LANES>().0) {
            // First rows of the first and the last voxel.
            let middle = (first as f32 - base) * inverse + self.half_rows;
            let ends = [middle - radius, (middle + reach) - radius];
            let start = (ends[0].min(ends[1]) - 1.0).floor();
            let end = ends[0].max(ends[1]) + count + 1.0;
            if end < 0.0 || start > last {
                continue;
            }
            let is_narrow = end - start < (2 * LANES) as f32;
            let mut edge = [0.0; 2 * LANES];
            // SAFETY: windows lie in the values, or are filled with those that do; indices that are gathered are bounded.
            unsafe {
                let at = start.to_int_unchecked::<i32>();
                let window = match values.get(at.max(0) as usize..).and_then(|values| values.first_chunk()) {
                    Some(window) if at >= 0 => window,
                    _ => {
                        for (lane, value) in edge.iter_mut().enumerate() {
                            *value = values.get((at + lane as i32) as usize).copied().unwrap_or(0.0);
                        }
                        &edge
                    }
                };
                let (zero, one, splat_step) = (V::splat(0.0), V::splat(1.0), V::splat(step));
                let z = V::add(V::splat(first as f32), V::floats(&NUMBERS));
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
                *total = V::lanes(V::add(V::floats(total), V::mul(V::splat(weight), sum)));
            }
        }
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
