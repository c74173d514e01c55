//! Voxel-driven back-projection where the detector's columns are parallel to z of the grid.
//!
//! ```text
//! f(x, y, z) = Σ_k r²·q_k(u, v)      r = 1/w(x, y),  u = r·n_u(x, y),  v = r·(n_v(x, y) + z·s_v)
//! ```
//! The formula of [`super::backproject`] with forms n_u and w that do not depend on z: circles, helices, fans, parallel
//! beams, and tomosynthesis along z. For a column of voxels along z, u and r are computed once, the two detector columns
//! beside u are joined once, row by row, with weights (1 − f)·r² and f·r², f being the fraction of u, and what is left is
//! to interpolate along v, which is affine in z. The interpolation comes after the weight here and before it there; the two
//! kernels agree within the roundings of both.
//!
//! v of voxel z is computed from that of voxel z₀, the last multiple of 16 up to z, with v split into a whole number and
//! a fraction, so that roundings do not grow along the column and sixteen voxels share a window of the detector column:
//! ```text
//! v = ⌊v₀⌋ + ((v₀ − ⌊v₀⌋) + (z − z₀)·(r·s_v))      v₀ = r·(n_v + z₀·s_v)
//! ```
//!
//! Shapes: `[z][y][x]` ← `[view][across][along]`, where `along` is the detector's axis that is parallel to z. Tier P.

use super::backproject::{Slab, ViewMatrix, middle_of};
use super::run::{BESIDE, EDGE, INSIDE, LARGEST_STEP, Run, WIDE};
use crate::kernels::prelude::*;
use crate::{
    data::Grid,
    engine::Limits,
    parallel::*,
    vectorised::{Aligned, Vectors, copy_lanes, transpose},
};

/// Operations of one view at one voxel, those of other kernels that take as long.
const UPDATE_OPERATIONS: f64 = 8.0;

kernel! {
    /// Sum over views at every voxel.
    struct Axial {
        /// Voxels along x and y; pixels across z and along z; views.
        nx, ny, across, along, view_count: u32,
        /// Invocations that share a column of voxels, a power of two.
        lanes: u32,
        /// The voxel in the middle of the grid along x and y, and along z from the first slice on.
        half_x, half_y, half_z: f32,
        /// Numbers of the last pixels across z and along z.
        last_across, last_along: f32,
    }
    shader fdk/axial, Pinned, [64, 4, 64];
    structs AxialView;
    reads views[1, view_count]: whole of AxialView, filtered[across, along]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(
        Extent { columns: nx.div_ceil(SHADER.workgroup[0] / lanes) * SHADER.workgroup[0], ..output },
        f64::from(nx) * f64::from(view_count) * UPDATE_OPERATIONS,
    )
    .over(view_count, Order::Ascending);
}

shader_struct! {
    /// Affine forms in voxel indices counted from the volume's centre: x, y, z, constant.
    pub struct AxialView {
        /// Numerators of the pixel across z and along z, and their denominator, ±1 at the world's origin; the first and the last
        /// are the same for all z.
        pub across, along, w: [f32; 4],
    }
}

impl AxialView {
    fn of(&ViewMatrix { u, v, w }: &ViewMatrix, axis: Along) -> Self {
        match axis {
            Along::Columns => Self { across: v, along: u, w },
            Along::Rows => Self { across: u, along: v, w },
        }
    }
}

/// Axis of a filtered stack that is parallel to z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// Its columns: v is their number.
    Columns,
    /// Its rows.
    Rows,
}

/// Which axis of the stack, if any, is parallel to z of `grid` in all views: the forms of the other one, and of the denominator,
/// have no term in z at all.
///
/// None too where a slice is larger than what any device binds at once: workgroups own whole slices.
#[must_use]
pub fn along_z(views: &[ViewMatrix], grid: &Grid) -> Option<Along> {
    let [nx, ny, _] = grid.size().map(|n| n as u64);
    if nx * ny * size_of::<f32>() as u64 > Limits::portable().binding_bytes {
        return None;
    }
    let are_free_of_z = |form: fn(&ViewMatrix) -> f32| views.iter().all(|view| form(view) == 0.0);
    match (are_free_of_z(|m| m.w[2]), are_free_of_z(|m| m.u[2]), are_free_of_z(|m| m.v[2])) {
        (true, true, _) => Some(Along::Rows),
        (true, false, true) => Some(Along::Columns),
        _ => None,
    }
}

/// Records the back-projection of `filtered` (views × pixels across z × pixels along z) into `volume`, the slices of `slab`.
pub fn record(
    graph: &mut Graph<'_>,
    (views, axis): (&[ViewMatrix], Along),
    slab: Slab<'_>,
    filtered: Buffer<f32>,
    volume: Write,
) {
    let forms: Vec<AxialView> = views.iter().map(|view| AxialView::of(view, axis)).collect();
    let table = graph.upload_table("backproject.views", &forms);
    let kernel = Axial::of(views.len() as u32, graph.extent(filtered), &slab);
    kernel.compute(graph, "backproject", table, filtered, volume);
}

impl Axial {
    fn of(view_count: u32, Extent { rows: across, columns: along, .. }: Extent, (grid, slices): &Slab<'_>) -> Self {
        let [nx, ny, _] = grid.size().map(|n| n as u32);
        let nz = slices.len() as u32;
        let [half_x, half_y, half_z] = middle_of(grid, slices);
        let [last_across, last_along] = [across, along].map(|n| n as f32 - 1.0);
        // Eight voxels for every invocation.
        let lanes = nz.div_ceil(8).next_power_of_two().min(SHADER.workgroup[2] / 8);
        Self { nx, ny, across, along, view_count, lanes, half_x, half_y, half_z, last_across, last_along }
    }
}

/// Vectors of voxels along z whose sums stay in registers.
const VECTORS: usize = 4;
/// Columns of voxels along x and y whose sums stay in the second-level cache while views are added.
const TILE: [usize; 2] = [64, 32];
/// Views that are added at a time.
const VIEWS: usize = 4;
/// Rows that the voxels of a slab can need, and a window that begins at the last of them.
const REACH: usize = 2 * VECTORS * LANES + 3 * LANES;

/// Sums of one column of voxels.
type Sums = Aligned<[Lanes; VECTORS]>;

fn twin(kernel: &Axial, block: &Block, views: &[AxialView], filtered: &[f32], volume: &mut [f32]) {
    let [nx, ny, across, along] = [kernel.nx, kernel.ny, kernel.across, kernel.along].map(|n| n as usize);
    let first_z = block.rows.start / ny;
    let stack = Stack { views: &views[block.inputs.clone()], pixels: filtered, across, along };
    // Rows y of every slice, in bands that are computed side by side.
    let mut bands: Vec<Vec<&mut [f32]>> = (0..ny.div_ceil(TILE[1])).map(|_| Vec::new()).collect();
    for slice in volume.chunks_exact_mut(nx * ny) {
        bands.iter_mut().zip(slice.chunks_mut(nx * TILE[1])).for_each(|(band, rows)| band.push(rows));
    }
    bands.into_par_iter().enumerate().for_each(|(index, mut slices)| {
        let mut z = first_z;
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            // Vectors begin at multiples of their length, wherever a block begins.
            let aligned = z - z % LANES;
            let (slab, behind) = rest.split_at_mut(rest.len().min(aligned + VECTORS * LANES - z));
            let place = Place { x: 0, y: index * TILE[1], z, aligned };
            slab_of_band(kernel, &stack, place, block.resume, slab);
            (z, rest) = (z + slab.len(), behind);
        }
    });
}

/// Filtered views of a block.
#[derive(Clone, Copy)]
struct Stack<'a> {
    views: &'a [AxialView],
    pixels: &'a [f32],
    across: usize,
    along: usize,
}

/// First voxel of a tile; the vectors of its columns begin at `aligned`.
#[derive(Clone, Copy)]
struct Place {
    x: usize,
    y: usize,
    z: usize,
    aligned: usize,
}

vectorised! {
    fn slab_of_band(kernel: &Axial, stack: &Stack<'_>, place: Place, is_resumed: bool, slab: &mut [&mut [f32]]) {
        let nx = kernel.nx as usize;
        let rows = slab.first().map_or(0, |slice| slice.len() / nx);
        let vectors = (place.z + slab.len() - place.aligned).div_ceil(LANES);
        let mut heights = [0.0; VECTORS];
        for (vector, height) in heights.iter_mut().enumerate() {
            *height = (place.aligned + vector * LANES) as f32 - kernel.half_z;
        }
        let mut sums: Vec<Sums> = vec![Aligned([[0.0; LANES]; VECTORS]); TILE[0] * rows];
        for x in (0..nx).step_by(TILE[0]) {
            let place = Place { x, ..place };
            let width = TILE[0].min(nx - x);
            if is_resumed {
                exchange::<V>(place, [nx, width], slab, &mut sums, Move::ToSums);
            } else {
                sums.fill(Aligned([[0.0; LANES]; VECTORS]));
            }
            let view_pixels = stack.across * stack.along;
            for (views, pixels) in stack.views.chunks(VIEWS).zip(stack.pixels.chunks(VIEWS * view_pixels)) {
                let stack = Stack { views, pixels, ..*stack };
                for (row, sums) in sums.chunks_exact_mut(TILE[0]).enumerate() {
                    let y = (place.y + row) as f32 - kernel.half_y;
                    add_row::<V>(kernel, &stack, (x, y), &heights[..vectors], &mut sums[..width]);
                }
            }
            exchange::<V>(place, [nx, width], slab, &mut sums, Move::ToSlices);
        }
    }
}

/// Which way [`exchange`] moves values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    ToSums,
    ToSlices,
}

/// Moves values between the columns of a tile and the rows of the slices, in squares of sixteen columns and slices.
#[inline(always)]
fn exchange<V: Vectors>(
    place: Place,
    [nx, width]: [usize; 2],
    slab: &mut [&mut [f32]],
    sums: &mut [Sums],
    direction: Move,
) {
    for (row, sums) in sums.chunks_exact_mut(TILE[0]).enumerate() {
        for (x, columns) in (place.x..).step_by(LANES).zip(sums[..width].chunks_mut(LANES)) {
            let mut lines = (place.z - place.aligned..).zip(&mut *slab).peekable();
            for vector in 0..VECTORS {
                let mut square = [[0.0; LANES]; LANES];
                let lines = std::iter::from_fn(|| lines.next_if(|(z, _)| z / LANES == vector));
                let lines = lines.map(|(z, slice)| (z % LANES, &mut slice[row * nx + x..][..columns.len()]));
                match direction {
                    Move::ToSums => {
                        lines.for_each(|(z, line)| copy_lanes(line, &mut square[z]));
                        // SAFETY: `V` is what the caller is built for.
                        unsafe { transpose::<V>(&mut square) };
                        columns.iter_mut().zip(&square).for_each(|(sums, values)| sums.0[vector] = *values);
                    }
                    Move::ToSlices => {
                        square.iter_mut().zip(&*columns).for_each(|(values, sums)| *values = sums.0[vector]);
                        // SAFETY: as above.
                        unsafe { transpose::<V>(&mut square) };
                        lines.for_each(|(z, line)| copy_lanes(&square[z], line));
                    }
                }
            }
        }
    }
}

/// Adds up to four views to a row of columns that begins at x and lies at y.
#[inline(always)]
fn add_row<V: Vectors>(kernel: &Axial, stack: &Stack<'_>, (x, y): (usize, f32), heights: &[f32], columns: &mut [Sums]) {
    let Stack { views, pixels, across, along } = *stack;
    let mut meetings = [Meeting::NONE; VIEWS];
    let mut rows = [Aligned([0.0; REACH]); VIEWS];
    for (first, sixteen) in (x..).step_by(LANES).zip(columns.chunks_mut(LANES)) {
        let mut x = [0.0; LANES];
        for (lane, x) in x.iter_mut().enumerate() {
            *x = (first + lane) as f32 - kernel.half_x;
        }
        for (meeting, view) in meetings.iter_mut().zip(views) {
            meeting.set::<V>(kernel, view, &x, y, heights);
        }
        for (lane, sums) in sixteen.iter_mut().enumerate() {
            let seen = |(meeting, view): (&Meeting, usize)| {
                let column = meeting.column[lane] as usize;
                let at = |column: usize| &pixels[(view * across + column) * along..];
                DetectorColumns {
                    low: at(column),
                    high: at((column + 1).min(across - 1)),
                    along,
                    weights: [meeting.weights[0][lane], meeting.weights[1][lane]],
                }
            };
            // All first, so that what is stored here need not be waited for there.
            for ((meeting, rows), view) in meetings.iter().zip(&mut rows).zip(0..views.len()) {
                if meeting.count[lane] > 0 {
                    let range = [meeting.first[lane], meeting.count[lane]].map(|n| n as usize);
                    seen((meeting, view)).join(range, &mut rows.0);
                }
            }
            for ((meeting, rows), view) in meetings.iter().zip(&rows).zip(0..views.len()) {
                for (vector, sum) in sums.0[..heights.len()].iter_mut().enumerate() {
                    let (run, first) = (meeting.run(vector, lane), meeting.first[lane]);
                    match meeting.reach[vector][lane] {
                        BESIDE => {}
                        INSIDE => run.inside::<V>(&rows.0, first, sum),
                        EDGE => run.at_edge::<V>(&rows.0, first, kernel.last_along, sum),
                        _ => {
                            let columns = seen((meeting, view));
                            run.wide(kernel.last_along, |row| columns.joined(row), sum);
                        }
                    }
                }
            }
        }
    }
}

/// The two detector columns beside u, and what follows them in memory.
struct DetectorColumns<'a> {
    low: &'a [f32],
    high: &'a [f32],
    along: usize,
    weights: [f32; 2],
}

impl DetectorColumns<'_> {
    /// Joins `count` rows from `first` on, and more up to a whole vector.
    #[inline(always)]
    fn join(&self, [first, count]: [usize; 2], rows: &mut [f32; REACH]) {
        let (low, high, [a, b]) = (&self.low[first..], &self.high[first..], self.weights);
        let whole = count.min(REACH).next_multiple_of(LANES);
        if whole <= low.len().min(high.len()) {
            let vectors = low.chunks_exact(LANES).zip(high.chunks_exact(LANES)).zip(rows.chunks_exact_mut(LANES));
            for ((low, high), rows) in vectors.take(whole / LANES) {
                for lane in 0..LANES {
                    rows[lane] = a * low[lane] + b * high[lane];
                }
            }
        } else {
            for ((row, low), high) in rows.iter_mut().zip(low).zip(high).take(count) {
                *row = a * low + b * high;
            }
        }
    }

    /// One row, joined.
    #[inline(always)]
    fn joined(&self, row: u32) -> f32 {
        let [a, b] = self.weights;
        // SAFETY: columns are not empty.
        unsafe { a * gather(&self.low[..self.along], row) + b * gather(&self.high[..self.along], row) }
    }
}

/// Where sixteen neighbouring columns of voxels, one per lane, meet the detector in one view.
#[derive(Clone, Copy)]
struct Meeting {
    /// First of the two detector columns.
    column: [i32; LANES],
    /// Weights of both.
    weights: [Lanes; 2],
    /// Change of v from voxel to voxel.
    step: Lanes,
    /// Least whole change of v among sixteen voxels; 0 where v increases.
    below: Lanes,
    /// First detector row to be joined.
    first: [i32; LANES],
    /// Number of rows to be joined.
    count: [i32; LANES],
    /// v of the first voxel of each vector, its whole part.
    whole: [Lanes; VECTORS],
    /// The fraction of the same.
    fraction: [Lanes; VECTORS],
    /// How the voxels of each vector meet the detector.
    reach: [[i32; LANES]; VECTORS],
}

impl Meeting {
    const NONE: Self = Self {
        column: [0; LANES],
        weights: [[0.0; LANES]; 2],
        step: [0.0; LANES],
        below: [0.0; LANES],
        first: [0; LANES],
        count: [0; LANES],
        whole: [[0.0; LANES]; VECTORS],
        fraction: [[0.0; LANES]; VECTORS],
        reach: [[BESIDE; LANES]; VECTORS],
    };

    #[inline(always)]
    fn set<V: Vectors>(&mut self, kernel: &Axial, m: &AxialView, x: &Lanes, y: f32, heights: &[f32]) {
        let (last_u, last_v) = (kernel.last_across, kernel.last_along);
        let row_u = m.across[1] * y + m.across[3];
        let row_v = m.along[1] * y + m.along[3];
        let row_w = m.w[1] * y + m.w[3];
        let [mut nv, mut scales, mut above] = [[0.0; LANES]; 3];
        let mut seen = [BESIDE; LANES];
        // Loops of one kind each, which compilers turn into vectors.
        for l in 0..LANES {
            let nw = row_w + m.w[0] * x[l];
            let scale = reciprocal(nw);
            let u = (row_u + m.across[0] * x[l]) * scale;
            let is_seen = (u >= -0.5) & (u <= last_u + 0.5) & (nw > 0.0);
            let near = u.max(0.0).min(last_u);
            let low = near.floor();
            let share = near - low;
            let weight = scale * scale;
            // SAFETY: `max` and `min` leave numbers from 0 to the last column, NaN included.
            self.column[l] = unsafe { low.to_int_unchecked::<i32>() };
            self.weights[0][l] = (1.0 - share) * weight;
            self.weights[1][l] = share * weight;
            nv[l] = row_v + m.along[0] * x[l];
            scales[l] = scale;
            seen[l] = if is_seen { INSIDE } else { BESIDE };
        }
        for l in 0..LANES {
            self.step[l] = m.along[2] * scales[l];
            let change = ((LANES - 1) as f32 * self.step[l]).floor();
            self.below[l] = change.min(0.0);
            // The fraction can carry to one more, and the neighbour is one beyond.
            above[l] = change.max(-1.0) + 2.0;
        }
        // SAFETY: `V` is what the caller is built for.
        unsafe {
            let (nv, scales) = (V::floats(&nv), V::floats(&scales));
            for ((whole, fraction), height) in self.whole.iter_mut().zip(&mut self.fraction).zip(heights) {
                let v = V::mul(V::add(nv, V::splat(m.along[2] * height)), scales);
                *whole = V::lanes(V::floor(v));
                *fraction = V::lanes(V::sub(v, V::floor(v)));
            }
        }
        let (start, end) = (self.whole[0], self.whole[heights.len() - 1]);
        for l in 0..LANES {
            let least = (start[l].min(end[l]) + self.below[l]).max(0.0);
            let most = (start[l].max(end[l]) + above[l]).min(last_v);
            let is_joined = (self.step[l].abs() <= LARGEST_STEP) & (least <= most);
            // SAFETY: `max` and `min` leave numbers from 0 to the last row, NaN included.
            let [first, last] = [least, most].map(|v| unsafe { v.max(0.0).min(last_v).to_int_unchecked::<i32>() });
            self.first[l] = first;
            self.count[l] = if is_joined & (seen[l] == INSIDE) { last - first + 1 } else { 0 };
            seen[l] = if is_joined { seen[l] } else { seen[l] * WIDE };
        }
        for (whole, reach) in self.whole.iter().zip(&mut self.reach) {
            for l in 0..LANES {
                let (low, high) = (whole[l] + self.below[l], whole[l] + above[l]);
                let is_met = (high >= -1.0) & (low <= last_v + 1.0);
                let is_inside = (low >= 0.0) & (high <= last_v);
                let narrow = if is_inside { INSIDE } else { EDGE };
                let met = if seen[l] == INSIDE { narrow } else { seen[l] };
                reach[l] = if is_met { met } else { BESIDE };
            }
        }
    }

    /// Sixteen voxels of one column.
    #[inline(always)]
    fn run(&self, vector: usize, lane: usize) -> Run {
        let (whole, fraction) = (self.whole[vector][lane], self.fraction[vector][lane]);
        Run { whole, fraction, step: self.step[lane], below: self.below[lane] }
    }
}
