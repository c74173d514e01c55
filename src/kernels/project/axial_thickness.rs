//! Exact path through each material of voxels of mixtures where the detector's columns are parallel to the grid's z axis.
//!
//! ```text
//! t_m(view, j, i) = c(i, j) · Σ_n Σ_k f_m[c[k, n]] · l_nk(j)        f without a unit, l in mm of the plane, t_m in mm
//! ```
//! with the walk, the rules and the factor c of [`axial`](super::axial) and the fractions of [`thickness`](super::thickness). The
//! bits of a material's sum are those of [`axial`](super::axial) in the volume of its fractions.
//!
//! On the CPU lanes are detector rows. A piece of a walk crosses few columns of voxels, each of which is spread once into columns of
//! fractions, one for each material, for all rows and for a few neighbouring detector columns. Along a chunk of the walk lengths
//! are computed once for all materials; each material then adds those of the columns that hold some of it.
//!
//! Shapes: `[view][row][material · column]` ← fours of materials × compositions × 4, `[y][x][z]`, as [`reorder`] makes it.
//! Tier P.

use std::ops::Range;

use super::columns::{Place, Rows, Walk};
use super::rays::{Affine, ViewRays, view_rays};
use super::thickness::{Compositions, EIGHT, FOUR, Four, fractions};
use super::walk::{Setting, ray_operations};
use super::{axial, reorder};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Paths through materials along rays whose detector columns are parallel to z.
    struct AxialThickness {
        /// Voxels along x, y and z.
        nx, ny, nz: u32,
        /// Columns of voxels for every y, and values of such a column, padding included.
        wide, deep: u32,
        /// Columns and rows of the detector; views.
        columns, rows, view_count: u32,
        /// Materials, and compositions of them.
        materials, composition_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/axial_thickness + project/columns + project/axis, Pinned, [4, 128];
    structs Affine, ViewRays;
    reads
        views[1, view_count]: whole of ViewRays,
        compositions[1, (materials.div_ceil(FOUR as u32) * composition_count)]: whole of Four,
        volume[wide, deep]: inputs of u32;
    writes thickness[rows, (columns * materials)]: f32;
    domain |output| {
        let operations = ray_operations([nx, ny, nz], STEP_OPERATIONS + f64::from(materials));
        let domain = Domain::rows(Extent { columns, ..output }, f64::from(columns) * operations);
        Domain { grain: GRAIN, ..domain.over(ny, Order::BothWays) }
    };
}

/// Rows that are computed together: what is done once for all of them costs as much as following many.
const GRAIN: u32 = 256;
/// Operations of one step from plane to plane, those of other kernels that take as long; those of materials apart.
const STEP_OPERATIONS: f64 = 3.0;

/// Whether this kernel can compute the thicknesses of so many materials.
#[must_use]
pub fn is_axial(geometry: &Geometry, grid: &Grid, materials: usize) -> bool {
    axial::can_follow(geometry, grid, materials)
}

/// Records the paths through the materials of `volume`, numbers of compositions on `grid` that lie z fastest, into `thickness`
/// (extent: views × rows × materials · columns). The geometry [is axial](is_axial).
pub fn record(
    graph: &mut Graph<'_>,
    geometry: &Geometry,
    grid: &Grid,
    compositions: Compositions,
    volume: Buffer<u32>,
    thickness: Buffer<f32>,
) {
    let views = graph.upload_table("thickness.views", &view_rays(geometry, grid));
    let kernel = AxialThickness::of(geometry, grid, compositions);
    kernel.compute(graph, "thickness", views, compositions.table, volume, thickness);
}

impl AxialThickness {
    fn of(geometry: &Geometry, grid: &Grid, compositions: Compositions) -> Self {
        let Setting { voxels, spacing, detector, half, view_count } = Setting::of(geometry, grid);
        let Extent { rows: wide, columns: deep, .. } = reorder::extent(grid);
        let ([nx, ny, nz], [columns, rows]) = (voxels, detector);
        let ([spacing_x, spacing_y, spacing_z], [half_columns, half_rows]) = (spacing, half);
        let Compositions { count: composition_count, materials, .. } = compositions;
        Self {
            nx,
            ny,
            nz,
            wide,
            deep,
            columns,
            rows,
            view_count,
            materials,
            composition_count,
            spacing_x,
            spacing_y,
            spacing_z,
            half_columns,
            half_rows,
        }
    }

    fn setting(&self) -> Setting {
        Setting {
            voxels: [self.nx, self.ny, self.nz],
            spacing: [self.spacing_x, self.spacing_y, self.spacing_z],
            detector: [self.columns, self.rows],
            half: [self.half_columns, self.half_rows],
            view_count: self.view_count,
        }
    }
}

/// Detector columns that are followed together, chunk by chunk.
const STRIP: usize = 8;
/// Columns of voxels of a chunk.
const CHUNK: usize = 32;
/// Values of a window, which those of sixteen rows along a chunk lie in.
const WINDOW: i32 = 2 * LANES as i32;

vectorised! {
    fn twin(
        kernel: &AxialThickness,
        block: &Block,
        views: &[ViewRays],
        compositions: &[Four],
        volume: &[u32],
        thickness: &mut [f32],
    ) {
        let [columns, rows, materials] = [kernel.columns, kernel.rows, kernel.materials].map(|n| n as usize);
        if volume.is_empty() {
            return;
        }
        // Neighbouring views meet nearly the same voxels, so that they share the cache when they go strip by strip.
        let parts: Vec<(usize, Range<usize>)> = (block.rows.start / rows..block.rows.end.div_ceil(rows))
            .map(|view| (view, block.rows.start.max(view * rows)..block.rows.end.min((view + 1) * rows)))
            .collect();
        let setting = kernel.setting();
        let eights = compositions.chunks(EIGHT / FOUR * kernel.composition_count as usize);
        for (material, compositions) in (0..materials).step_by(EIGHT).zip(eights) {
            let count = EIGHT.min(materials - material);
            let mixtures = Mixtures { kernel, compositions, count, volume };
            let mut strip = Strip::default();
            let mut spread = Spread::default();
            for column in (0..columns).step_by(STRIP) {
                for (view, lines) in &parts {
                    let (view, first) = (&views[*view], lines.start % rows);
                    let ways = columns.min(column + STRIP) - column;
                    strip.begin(kernel, &setting, block, view, column..column + ways, first..first + lines.len());
                    let out = &mut thickness[(lines.start - block.rows.start) * columns * materials..];
                    let out = &mut out[material * columns + column..];
                    if block.resume {
                        strip.each_sum([columns, materials, count], lines.len(), |sum, at| *sum = out[at]);
                    }
                    // SAFETY: the processor has the instruction set of `V`.
                    unsafe { strip.follow::<V>(&mixtures, &mut spread) };
                    strip.finish();
                    strip.each_sum([columns, materials, count], lines.len(), |sum, at| out[at] = *sum);
                }
            }
        }
    }
}

/// Voxels of compositions of up to eight materials.
struct Mixtures<'a> {
    kernel: &'a AxialThickness,
    compositions: &'a [Four],
    /// Materials.
    count: usize,
    volume: &'a [u32],
}

/// Sixteen rows of a detector column on their way.
struct Group {
    rows: Rows,
    /// Where they are, unless that has to be found.
    place: Option<Place>,
    sums: [Lanes; EIGHT],
    /// Whether the rays need longer from plane to plane of z than through any column of voxels, so that they pass one plane there at
    /// most.
    is_gentle: bool,
}

/// Neighbouring detector columns of a view.
#[derive(Default)]
struct Strip {
    walks: Vec<Walk>,
    /// Groups of rows of each walk.
    groups: Vec<Vec<Group>>,
}

impl Strip {
    #[inline(always)]
    fn begin(
        &mut self,
        kernel: &AxialThickness,
        setting: &Setting,
        block: &Block,
        view: &ViewRays,
        columns: Range<usize>,
        lines: Range<usize>,
    ) {
        let [x, y, _] = setting.spacing;
        let longest = 1.02 * (x * x + y * y).sqrt();
        self.walks.resize_with(columns.len(), Walk::default);
        self.groups.resize_with(columns.len(), Vec::new);
        for ((walk, groups), column) in self.walks.iter_mut().zip(&mut self.groups).zip(columns) {
            walk.trace(setting, [kernel.wide, kernel.deep], block, view, column);
            groups.clear();
            groups.extend(lines.clone().step_by(LANES).map(|row| {
                let rows = Rows::new(setting, view, walk, row);
                let is_gentle = rows.inverse.iter().all(|inverse| inverse.abs() > longest);
                Group { rows, place: None, sums: [[0.0; LANES]; EIGHT], is_gentle }
            }));
        }
    }

    /// Calls `visit` with every sum of so many rows and materials, and its place from the strip's first on.
    #[inline(always)]
    fn each_sum(
        &mut self,
        [columns, materials, count]: [usize; 3],
        rows: usize,
        mut visit: impl FnMut(&mut f32, usize),
    ) {
        for row in 0..rows {
            for material in 0..count {
                for (way, groups) in self.groups.iter_mut().enumerate() {
                    let sum = &mut groups[row / LANES].sums[material][row % LANES];
                    visit(sum, (row * materials + material) * columns + way);
                }
            }
        }
    }

    /// Multiplies by what the third dimension adds to lengths, where no slab is left.
    #[inline(always)]
    fn finish(&mut self) {
        let ways = self.walks.iter().zip(&mut self.groups).filter(|(walk, _)| walk.is_included && walk.is_last);
        for group in ways.flat_map(|(_, groups)| groups) {
            for sums in &mut group.sums {
                sums.iter_mut().zip(&group.rows.factor).for_each(|(sum, factor)| *sum *= factor);
            }
        }
    }

    /// Voxels along z that the rows can meet.
    #[inline(always)]
    fn reach(&self) -> Option<[i32; 2]> {
        let ways = self.walks.iter().zip(&self.groups).filter(|(walk, _)| !walk.voxels.is_empty());
        let ends = ways.flat_map(|(walk, groups)| {
            let (from, to) = (walk.bounds[0], walk.bounds[walk.voxels.len()]);
            [&groups[0], &groups[groups.len() - 1]].map(|group| group.rows.reach(from, to))
        });
        ends.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
    }

    /// Follows the rays chunk by chunk.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn follow<V: Vectors>(&mut self, mixtures: &Mixtures<'_>, spread: &mut Spread) {
        let Some(reach) = self.reach() else { return };
        spread.clear(mixtures, reach);
        let longest = self.walks.iter().map(|walk| walk.voxels.len()).max().unwrap_or(0);
        let mut pieces = Pieces::new();
        for first in (0..longest).step_by(CHUNK) {
            for (walk, groups) in self.walks.iter().zip(&mut self.groups) {
                let end = walk.voxels.len().min(first + CHUNK);
                if first >= end {
                    continue;
                }
                let (bounds, voxels) = (&walk.bounds[first..=end], &walk.voxels[first..end]);
                // SAFETY: as of this function.
                unsafe {
                    spread.meet::<V>(mixtures, voxels);
                    for group in groups {
                        group.follow::<V>(mixtures, spread, bounds, voxels, &mut pieces);
                    }
                }
            }
        }
    }
}

/// Columns of voxels spread into columns of fractions, one for each material, kept as long as their place is not taken.
#[derive(Default)]
struct Spread {
    /// First voxel along z, a multiple of the lanes.
    base: i32,
    /// Voxels along z, an odd multiple of them.
    high: usize,
    /// Of which so many blocks of sixteen are met; windows reach beyond them.
    met: usize,
    /// Fractions of a column of voxels.
    pitch: usize,
    fractions: Vec<f32>,
    /// Which column is kept at a place; none, if there is none.
    kept: Vec<usize>,
    /// Which materials there are in sixteen voxels of a kept column, a bit for each.
    present: Vec<u8>,
    /// Where the fractions of the chunk's columns begin.
    places: [usize; CHUNK],
    /// In which of the chunk's columns there is some of a material, a bit for each, for sixteen voxels along z.
    holders: Vec<[u32; EIGHT]>,
}

/// Columns of voxels along the main direction of a walk, and across, that are kept at different places.
const ALONG: usize = 2 * CHUNK;
const ACROSS: usize = 8;
/// No column.
const NONE: usize = usize::MAX;

impl Spread {
    /// Forgets all columns, and keeps those voxels along z that windows of rows with this reach can lie in.
    #[inline(always)]
    fn clear(&mut self, mixtures: &Mixtures<'_>, [low, high]: [i32; 2]) {
        let nz = mixtures.kernel.nz as i32;
        // Rounding may move the rows between by a voxel.
        let [low, high] = [low - 2, high + 2].map(|z| z.clamp(-WINDOW, nz));
        self.base = low.div_euclid(LANES as i32) * LANES as i32;
        let blocks = ((high + WINDOW - self.base) as usize).div_ceil(LANES) | 1;
        self.high = blocks * LANES;
        self.met = (high + 1 - self.base) as usize / LANES + 1;
        // An odd number of lines of the cache, so that neighbours do not compete for the same ones.
        self.pitch = mixtures.count.next_multiple_of(FOUR) * self.high + LANES;
        self.fractions.resize(ALONG * ACROSS * self.pitch, 0.0);
        self.present.resize(ALONG * ACROSS * self.met, 0);
        self.kept.clear();
        self.kept.resize(ALONG * ACROSS, NONE);
        // Windows end in the block behind the last one, where nothing is.
        self.holders.clear();
        self.holders.resize(blocks + 2, [0; EIGHT]);
    }

    /// Finds places for the columns of a chunk.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn meet<V: Vectors>(&mut self, mixtures: &Mixtures<'_>, voxels: &[usize]) {
        let [wide, deep] = [mixtures.kernel.wide, mixtures.kernel.deep].map(|n| n as usize);
        let cell = |voxel: usize| [voxel / deep % wide, voxel / deep / wide];
        let [first, last] = [voxels[0], voxels[voxels.len() - 1]].map(cell);
        // At most three of a chunk's columns have the same place along its main direction.
        let is_along_x = first[0].abs_diff(last[0]) > first[1].abs_diff(last[1]);
        self.holders.fill([0; EIGHT]);
        for (n, voxel) in voxels.iter().enumerate() {
            let [x, y] = cell(*voxel);
            let (along, across) = if is_along_x { (x, y) } else { (y, x) };
            let place = along % ALONG * ACROSS + across % ACROSS;
            self.places[n] = place * self.pitch;
            if self.kept[place] != *voxel {
                self.kept[place] = *voxel;
                // SAFETY: as of this function.
                unsafe { self.spread::<V>(mixtures, *voxel, place) };
            }
            for (holders, present) in self.holders.iter_mut().zip(&self.present[place * self.met..][..self.met]) {
                for (material, holders) in holders.iter_mut().enumerate() {
                    *holders |= (u32::from(*present) >> material & 1) << n;
                }
            }
        }
    }

    /// Spreads a column of voxels, which begins at `voxel`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn spread<V: Vectors>(&mut self, mixtures: &Mixtures<'_>, voxel: usize, place: usize) {
        let nz = mixtures.kernel.nz as i32;
        let column = &mixtures.volume[voxel..][..nz as usize];
        let out = &mut self.fractions[place * self.pitch..][..self.pitch];
        for (block, present) in self.present[place * self.met..][..self.met].iter_mut().enumerate() {
            let z = self.base + (block * LANES) as i32;
            let mut numbers = [0; LANES];
            if z >= 0 && z + LANES as i32 <= nz {
                numbers = std::array::from_fn(|l| column[z as usize + l].cast_signed());
            } else {
                for (l, number) in (z..).zip(&mut numbers) {
                    *number = column.get(l as usize).map_or(0, |number| number.cast_signed());
                }
            }
            *present = 0;
            let is_empty = numbers.iter().all(|number| *number == 0);
            let fours = mixtures.compositions.chunks_exact(mixtures.kernel.composition_count as usize);
            for (four, compositions) in fours.enumerate() {
                // SAFETY: as of this function.
                unsafe {
                    let none = V::splat(0.0);
                    let found = if is_empty { [none; FOUR] } else { fractions::<V>(compositions, &numbers) };
                    for (m, found) in (four * FOUR..).zip(found) {
                        *present |= u8::from(V::any(V::less(none, found))) << m;
                        out[m * self.high + block * LANES..][..LANES].copy_from_slice(&V::lanes(found));
                    }
                }
            }
        }
    }
}

/// Lengths along a chunk of sixteen rows, each of which passes one plane of z in a column of voxels or none.
struct Pieces {
    /// Lengths before the plane and behind it.
    here: [Lanes; CHUNK],
    there: [Lanes; CHUNK],
    /// Voxels before the plane, counted from the window's first.
    voxels: [[i32; LANES]; CHUNK],
}

impl Group {
    /// Follows the rows along a chunk.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn follow<V: Vectors>(
        &mut self,
        mixtures: &Mixtures<'_>,
        spread: &Spread,
        bounds: &[f32],
        voxels: &[usize],
        pieces: &mut Pieces,
    ) {
        let from = bounds[0];
        let [low, high] = self.rows.reach(from, bounds[voxels.len()]);
        let first = low - spread.base;
        let is_outside = high < 0 || low >= mixtures.kernel.nz as i32;
        let is_kept = self.is_gentle && high - low < WINDOW && first >= 0 && (first + WINDOW) as usize <= spread.high;
        if is_outside {
            self.place = None;
            return;
        }
        if !is_kept {
            let mut place = self.place.take().unwrap_or_else(|| Place::at(&self.rows, from));
            self.follow_far(mixtures, bounds, voxels, &mut place);
            self.place = Some(place);
            return;
        }
        let first = first as usize;
        let blocks = &spread.holders[first / LANES..][..3];
        let holders: [u32; EIGHT] = std::array::from_fn(|m| blocks[0][m] | blocks[1][m] | blocks[2][m]);
        if holders == [0; EIGHT] {
            self.place = None;
            return;
        }
        let mut place = self.place.take().unwrap_or_else(|| Place::at(&self.rows, from));
        // SAFETY: as of this function; windows lie in what is kept of a column.
        unsafe {
            pieces.measure::<V>(&self.rows, &mut place, low, bounds);
            let step = V::integers(&place.step);
            for (m, sums) in self.sums.iter_mut().enumerate().take(mixtures.count) {
                let place = spread.fractions.as_ptr().add(m * spread.high + first);
                let mut sum = V::floats(sums);
                let mut left = holders[m];
                while left != 0 {
                    let n = left.trailing_zeros() as usize;
                    left &= left - 1;
                    let window = &*place.add(spread.places[n]).cast::<[f32; 2 * LANES]>();
                    let here = V::integers(&pieces.voxels[n]);
                    let there = V::add_integers(here, step);
                    sum = V::add(sum, V::mul(V::floats(&pieces.here[n]), V::pick_lanes(window, here)));
                    sum = V::add(sum, V::mul(V::floats(&pieces.there[n]), V::pick_lanes(window, there)));
                }
                *sums = V::lanes(sum);
            }
        }
        self.place = Some(place);
    }

    /// Follows rows that lie too far apart for a window, or may pass any number of planes in a column of voxels.
    #[inline(always)]
    fn follow_far(&mut self, mixtures: &Mixtures<'_>, bounds: &[f32], voxels: &[usize], place: &mut Place) {
        let nz = mixtures.kernel.nz as usize;
        let fours = || mixtures.compositions.chunks_exact(mixtures.kernel.composition_count as usize);
        for (bound, voxel) in bounds.windows(2).zip(voxels) {
            let column = &mixtures.volume[*voxel..][..nz];
            let to = bound[1];
            for l in 0..LANES {
                let mut from = bound[0];
                loop {
                    let number = column.get(place.voxel[l] as usize).map_or(0, |number| *number as usize);
                    let passes = place.distance[l] < to;
                    let cut = if passes { place.distance[l] } else { to };
                    for (sums, compositions) in self.sums.chunks_exact_mut(FOUR).zip(fours()) {
                        for (sum, fraction) in sums.iter_mut().zip(compositions[number]) {
                            sum[l] += (cut - from) * fraction;
                        }
                    }
                    if !passes {
                        break;
                    }
                    from = cut;
                    place.voxel[l] += place.step[l];
                    place.plane[l] += place.plane_step[l];
                    place.distance[l] = (place.plane[l] - self.rows.fraction[l]) * self.rows.inverse[l];
                }
            }
        }
    }
}

impl Pieces {
    fn new() -> Self {
        Self { here: [[0.0; LANES]; CHUNK], there: [[0.0; LANES]; CHUNK], voxels: [[0; LANES]; CHUNK] }
    }

    /// Measures the pieces of rows from a place on, in a window that begins at voxel `base`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn measure<V: Vectors>(&mut self, rows: &Rows, place: &mut Place, base: i32, bounds: &[f32]) {
        // SAFETY: as of this function.
        unsafe {
            let (fraction, inverse) = (V::floats(&rows.fraction), V::floats(&rows.inverse));
            let (step, plane_step) = (V::integers(&place.step), V::floats(&place.plane_step));
            let (mut plane, mut distance) = (V::floats(&place.plane), V::floats(&place.distance));
            let mut voxel = V::add_integers(V::integers(&place.voxel), V::splat_integer(-base));
            let mut from = V::splat(bounds[0]);
            for (n, to) in bounds[1..].iter().enumerate() {
                let to = V::splat(*to);
                let passes = V::less(distance, to);
                let cut = V::choose(passes, distance, to);
                self.here[n] = V::lanes(V::sub(cut, from));
                self.there[n] = V::lanes(V::sub(to, cut));
                self.voxels[n] = V::integer_lanes(voxel);
                voxel = V::choose_integers(passes, V::add_integers(voxel, step), voxel);
                plane = V::choose(passes, V::add(plane, plane_step), plane);
                distance = V::mul(V::sub(plane, fraction), inverse);
                from = to;
            }
            (place.plane, place.distance) = (V::lanes(plane), V::lanes(distance));
            place.voxel = V::integer_lanes(V::add_integers(voxel, V::splat_integer(base)));
        }
    }
}
