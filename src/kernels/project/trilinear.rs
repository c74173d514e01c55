//! Line integrals by equidistant samples, each interpolated between eight voxels.
//!
//! ```text
//! p(view, j, i) = h·Σ_k Σ_(x, y, z) w(x_k − x)·w(y_k − y)·w(z_k − z)·µ[z, y, x]        w(d) = max(0, 1 − |d|)
//! ```
//! with the samples k of [`samples`], h apart; beyond the volume µ is 0. Smoother than [`super::joseph`], and slower by the samples that lie between
//! slices. [`super::trilinear_adjoint`] has the same weights.
//!
//! A sample belongs to the lower one of the two z slices it lies between; rays that descend in z meet the slabs of a divided volume last to
//! first, so that the parts give the same bits.
//!
//! Shapes: `[view][v][u]` ← samples `[view][v][u]`, `[z][y][x]`; µ in 1/mm, p has no unit. Tier P.

use super::joseph::Taps;
use super::samples::{self, Samples};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Line integrals over samples: voxels along x, y and z; columns and rows of the detector; from sample to sample in mm.
    struct Trilinear { nx, ny, nz, columns, rows: u32, length: f32 }
    shader project/trilinear + project/taps, Pinned, [16, 4];
    structs Samples;
    reads samples[rows, columns]: rows of Samples, volume[ny, nx]: inputs_around(1) of f32;
    writes integrals[rows, columns]: f32;
    domain |output| Domain::rows(output, f64::from(columns) * 2.0 * f64::from(nx.max(ny).max(nz)) * SAMPLE_OPERATIONS)
        .over(nz, Order::BothWays);
}

/// Arithmetic operations of one sample.
const SAMPLE_OPERATIONS: f64 = 80.0;

/// Values that are held for each pixel: its samples and its integral.
pub const PIXEL_VALUES: usize = size_of::<Samples>() / size_of::<f32>() + 1;

/// Records the projection of `volume` on `grid` into `integrals` (extent: views × rows × columns).
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, volume: Buffer<f32>, integrals: Write) {
    let samples = samples::record(graph, geometry, grid);
    let [nx, ny, nz] = grid.size().map(|n| n as u32);
    let [columns, rows] = geometry.detector().map(|n| n as u32);
    let length = samples::length_mm(grid) as f32;
    Trilinear { nx, ny, nz, columns, rows, length }.compute(graph, "project", samples, volume, integrals);
}

vectorised! {
    fn twin(kernel: &Trilinear, block: &Block, samples: &[Samples], volume: &[f32], integrals: &mut [f32]) {
        if volume.is_empty() {
            return;
        }
        for (samples, integrals) in samples.chunks(LANES).zip(integrals.chunks_mut(LANES)) {
            let mut sums = [0.0; LANES];
            if block.resume {
                sums[..integrals.len()].copy_from_slice(integrals);
            }
            // SAFETY: the volume is not empty, and the processor has the instruction set of `V`.
            unsafe { kernel.add::<V>(block, samples, volume, &mut sums) };
            integrals.copy_from_slice(&sums[..integrals.len()]);
        }
    }
}

impl Trilinear {
    /// Adds the samples in the slab of the block of up to sixteen rays.
    ///
    /// # Safety
    /// The volume is not empty, and the processor has the instruction set.
    #[inline(always)]
    unsafe fn add<V: Vectors>(&self, block: &Block, samples: &[Samples], volume: &[f32], sums: &mut Lanes) {
        let [nx, ny, nz] = [self.nx, self.ny, self.nz].map(|n| n as i32);
        let slab = block.inputs.start as i32..block.inputs.end as i32;
        let (mut first, mut end) = ([0.0; LANES], [0.0; LANES]);
        for (lane, ray) in samples.iter().enumerate() {
            if block.way.includes(ray.step_z < 0.0) {
                (first[lane], end[lane]) = (ray.first as f32, ray.first as f32 + ray.count as f32);
            }
        }
        let counting = || first.iter().zip(&end).filter(|(first, end)| first < end);
        let start = counting().fold(f32::MAX, |least, (first, _)| least.min(*first));
        let stop = counting().fold(f32::MIN, |most, (_, end)| most.max(*end));
        let floats = |of: fn(&Samples) -> f32| std::array::from_fn(|lane| samples.get(lane).map_or(0.0, of));
        let origin = (slab.start - 1).max(0) * nx * ny;
        // SAFETY: as of this function.
        unsafe {
            let (first, end) = (V::floats(&first), V::floats(&end));
            let [x, y, z] = [floats(|of| of.x), floats(|of| of.y), floats(|of| of.z)].map(|of| V::floats(&of));
            let [step_x, step_y, step_z] =
                [floats(|of| of.step_x), floats(|of| of.step_y), floats(|of| of.step_z)].map(|of| V::floats(&of));
            let (slab_start, slab_end) = (V::splat(slab.start as f32), V::splat(slab.end as f32));
            let length = V::splat(self.length);
            let base = V::splat_integer(-origin);
            let mut total = V::floats(sums);
            let mut k = start;
            while k < stop {
                let number = V::splat(k);
                let a = Taps::<V>::at(V::add(x, V::mul(number, step_x)), nx as f32 - 1.0, 1);
                let b = Taps::<V>::at(V::add(y, V::mul(number, step_y)), ny as f32 - 1.0, nx);
                let c = Taps::<V>::at(V::add(z, V::mul(number, step_z)), nz as f32 - 1.0, nx * ny);
                let (low, high) = (V::add_integers(base, c.low), V::add_integers(base, c.high));
                let near = Self::plane(&a, &b, volume, low);
                let far = Self::plane(&a, &b, volume, high);
                let sample = V::add(V::mul(c.low_weight, near), V::mul(c.high_weight, far));
                let added = V::add(total, V::mul(length, sample));
                let added = V::choose(V::less(c.number, slab_start), total, added);
                let added = V::choose(V::less(c.number, slab_end), added, total);
                let added = V::choose(V::less(number, first), total, added);
                total = V::choose(V::less(number, end), added, total);
                k += 1.0;
            }
            *sums = V::lanes(total);
        }
    }

    /// What lies between four voxels of a slice.
    ///
    /// # Safety
    /// As of [`Self::add`].
    #[inline(always)]
    unsafe fn plane<V: Vectors>(a: &Taps<V>, b: &Taps<V>, volume: &[f32], slice: V::Integers) -> V::Floats {
        // SAFETY: as of this function.
        unsafe {
            let low = a.between(volume, V::add_integers(slice, b.low));
            let high = a.between(volume, V::add_integers(slice, b.high));
            V::add(V::mul(b.low_weight, low), V::mul(b.high_weight, high))
        }
    }
}
