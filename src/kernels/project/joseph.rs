//! Joseph's projector: bilinear interpolation in the slices of each ray's main axis.
//!
//! ```text
//! p(view, j, i) = l·Σ_n Σ_b Σ_c w(b(n) − b)·w(c(n) − c)·µ[n, b, c]        w(d) = max(0, 1 − |d|)
//! ```
//! where n are the slices of the ray's main axis ([`lines`]), b and c voxels along the two other axes, and l is the
//! length of the ray from slice to slice, in mm; beyond the volume µ is 0. P. M. Joseph, IEEE Trans. Med. Imaging 1:192, 1982.
//! [`joseph_adjoint`](super::joseph_adjoint) has the same weights.
//!
//! A sample belongs to the lower one of the two z slices it lies between; slices come first to last, for rays that descend in z
//! where that is not their main axis last to first, so that a volume in parts gives the same bits.
//!
//! Shapes: `[view][v][u]` ← lines `[view][v][u]`, `[z][y][x]`; µ in 1/mm, p has no unit. Tier P.

use super::lines::{self, Line};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Line integrals along lines: voxels along x, y and z; columns and rows of the detector.
    struct Joseph { nx, ny, nz, columns, rows: u32 }
    shader project/joseph + project/taps, Pinned, [16, 4];
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
        if volume.is_empty() {
            return;
        }
        for (lines, integrals) in lines.chunks(LANES).zip(integrals.chunks_mut(LANES)) {
            let mut sums = [0.0; LANES];
            if block.resume {
                sums[..integrals.len()].copy_from_slice(integrals);
            }
            for axis in 0..3 {
                // SAFETY: the volume is not empty, and the processor has the instruction set of `V`.
                unsafe { kernel.add::<V>(axis, block, lines, volume, &mut sums) };
            }
            integrals.copy_from_slice(&sums[..integrals.len()]);
        }
    }
}

/// The two voxels that places lie between, along one of the axes: their numbers times the axis's stride, and their weights. A voxel
/// that is not there has no weight, and the number of one that is.
pub(super) struct Taps<V: Vectors> {
    pub(super) low: V::Integers,
    pub(super) high: V::Integers,
    pub(super) low_weight: V::Floats,
    pub(super) high_weight: V::Floats,
    /// Number of the lower one.
    pub(super) number: V::Floats,
}

/// 1.5·2²³: the last bits of a small whole number plus this one are those of the number.
const WHOLE: f32 = 12_582_912.0;

/// # Safety
/// Of all functions: the processor has the instruction set.
impl<V: Vectors> Taps<V> {
    #[inline(always)]
    pub(super) unsafe fn at(places: V::Floats, last: f32, stride: i32) -> Self {
        // SAFETY: as of this function.
        unsafe {
            let (one, last) = (V::splat(1.0), V::splat(last));
            let low = V::floor(places);
            let high = V::add(low, one);
            // Both as the adjoint has them, so that rounding leaves them equal.
            let (above, below) = (V::sub(places, low), V::sub(high, places));
            let (low_within, high_within) = (Self::within(low, last), Self::within(high, last));
            Self {
                low: Self::strided(low_within, stride),
                high: Self::strided(high_within, stride),
                low_weight: Self::weight(low, low_within, V::sub(one, above)),
                high_weight: Self::weight(high, high_within, V::sub(one, below)),
                number: low_within,
            }
        }
    }

    /// Numbers of voxels that are there.
    #[inline(always)]
    unsafe fn within(numbers: V::Floats, last: V::Floats) -> V::Floats {
        // SAFETY: as of this function.
        unsafe {
            let zero = V::splat(0.0);
            let from_first = V::choose(V::less(numbers, zero), zero, numbers);
            V::choose(V::less(last, from_first), last, from_first)
        }
    }

    /// The weight where a number is that of a voxel, 0 elsewhere.
    #[inline(always)]
    unsafe fn weight(numbers: V::Floats, within: V::Floats, weights: V::Floats) -> V::Floats {
        // SAFETY: as of this function.
        unsafe {
            let zero = V::splat(0.0);
            V::choose(V::less(numbers, within), zero, V::choose(V::less(within, numbers), zero, weights))
        }
    }

    #[inline(always)]
    unsafe fn strided(numbers: V::Floats, stride: i32) -> V::Integers {
        // SAFETY: as of this function.
        unsafe {
            let bits = V::bits(V::add(numbers, V::splat(WHOLE)));
            let whole = V::add_integers(bits, V::splat_integer(-(WHOLE.to_bits() as i32)));
            V::mul_integers(whole, V::splat_integer(stride))
        }
    }

    /// What lies between two voxels along axis b, at places along the others.
    #[inline(always)]
    pub(super) unsafe fn between(&self, volume: &[f32], places: V::Integers) -> V::Floats {
        // SAFETY: as of this function.
        unsafe {
            let low = V::gather(volume, V::add_integers(places, self.low));
            let high = V::gather(volume, V::add_integers(places, self.high));
            V::add(V::mul(self.low_weight, low), V::mul(self.high_weight, high))
        }
    }
}

impl Joseph {
    /// Adds the samples in the slab of the block of up to sixteen rays, as far as their main axis is this one.
    ///
    /// # Safety
    /// The volume is not empty, and the processor has the instruction set.
    #[inline(always)]
    unsafe fn add<V: Vectors>(&self, axis: u32, block: &Block, lines: &[Line], volume: &[f32], sums: &mut Lanes) {
        let [nx, ny, nz] = [self.nx, self.ny, self.nz].map(|n| n as i32);
        let (x, y, z) = (1, nx, nx * ny);
        let (count, [stride, stride_b, stride_c], [count_b, count_c]) = match axis {
            0 => (nx, [x, y, z], [ny, nz]),
            1 => (ny, [y, x, z], [nx, nz]),
            _ => (nz, [z, x, y], [nx, ny]),
        };
        let slab = block.inputs.start as i32..block.inputs.end as i32;
        // First slice, and the one behind the last, that count; none of rays with another main axis.
        let (mut first, mut end) = ([0.0; LANES], [0.0; LANES]);
        for (lane, line) in lines.iter().enumerate() {
            let is_descending = axis != 2 && line.along_step < 0.0;
            if line.axis == axis && block.way.includes(is_descending) {
                (first[lane], end[lane]) = (line.first as f32, (line.first + line.count) as f32);
            }
        }
        let counting = || first.iter().zip(&end).filter(|(first, end)| first < end);
        let mut slices = counting().fold(f32::MAX, |least, (first, _)| least.min(*first)) as i32
            ..counting().fold(0.0, |most: f32, (_, end)| most.max(*end)) as i32;
        if axis == 2 {
            slices = slices.start.max(slab.start)..slices.end.min(slab.end);
        }
        let floats = |of: fn(&Line) -> f32| std::array::from_fn(|lane| lines.get(lane).map_or(0.0, of));
        let half = count as f32 * 0.5 - 0.5;
        let origin = (slab.start - 1).max(0) * z;
        // SAFETY: as of this function.
        unsafe {
            let (first, end) = (V::floats(&first), V::floats(&end));
            let across = V::floats(&floats(|line| line.across));
            let across_step = V::floats(&floats(|line| line.across_step));
            let along = V::floats(&floats(|line| line.along));
            let along_step = V::floats(&floats(|line| line.along_step));
            let length = V::floats(&floats(|line| line.length));
            let (slab_start, slab_end) = (V::splat(slab.start as f32), V::splat(slab.end as f32));
            let mut total = V::floats(sums);
            for n in slices {
                let ahead = V::splat(n as f32 - half);
                let place = V::splat(n as f32);
                let b = Taps::<V>::at(V::add(across, V::mul(ahead, across_step)), count_b as f32 - 1.0, stride_b);
                let c = Taps::<V>::at(V::add(along, V::mul(ahead, along_step)), count_c as f32 - 1.0, stride_c);
                let base = V::splat_integer(n.wrapping_mul(stride).wrapping_sub(origin));
                let low = b.between(volume, V::add_integers(base, c.low));
                let high = b.between(volume, V::add_integers(base, c.high));
                let sample = V::add(V::mul(c.low_weight, low), V::mul(c.high_weight, high));
                let added = V::add(total, V::mul(length, sample));
                let z = if axis == 2 { place } else { c.number };
                let added = V::choose(V::less(z, slab_start), total, added);
                let added = V::choose(V::less(z, slab_end), added, total);
                let added = V::choose(V::less(place, first), total, added);
                total = V::choose(V::less(place, end), added, total);
            }
            *sums = V::lanes(total);
        }
    }
}
