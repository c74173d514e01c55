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

mod arrival;
mod scatter;

use self::{
    arrival::{arrive, expect},
    scatter::interact,
};
use super::{
    DetectorPlane, Source, Tables, Tally,
    tables::{FIRST_NODE, NODE_BITS},
    tally::{BATCHES, LEDGER, sum_count},
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
        /// From the source to the field's corner in mm along the axes of the grid, and how many sides the blades' polygon has; the
        /// field's edges, and after the first where those sides begin in the lists.
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
        /// 1 where pixels get what is expected of a scattered photon instead of what arrives; bits of a voxel's word that hold its
        /// composition, above which its region stands.
        expects, composition_bits: u32,
    }
    shader transport/photons + transport/scatter + transport/arrival + noise/philox + clahe/high_word, Pinned, [64, 1];
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
/// Places in the field that are tried: of a field at least a quarter is kept, of what blades leave open of it as well.
const TRIALS: u32 = 256;
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
    let sides_at = lists.len();
    lists.extend(source.sides());
    let lists = graph.upload_table("transport.lists", &lists);
    let kernel = kernel(body, source, detector, histories, [bin_count, sides_at as u32]);
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
    [bin_count, sides_at]: [u32; 2],
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
        corner: vector(along_axes(source.corner_mm - source.position_mm), source.blades.len() as f64),
        along: vector(along_axes(source.edges_mm[0]), sides_at.into()),
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
        composition_bits: body.composition_bits,
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
                let place = (voxel >> kernel.composition_bits) * BATCHES + LEDGER + (photon.number[0] & (BATCHES - 1));
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
        if unit(words[2]) < share * share * share && is_open(bound, a, b) {
            break;
        }
    }
    aimed(kernel, &mut photon);
    photon
}

/// Whether the blades leave a place of the field open; [`Source::is_open`] in single precision.
#[inline(always)]
fn is_open(Bound { kernel, lists, .. }: Bound<'_>, a: f32, b: f32) -> bool {
    let sides = &lists[kernel.along[3] as usize..][..4 * kernel.corner[3] as usize];
    let crosses = |side: &&[u32]| {
        let [from_a, from_b, to_b, slope] = [0, 1, 2, 3].map(|i| f32::from_bits(side[i]));
        (from_b > b) != (to_b > b) && a < from_a + slope * (b - from_b)
    };
    sides.is_empty() || sides.chunks_exact(4).filter(crosses).count() % 2 == 1
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
    let Bound { kernel, numbers, .. } = bound;
    let row = (photon.node * (1 + 3 * kernel.materials)) as usize;
    let path = path_of(numbers[row], length);
    let next: [f32; 3] = std::array::from_fn(|i| photon.position[i] + photon.step[i] * path);
    if !(0..3).all(|i| next[i] >= 0.0 && next[i] < kernel.size[i]) {
        return End::Outside;
    }
    photon.position = next;
    let (voxel, fractions) = composition(bound, next);
    let u = unit(choice);
    let mut below = 0.0;
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

/// Length of a free path, in mm.
#[inline(always)]
fn path_of(mean: f32, word: u32) -> f32 {
    -log(((word >> 9) as f32 + 0.5) * 1.192_092_9e-7) * mean
}

/// The voxel at a position in the body's box, and the fractions of its materials.
#[inline(always)]
fn composition<'a>(bound: Bound<'a>, position: [f32; 3]) -> (u32, &'a [f32]) {
    let Bound { kernel, voxels, numbers, .. } = bound;
    let [x, y, z] = position.map(|x| x as u32);
    let [nx, ny] = [kernel.size[0] as u32, kernel.size[1] as u32];
    let voxel = voxels[(z as usize * ny as usize + y as usize) * nx as usize + x as usize];
    let fractions = kernel.fractions_at + (voxel & ((1 << kernel.composition_bits) - 1)) * kernel.materials;
    (voxel, &numbers[fractions as usize..(fractions + kernel.materials) as usize])
}
