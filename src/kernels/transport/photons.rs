//! Photons on their ways through a body, by delta tracking. Formulas, sources and errors: `docs/methods/transport.md`.
//!
//! ```text
//! s = −ln(u)/µ_max(E)                                   free path; where it ends, an interaction is one of µ/µ_max
//! E' = E/(1 + (E/mc²)·(1 − cos θ))                      Compton; θ by S(x, Z), for Rayleigh by F(x, Z)
//! ```
//! A photon's random words are Philox's for its number and the number of the draw, under the seed's key. All that is added up are
//! whole numbers: eV for energy, of which none is lost, and the detector's amounts. So the sums do not depend on who follows which
//! photon, and any division gives the same bits.
//!
//! | draw | words |
//! |---|---|
//! | first | bin and side of it (energy), node of the energy |
//! | then, until one is kept | place in the field, whether it is kept |
//! | then, for two free paths each | length and end of the first, length and end of the second |
//! | after a path with an interaction | cosine and node of its table, azimuth and node of the energy |
//! | where the detector gets what is expected | lengths of four paths, until one leaves the body; the last side of an amount |
//!
//! Positions are in voxels from the grid's corner, directions in voxels per mm of path. Shapes: `[z][y][x]` → sums. Tier P.

use super::{
    DetectorPlane, Source, Tables, Tally,
    tables::{ANGLE_NODES, ANGLE_SHIFT, COMPOSITION_BITS, COSINES, FIRST_ANGLE_NODE, FIRST_NODE, NODE_BITS},
    tally::{BATCHES, LEDGER, PIXEL_SUMS, sum_count},
};
use crate::{
    engine::{Output, Sums},
    kernels::{
        noise::{Stream, philox::philox},
        prelude::*,
    },
};

kernel! {
    /// Photons through a body.
    struct Photons {
        /// The source in voxels, and its least distance to the field in mm.
        source: [f32; 4],
        /// From the source to the field's corner, and the field's edges, in mm along the axes of the grid.
        corner, along, across: [f32; 4],
        /// Voxels per mm along the axes; number of voxels along them.
        per_mm, size: [f32; 4],
        /// Height above the detector in mm, column and row of a position: factors and a constant.
        height, column, row: [f32; 4],
        /// Number of the first photon, how many there are; words of the key.
        first_low, first_high, count, key_low, key_high: u32,
        /// Materials; bins of the spectrum; least energy of a photon in eV.
        materials, bins, cut_off: u32,
        /// Where the fractions and the cosines begin in the numbers.
        fractions_at, cosines_at: u32,
        /// Regions; columns and rows of the detector; number of sums.
        regions, detector_columns, detector_rows, sum_count: u32,
        /// 1 where pixels get what is expected of a scattered photon instead of what arrives; padding to whole vectors.
        expects, unused: u32,
    }
    shader transport/photons + transport/scatter + transport/detector + noise/philox + clahe/high_word, Pinned, [64, 1];
    reads voxels[_, _]: anywhere(4) of u32, numbers: whole of f32, lists: whole of u32;
    sums tallies[1, sum_count];
    domain |_| Domain::rows(
        Extent { slices: 1, rows: count.div_ceil(ROW), columns: INVOCATIONS },
        f64::from(ROW) * OPERATIONS,
    );
}

/// Invocations of a row, and photons of an invocation.
const INVOCATIONS: u32 = 64;
const PHOTONS: u32 = 16;
/// Photons of a row.
const ROW: u32 = INVOCATIONS * PHOTONS;
/// Operations of a photon: some 40 free paths of 300, which differs with body and energy.
const OPERATIONS: f64 = 12_000.0;
/// Places in the field that are tried; of each at least a quarter is kept.
const TRIALS: u32 = 64;
/// 1/mc², in 1/eV.
const PER_REST_EV: f32 = 1.956_951e-6;
/// Least energy that photons are followed to, in eV.
const CUT_OFF_EV: u32 = 5_000;

/// Which photons are followed: those of a seed by their numbers, `count` from `first` on.
///
/// Photon n of a seed is always the same, so that further photons go on where others ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histories {
    /// Seed.
    pub seed: u64,
    /// Number of the first photon.
    pub first: u64,
    /// Number of photons.
    pub count: u32,
}

/// What a recorded pass will have summed up.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    sums: Buffer<u64>,
    first: u64,
    count: u32,
    region_count: u32,
    detector: Option<([u32; 2], f64)>,
}

impl Recorded {
    /// The sums.
    #[must_use]
    pub fn sums(&self) -> Buffer<u64> {
        self.sums
    }

    /// Records their download.
    pub fn result(&self, graph: &mut Graph<'_>) -> Output<u64> {
        graph.result(self.sums)
    }

    /// The tally that downloaded sums are.
    #[must_use]
    pub fn tally(&self, sums: Vec<u64>) -> Tally {
        let Self { first, count, region_count, detector, .. } = *self;
        Tally { first, count: count.into(), region_count, detector, sums }
    }
}

/// Records photons of a source through a body to a detector, if there is one.
///
/// # Panics
/// When the source lies in its field or sees it at too flat an angle.
pub fn record<'a>(
    graph: &mut Graph<'a>,
    body: &'a Tables,
    source: &Source,
    detector: Option<&DetectorPlane>,
    histories: Histories,
) -> Recorded {
    let [nx, ny, nz] = body.grid.size();
    let voxels = graph.upload("transport.voxels", Extent::new(nz, ny, nx), &body.voxels);
    let numbers = graph.upload("transport.numbers", Extent::table(body.numbers.len()), &body.numbers);
    let mut lists = source.energies();
    let bin_count = lists.len() as u32 / 3;
    lists.extend(detector.into_iter().flat_map(DetectorPlane::amounts));
    let lists = graph.upload_table("transport.lists", &lists);
    let kernel = kernel(body, source, detector, histories, bin_count);
    let sums = graph.buffer::<u64>("transport.tallies", Extent::table(kernel.sum_count as usize));
    graph.clear(sums);
    kernel.compute(graph, "photons", voxels, numbers, lists, sums);
    Recorded {
        sums,
        first: histories.first,
        count: histories.count,
        region_count: body.region_count,
        detector: detector.map(|plane| (plane.size(), plane.unit())),
    }
}

fn kernel(
    body: &Tables,
    source: &Source,
    detector: Option<&DetectorPlane>,
    histories: Histories,
    bin_count: u32,
) -> Photons {
    let grid = &body.grid;
    let axes = grid.orientation();
    let spacing = grid.spacing_mm();
    let vector = |v: glam::DVec3, w: f64| [v.x as f32, v.y as f32, v.z as f32, w as f32];
    // Position 0 in voxels is half a voxel before the first centre.
    let corner_mm = grid.world_mm(glam::DVec3::splat(-0.5));
    let along_axes = |v: glam::DVec3| axes.transpose() * v;
    let [height, column, row] = detector.map_or([[0.0; 4]; 3], |plane| {
        plane
            .affine()
            .map(|(factors, constant)| vector(along_axes(factors) * spacing, constant + factors.dot(corner_mm)))
    });
    let [key_low, key_high] = Stream::new(histories.seed, STREAM).key();
    let [columns, rows] = detector.map_or([0; 2], DetectorPlane::size);
    Photons {
        source: vector(along_axes(source.position_mm - corner_mm) / spacing, source.least_distance_mm()),
        corner: vector(along_axes(source.corner_mm - source.position_mm), 0.0),
        along: vector(along_axes(source.edges_mm[0]), 0.0),
        across: vector(along_axes(source.edges_mm[1]), 0.0),
        per_mm: vector(spacing.recip(), 0.0),
        size: vector(glam::DVec3::from_array(grid.size().map(|n| n as f64)), 0.0),
        height,
        column,
        row,
        first_low: histories.first as u32,
        first_high: (histories.first >> 32) as u32,
        count: histories.count,
        key_low,
        key_high,
        materials: body.material_count,
        bins: bin_count,
        cut_off: CUT_OFF_EV,
        fractions_at: body.fractions_at,
        cosines_at: body.cosines_at,
        regions: body.region_count,
        detector_columns: columns,
        detector_rows: rows,
        sum_count: sum_count(body.region_count, detector),
        expects: detector.is_some_and(DetectorPlane::expects).into(),
        unused: 0,
    }
}

/// Stream of a seed that photons draw from.
const STREAM: u32 = 0x7068_6f74;

/// A photon on its way.
struct Photon {
    /// In voxels from the grid's corner.
    position: [f32; 3],
    /// Unit vector along the axes of the grid, and the same in voxels per mm.
    direction: [f32; 3],
    step: [f32; 3],
    /// In eV, and the node of the coefficients that stands for it.
    energy: u32,
    node: u32,
    /// [`super::Class`].
    class: u32,
    number: [u32; 2],
    draw: u32,
}

/// How a free path ended.
enum End {
    Outside,
    Nothing,
    /// In a voxel, on a material; what the deciding number exceeds the materials before by, and this material's part.
    On {
        voxel: u32,
        material: u32,
        rest: f32,
        part: f32,
    },
}

/// What is bound, as a photon sees it.
#[derive(Clone, Copy)]
struct Bound<'a> {
    kernel: &'a Photons,
    voxels: &'a [u32],
    numbers: &'a [f32],
    lists: &'a [u32],
    tallies: Sums<'a>,
}

vectorised! {
    fn twin(kernel: &Photons, block: &Block, voxels: &[u32], numbers: &[f32], lists: &[u32], tallies: Sums<'_>) {
        let bound = Bound { kernel, voxels, numbers, lists, tallies };
        for row in block.rows.clone() {
            if kernel.expects == 0 {
                follow_row::<false>(bound, row as u32);
            } else {
                follow_row::<true>(bound, row as u32);
            }
        }
    }
}

/// The photons of a row; code of its own for those of which nothing is expected, which leaves more registers to them.
#[inline(always)]
fn follow_row<const EXPECTS: bool>(bound: Bound<'_>, row: u32) {
    let first = row * ROW;
    let mut ledger = [0_u64; LEDGER as usize];
    for index in first..bound.kernel.count.min(first.saturating_add(ROW)) {
        follow::<EXPECTS>(bound, index, &mut ledger);
    }
    for (sum, amount) in ledger.into_iter().enumerate() {
        bound.tallies.add(sum, amount as u32);
    }
}

/// A photon from its start to its end.
#[inline(always)]
fn follow<const EXPECTS: bool>(bound: Bound<'_>, index: u32, ledger: &mut [u64; LEDGER as usize]) {
    let kernel = bound.kernel;
    let mut photon = emitted(bound, index);
    ledger[0] += u64::from(photon.energy);
    let mut is_inside = entered(kernel, &mut photon);
    ledger[2] += u64::from(is_inside);
    while is_inside {
        let words = drawn(kernel, &mut photon);
        ledger[6] += 1;
        let mut end = flown(bound, &mut photon, words[0], words[1]);
        if matches!(end, End::Nothing) {
            ledger[6] += 1;
            end = flown(bound, &mut photon, words[2], words[3]);
        }
        match end {
            End::Nothing => {}
            End::Outside => is_inside = false,
            End::On { voxel, material, rest, part } => {
                let place = (voxel >> COMPOSITION_BITS) * BATCHES + LEDGER + (photon.number[0] & (BATCHES - 1));
                let (before, event) = (photon.energy, interact(bound, &mut photon, material, rest, part));
                ledger[3 + event as usize] += 1;
                if before != photon.energy {
                    bound.tallies.add(place as usize, before - photon.energy);
                }
                if photon.energy == 0 {
                    return;
                }
                if EXPECTS {
                    expect(bound, &mut photon);
                }
            }
        }
    }
    ledger[1] += u64::from(photon.energy);
    // A scattered one may have been expected.
    if !EXPECTS || photon.class == 0 {
        arrive(bound, &photon, 1.0, 0);
    }
}

/// The next four random words.
#[inline(always)]
fn drawn(kernel: &Photons, photon: &mut Photon) -> [u32; 4] {
    let [low, high] = photon.number;
    photon.draw += 1;
    philox([low, high, photon.draw - 1, 0], [kernel.key_low, kernel.key_high])
}

/// Number from 0 to 1, 1 excluded.
#[inline(always)]
fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * 5.960_464_5e-8
}

/// One of the two nodes around an energy.
#[inline(always)]
fn node_of(energy: u32, word: u32) -> u32 {
    ((energy + (word & ((1 << NODE_BITS) - 1))) >> NODE_BITS) - FIRST_NODE
}

#[inline(always)]
fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
fn xyz(a: [f32; 4]) -> [f32; 3] {
    [a[0], a[1], a[2]]
}

#[inline(always)]
fn emitted(bound: Bound<'_>, index: u32) -> Photon {
    let kernel = bound.kernel;
    let low = kernel.first_low.wrapping_add(index);
    let high = kernel.first_high.wrapping_add(u32::from(low < index));
    let mut photon = Photon {
        position: xyz(kernel.source),
        direction: [0.0; 3],
        step: [0.0; 3],
        energy: 0,
        node: 0,
        class: 0,
        number: [low, high],
        draw: 0,
    };
    let words = drawn(kernel, &mut photon);
    let bin = 3 * ((u64::from(words[0]) * u64::from(kernel.bins)) >> 32) as usize;
    let is_above = words[1] >= bound.lists[bin];
    photon.energy = bound.lists[bin + 1 + usize::from(is_above)];
    photon.node = node_of(photon.energy, words[2]);
    for _ in 0..TRIALS {
        let words = drawn(kernel, &mut photon);
        let (a, b) = (unit(words[0]), unit(words[1]));
        let to: [f32; 3] = std::array::from_fn(|i| kernel.corner[i] + a * kernel.along[i] + b * kernel.across[i]);
        let inverse = inverse_square_root(dot(to, to));
        let share = kernel.source[3] * inverse;
        photon.direction = to.map(|x| x * inverse);
        if unit(words[2]) < share * share * share {
            break;
        }
    }
    aimed(kernel, &mut photon);
    photon
}

#[inline(always)]
fn aimed(kernel: &Photons, photon: &mut Photon) {
    photon.step = std::array::from_fn(|i| photon.direction[i] * kernel.per_mm[i]);
}

/// Moves a photon to where its ray enters the body's box, if it does.
#[inline(always)]
fn entered(kernel: &Photons, photon: &mut Photon) -> bool {
    let (mut near, mut far) = (0.0_f32, 1e30_f32);
    for i in 0..3 {
        let step = if photon.step[i].abs() < 1e-9 { 1e-9 } else { photon.step[i] };
        let inverse = reciprocal(step);
        let first = -photon.position[i] * inverse;
        let last = (kernel.size[i] - photon.position[i]) * inverse;
        near = near.max(first.min(last));
        far = far.min(first.max(last));
    }
    if near >= far {
        return false;
    }
    for i in 0..3 {
        photon.position[i] = (photon.position[i] + photon.step[i] * near).max(0.0).min(kernel.size[i]);
    }
    true
}

/// A free path, and how it ends. One that leaves the body is not gone: it may lead beyond the detector.
#[inline(always)]
fn flown(bound: Bound<'_>, photon: &mut Photon, length: u32, choice: u32) -> End {
    let Bound { kernel, voxels, numbers, .. } = bound;
    let row = (photon.node * (1 + 3 * kernel.materials)) as usize;
    let path = path_of(numbers[row], length);
    let next: [f32; 3] = std::array::from_fn(|i| photon.position[i] + photon.step[i] * path);
    if !(0..3).all(|i| next[i] >= 0.0 && next[i] < kernel.size[i]) {
        return End::Outside;
    }
    photon.position = next;
    let [x, y, z] = next.map(|x| x as u32);
    let [nx, ny] = [kernel.size[0] as u32, kernel.size[1] as u32];
    let voxel = voxels[(z as usize * ny as usize + y as usize) * nx as usize + x as usize];
    let fractions = kernel.fractions_at + (voxel & ((1 << COMPOSITION_BITS) - 1)) * kernel.materials;
    let u = unit(choice);
    let mut below = 0.0;
    let fractions = &numbers[fractions as usize..(fractions + kernel.materials) as usize];
    let ratios = &numbers[row + 1..row + 1 + kernel.materials as usize];
    for (material, (fraction, ratio)) in (0..).zip(fractions.iter().zip(ratios)) {
        let part = fraction * ratio;
        let upto = below + part;
        if u < upto {
            return End::On { voxel, material, rest: u - below, part };
        }
        below = upto;
    }
    End::Nothing
}

/// An interaction with a material: 0, absorption, 1, Compton or 2, Rayleigh scattering. What has no energy left has ended.
#[inline(always)]
fn interact(bound: Bound<'_>, photon: &mut Photon, material: u32, rest: f32, part: f32) -> u32 {
    let Bound { kernel, numbers, .. } = bound;
    let shares = (photon.node * (1 + 3 * kernel.materials) + 1 + kernel.materials + 2 * material) as usize;
    if rest < part * numbers[shares] {
        photon.energy = 0;
        return 0;
    }
    let is_coherent = rest >= part * numbers[shares + 1];
    let words = drawn(kernel, photon);
    let energy = photon.energy as f32;
    let node = ((energy.to_bits() >> (ANGLE_SHIFT - 8)) + (words[0] & 0xff)) >> 8;
    let table = (u32::from(is_coherent) * kernel.materials + material) * ANGLE_NODES + node - FIRST_ANGLE_NODE;
    let at = (kernel.cosines_at + table * COSINES + (words[0] >> 24)) as usize;
    let along = ((words[0] >> 8) & 0xffff) as f32 * 1.525_878_9e-5;
    let cosine = numbers[at] + along * (numbers[at + 1] - numbers[at]);
    photon.class = if photon.class == 0 { 1 + u32::from(is_coherent) } else { 3 };
    if !is_coherent {
        let ratio = reciprocal(1.0 + energy * PER_REST_EV * (1.0 - cosine));
        let left = ((energy * ratio + 0.5) as u32).min(photon.energy);
        photon.energy = if left < kernel.cut_off { 0 } else { left };
    }
    if photon.energy > 0 {
        photon.direction = turned(photon.direction, cosine, words[1]);
        aimed(kernel, photon);
        photon.node = node_of(photon.energy, words[1]);
    }
    1 + u32::from(is_coherent)
}

/// A direction after scattering by an angle, at a random azimuth: the upper two bits say in which quarter, the next 24 where in it.
#[inline(always)]
fn turned([x, y, z]: [f32; 3], cosine: f32, word: u32) -> [f32; 3] {
    let square = ((1.0 - cosine) * (1.0 + cosine)).max(1e-30);
    let sine = square * inverse_square_root(square);
    // −π/4 to π/4: Taylor series.
    let angle = (((word >> 6) & 0xff_ffff) as i32 - 0x80_0000) as f32 * 9.362_675e-8;
    let s = angle * angle;
    let odd = (s * -1.984_127e-4 + 8.333_334e-3) * s - 1.666_666_7e-1;
    let even = ((s * 2.480_158_7e-5 - 1.388_888_9e-3) * s + 4.166_666_8e-2) * s - 0.5;
    let (mut c, mut s) = (s * even + 1.0, angle * s * odd + angle);
    if word & (1 << 30) != 0 {
        (c, s) = (-s, c);
    }
    if word & (1 << 31) != 0 {
        (c, s) = (-c, -s);
    }
    // Two vectors perpendicular to it (T. Duff et al., J. Comput. Graph. Tech. 6(1):1, 2017).
    let sign = if z < 0.0 { -1.0 } else { 1.0 };
    let a = -reciprocal(sign + z);
    let b = x * y * a;
    let first = [x * x * a * sign + 1.0, b * sign, -x * sign];
    let second = [b, y * y * a + sign, -y];
    let (c, s) = (c * sine, s * sine);
    let old = [x, y, z];
    let new: [f32; 3] = std::array::from_fn(|i| cosine * old[i] + (c * first[i] + s * second[i]));
    // One step towards length 1, so that errors do not grow.
    let scale = 1.5 - 0.5 * dot(new, new);
    new.map(|x| x * scale)
}

/// The pixel that a photon flies to, if it does.
#[inline(always)]
fn pixel_of(kernel: &Photons, photon: &Photon) -> Option<u32> {
    let towards = |affine: [f32; 4]| dot(xyz(affine), photon.step);
    let at = |affine: [f32; 4]| dot(xyz(affine), photon.position) + affine[3];
    let (speed, height) = (-towards(kernel.height), at(kernel.height));
    if speed < 1e-6 || height <= 0.0 {
        return None;
    }
    let path = height * reciprocal(speed);
    let column = at(kernel.column) + path * towards(kernel.column);
    let row = at(kernel.row) + path * towards(kernel.row);
    let is_within =
        column >= 0.0 && column < kernel.detector_columns as f32 && row >= 0.0 && row < kernel.detector_rows as f32;
    is_within.then(|| row as u32 * kernel.detector_columns + column as u32)
}

/// A share of a photon on its way to the detector; the amount's part behind the point is kept with its probability.
#[inline(always)]
fn arrive(bound: Bound<'_>, photon: &Photon, share: f32, word: u32) {
    let kernel = bound.kernel;
    if let Some(pixel) = pixel_of(kernel, photon) {
        let amount = bound.lists[(3 * kernel.bins + photon.node) as usize];
        let amount = (amount as f32 * share + unit(word)) as u32;
        let sum = (LEDGER + kernel.regions * BATCHES + pixel * PIXEL_SUMS + 2 * photon.class) as usize;
        bound.tallies.add(sum, amount);
        bound.tallies.add(sum + 1, amount * amount);
    }
}

/// Gives the detector the share of a photon that is expected to get there without another interaction: the product of 1 − ½·µ/µ_max
/// at the ends of paths that are half as long as free ones, whose mean is the exponential of the line integral.
#[inline(always)]
fn expect(bound: Bound<'_>, photon: &mut Photon) {
    let Bound { kernel, voxels, numbers, .. } = bound;
    if pixel_of(kernel, photon).is_none() {
        return;
    }
    let row = (photon.node * (1 + 3 * kernel.materials)) as usize;
    let ratios = &numbers[row + 1..row + 1 + kernel.materials as usize];
    let [nx, ny] = [kernel.size[0] as u32, kernel.size[1] as u32];
    let (mut share, mut position) = (1.0_f32, photon.position);
    'paths: loop {
        for word in drawn(kernel, photon) {
            let path = path_of(0.5 * numbers[row], word);
            position = std::array::from_fn(|i| position[i] + photon.step[i] * path);
            if !(0..3).all(|i| position[i] >= 0.0 && position[i] < kernel.size[i]) {
                break 'paths;
            }
            let [x, y, z] = position.map(|x| x as u32);
            let voxel = voxels[(z as usize * ny as usize + y as usize) * nx as usize + x as usize];
            let fractions = kernel.fractions_at + (voxel & ((1 << COMPOSITION_BITS) - 1)) * kernel.materials;
            let fractions = &numbers[fractions as usize..(fractions + kernel.materials) as usize];
            let sum = fractions.iter().zip(ratios).fold(0.0, |sum, (fraction, ratio)| sum + fraction * ratio);
            share *= 1.0 - 0.5 * sum;
        }
    }
    let [word, ..] = drawn(kernel, photon);
    arrive(bound, photon, share, word);
}

/// Length of a free path, in mm.
#[inline(always)]
fn path_of(mean: f32, word: u32) -> f32 {
    -log(((word >> 9) as f32 + 0.5) * 1.192_092_9e-7) * mean
}

#[cfg(test)]
mod tests {
    use glam::{DMat3, DVec3};

    use super::*;
    use crate::{
        body::Body,
        data::Grid,
        engine::{Control, Device, Plan},
        physics::{Material, Spectrum, klein_nishina},
    };

    /// Photons whose angles are sorted.
    const DRAWS: usize = 100_000;

    /// A slab of water of 400 × 400 × 200 mm before a source at 1 m that sends photons of 60 keV.
    fn slab() -> (Tables, Source) {
        let grid = Grid::new([4, 4, 2], [100.0; 3], [-150.0, -150.0, 1050.0], DMat3::IDENTITY).unwrap();
        let body = Body::new(grid, vec![Material::by_name("water").unwrap()], vec![0.0, 1.0], vec![1; 32]).unwrap();
        let source = Source {
            position_mm: DVec3::ZERO,
            corner_mm: DVec3::new(-150.0, -150.0, 1000.0),
            edges_mm: [DVec3::X * 300.0, DVec3::Y * 300.0],
            spectrum: Spectrum::new(vec![60.0], vec![1.0]).unwrap(),
        };
        (Tables::new(&body, None).unwrap(), source)
    }

    /// Cosines of free electrons in the place of those of Compton scattering.
    fn without_scattering_functions(mut tables: Tables) -> Tables {
        for node in 0..ANGLE_NODES {
            let energy = f64::from(f32::from_bits((FIRST_ANGLE_NODE + node) << ANGLE_SHIFT)) / 1000.0;
            let cosines: Vec<f64> = (0..=20_000).map(|i| 1.0 - f64::from(i) / 10_000.0).collect();
            let mut cumulative = vec![0.0];
            for pair in cosines.windows(2) {
                let density = klein_nishina::differential_cm2_sr(energy, 0.5 * (pair[0] + pair[1]));
                cumulative.push(cumulative[cumulative.len() - 1] + density);
            }
            let all = cumulative[cumulative.len() - 1];
            for i in 0..COSINES {
                let share = f64::from(i) / f64::from(COSINES - 1) * all;
                let place = cumulative.partition_point(|sum| *sum < share).min(cosines.len() - 1);
                tables.numbers[(tables.cosines_at + node * COSINES + i) as usize] = cosines[place] as f32;
            }
        }
        tables
    }

    /// Angles below which 10, 50 and 90 % of the photons of 60 keV are scattered, in degrees: Compton, Rayleigh.
    fn angles(tables: &Tables, source: &Source) -> [[f64; 3]; 2] {
        let kernel = kernel(tables, source, None, Histories { seed: 3, first: 0, count: 1 }, 1);
        let mut words = vec![0; 2 * kernel.sum_count as usize];
        let lists = source.energies();
        let bound = Bound {
            kernel: &kernel,
            voxels: &tables.voxels,
            numbers: &tables.numbers,
            lists: &lists,
            tallies: Sums::new(&mut words),
        };
        // Above all that is absorbed; and what is left for Rayleigh scattering.
        [0.5, 0.9999].map(|rest| {
            let mut degrees: Vec<f64> = (0..DRAWS)
                .map(|index| {
                    let mut photon = emitted(bound, index as u32);
                    let before = photon.direction;
                    interact(bound, &mut photon, 0, rest, 1.0);
                    assert!((dot(photon.direction, photon.direction) - 1.0).abs() < 1e-6);
                    f64::from(dot(before, photon.direction).clamp(-1.0, 1.0)).acos().to_degrees()
                })
                .collect();
            degrees.sort_by(f64::total_cmp);
            [1, 5, 9].map(|tenths| degrees[DRAWS * tenths / 10])
        })
    }

    #[test]
    fn angles_of_single_interactions_are_another_programs() {
        // xraylib 4.3.0, water at 60 keV.
        const WANT: [[f64; 3]; 2] = [[30.55, 83.75, 146.15], [3.1397, 13.872, 46.319]];
        // Four standard errors of quantiles of so many draws, for densities of 0.3 to 1 % for each degree.
        const TOLERANCES: [[f64; 3]; 2] = [[0.5, 0.8, 0.9], [0.1, 0.3, 1.4]];
        let (tables, source) = slab();
        let misses = |got: [[f64; 3]; 2]| {
            let all = got.into_iter().flatten().zip(WANT.into_iter().flatten()).zip(TOLERANCES.into_iter().flatten());
            all.filter(|((got, want), tolerance)| (got - want).abs() > *tolerance).count()
        };
        let got = angles(&tables, &source);
        println!("{got:?}");
        assert_eq!(misses(got), 0, "{got:?}");
        let free = angles(&without_scattering_functions(tables), &source);
        assert!(misses(free) > 0, "the control, free electrons: {free:?}");
    }

    #[test]
    fn energy_absorbed_tells_bound_electrons_from_free_ones() {
        let absorbed = |tables: &Tables, source: &Source| {
            let mut graph = Graph::new();
            let recorded = record(&mut graph, tables, source, None, Histories { seed: 3, first: 0, count: 1_000_000 });
            let output = recorded.result(&mut graph);
            let device = Device::cpu();
            let plan = Plan::new(&graph, device.limits()).unwrap();
            let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
            recorded.tally(outputs.take(output).unwrap()).region_ev(0)
        };
        let (tables, source) = slab();
        let bound = absorbed(&tables, &source);
        let free = absorbed(&without_scattering_functions(tables), &source);
        println!("{bound:?}, {free:?}");
        assert!((bound.mean - free.mean).abs() > 4.0 * (bound.error + free.error), "{bound:?}, {free:?}");
    }

    #[test]
    fn azimuths_are_even_and_directions_stay_of_length_1() {
        for old in [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.6, -0.8, 0.0], [0.36, 0.48, -0.8]] {
            let (mut sum, count) = ([0.0_f64; 3], 4096);
            for i in 0..count {
                let new = turned(old, 0.25, (i * (u64::from(u32::MAX) + 1) / count) as u32);
                assert!((dot(new, new) - 1.0).abs() < 4e-7 && (dot(new, old) - 0.25).abs() < 1e-6);
                sum = std::array::from_fn(|axis| sum[axis] + f64::from(new[axis]));
            }
            for axis in 0..3 {
                assert!((sum[axis] / count as f64 - 0.25 * f64::from(old[axis])).abs() < 1e-6, "{old:?}: {sum:?}");
            }
        }
    }
}
