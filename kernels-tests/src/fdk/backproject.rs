//! Filtered noise gathered by a million voxels.

use glam::DVec3;
use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::{DetectorAxis, Geometry, Travel},
    kernels::fdk::{
        backproject::{SHADER, record},
        weight::size_along,
    },
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, grid, known_good, parallel, tilted, tomosynthesis, turned, views},
};

struct Inputs {
    geometry: Geometry,
    axis: DetectorAxis,
    grid: Grid,
    /// Columns of the margins before the detector's first and behind its last.
    margins: [usize; 2],
    /// Views of one batch.
    batch: usize,
    filtered: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let volume = graph.buffer::<f32>("case.volume", Extent::new(nz, ny, nx));
    let [measured, rows] = size_along(inputs.axis, inputs.geometry.detector());
    let columns = measured + inputs.margins[0] + inputs.margins[1];
    let batches = inputs.geometry.views().chunks(inputs.batch);
    let stacks = inputs.filtered.chunks(inputs.batch * rows * columns);
    for (index, (views, filtered)) in batches.zip(stacks).enumerate() {
        let geometry = known_good(Geometry::new(inputs.geometry.detector(), views.to_vec()));
        let filtered = graph.upload("case.filtered", Extent::new(views.len(), rows, columns), filtered);
        let target = if index == 0 { volume.replace() } else { volume.update() };
        record(graph, &geometry, inputs.axis, inputs.margins[0], &inputs.grid, filtered, target);
    }
}

impl Inputs {
    fn new(geometry: Geometry, axis: DetectorAxis, margins: [usize; 2], grid: Grid, batch: usize) -> Self {
        let [measured, rows] = size_along(axis, geometry.detector());
        let count = geometry.views().len() * rows * (measured + margins[0] + margins[1]);
        let filtered = Seeded::new(count as u64).values(count, -1.0, 1.0);
        Self { geometry, axis, grid, margins, batch, filtered }
    }
}

fn in_batches(name: &str, geometry: Geometry, axis: DetectorAxis, grid: Grid, batch: usize) -> Case {
    Case::new(&SHADER, name, Inputs::new(geometry, axis, [0, 0], grid, batch), recorded)
}

fn with_margins(name: &str, geometry: Geometry, axis: DetectorAxis, margins: [usize; 2], grid: Grid) -> Case {
    let batch = geometry.views().len();
    Case::new(&SHADER, name, Inputs::new(geometry, axis, margins, grid, batch), recorded)
}

fn case(name: &str, geometry: Geometry, axis: DetectorAxis, grid: Grid) -> Case {
    let batch = geometry.views().len();
    in_batches(name, geometry, axis, grid, batch)
}

pub(crate) fn cases() -> Vec<Case> {
    let (u, v) = (DetectorAxis::U, DetectorAxis::V);
    let cone_views = || views(&cone(16, [64, 49], [2.3, 2.7]));
    let noise = grid("50x41x30@1.7x2.1x2.9");
    let turned_grid = turned(grid("81x64x48@1.1x1.3x1.7+3,-2,1"), DVec3::new(1.0, 2.0, -0.5), 0.9);
    vec![
        case("cone beam", cone_views(), u, grid("64x61x40@1.5x1.5x2")),
        case("cone beam, turned grid", cone_views(), u, turned_grid),
        case("cone beam, flat voxels", cone_views(), u, grid("96x80x33@0.9x1.1x3.3")),
        case("cone beam, columns filtered", cone_views(), v, noise),
        case("one row", views(&cone(9, [64, 1], [2.0, 2.0])), u, grid("40x40x3@2x2x2")),
        case("one pixel", tilted(5, 8, [1, 1], 30.0), u, grid("17x3x29@2x2x2")),
        case("one voxel", cone_views(), u, grid("1x1x1@2x2x2")),
        case("parallel beam", views(&parallel(9, 4.0, 180.0, [65, 33], [1.7, 2.1])), u, grid("64x63x31@1.5x1.5x2")),
        case("tomosynthesis", views(&tomosynthesis(9, Travel::Z, [64, 65], [1.7, 1.7])), v, grid("60x15x61@1.5x4x1.5")),
        case("tilted views", tilted(6, 12, [65, 67], 1.7), u, grid("51x47x45@1.5x1.5x1.5")),
        with_margins("unequal margins", cone_views(), u, [23, 4], noise),
        with_margins("unequal margins, columns filtered", cone_views(), v, [0, 11], noise),
        // The volume reaches behind the sources, which stand at 300 mm.
        case("voxels behind the sources", cone_views(), u, grid("61x64x9@12x12x12")),
        in_batches("five batches", cone_views(), u, grid("64x64x33@1.5x1.5x2"), 3),
        case("cone beam, slabs and runs of views", cone_views(), u, noise).narrowed(Narrow::binding(5 * 64 * 49 * 4)),
        in_batches("batches of slabs", cone_views(), u, noise, 7).narrowed(Narrow::binding(2 * 64 * 49 * 4)),
        case("cone beam, short dispatches", cone_views(), u, noise).narrowed(Narrow::dispatch(5e5)),
    ]
}
