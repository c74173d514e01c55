//! Rays as lines over the slices of their main axis: what Joseph's method weighs voxels by, in both directions.
//!
//! ```text
//! b(n) = across + (n − (n_a − 1)/2)·across_step        c(n) = along + (n − (n_a − 1)/2)·along_step
//! ```
//! The main axis a of a ray is the one along which it passes most voxels; of equal ones x comes before y before z. b and c are the
//! two other axes, in the order x, y, z, in voxels from the centre of the first. n counts the n_a slices of the main axis, of
//! which those between source and pixel count. Whoever projects and whoever projects back reads the same numbers, so that
//! their weights are the same.
//!
//! Shapes: `[view][v][u]`. Tier P.

use super::axis::affine;
use super::rays::{Affine, ViewRays, view_rays};
use super::walk::Setting;
use crate::kernels::prelude::*;
use crate::{data::Grid, geometry::Geometry};

kernel! {
    /// Lines of all rays.
    struct Lines {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/lines + project/axis, Pinned, [16, 4];
    structs Affine, ViewRays, Line;
    reads views[1, view_count]: whole of ViewRays;
    writes lines[rows, columns]: Line;
    operations 160.0;
}

shader_struct! {
    /// A ray.
    pub struct Line {
        /// Place along axis b halfway through the slices, and its step from slice to slice.
        pub across, across_step: f32,
        /// The same along axis c.
        pub along, along_step: f32,
        /// Length of the ray from slice to slice, in mm.
        pub length: f32,
        /// First slice that is met, and how many are.
        pub first, count: u32,
        /// Main axis: 0, 1, 2 for x, y, z.
        pub axis: u32,
    }
}

/// Least step of which the slices are found that lie beyond the volume's sides.
const LEAST_STEP: f32 = 1e-3;

/// Records the lines of a geometry's rays through a grid.
pub fn record(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid) -> Buffer<Line> {
    let views = graph.upload_table("lines.views", &view_rays(geometry, grid));
    let Setting { voxels, spacing, detector, half, view_count } = Setting::of(geometry, grid);
    let ([nx, ny, nz], [columns, rows]) = (voxels, detector);
    let ([spacing_x, spacing_y, spacing_z], [half_columns, half_rows]) = (spacing, half);
    let lines = graph.buffer("lines", Extent::new(geometry.views().len(), rows as usize, columns as usize));
    Lines { nx, ny, nz, columns, rows, view_count, spacing_x, spacing_y, spacing_z, half_columns, half_rows }
        .compute(graph, "lines", views, lines)
}

vectorised! {
    fn twin(kernel: &Lines, block: &Block, views: &[ViewRays], lines: &mut [Line]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        for (row, lines) in block.rows.clone().zip(lines.chunks_exact_mut(columns)) {
            let j = (row % rows) as f32 - kernel.half_rows;
            for (column, line) in lines.iter_mut().enumerate() {
                *line = kernel.line(&views[row / rows], column as f32 - kernel.half_columns, j);
            }
        }
    }
}

impl Lines {
    #[inline(always)]
    fn line(&self, view: &ViewRays, i: f32, j: f32) -> Line {
        let counts = [self.nx, self.ny, self.nz].map(|n| n as f32);
        let spacing = [self.spacing_x, self.spacing_y, self.spacing_z];
        let d = [0, 1, 2].map(|axis| {
            let (head, tail) = affine(&view.direction, axis, i, j);
            head + tail
        });
        let p = [0, 1, 2].map(|axis| affine(&view.point, axis, i, j));
        let m = [0, 1, 2].map(|axis| d[axis] * spacing[axis]);
        let square = m[0] * m[0] + m[1] * m[1] + m[2] * m[2];
        let size = d.map(f32::abs);
        let axis = match (size[0] >= size[1] && size[0] >= size[2], size[1] >= size[2]) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        let [b, c] = [[1, 2], [0, 2], [0, 1]][axis];
        let inverse = reciprocal(d[axis]);
        let (across_step, along_step) = (d[b] * inverse, d[c] * inverse);
        // From the point, which lies near the middle of the volume, to the middle of the slices.
        let middle = counts[axis] * 0.5;
        let ahead = (middle - p[axis].0) - p[axis].1;
        let across = (p[b].0 - 0.5) + (p[b].1 + ahead * across_step);
        let along = (p[c].0 - 0.5) + (p[c].1 + ahead * along_step);
        let half = middle - 0.5;
        let ends = [view.range[0], view.range[1]].map(|t| (p[axis].0 - 0.5) + (p[axis].1 + t * d[axis]));
        let mut slices = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        for (at, step, count) in [(across, across_step, counts[b]), (along, along_step, counts[c])] {
            // Beyond the voxels beside the volume's faces all weights are 0; a slice more keeps clear of rounding.
            let per_step = reciprocal(if step.abs() < LEAST_STEP { 1.0 } else { step });
            let from = half + (-1.0 - at) * per_step;
            let to = half + (count - at) * per_step;
            let low = slices[0].max(from.min(to) - 1.0);
            let high = slices[1].min(from.max(to) + 1.0);
            slices = if step.abs() < LEAST_STEP { slices } else { [low, high] };
        }
        let first = slices[0].ceil().max(0.0).min(counts[axis]);
        let end = (slices[1].floor() + 1.0).max(first).min(counts[axis]);
        Line {
            across,
            across_step,
            along,
            along_step,
            length: square * inverse_square_root(square) * inverse.abs(),
            first: first as u32,
            count: (end - first) as u32,
            axis: axis as u32,
        }
    }
}
