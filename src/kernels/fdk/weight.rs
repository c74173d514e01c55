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

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier, arithmetic::inverse_square_root},
    geometry::{DetectorAxis, Geometry, Source},
    kernels::vectorised::vectorised,
    shader_struct,
};

shader_struct! {
    /// Parameters of the weighting.
    pub struct WeightParams {
        /// Columns, rows and views of the output; one spare number.
        pub size: [u32; 4],
        /// Input elements from one output column to the next, from one output row to the next, input rows per view,
        /// input columns.
        pub stride: [u32; 4],
        /// Output column and row of the detector's centre; two spare numbers.
        pub centre: [f32; 4],
        /// Columns of the margin before the first, number of the last measured column; two spare numbers.
        pub margin: [i32; 4],
    }
}

shader_struct! {
    /// From the source to the detector, in mm.
    pub struct ViewCosine {
        /// To the detector's centre; last the distance of the detector's plane.
        pub base: [f32; 4],
        /// From one output column to the next; one spare number.
        pub column: [f32; 4],
        /// From one output row to the next; one spare number.
        pub row: [f32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "fdk.weight",
    tier: Tier::Pinned,
    source: include_str!("../../../shaders/fdk/weight.wgsl"),
    structs: &[StructText::of::<WeightParams>(), StructText::of::<ViewCosine>()],
    reads: 3,
    writes: 1,
    workgroup: [64, 1],
};

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
    let cosines: Vec<ViewCosine> = geometry.views().iter().map(|view| cosine(view, axis)).collect();
    let views = graph.upload_table("weight.views", &cosines);
    let redundancy = graph.upload_table("weight.redundancy", redundancy);
    let [measured, rows] = size_along(axis, geometry.detector());
    let [before, behind] = margins;
    let columns = before + measured + behind;
    let [nu, nv] = geometry.detector().map(|n| n as u32);
    let steps = match axis {
        DetectorAxis::U => [1, nu],
        DetectorAxis::V => [nu, 1],
    };
    let half = |n: usize| (n as f32 - 1.0) / 2.0;
    let params = WeightParams {
        size: [columns as u32, rows as u32, cosines.len() as u32, 0],
        stride: [steps[0], steps[1], nv, nu],
        centre: [before as f32 + half(measured), half(rows), 0.0, 0.0],
        margin: [before as i32, measured as i32 - 1, 0, 0],
    };
    let weighted = graph.buffer("weight.weighted", Extent::new(cosines.len(), rows, columns));
    let reads = [views.whole(), redundancy.whole(), projections.slices()];
    graph.compute("weight", Weight { params }, reads, [weighted.replace()]);
    weighted
}

fn cosine(view: &crate::geometry::View, axis: DetectorAxis) -> ViewCosine {
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

struct Weight {
    params: WeightParams,
}

impl Kernel for Weight {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, views, _] = self.params.size;
        const OPERATIONS: f64 = 40.0;
        Domain::rows(Extent { slices: views, rows, columns }, f64::from(columns) * OPERATIONS)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [columns, rows, views, _] = self.params.size;
        let [.., nv, nu] = self.params.stride;
        let table = views * (size_of::<ViewCosine>() / size_of::<u32>()) as u32;
        vec![[1, table], [1, views * columns], [nv, nu], [rows, columns]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let views: &[ViewCosine] = bytemuck::cast_slice(reads[0]);
        let redundancy: &[f32] = bytemuck::cast_slice(reads[1]);
        let projections: &[f32] = bytemuck::cast_slice(reads[2]);
        twin(&self.params, block, views, redundancy, projections, bytemuck::cast_slice_mut(writes[0]));
    }
}

vectorised! {
    fn twin(
        params: &WeightParams,
        block: &Block,
        views: &[ViewCosine],
        redundancy: &[f32],
        projections: &[f32],
        weighted: &mut [f32],
    ) {
        let [columns, rows, ..] = params.size.map(|n| n as usize);
        let [column_stride, row_stride, in_rows, in_columns] = params.stride.map(|n| n as usize);
        let [margin, last, ..] = params.margin;
        for (row, out) in block.rows.clone().zip(weighted.chunks_exact_mut(columns)) {
            let (view, r) = (row / rows, row % rows);
            let c = &views[view];
            let j = r as f32 - params.centre[1];
            let redundancy = &redundancy[view * columns..(view + 1) * columns];
            let input = &projections[view * in_rows * in_columns..(view + 1) * in_rows * in_columns];
            for (column, (out, redundancy)) in out.iter_mut().zip(redundancy).enumerate() {
                let i = column as f32 - params.centre[0];
                let x = i * c.column[0] + j * c.row[0] + c.base[0];
                let y = i * c.column[1] + j * c.row[1] + c.base[1];
                let z = i * c.column[2] + j * c.row[2] + c.base[2];
                let square = x * x + y * y + z * z;
                let cosine = c.base[3] * inverse_square_root(square);
                let measured = (column as i32 - margin).clamp(0, last) as usize;
                let value = input[measured * column_stride + r * row_stride];
                *out = value * (cosine * redundancy);
            }
        }
    }
}
