//! Exact radiological path through voxels where the detector's columns are parallel to the grid's z axis.
//!
//! ```text
//! p(view, j, i) = c(i, j) · Σ_n Σ_k µ[k, n] · l_nk(j)        µ in 1/mm, l in mm of the plane: p has no unit
//! ```
//! where n runs over the columns of voxels that the ray from the source to the centre of pixel (i, j) crosses, k over the
//! voxels of such a column, and l_nk is the length of the crossing as seen along z. All pixels of a detector column have the
//! same way through the plane of x and y, so it is walked once for all of them; z planes are found by their numbers, as
//! every plane is in [`siddon`](super::siddon), whose rules hold here too. What the third dimension adds to a length,
//! c = √(1 + (dz/ds)²), is a constant of the ray and multiplies the finished sum.
//!
//! - A z plane that is met together with one of x or y is passed after it.
//! - Voxels above and below the volume count as 0, so that no ray need know where it enters; the volume must be finite.
//! - A volume divided into slabs of y is visited in the order in which rays meet the slabs; the last one multiplies by c.
//!
//! On the CPU lanes are detector rows. Sixteen rows of one detector column meet values of one column of voxels that lie
//! close together, and two permutations of a window of 32 of them replace gathers.
//!
//! Shapes: `[view][v][u]` ← `[y][x][z]`, as [`reorder`] makes it. Tier P.

use std::ops::Range;

use super::axis::{Axis, affine};
use super::rays::{Affine, ViewRays, view_rays};
use super::reorder;
use crate::kernels::prelude::*;
use crate::{data::Grid, engine::Limits, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Line integrals along rays whose detector columns are parallel to z.
    struct Axial {
        /// Voxels along x, y and z.
        nx, ny, nz: u32,
        /// Columns of voxels for every y, and values of such a column, padding included.
        wide, deep: u32,
        /// Columns and rows of the detector; views.
        columns, rows, view_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/axial + project/axis, Pinned, [4, 128];
    structs Affine, ViewRays;
    reads views[1, view_count]: whole of ViewRays, volume[wide, deep]: inputs of f32;
    writes integrals[rows, columns]: f32;
    domain |output| Domain {
        grain: GRAIN,
        ..Domain::rows(output, f64::from(columns) * ray_operations([nx, ny, nz])).over(ny, Order::BothWays)
    };
}

/// Rows that are computed together: a walk costs about as much as following sixteen rows along it.
const GRAIN: u32 = 256;
/// Operations of one step from plane to plane, those of other kernels that take as long.
const STEP_OPERATIONS: f64 = 3.0;

/// Operations of a ray, which takes at most as many steps as there are planes.
fn ray_operations(voxels: [u32; 3]) -> f64 {
    let [nx, ny, nz] = voxels.map(f64::from);
    (nx + ny + nz) * STEP_OPERATIONS
}

/// Largest rise of a ray, in mm of z per mm of the plane. Distances are measured in the plane, so that what they lack by
/// rounding counts for more the steeper a ray is.
const STEEPEST: f64 = 4.0;

/// Whether all pixels of a detector column see the volume on one way through the plane, in every view, on rays that are not
/// too steep, and buffers can be divided on any device.
#[must_use]
pub fn is_axial(geometry: &Geometry, grid: &Grid) -> bool {
    let [columns, rows] = geometry.detector();
    let Extent { rows: wide, columns: deep, .. } = reorder::extent(grid);
    let fits = |row: u64, rows: u64| row * rows * size_of::<f32>() as u64 <= Limits::portable().binding_bytes;
    fits(columns as u64, rows as u64)
        && fits(wide.into(), deep.into())
        && view_rays(geometry, grid).iter().all(|view| {
            let is_common = |a: &Affine| [a.v, a.v_tail].iter().all(|v| v[0] == 0.0 && v[1] == 0.0);
            let half = [columns, rows].map(|n| (n as f64 - 1.0) / 2.0);
            is_common(&view.point) && is_common(&view.direction) && is_gentle(&view.direction, grid, half)
        })
}

/// Whether no ray of a detector that reaches `half` from its centre is too steep.
fn is_gentle(direction: &Affine, grid: &Grid, half: [f64; 2]) -> bool {
    let spacing = grid.spacing_mm().to_array();
    let mm = |head: [f32; 4], tail: [f32; 4]| {
        [0, 1, 2].map(|axis| (f64::from(head[axis]) + f64::from(tail[axis])) * spacing[axis])
    };
    let base = mm(direction.base, direction.base_tail);
    let u = mm(direction.u, direction.u_tail);
    let v = mm(direction.v, direction.v_tail);
    let rise = base[2].abs() + half[0] * u[2].abs() + half[1] * v[2].abs();
    // The shortest of the directions in the plane.
    let square = u[0] * u[0] + u[1] * u[1];
    let nearest = if square > 0.0 { -(base[0] * u[0] + base[1] * u[1]) / square } else { 0.0 };
    let column = nearest.clamp(-half[0], half[0]);
    let run = (base[0] + column * u[0]).hypot(base[1] + column * u[1]);
    run > 0.0 && rise <= STEEPEST * run
}

/// Records the projection of `volume`, whose voxels lie z fastest, on `grid` into `integrals` (extent: views × rows ×
/// columns). The geometry [is axial](is_axial).
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, volume: Buffer<f32>, integrals: Buffer<f32>) {
    let views = graph.upload_table("axial.views", &view_rays(geometry, grid));
    Axial::of(geometry, grid).compute(graph, "project", views, volume, integrals);
}

impl Axial {
    fn of(geometry: &Geometry, grid: &Grid) -> Self {
        let [nx, ny, nz] = grid.size().map(|n| n as u32);
        let Extent { rows: wide, columns: deep, .. } = reorder::extent(grid);
        let [columns, rows] = geometry.detector().map(|n| n as u32);
        let [spacing_x, spacing_y, spacing_z] = grid.spacing_mm().as_vec3().to_array();
        let [half_columns, half_rows] = [columns, rows].map(|n| (n as f32 - 1.0) / 2.0);
        let view_count = geometry.views().len() as u32;
        Self {
            nx,
            ny,
            nz,
            wide,
            deep,
            columns,
            rows,
            view_count,
            spacing_x,
            spacing_y,
            spacing_z,
            half_columns,
            half_rows,
        }
    }
}

/// Groups of sixteen rows that are followed along a walk together.
const GROUPS: usize = 4;
/// Pieces of a walk along which the windows stand still.
const CHUNK: usize = 32;
/// Values of a window.
const WINDOW: i32 = 2 * LANES as i32;

vectorised! {
    fn twin(kernel: &Axial, block: &Block, views: &[ViewRays], volume: &[f32], integrals: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        if volume.is_empty() {
            return;
        }
        // Neighbouring views meet nearly the same voxels, so that they share the cache when they go column by column.
        let parts: Vec<(usize, Range<usize>)> = (block.rows.start / rows..block.rows.end.div_ceil(rows))
            .map(|view| (view, block.rows.start.max(view * rows)..block.rows.end.min((view + 1) * rows)))
            .collect();
        let (mut walk, mut next) = (Walk::default(), Walk::default());
        let all = parts.len() * columns;
        for n in 0..=all {
            // One walk ahead, so that its voxels can be asked for in time.
            std::mem::swap(&mut walk, &mut next);
            if n < all {
                next.trace(kernel, block, &views[parts[n % parts.len()].0], (n / parts.len()) as f32 - kernel.half_columns);
            }
            if n == 0 {
                continue;
            }
            let (column, (view, lines)) = ((n - 1) / parts.len(), &parts[(n - 1) % parts.len()]);
            let out = &mut integrals[..(lines.end - block.rows.start) * columns];
            let out = &mut out[(lines.start - block.rows.start) * columns + column..];
            if !walk.is_included {
                if !block.resume {
                    out.iter_mut().step_by(columns).for_each(|value| *value = 0.0);
                }
                continue;
            }
            let (view, first, count) = (&views[*view], lines.start % rows, lines.len());
            let mut row = 0;
            while row < count {
                let (walks, out) = ([&walk, &next], &mut out[row * columns..]);
                row += match (count - row).div_ceil(LANES) {
                    GROUPS.. => follow::<V, GROUPS>(kernel, block, view, walks, first + row, volume, out),
                    2.. => follow::<V, 2>(kernel, block, view, walks, first + row, volume, out),
                    _ => follow::<V, 1>(kernel, block, view, walks, first + row, volume, out),
                };
            }
        }
    }
}

/// The way of a detector column's rays through the plane of x and y, within the slab of the block.
#[derive(Default)]
struct Walk {
    /// Distances at which columns of voxels begin and end, in mm of the plane.
    bounds: Vec<f32>,
    /// First value of each column of voxels, one less than bounds.
    voxels: Vec<usize>,
    /// Coordinate of the detector column.
    i: f32,
    /// Parameter per mm of the plane.
    per_mm: f32,
    /// Whether rays of this direction take part in the block.
    is_included: bool,
    /// Whether rays go through no slab after the block's.
    is_last: bool,
}

impl Walk {
    #[inline(always)]
    fn trace(&mut self, kernel: &Axial, block: &Block, view: &ViewRays, i: f32) {
        let [nx, wide, deep] = [kernel.nx, kernel.wide, kernel.deep].map(|n| n as isize);
        let nx = nx as i32;
        let first_y = block.inputs.start as i32;
        let end_y = block.inputs.end as i32;
        let d = [0, 1].map(|axis| {
            let (head, tail) = affine(&view.direction, axis, i, 0.0);
            head + tail
        });
        let m = [d[0] * kernel.spacing_x, d[1] * kernel.spacing_y];
        let square = m[0] * m[0] + m[1] * m[1];
        let per_mm = inverse_square_root(square);
        let length = square * per_mm;
        let [ax, ay] = [0, 1].map(|axis| Axis::new(affine(&view.point, axis, i, 0.0), d[axis] * per_mm));
        let is_descending = ay.inverse < 0.0;
        self.i = i;
        self.per_mm = per_mm;
        self.is_included = block.way.includes(is_descending);
        self.is_last = if is_descending { first_y == 0 } else { end_y == kernel.ny as i32 };
        self.bounds.clear();
        self.voxels.clear();
        let ex = ax.entry_exit(0, nx);
        let ey = ay.entry_exit(first_y, end_y);
        let start = ex.0.max(ey.0).max(view.range[0] * length);
        let end = ex.1.min(ey.1).min(view.range[1] * length);
        if !(start < end && self.is_included) {
            return;
        }
        let planes = [ax.next_plane(0, nx, start), ay.next_plane(first_y, end_y, start)];
        let [sx, sy] = [&ax, &ay].map(|a| if a.inverse > 0.0 { 1_isize } else { -1 });
        let cell_x = if sx > 0 { planes[0] - 1 } else { planes[0] };
        let cell_y = if sy > 0 { planes[1] - 1 } else { planes[1] };
        let mut voxel = ((cell_y - first_y) as isize * wide + cell_x as isize) * deep;
        let (stride_x, stride_y) = (sx * deep, sy * wide * deep);
        let (mut fx, mut fy) = ((planes[0] - ax.origin) as f32, (planes[1] - ay.origin) as f32);
        let (gx, gy) = (sx as f32, sy as f32);
        let (fraction_x, inverse_x) = (ax.fraction, ax.inverse);
        let (fraction_y, inverse_y) = (ay.fraction, ay.inverse);
        let (mut tx, mut ty) = ((fx - fraction_x) * inverse_x, (fy - fraction_y) * inverse_y);
        // Every step passes a plane of the slab.
        let most = (nx + end_y - first_y) as usize + 2;
        self.bounds.resize(most + 1, 0.0);
        self.voxels.resize(most, 0);
        self.bounds[0] = start;
        let (mut t, mut count) = (start, 0);
        for _ in 0..most {
            let xy = if tx < ty { tx } else { ty };
            let next = if xy < end { xy } else { end };
            // Pieces of no length add nothing.
            self.bounds[count + 1] = next;
            self.voxels[count] = voxel as usize;
            count += usize::from(next > t);
            t = next;
            if t >= end {
                break;
            }
            if tx <= ty {
                fx += gx;
                voxel += stride_x;
                tx = (fx - fraction_x) * inverse_x;
            } else {
                fy += gy;
                voxel += stride_y;
                ty = (fy - fraction_y) * inverse_y;
            }
        }
        self.bounds.truncate(count + 1);
        self.voxels.truncate(count);
    }
}

/// Sixteen rows of a detector column: their planes of z.
#[derive(Clone, Copy)]
struct Rows {
    fraction: Lanes,
    inverse: Lanes,
    /// Planes per mm, 0 where a ray is parallel to them.
    slope: Lanes,
    origin: [i32; LANES],
    /// What the third dimension adds to a length.
    factor: Lanes,
}

impl Rows {
    /// Rows from `first` on; those beyond the detector's last are like it.
    #[inline(always)]
    fn new(kernel: &Axial, view: &ViewRays, walk: &Walk, first: usize) -> Self {
        let mut rows = Self {
            fraction: [0.0; LANES],
            inverse: [0.0; LANES],
            slope: [0.0; LANES],
            origin: [0; LANES],
            factor: [0.0; LANES],
        };
        let last = kernel.rows as usize - 1;
        for l in 0..LANES {
            let j = (first + l).min(last) as f32 - kernel.half_rows;
            let (head, tail) = affine(&view.direction, 2, walk.i, j);
            let slope = (head + tail) * walk.per_mm;
            let rise = slope * kernel.spacing_z;
            let square = 1.0 + rise * rise;
            let axis = Axis::new(affine(&view.point, 2, walk.i, j), slope);
            rows.fraction[l] = axis.fraction;
            rows.inverse[l] = axis.inverse;
            rows.slope[l] = if axis.is_parallel { 0.0 } else { axis.slope };
            rows.origin[l] = axis.origin;
            rows.factor[l] = square * inverse_square_root(square);
        }
        rows
    }

    /// Voxel of a lane at distance `s`, which rounding may move by one.
    #[inline(always)]
    fn voxel(&self, l: usize, s: f32) -> i32 {
        self.origin[l] + (s * self.slope[l] + self.fraction[l]).floor() as i32
    }

    /// First and last voxel that the rows can meet between two distances.
    #[inline(always)]
    fn reach(&self, from: f32, to: f32) -> [i32; 2] {
        // At any distance the places of the rows lie in their order.
        let [a, b] = [from, to].map(|s| [self.voxel(0, s), self.voxel(LANES - 1, s)]);
        [a[0].min(a[1]).min(b[0].min(b[1])) - 2, a[0].max(a[1]).max(b[0].max(b[1])) + 2]
    }
}

/// Where sixteen rows are on their ways.
#[derive(Clone, Copy)]
struct Place {
    /// Voxel.
    voxel: [i32; LANES],
    /// Step from voxel to voxel.
    step: [i32; LANES],
    /// Number of the next plane from the ray's own origin.
    plane: Lanes,
    /// Step from plane to plane.
    plane_step: Lanes,
    /// Distance to the next plane.
    distance: Lanes,
}

impl Place {
    #[inline(always)]
    fn at(rows: &Rows, s: f32) -> Self {
        const ANY: i32 = 1 << 30;
        let mut place = Self {
            voxel: [0; LANES],
            step: [0; LANES],
            plane: [0.0; LANES],
            plane_step: [0.0; LANES],
            distance: [0.0; LANES],
        };
        for l in 0..LANES {
            let axis = Axis {
                fraction: rows.fraction[l],
                inverse: rows.inverse[l],
                origin: rows.origin[l],
                slope: rows.slope[l],
                is_parallel: rows.slope[l] == 0.0,
            };
            let plane = axis.next_plane(-ANY, ANY, s);
            let step = if axis.inverse > 0.0 { 1 } else { -1 };
            place.voxel[l] = if step > 0 { plane - 1 } else { plane };
            place.step[l] = step;
            place.plane[l] = (plane - axis.origin) as f32;
            place.plane_step[l] = step as f32;
            place.distance[l] = (place.plane[l] - axis.fraction) * axis.inverse;
        }
        place
    }
}

/// How the values of voxels are reached along a chunk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// All are in the volume, and those of sixteen rows in a window of it.
    Within,
    /// Those that are in the volume are in the window.
    Across,
    /// Anything.
    Wide,
}

/// Follows `G` groups of sixteen rows along a walk, before the next one; `out` begins at the first one's integral. Tells how
/// many rows that are.
#[inline(always)]
fn follow<V: Vectors, const G: usize>(
    kernel: &Axial,
    block: &Block,
    view: &ViewRays,
    [walk, next]: [&Walk; 2],
    first: usize,
    volume: &[f32],
    out: &mut [f32],
) -> usize {
    let columns = kernel.columns as usize;
    let mut sum = [[0.0; LANES]; G];
    let sums = sum.as_flattened_mut();
    if block.resume {
        sums.iter_mut().zip(out.iter().step_by(columns)).for_each(|(sum, value)| *sum = *value);
    }
    let mut rows = [Rows::new(kernel, view, walk, first); G];
    for (g, rows) in rows.iter_mut().enumerate().skip(1) {
        *rows = Rows::new(kernel, view, walk, first + g * LANES);
    }
    march::<V, G>(kernel, [walk, next], &rows, volume, &mut sum);
    if walk.is_last {
        for (sum, rows) in sum.iter_mut().zip(&rows) {
            sum.iter_mut().zip(&rows.factor).for_each(|(sum, factor)| *sum *= factor);
        }
    }
    out.iter_mut().step_by(columns).zip(sum.as_flattened()).for_each(|(value, sum)| *value = *sum);
    G * LANES
}

#[inline(always)]
fn march<V: Vectors, const G: usize>(
    kernel: &Axial,
    [walk, next]: [&Walk; 2],
    rows: &[Rows; G],
    volume: &[f32],
    sum: &mut [Lanes; G],
) {
    let nz = kernel.nz as i32;
    // A ray that needs longer from plane to plane than through any column of voxels passes one plane there at most.
    let longest = 1.02 * (kernel.spacing_x * kernel.spacing_x + kernel.spacing_y * kernel.spacing_y).sqrt();
    let is_gentle = rows.iter().all(|r| r.inverse.iter().all(|inverse| inverse.abs() > longest));
    let mut places = [None; G];
    for (first, voxels) in (0..).step_by(CHUNK).zip(walk.voxels.chunks(CHUNK)) {
        let bounds = &walk.bounds[first..=first + voxels.len()];
        let soon = &next.voxels[first.min(next.voxels.len())..];
        let (from, to) = (bounds[0], bounds[voxels.len()]);
        let mut reach = if is_gentle { Reach::Within } else { Reach::Wide };
        let mut base = [0; G];
        let mut is_outside = true;
        for g in 0..G {
            let [low, high] = rows[g].reach(from, to);
            is_outside &= high < 0 || low >= nz;
            base[g] = low.min(nz - WINDOW).max(0);
            let is_within = low >= 0 && high < nz;
            let fits = high.min(nz - 1) - base[g] < WINDOW && nz >= WINDOW;
            reach = reach.max(if !fits {
                Reach::Wide
            } else if is_within {
                Reach::Within
            } else {
                Reach::Across
            });
        }
        if is_outside {
            places = [None; G];
            continue;
        }
        let mut here = [Place::at(&rows[0], from); G];
        for g in 0..G {
            here[g] = places[g].unwrap_or_else(|| Place::at(&rows[g], from));
        }
        match reach {
            Reach::Within => cells::<V, G, true>(nz, bounds, [voxels, soon], rows, &base, volume, &mut here, sum),
            Reach::Across => cells::<V, G, false>(nz, bounds, [voxels, soon], rows, &base, volume, &mut here, sum),
            Reach::Wide => wide_cells::<G>(nz, bounds, voxels, rows, volume, &mut here, sum),
        }
        places = here.map(Some);
    }
}

#[allow(clippy::too_many_arguments, reason = "what a loop needs that is built several times")]
/// Adds columns of voxels of which no ray crosses more than one plane, by windows that begin at `base`.
#[inline(always)]
fn cells<V: Vectors, const G: usize, const WITHIN: bool>(
    nz: i32,
    bounds: &[f32],
    [voxels, soon]: [&[usize]; 2],
    rows: &[Rows; G],
    base: &[i32; G],
    volume: &[f32],
    places: &mut [Place; G],
    sum: &mut [Lanes; G],
) {
    // SAFETY: the body is compiled for the instruction set that V stands for, and the caller keeps the windows in the volume.
    unsafe {
        let height = V::splat_integer(nz);
        let none = V::splat(0.0);
        let start = V::floats(&sum[0]);
        let (mut total, mut plane, mut distance) = ([start; G], [start; G], [start; G]);
        let (mut plane_step, mut fraction, mut inverse) = ([start; G], [start; G], [start; G]);
        let (mut index, mut step) = ([height; G], [height; G]);
        for g in 0..G {
            let place = &places[g];
            (total[g], plane[g]) = (V::floats(&sum[g]), V::floats(&place.plane));
            (distance[g], plane_step[g]) = (V::floats(&place.distance), V::floats(&place.plane_step));
            (fraction[g], inverse[g]) = (V::floats(&rows[g].fraction), V::floats(&rows[g].inverse));
            (index[g], step[g]) = (V::integers(&place.voxel), V::integers(&place.step));
            index[g] = V::add_integers(index[g], V::splat_integer(-base[g]));
        }
        let mut from = V::splat(bounds[0]);
        for (n, (to, voxel)) in bounds[1..].iter().zip(voxels).enumerate() {
            let to = V::splat(*to);
            let soon = volume.as_ptr().wrapping_add(*soon.get(n).unwrap_or(voxel));
            for g in 0..G {
                V::prefetch(soon.wrapping_add(base[g] as usize + LANES));
                let window = &*volume.as_ptr().add(*voxel + base[g] as usize).cast::<[f32; 2 * LANES]>();
                let next = V::add_integers(index[g], step[g]);
                let (mut here, mut there) = (V::pick_lanes(window, index[g]), V::pick_lanes(window, next));
                if !WITHIN {
                    let first = V::splat_integer(base[g]);
                    here = V::choose(V::below(V::add_integers(index[g], first), height), here, none);
                    there = V::choose(V::below(V::add_integers(next, first), height), there, none);
                }
                let passes = V::less(distance[g], to);
                let cut = V::choose(passes, distance[g], to);
                total[g] = V::add(total[g], V::mul(V::sub(cut, from), here));
                total[g] = V::add(total[g], V::mul(V::sub(to, cut), there));
                index[g] = V::choose_integers(passes, next, index[g]);
                plane[g] = V::choose(passes, V::add(plane[g], plane_step[g]), plane[g]);
                distance[g] = V::mul(V::sub(plane[g], fraction[g]), inverse[g]);
            }
            from = to;
        }
        for g in 0..G {
            sum[g] = V::lanes(total[g]);
            places[g].plane = V::lanes(plane[g]);
            places[g].distance = V::lanes(distance[g]);
            places[g].voxel = V::integer_lanes(V::add_integers(index[g], V::splat_integer(base[g])));
        }
    }
}

/// Adds columns of voxels of which rays may cross any number of planes.
#[inline(always)]
fn wide_cells<const G: usize>(
    nz: i32,
    bounds: &[f32],
    voxels: &[usize],
    rows: &[Rows; G],
    volume: &[f32],
    places: &mut [Place; G],
    sum: &mut [Lanes; G],
) {
    for g in 0..G {
        let place = &mut places[g];
        for (bound, voxel) in bounds.windows(2).zip(voxels) {
            let to = bound[1];
            let mut from = [bound[0]; LANES];
            let mut is_busy = true;
            while is_busy {
                let mut busy = 0u32;
                for l in 0..LANES {
                    let is_in = (place.voxel[l] as u32) < nz as u32;
                    let at = if is_in { place.voxel[l] } else { 0 };
                    // SAFETY: the volume is not empty, as the caller checked.
                    let mu = unsafe { gather(volume, *voxel as u32 + at as u32) };
                    let mu = if is_in { mu } else { 0.0 };
                    let passes = place.distance[l] < to;
                    let cut = if passes { place.distance[l] } else { to };
                    sum[g][l] += (cut - from[l]) * mu;
                    from[l] = cut;
                    place.voxel[l] += if passes { place.step[l] } else { 0 };
                    place.plane[l] += if passes { place.plane_step[l] } else { 0.0 };
                    place.distance[l] = (place.plane[l] - rows[g].fraction[l]) * rows[g].inverse[l];
                    busy |= u32::from(passes);
                }
                is_busy = busy != 0;
            }
        }
    }
}
