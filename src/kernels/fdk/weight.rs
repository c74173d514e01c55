//! Weights before the ramp filter.
//!
//! ```text
//! q(k, j, i) = p(k, j, i) · d / |s→pixel| · w(k, i)
//! ```
//! where d is the distance from source to detector plane, so that d / |s→pixel| is the cosine of the ray to the
//! detector's normal (1 for parallel beams), and w is the weight of view k and column i: redundancy (Parker, or ½ on a
//! full circle), angular step and scale. Feldkamp, Davis, Kress, J. Opt. Soc. Am. A 1:612, 1984.
//!
//! Rows can be continued by margins at both ends, where p is that of the outermost column and w is to fade: an object
//! that goes on beyond the detector otherwise ends there for the ramp filter, which puts a bright band along the edge.
//!
//! The ramp filter runs along columns. Where it should run along detector rows, as in a scan whose source moves along
//! v, this kernel exchanges rows and columns on the way.
//!
//! Shapes: `[view][row][column]` ← `[view][v][u]`. Tier P.

use crate::geometry::{DetectorAxis, Geometry, Source, View};
use crate::kernels::prelude::*;

kernel! {
    /// Weights, and the exchange of rows and columns.
    struct Weight {
        /// Columns and rows of the output; views; columns and rows of the detector.
        columns, rows, view_count, nu, nv: u32,
        /// Input elements from one output column, and from one output row, to the next.
        column_stride, row_stride: u32,
        /// Output column and row of the detector's centre.
        centre_column, centre_row: f32,
        /// Columns of the margin before the first; number of the last measured column.
        margin, last: i32,
    }
    shader fdk/weight, Pinned, [64, 1];
    structs ViewCosine;
    reads views[1, view_count]: whole of ViewCosine, redundancy[1, (view_count * columns)]: whole of f32,
          projections[nv, nu]: slices of f32;
    writes weighted[rows, columns]: f32;
    operations 40.0;
}

shader_struct! {
    /// From the source to the detector, in mm.
    pub struct ViewCosine {
        /// To the detector's centre; last the distance of the detector's plane.
        pub base: [f32; 4],
        /// From one output column, and from one output row, to the next; one spare number each.
        pub column, row: [f32; 4],
    }
}

/// Columns and rows of a stack whose columns run along `axis`.
#[must_use]
pub fn size_along(axis: DetectorAxis, detector: [usize; 2]) -> [usize; 2] {
    match axis {
        DetectorAxis::U => detector,
        DetectorAxis::V => [detector[1], detector[0]],
    }
}

/// Records the weighting of `projections`, with `margins` columns more before the first and behind the last;
/// `redundancy` holds w(k, i) for every view and output column.
///
/// Returns the weighted stack, with extent views × rows × columns.
pub fn record(
    graph: &mut Graph<'_>,
    geometry: &Geometry,
    axis: DetectorAxis,
    margins: [usize; 2],
    redundancy: &[f32],
    projections: Buffer<f32>,
) -> Buffer<f32> {
    let kernel = Weight::of(geometry, axis, margins);
    let cosines: Vec<ViewCosine> = geometry.views().iter().map(|view| cosine(view, axis)).collect();
    let views = graph.upload_table("weight.views", &cosines);
    let redundancy = graph.upload_table("weight.redundancy", redundancy);
    let extent = Extent { slices: kernel.view_count, rows: kernel.rows, columns: kernel.columns };
    let weighted = graph.buffer("weight.weighted", extent);
    kernel.compute(graph, "weight", views, redundancy, projections, weighted)
}

impl Weight {
    /// Where the detector's columns and rows are in the output, and the output's in the input.
    fn of(geometry: &Geometry, axis: DetectorAxis, [before, behind]: [usize; 2]) -> Self {
        let [measured, rows] = size_along(axis, geometry.detector());
        let Extent { slices: view_count, rows, columns } =
            Extent::new(geometry.views().len(), rows, before + measured + behind);
        let [nu, nv] = geometry.detector().map(|n| n as u32);
        let [column_stride, row_stride] = match axis {
            DetectorAxis::U => [1, nu],
            DetectorAxis::V => [nu, 1],
        };
        let [centre_column, centre_row] = [before as f32 + (measured as f32 - 1.0) / 2.0, (rows as f32 - 1.0) / 2.0];
        let (margin, last) = (before as i32, measured as i32 - 1);
        Self { columns, rows, view_count, nu, nv, column_stride, row_stride, centre_column, centre_row, margin, last }
    }
}

fn cosine(view: &View, axis: DetectorAxis) -> ViewCosine {
    let (column, row) = match axis {
        DetectorAxis::U => (view.u_step, view.v_step),
        DetectorAxis::V => (view.v_step, view.u_step),
    };
    match view.source {
        Source::Point(source) => {
            let base = view.detector_centre - source;
            let distance = base.dot(view.u_step.cross(view.v_step).normalize()).abs();
            let four = |w: glam::DVec3, last: f64| w.as_vec3().extend(last as f32).to_array();
            ViewCosine { base: four(base, distance), column: four(column, 0.0), row: four(row, 0.0) }
        }
        Source::Direction(_) => ViewCosine { base: [1.0, 0.0, 0.0, 1.0], column: [0.0; 4], row: [0.0; 4] },
    }
}

vectorised! {
    fn twin(
        kernel: &Weight,
        block: &Block,
        views: &[ViewCosine],
        redundancy: &[f32],
        projections: &[f32],
        weighted: &mut [f32],
    ) {
        let [columns, rows, nu, nv] = [kernel.columns, kernel.rows, kernel.nu, kernel.nv].map(|n| n as usize);
        let [column_stride, row_stride] = [kernel.column_stride, kernel.row_stride].map(|n| n as usize);
        for (row, out) in block.rows.clone().zip(weighted.chunks_exact_mut(columns)) {
            let (view, r) = (row / rows, row % rows);
            let c = &views[view];
            let j = r as f32 - kernel.centre_row;
            let redundancy = &redundancy[view * columns..(view + 1) * columns];
            let input = &projections[view * nv * nu..(view + 1) * nv * nu];
            for (column, (out, redundancy)) in out.iter_mut().zip(redundancy).enumerate() {
                let i = column as f32 - kernel.centre_column;
                let x = i * c.column[0] + j * c.row[0] + c.base[0];
                let y = i * c.column[1] + j * c.row[1] + c.base[1];
                let z = i * c.column[2] + j * c.row[2] + c.base[2];
                let square = x * x + y * y + z * z;
                *out = c.base[3] * inverse_square_root(square) * redundancy;
            }
            // Values lie side by side or a row apart, and the outermost ones go on in the margins.
            let line = &input[r * row_stride..];
            let (before, out) = out.split_at_mut(kernel.margin as usize);
            let (measured, behind) = out.split_at_mut(kernel.last as usize + 1);
            before.iter_mut().for_each(|out| *out *= line[0]);
            if column_stride == 1 {
                measured.iter_mut().zip(line).for_each(|(out, value)| *out *= value);
            } else {
                measured.iter_mut().zip(line.iter().step_by(column_stride)).for_each(|(out, value)| *out *= value);
            }
            behind.iter_mut().for_each(|out| *out *= line[kernel.last as usize * column_stride]);
        }
    }
}
