//! Joseph's projector: bilinear interpolation in the slices of each ray's main axis.
//!
//! ```text
//! p(view, j, i) = l·Σ_n Σ_b Σ_c w(b(n) − b)·w(c(n) − c)·µ[n, b, c]        w(d) = max(0, 1 − |d|)
//! ```
//! where n are the slices of the ray's main axis ([`lines`](super::lines)), b and c voxels along the two other axes, and l is the
//! length of the ray from slice to slice, in mm; beyond the volume µ is 0. P. M. Joseph, IEEE Trans. Med. Imaging 1:192, 1982.
//! [`joseph_adjoint`](super::joseph_adjoint) has the same weights.
//!
//! A sample belongs to the lower one of the two z slices it lies between; slices come first to last, for rays that descend in z
//! where that is not their main axis last to first, so that a volume in parts gives the same bits.
//!
//! Shapes: `[view][v][u]` ← lines `[view][v][u]`, `[z][y][x]`; µ in 1/mm, p has no unit. Tier P.

use super::lines::{self, Line};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Line integrals along lines: voxels along x, y and z; columns and rows of the detector.
    struct Joseph { nx, ny, nz, columns, rows: u32 }
    shader project/joseph, Pinned, [16, 4];
    structs Line;
    reads lines[rows, columns]: rows of Line, volume[ny, nx]: inputs_around(1) of f32;
    writes integrals[rows, columns]: f32;
    domain |output| Domain::rows(output, f64::from(columns) * f64::from(nx.max(ny).max(nz)) * SAMPLE_OPERATIONS)
        .over(nz, Order::BothWays);
}

/// Arithmetic operations of one sample.
const SAMPLE_OPERATIONS: f64 = 40.0;

/// Values that are held for each pixel: its line and its integral.
pub const PIXEL_VALUES: usize = size_of::<Line>() / size_of::<f32>() + 1;

/// Records the projection of `volume` on `grid` into `integrals` (extent: views × rows × columns).
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, volume: Buffer<f32>, integrals: Write) {
    let lines = lines::record(graph, geometry, grid);
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    Joseph { nx, ny, nz, columns, rows }.compute(graph, "project", lines, volume, integrals);
}

vectorised! {
    fn twin(kernel: &Joseph, block: &Block, lines: &[Line], volume: &[f32], integrals: &mut [f32]) {
        for (lines, integrals) in lines.chunks(LANES).zip(integrals.chunks_mut(LANES)) {
            let mut sums = [0.0; LANES];
            if block.resume {
                sums[..integrals.len()].copy_from_slice(integrals);
            }
            if !volume.is_empty() {
                Rays::of(kernel, block, lines).add(block, volume, &mut sums);
            }
            integrals.copy_from_slice(&sums[..integrals.len()]);
        }
    }
}

/// Sixteen rays, each with the sizes and strides of its own axes; there are no samples in lanes without a ray.
struct Rays {
    across: Lanes,
    across_step: Lanes,
    along: Lanes,
    along_step: Lanes,
    length: Lanes,
    /// Half the number of gaps between slices.
    half: Lanes,
    first: [i32; LANES],
    count: [i32; LANES],
    stride: [i32; LANES],
    /// Of axes b and c: strides, and numbers of the last voxels.
    stride_b: [i32; LANES],
    stride_c: [i32; LANES],
    last_b: [i32; LANES],
    last_c: [i32; LANES],
    is_along_z: [bool; LANES],
    /// Place of the first slice's first voxel before the volume's values that are there.
    origin: i32,
}

impl Rays {
    #[inline(always)]
    fn of(kernel: &Joseph, block: &Block, lines: &[Line]) -> Self {
        let [nx, ny, nz] = [kernel.nx, kernel.ny, kernel.nz].map(|n| n as i32);
        let (x, y, z) = (1, nx, nx * ny);
        let axes = |line: &Line| match line.axis {
            0 => (nx, [x, y, z], [ny - 1, nz - 1]),
            1 => (ny, [y, x, z], [nx - 1, nz - 1]),
            _ => (nz, [z, x, y], [nx - 1, ny - 1]),
        };
        let line = |lane: usize| lines[lane.min(lines.len() - 1)];
        let floats = |of: fn(&Line) -> f32| std::array::from_fn(|lane| of(&line(lane)));
        let count = |lane: usize| {
            let line = line(lane);
            let is_descending = line.axis != 2 && line.along_step < 0.0;
            if lane < lines.len() && block.way.includes(is_descending) { line.count as i32 } else { 0 }
        };
        Self {
            across: floats(|line| line.across),
            across_step: floats(|line| line.across_step),
            along: floats(|line| line.along),
            along_step: floats(|line| line.along_step),
            length: floats(|line| line.length),
            half: std::array::from_fn(|lane| axes(&line(lane)).0 as f32 * 0.5 - 0.5),
            first: std::array::from_fn(|lane| line(lane).first as i32),
            count: std::array::from_fn(count),
            stride: std::array::from_fn(|lane| axes(&line(lane)).1[0]),
            stride_b: std::array::from_fn(|lane| axes(&line(lane)).1[1]),
            stride_c: std::array::from_fn(|lane| axes(&line(lane)).1[2]),
            last_b: std::array::from_fn(|lane| axes(&line(lane)).2[0]),
            last_c: std::array::from_fn(|lane| axes(&line(lane)).2[1]),
            is_along_z: std::array::from_fn(|lane| line(lane).axis == 2),
            origin: (block.inputs.start as i32 - 1).max(0) * z,
        }
    }

    /// Adds the samples in the slab of the block.
    #[inline(always)]
    fn add(&self, block: &Block, volume: &[f32], sums: &mut Lanes) {
        let (first_z, end_z) = (block.inputs.start as i32, block.inputs.end as i32);
        let steps = self.count.iter().fold(0, |most, count| most.max(*count));
        for step in 0..steps {
            for l in 0..LANES {
                let n = self.first[l] + step;
                let ahead = n as f32 - self.half[l];
                let b = Taps::at(self.across[l] + ahead * self.across_step[l], self.last_b[l]);
                let c = Taps::at(self.along[l] + ahead * self.along_step[l], self.last_c[l]);
                let z = if self.is_along_z[l] { n } else { c.low };
                let base = n.wrapping_mul(self.stride[l]).wrapping_sub(self.origin);
                let at = |b: i32, c: i32| {
                    let index = base.wrapping_add(b * self.stride_b[l]).wrapping_add(c.wrapping_mul(self.stride_c[l]));
                    // SAFETY: the volume is not empty, and the index is bounded.
                    unsafe { gather(volume, index as u32) }
                };
                let low = b.low_weight * at(b.low, c.low) + b.high_weight * at(b.high, c.low);
                let high = b.low_weight * at(b.low, c.high) + b.high_weight * at(b.high, c.high);
                let added = sums[l] + self.length[l] * (c.low_weight * low + c.high_weight * high);
                let is_there = (step < self.count[l]) & (z >= first_z) & (z < end_z);
                sums[l] = if is_there { added } else { sums[l] };
            }
        }
    }
}

/// The two voxels that a place lies between, along one of the axes: their numbers and their weights. A voxel that is not there
/// has no weight, and the number of one that is.
#[derive(Clone, Copy)]
struct Taps {
    low: i32,
    high: i32,
    low_weight: f32,
    high_weight: f32,
}

impl Taps {
    #[inline(always)]
    fn at(place: f32, last: i32) -> Self {
        // Where there are no voxels on either side, all weights are 0, however far away.
        let floor = place.max(-2.0).min(last as f32 + 2.0).floor();
        // SAFETY: `max` and `min` leave numbers from −2 to two behind the last voxel, NaN included.
        let low = unsafe { floor.to_int_unchecked::<i32>() };
        let above = place - floor;
        Self {
            low: low.max(0).min(last),
            high: (low + 1).max(0).min(last),
            low_weight: if (low >= 0) & (low <= last) { 1.0 - above } else { 0.0 },
            high_weight: if (low >= -1) & (low < last) { above } else { 0.0 },
        }
    }
}
