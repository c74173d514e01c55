//! Rays as rows of equidistant samples: where trilinear interpolation takes values, in both directions.
//!
//! ```text
//! place(k) = (x, y, z) + k·(step_x, step_y, step_z)        k = first … first + count − 1
//! ```
//! in voxels from the centre of the first; sample 0 lies on a plane through the volume's centre, and from sample to sample a ray goes half the
//! smallest distance between voxels. Those between source and pixel count, as far as there are voxels beside them.
//!
//! Shapes: `[view][v][u]`. Tier P.

use super::axis::affine;
use super::rays::{Affine, ViewRays, view_rays};
use super::walk::Setting;
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Samples of all rays.
    struct Sampled {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
        /// From sample to sample, in mm, and its inverse.
        length, per_length: f32,
    }
    shader project/samples + project/axis, Pinned, [16, 4];
    structs Affine, ViewRays, Samples;
    reads views[1, view_count]: whole of ViewRays;
    writes samples[rows, columns]: Samples;
    operations 160.0;
}

shader_struct! {
    /// A ray.
    pub struct Samples {
        /// Place of sample 0.
        pub x, y, z: f32,
        /// Its change from sample to sample.
        pub step_x, step_y, step_z: f32,
        /// Number of the first sample.
        pub first: i32,
        /// How many there are.
        pub count: u32,
    }
}

/// Steps below this say nothing of where a ray meets the sides across.
pub(super) const LEAST_STEP: f32 = 1e-3;

/// From sample to sample, in mm.
pub(super) fn length_mm(grid: &Grid) -> f64 {
    0.5 * grid.spacing_mm().min_element()
}

/// Records the samples of a geometry's rays through a grid.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid) -> Buffer<Samples> {
    let views = graph.upload_table("samples.views", &view_rays(geometry, grid));
    let Setting { voxels, spacing, detector, half, view_count } = Setting::of(geometry, grid);
    let ([nx, ny, nz], [columns, rows]) = (voxels, detector);
    let ([spacing_x, spacing_y, spacing_z], [half_columns, half_rows]) = (spacing, half);
    let [length, per_length] = [length_mm(grid), 1.0 / length_mm(grid)].map(|number| number as f32);
    let samples = graph.buffer("samples", Extent::new(geometry.views().len(), rows as usize, columns as usize));
    let kernel = Sampled {
        nx,
        ny,
        nz,
        columns,
        rows,
        view_count,
        spacing_x,
        spacing_y,
        spacing_z,
        half_columns,
        half_rows,
        length,
        per_length,
    };
    kernel.compute(graph, "samples", views, samples)
}

vectorised! {
    fn twin(kernel: &Sampled, block: &Block, views: &[ViewRays], samples: &mut [Samples]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        for (row, samples) in block.rows.clone().zip(samples.chunks_exact_mut(columns)) {
            let j = (row % rows) as f32 - kernel.half_rows;
            for (column, ray) in samples.iter_mut().enumerate() {
                *ray = kernel.ray(&views[row / rows], column as f32 - kernel.half_columns, j);
            }
        }
    }
}

impl Sampled {
    #[inline(always)]
    fn ray(&self, view: &ViewRays, i: f32, j: f32) -> Samples {
        let counts = [self.nx, self.ny, self.nz].map(|n| n as f32);
        let spacing = [self.spacing_x, self.spacing_y, self.spacing_z];
        let d = [0, 1, 2].map(|axis| {
            let (head, tail) = affine(&view.direction, axis, i, j);
            head + tail
        });
        let place = [0, 1, 2].map(|axis| {
            let (head, tail) = affine(&view.point, axis, i, j);
            (head - 0.5) + tail
        });
        let m = [0, 1, 2].map(|axis| d[axis] * spacing[axis]);
        let square = m[0] * m[0] + m[1] * m[1] + m[2] * m[2];
        let per_mm = inverse_square_root(square);
        let step = d.map(|d| d * (self.length * per_mm));
        let per_parameter = (square * per_mm) * self.per_length;
        let mut range = [view.range[0] * per_parameter, view.range[1] * per_parameter];
        for axis in 0..3 {
            // Beyond the voxels beside the volume's faces all weights are 0; a sample more keeps clear of rounding.
            let is_level = step[axis].abs() < LEAST_STEP;
            let per_step = reciprocal(if is_level { 1.0 } else { step[axis] });
            let from = (-1.0 - place[axis]) * per_step;
            let to = (counts[axis] - place[axis]) * per_step;
            let low = range[0].max(from.min(to) - 1.0);
            let high = range[1].min(from.max(to) + 1.0);
            range = if is_level { range } else { [low, high] };
        }
        let first = range[0].ceil();
        let count = (range[1].floor() - first + 1.0).max(0.0);
        Samples {
            x: place[0],
            y: place[1],
            z: place[2],
            step_x: step[0],
            step_y: step[1],
            step_z: step[2],
            first: first as i32,
            count: count as u32,
        }
    }
}
