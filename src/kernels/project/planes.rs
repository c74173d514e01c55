//! Rays by the planes between voxels: what Siddon's method takes lengths from, in both directions.
//!
//! ```text
//! distance to plane k of an axis = (k − origin − fraction)·inverse, in mm along the ray
//! ```
//! as [`siddon`](super::siddon) computes it; where a ray is parallel to an axis's planes it stays between two of them. The ray counts
//! from `start` to `end`: within the volume, and between source and pixel.
//!
//! Shapes: `[view][v][u]`. Tier P.

use super::axis::Axis;
use super::rays::{Affine, ViewRays, view_rays};
use super::walk::{Setting, axes};
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Planes of all rays.
    struct Planes {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/planes + project/course + project/axis, Pinned, [16, 4];
    structs Affine, ViewRays, Planar;
    reads views[1, view_count]: whole of ViewRays;
    writes planes[rows, columns]: Planar;
    operations 220.0;
}

shader_struct! {
    /// A ray.
    pub struct Planar {
        /// Where along the ray, in mm, it begins and ends to count; none of one that misses does.
        pub start, end: f32,
        /// Of each axis.
        pub fraction_x, fraction_y, fraction_z: f32,
        /// Of each axis, in mm from plane to plane.
        pub inverse_x, inverse_y, inverse_z: f32,
        /// Of each axis; where the ray is parallel to its planes, the number of the cell between them.
        pub origin_x, origin_y, origin_z: i32,
        /// Bits 0, 1, 2: parallel to the planes of x, y, z.
        pub parallel: u32,
    }
}

/// Records the planes of a geometry's rays through a grid.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid) -> Buffer<Planar> {
    let views = graph.upload_table("planes.views", &view_rays(geometry, grid));
    let Setting { voxels, spacing, detector, half, view_count } = Setting::of(geometry, grid);
    let ([nx, ny, nz], [columns, rows]) = (voxels, detector);
    let ([spacing_x, spacing_y, spacing_z], [half_columns, half_rows]) = (spacing, half);
    let planes = graph.buffer("planes", Extent::new(geometry.views().len(), rows as usize, columns as usize));
    Planes { nx, ny, nz, columns, rows, view_count, spacing_x, spacing_y, spacing_z, half_columns, half_rows }
        .compute(graph, "planes", views, planes)
}

vectorised! {
    fn twin(kernel: &Planes, block: &Block, views: &[ViewRays], planes: &mut [Planar]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        for (row, planes) in block.rows.clone().zip(planes.chunks_exact_mut(columns)) {
            let j = (row % rows) as f32 - kernel.half_rows;
            for (column, ray) in planes.iter_mut().enumerate() {
                *ray = kernel.ray(&views[row / rows], column as f32 - kernel.half_columns, j);
            }
        }
    }
}

impl Planes {
    #[inline(always)]
    fn ray(&self, view: &ViewRays, i: f32, j: f32) -> Planar {
        let ([x, y, z], length) = axes(view, [self.spacing_x, self.spacing_y, self.spacing_z], i, j);
        let [ex, ey, ez] = [(x, self.nx), (y, self.ny), (z, self.nz)].map(|(axis, n)| axis.entry_exit(0, n as i32));
        let cell = |axis: Axis| if axis.is_parallel { axis.origin + axis.fraction.floor() as i32 } else { axis.origin };
        Planar {
            start: ex.0.max(ey.0).max(ez.0).max(view.range[0] * length),
            end: ex.1.min(ey.1).min(ez.1).min(view.range[1] * length),
            fraction_x: x.fraction,
            fraction_y: y.fraction,
            fraction_z: z.fraction,
            inverse_x: x.inverse,
            inverse_y: y.inverse,
            inverse_z: z.inverse,
            origin_x: cell(x),
            origin_y: cell(y),
            origin_z: cell(z),
            parallel: u32::from(x.is_parallel) | u32::from(y.is_parallel) << 1 | u32::from(z.is_parallel) << 2,
        }
    }
}
