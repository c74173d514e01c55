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
    fn at(place: f32, count: u32) -> Self {
        let floor = place.floor();
        let (low, last, above) = (floor as i32, count as i32 - 1, place - floor);
        let weight = |index: i32, weight: f32| if index >= 0 && index <= last { weight } else { 0.0 };
        Self {
            low: low.max(0).min(last),
            high: (low + 1).max(0).min(last),
            low_weight: weight(low, 1.0 - above),
            high_weight: weight(low + 1, above),
        }
    }
}

vectorised! {
    fn twin(kernel: &Joseph, block: &Block, lines: &[Line], volume: &[f32], integrals: &mut [f32]) {
        for (line, integral) in lines.iter().zip(integrals) {
            let begun = if block.resume { *integral } else { 0.0 };
            *integral = kernel.sum(block, line, volume, begun);
        }
    }
}

impl Joseph {
    #[inline(always)]
    fn sum(&self, block: &Block, line: &Line, volume: &[f32], mut sum: f32) -> f32 {
        let (x, y, z) = (1, self.nx as i32, (self.nx * self.ny) as i32);
        let (count, [stride, stride_b, stride_c], [count_b, count_c]) = match line.axis {
            0 => (self.nx, [x, y, z], [self.ny, self.nz]),
            1 => (self.ny, [y, x, z], [self.nx, self.nz]),
            _ => (self.nz, [z, x, y], [self.nx, self.ny]),
        };
        let is_along_z = line.axis == 2;
        if !block.way.includes(!is_along_z && line.along_step < 0.0) {
            return sum;
        }
        let half = count as f32 * 0.5 - 0.5;
        let slab = block.inputs.start as i32..block.inputs.end as i32;
        let origin = (slab.start - 1).max(0) * z;
        for n in line.first..line.first + line.count {
            let along = n as f32 - half;
            let b = Taps::at(line.across + along * line.across_step, count_b);
            let c = Taps::at(line.along + along * line.along_step, count_c);
            if !slab.contains(&if is_along_z { n as i32 } else { c.low }) {
                continue;
            }
            let at = |b: i32, c: i32| {
                let index = n as i32 * stride + b * stride_b + c * stride_c - origin;
                // SAFETY: lines have slices that are there, and taps are voxels, of the slab or the slice behind it.
                unsafe { gather(volume, index as u32) }
            };
            let low = b.low_weight * at(b.low, c.low) + b.high_weight * at(b.high, c.low);
            let high = b.low_weight * at(b.low, c.high) + b.high_weight * at(b.high, c.high);
            sum += line.length * (c.low_weight * low + c.high_weight * high);
        }
        sum
    }
}
