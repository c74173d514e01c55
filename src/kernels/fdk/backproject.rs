//! Voxel-driven back-projection in vector form.
//!
//! ```text
//! f(x) = Σ_k q_k(u, v) / w²      u = (a_u·x + b_u) / w,  v = (a_v·x + b_v) / w,  w = a_w·x + b_w
//! ```
//! where (u, v) is the pixel that the ray from source k through x meets, as quotients of determinants that are affine
//! in x, and w is scaled to ±1 at the world's origin, so that 1/w² is the distance weight (SID/(SID − x·ê))² of a
//! source on a circle about it (for parallel beams w = 1). q is sampled bilinearly; the detector reaches half a pixel
//! beyond its outer centres and is zero outside. Voxels behind a source (w ≤ 0) receive nothing from it. Weights and
//! scale are in q.
//!
//! Shapes: `[z][y][x]` ← `[view][row][column]`. Tier P.

use std::ops::Range;

use glam::{DMat3, DVec3};

use super::axial::{self, Along};
use super::{parallel, transpose, weight::size_along};
use crate::data::Grid;
use crate::geometry::{DetectorAxis, Geometry, Source, View};
use crate::kernels::{pointwise::scale_add, prelude::*};

/// Arithmetic operations of one view at one voxel.
const UPDATE_OPERATIONS: f64 = 80.0;

kernel! {
    /// Sum over views at every voxel.
    struct Backproject {
        /// Voxels along x and y; columns and rows of the filtered stack; views.
        nx, ny, columns, rows, view_count: u32,
        /// The voxel in the middle of the grid along x and y, and along z from the first slice on.
        half_x, half_y, half_z: f32,
        /// Numbers of the last column and row.
        last_column, last_row: f32,
    }
    shader fdk/backproject, Pinned, [128, 8];
    structs ViewMatrix;
    reads views[1, view_count]: whole of ViewMatrix, filtered[rows, columns]: inputs of f32;
    writes volume[ny, nx]: f32;
    domain |output| Domain::rows(output, f64::from(nx) * f64::from(view_count) * UPDATE_OPERATIONS)
        .over(view_count, Order::Ascending);
}

shader_struct! {
    /// Affine forms in voxel indices counted from the volume's centre: x, y, z, constant.
    pub struct ViewMatrix {
        /// Numerators of the column and of the row, and their denominator, ±1 at the world's origin.
        pub u, v, w: [f32; 4],
    }
}

/// Records the back-projection of `filtered` (views × rows × columns along `axis`) into `volume` on `grid`, by
/// [`super::parallel`] or [`super::axial`] where they apply.
///
/// The detector's first column is column `before` of `filtered`; what lies before it and behind its last one are
/// margins, which are read like the detector.
pub fn record(
    graph: &mut Graph<'_>,
    geometry: &Geometry,
    axis: DetectorAxis,
    before: usize,
    grid: &Grid,
    filtered: Buffer<f32>,
    volume: Write,
) {
    fastest(graph, &matrices(geometry, axis, before, grid), grid, filtered, volume);
}

/// Slices of a grid, those that `volume` holds. They get the bits that they have in the whole where the first one's number is a
/// multiple of [`SLICES_TOGETHER`].
pub type Slab<'g> = (&'g Grid, Range<usize>);

/// Slices of which some kernels compute places one after the other.
pub const SLICES_TOGETHER: usize = LANES;

/// A filtered stack in the order of the kernel that back-projects it fastest.
#[derive(Clone, Copy)]
pub struct Arranged {
    kernel: Choice,
    stack: Buffer<f32>,
}

#[derive(Clone, Copy)]
enum Choice {
    Parallel,
    Axial(Along),
    General,
}

/// Chooses the kernel for views of these forms, which are those of the whole grid, and arranges `filtered` for it.
pub fn arrange(graph: &mut Graph<'_>, matrices: &[ViewMatrix], grid: &Grid, filtered: Buffer<f32>) -> Arranged {
    let kernel = match axial::along_z(matrices, grid) {
        _ if parallel::applies(matrices, graph.extent(filtered).columns, grid) => Choice::Parallel,
        Some(along) => Choice::Axial(along),
        None => Choice::General,
    };
    let stack = match kernel {
        Choice::Axial(Along::Rows) => transpose::record(graph, filtered),
        Choice::Axial(Along::Columns) | Choice::Parallel | Choice::General => filtered,
    };
    Arranged { kernel, stack }
}

/// Records the back-projection of what is arranged, by the same forms or by shares of them ([`ViewMatrix::counted`]).
pub fn add(graph: &mut Graph<'_>, matrices: &[ViewMatrix], slab: Slab<'_>, arranged: Arranged, volume: Write) {
    let Arranged { kernel, stack } = arranged;
    match kernel {
        Choice::Parallel => parallel::record(graph, matrices, slab, stack, volume),
        Choice::Axial(along) => axial::record(graph, (matrices, along), slab, stack, volume),
        Choice::General => general(graph, matrices, slab, stack, volume),
    }
}

fn fastest(graph: &mut Graph<'_>, matrices: &[ViewMatrix], grid: &Grid, filtered: Buffer<f32>, volume: Write) {
    let arranged = arrange(graph, matrices, grid, filtered);
    add(graph, matrices, (grid, grid.all_slices()), arranged, volume);
}

/// Records the back-projection of views in any position.
pub fn general(graph: &mut Graph<'_>, matrices: &[ViewMatrix], slab: Slab<'_>, filtered: Buffer<f32>, volume: Write) {
    let views = graph.upload_table("backproject.views", matrices);
    let kernel = Backproject::of(matrices.len() as u32, graph.extent(filtered), &slab);
    kernel.compute(graph, "backproject", views, filtered, volume);
}

/// Records the back-projection of `integrals` (views × rows × columns) with the scale of an adjoint: 1/w² becomes V·M²/A, with the
/// volume V of a voxel, the area A of a pixel and the magnification M of the voxel on the detector; for parallel beams A is the
/// area across the beam. That is what the lengths of all rays through a voxel sum up to where these meet the detector straight on.
/// The adjoint of no projector: it is smooth where that has single rays.
pub fn adjoint_like(graph: &mut Graph<'_>, geometry: &Geometry, grid: &Grid, integrals: Buffer<f32>, volume: Write) {
    let voxel_mm3 = grid.spacing_mm().element_product();
    let scale = |view: &View| {
        let normal = view.u_step.cross(view.v_step);
        // w is 1/M, but for its scale at the world's origin.
        let (area_mm2, at_origin) = match view.source {
            Source::Direction(direction) => (normal.dot(direction.normalize()).abs(), 1.0),
            Source::Point(source) => {
                (normal.length(), -source.dot(normal) / (view.detector_centre - source).dot(normal))
            }
        };
        at_origin.abs() * (area_mm2 / voxel_mm3).sqrt()
    };
    let matrices = matrices(geometry, DetectorAxis::U, 0, grid);
    let scales: Vec<f64> = geometry.views().iter().map(scale).collect();
    if scales.iter().all(|of| (of / scales[0] - 1.0).abs() < f64::from(f32::EPSILON)) {
        let factor = (1.0 / (scales[0] * scales[0])) as f32;
        let scaled = scale_add::record(graph, factor, integrals, 0.0, integrals);
        return fastest(graph, &matrices, grid, scaled, volume);
    }
    let matrices: Vec<_> = matrices.iter().zip(&scales).map(|(matrix, scale)| matrix.scaled(*scale)).collect();
    fastest(graph, &matrices, grid, integrals, volume);
}

impl ViewMatrix {
    /// Forms of a view that counts `share`, 0 to 1, of what this one does.
    #[must_use]
    pub fn counted(&self, share: f64) -> Self {
        if share > 0.0 {
            return self.scaled(1.0 / share.sqrt());
        }
        // No voxel lies before a source where w is below 0 everywhere.
        Self { u: [0.0; 4], v: [0.0; 4], w: [0.0, 0.0, 0.0, -1.0] }
    }

    /// Forms that see the same pixels with 1/`scale`² of the weight.
    fn scaled(&self, scale: f64) -> Self {
        let form = |form: [f32; 4]| form.map(|factor| (f64::from(factor) * scale) as f32);
        Self { u: form(self.u), v: form(self.v), w: form(self.w) }
    }
}

/// Voxel in the middle of a grid, as a number of voxels from the first one of `slices`: whole or a half.
pub(super) fn middle_of(grid: &Grid, slices: &Range<usize>) -> [f32; 3] {
    let [x, y, z] = grid.size().map(|n| (n as f32 - 1.0) / 2.0);
    [x, y, z - slices.start as f32]
}

impl Backproject {
    fn of(view_count: u32, Extent { rows, columns, .. }: Extent, (grid, slices): &Slab<'_>) -> Self {
        let [nx, ny, _] = grid.size().map(|n| n as u32);
        let [half_x, half_y, half_z] = middle_of(grid, slices);
        let [last_column, last_row] = [columns, rows].map(|n| n as f32 - 1.0);
        Self { nx, ny, columns, rows, view_count, half_x, half_y, half_z, last_column, last_row }
    }
}

/// Forms of every view on a stack with columns along `axis`, whose column `before` is the detector's first.
#[must_use]
pub fn matrices(geometry: &Geometry, axis: DetectorAxis, before: usize, grid: &Grid) -> Vec<ViewMatrix> {
    let [hu, hv] = size_along(axis, geometry.detector()).map(|n| (n as f64 - 1.0) / 2.0);
    let centre = [before as f64 + hu, hv];
    geometry.views().iter().map(|view| matrix(view, centre, axis, grid)).collect()
}

/// `centre` is the column and row of the detector's centre.
fn matrix(view: &View, [hu, hv]: [f64; 2], axis: DetectorAxis, grid: &Grid) -> ViewMatrix {
    let (column, row) = match axis {
        DetectorAxis::U => (view.u_step, view.v_step),
        DetectorAxis::V => (view.v_step, view.u_step),
    };
    // A point x is seen at centre + a·column + b·row; solving for (a, b) gives forms affine in x over a common w.
    let (forms, offsets) = match view.source {
        Source::Point(source) => {
            let to_centre = view.detector_centre - source;
            // (x − source) = λ·(to_centre + a·column + b·row): with M = [column row to_centre], M⁻¹(x − source) is
            // (λa, λb, λ).
            let inverse = DMat3::from_cols(column, row, to_centre).inverse();
            (inverse, -(inverse * source))
        }
        Source::Direction(direction) => {
            // (x − centre) = a·column + b·row + μ·direction, and w = 1.
            let inverse = DMat3::from_cols(column, row, direction).inverse();
            let offset = -(inverse * view.detector_centre);
            let mut rows = inverse.transpose();
            rows.z_axis = DVec3::ZERO;
            (rows.transpose(), DVec3::new(offset.x, offset.y, 1.0))
        }
    };
    // Voxel indices from the volume's centre: x = centre + orientation·(index·spacing).
    let centre = grid.centre_mm();
    let to_world = grid.orientation() * DMat3::from_diagonal(grid.spacing_mm());
    let slopes = (forms * to_world).transpose();
    let constants = forms * centre + offsets;
    // The origin may lie behind the source, where w is negative.
    let scale = 1.0 / offsets.z.abs();
    let form = |slope: DVec3, constant: f64| (slope * scale).extend(constant * scale).as_vec4().to_array();
    let (su, sv, sw) = (slopes.x_axis, slopes.y_axis, slopes.z_axis);
    let (cu, cv, cw) = (constants.x, constants.y, constants.z);
    ViewMatrix { u: form(su + hu * sw, cu + hu * cw), v: form(sv + hv * sw, cv + hv * cw), w: form(sw, cw) }
}

vectorised! {
    fn twin(kernel: &Backproject, block: &Block, views: &[ViewMatrix], filtered: &[f32], volume: &mut [f32]) {
        let [nx, ny, columns, rows] = [kernel.nx, kernel.ny, kernel.columns, kernel.rows].map(|n| n as usize);
        for (row, out) in block.rows.clone().zip(volume.chunks_exact_mut(nx)) {
            let y = (row % ny) as f32 - kernel.half_y;
            let z = (row / ny) as f32 - kernel.half_z;
            for (first, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
                let mut x = [0.0; LANES];
                for (lane, x) in x.iter_mut().enumerate() {
                    *x = (first + lane) as f32 - kernel.half_x;
                }
                let mut sum = [0.0; LANES];
                if block.resume {
                    sum[..out.len()].copy_from_slice(out);
                }
                for (view, pixels) in views[block.inputs.clone()].iter().zip(filtered.chunks_exact(columns * rows)) {
                    update(kernel, view, pixels, &x, y, z, &mut sum);
                }
                out.copy_from_slice(&sum[..out.len()]);
            }
        }
    }
}

/// Adds one view to sixteen neighbouring voxels.
#[inline(always)]
fn update(kernel: &Backproject, m: &ViewMatrix, pixels: &[f32], x: &Lanes, y: f32, z: f32, sum: &mut Lanes) {
    let Backproject { columns, last_column: last_u, last_row: last_v, .. } = *kernel;
    let row_u = m.u[1] * y + m.u[2] * z + m.u[3];
    let row_v = m.v[1] * y + m.v[2] * z + m.v[3];
    let row_w = m.w[1] * y + m.w[2] * z + m.w[3];
    if pixels.is_empty() {
        return;
    }
    for l in 0..LANES {
        let nu = row_u + m.u[0] * x[l];
        let nv = row_v + m.v[0] * x[l];
        let nw = row_w + m.w[0] * x[l];
        let scale = reciprocal(nw);
        let u = nu * scale;
        let v = nv * scale;
        let is_seen = (u >= -0.5) & (u <= last_u + 0.5) & (v >= -0.5) & (v <= last_v + 0.5) & (nw > 0.0);
        let cu = u.max(0.0).min(last_u);
        let cv = v.max(0.0).min(last_v);
        let (lu, lv) = (cu.floor(), cv.floor());
        let (fu, fv) = (cu - lu, cv - lv);
        let step_u = u32::from(lu < last_u);
        let step_v = if lv < last_v { columns } else { 0 };
        // SAFETY: `max` and `min` leave numbers from 0 to the last row or column, NaN included. Columns count two margins
        // of at most a detector each: 3·2¹⁶, far below 2³¹. `pixels` is not empty, and `gather` bounds its index.
        let (p00, p10, p01, p11) = unsafe {
            let p = lv.to_int_unchecked::<i32>() as u32 * columns + lu.to_int_unchecked::<i32>() as u32;
            (
                gather(pixels, p),
                gather(pixels, p + step_u),
                gather(pixels, p + step_v),
                gather(pixels, p + step_v + step_u),
            )
        };
        let low = p00 + fu * (p10 - p00);
        let high = p01 + fu * (p11 - p01);
        let value = low + fv * (high - low);
        let added = sum[l] + value * (scale * scale);
        sum[l] = if is_seen { added } else { sum[l] };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Control, Device, Plan};

    /// What voxels at y = −700, −500, −300 (the source), −100 and 100 mm receive from a view of ones along y when all is moved by
    /// `moved` mm along y.
    fn received(moved: f64) -> Vec<f32> {
        let view = View {
            source: Source::Point((moved - 300.0) * DVec3::Y),
            detector_centre: (moved + 150.0) * DVec3::Y,
            u_step: DVec3::X,
            v_step: DVec3::Z,
        };
        let geometry = Geometry::new([9, 9], vec![view]).unwrap();
        let grid = Grid::centred([1, 5, 1], [200.0; 3]).unwrap().with_centre((moved - 300.0) * DVec3::Y);
        let ones = vec![1.0; 81];
        let mut graph = Graph::new();
        let filtered = graph.upload("filtered", Extent::new(1, 9, 9), &ones);
        let volume = graph.buffer::<f32>("volume", Extent::new(1, 5, 1));
        record(&mut graph, &geometry, DetectorAxis::U, 0, &grid, filtered, volume.replace());
        let output = graph.result(volume);
        let device = Device::cpu();
        let plan = Plan::new(&graph, device.limits()).unwrap();
        pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
    }

    #[test]
    fn voxels_behind_a_source_receive_nothing() {
        // The world's origin lies 300 mm before the source, and 400 mm behind it.
        for (moved, near, far) in [(0.0, 2.25, 0.5625), (700.0, 4.0, 1.0)] {
            let values = received(moved);
            assert_eq!(values[..2], [0.0, 0.0]);
            assert!((values[3] - near).abs() < 1e-3 && (values[4] - far).abs() < 1e-3, "{values:?}");
        }
    }
}
