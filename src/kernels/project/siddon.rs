//! Exact radiological path through voxels.
//!
//! ```text
//! p(view, j, i) = Σ_n µ[n] · l_n          µ in 1/mm, l_n in mm: p has no unit
//! ```
//! where n runs over the voxels that the ray from the source to the centre of pixel (i, j) crosses and l_n is the
//! length of the crossing. Siddon, Med. Phys. 12:252, 1985; walked plane by plane as Jacobs et al., 1998, but with
//! every plane's distance computed from its number rather than summed up, so errors do not grow along the ray and a
//! ray that is interrupted at a slab of the volume continues with the same bits.
//!
//! Rules for rays that the formula leaves open:
//! - voxels are half-open boxes: a ray that lies in a voxel face belongs to the voxel on the positive side, and one
//!   that lies in the volume's last face misses;
//! - where planes of several axes are met at once, x steps first, then y, then z;
//! - a ray ends after at most nx + ny + nz steps, since every step passes a plane and planes beyond the volume's end
//!   are never reached: the end is the distance of such a plane, computed in the same way.
//!
//! Shapes: `[view][v][u]` ← `[z][y][x]`. Tier P.

use super::rays::{Affine, ViewRays, view_rays};
use super::walk::{Setting, Summand, Sums, ray_operations, walk_rows};
use crate::kernels::prelude::*;
use crate::{data::Grid, engine::Kernel, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Line integrals along rays.
    struct Siddon {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/siddon + project/walk + project/course + project/axis, Pinned, [16, 4];
    structs Affine, ViewRays;
    reads views[1, view_count]: whole of ViewRays, volume[ny, nx]: inputs of f32;
    writes integrals[rows, columns]: f32;
    domain |output| Domain::rows(output, f64::from(columns) * ray_operations([nx, ny, nz], STEP_OPERATIONS))
        .over(nz, Order::BothWays);
}

/// Arithmetic operations of one step from plane to plane.
const STEP_OPERATIONS: f64 = 16.0;

/// Records the projection of `volume` on `grid` into `integrals` (extent: views × rows × columns).
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, volume: Buffer<f32>, integrals: Write) {
    let views = graph.upload_table("siddon.views", &view_rays(geometry, grid));
    Siddon::of(geometry, grid).compute(graph, "project", views, volume, integrals);
}

/// The kernel alone, for those who record it otherwise: it reads [`view_rays`] as a whole and the volume's slices as inputs, and
/// writes the integrals.
#[must_use]
pub fn kernel(geometry: &Geometry, grid: &Grid) -> impl Kernel + use<> {
    Siddon::of(geometry, grid)
}

impl Siddon {
    fn of(geometry: &Geometry, grid: &Grid) -> Self {
        let Setting { voxels, spacing, detector, half, view_count } = Setting::of(geometry, grid);
        let ([nx, ny, nz], [columns, rows]) = (voxels, detector);
        let ([spacing_x, spacing_y, spacing_z], [half_columns, half_rows]) = (spacing, half);
        Self { nx, ny, nz, columns, rows, view_count, spacing_x, spacing_y, spacing_z, half_columns, half_rows }
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

vectorised! {
    fn twin(kernel: &Siddon, block: &Block, views: &[ViewRays], volume: &[f32], integrals: &mut [f32]) {
        if volume.is_empty() {
            return;
        }
        let mut sums = Sums { values: integrals, pitch: kernel.columns as usize, count: 1 };
        // SAFETY: the volume is not empty, and the processor has the instruction set of `V`.
        unsafe { walk_rows::<V, 1>(&kernel.setting(), block, views, &volume, &mut sums) };
    }
}

impl<V: Vectors> Summand<V, 1> for &[f32] {
    #[inline(always)]
    unsafe fn add(&self, [sum]: &mut [V::Floats; 1], length: V::Floats, voxel: V::Integers) {
        // SAFETY: as of the trait's function.
        unsafe { *sum = V::add(*sum, V::mul(length, V::gather(self, voxel))) };
    }
}
