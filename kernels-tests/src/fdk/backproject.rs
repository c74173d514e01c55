//! Filtered noise gathered by a million voxels, by the general kernel and by that for axial geometries.

use glam::DVec3;
use kerma::{
    data::Grid,
    engine::{Extent, Graph, Shader},
    geometry::{DetectorAxis, Geometry, Source, Travel},
    kernels::fdk::{
        axial::{self, Along},
        backproject, parallel, transpose,
        weight::size_along,
    },
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{self, cone, grid, known_good, tilted, tomosynthesis, turned, view, views},
};

struct Inputs {
    kernel: &'static Shader,
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
        let (axis, before) = (inputs.axis, inputs.margins[0]);
        let (matrices, grid) = (backproject::matrices(&geometry, axis, before, &inputs.grid), &inputs.grid);
        if inputs.kernel.name == backproject::SHADER.name {
            backproject::general(graph, &matrices, (grid, grid.all_slices()), filtered, target);
        } else if inputs.kernel.name == parallel::SHADER.name {
            assert!(parallel::applies(&matrices, columns as u32, grid));
            parallel::record(graph, &matrices, (grid, grid.all_slices()), filtered, target);
        } else {
            let along = axial::along_z(&matrices, grid);
            assert!(along.is_some(), "an axial geometry");
            let along = along.unwrap_or(Along::Columns);
            let stack = if along == Along::Rows { transpose::record(graph, filtered) } else { filtered };
            axial::record(graph, (&matrices, along), (grid, grid.all_slices()), stack, target);
        }
    }
}

/// Cases of one kernel.
struct Of(&'static Shader);

impl Of {
    fn whole(
        &self,
        name: &str,
        geometry: Geometry,
        axis: DetectorAxis,
        margins: [usize; 2],
        grid: Grid,
        batch: usize,
    ) -> Case {
        let [measured, rows] = size_along(axis, geometry.detector());
        let count = geometry.views().len() * rows * (measured + margins[0] + margins[1]);
        let filtered = Seeded::new(count as u64).values(count, -1.0, 1.0);
        Case::new(self.0, name, Inputs { kernel: self.0, geometry, axis, grid, margins, batch, filtered }, recorded)
    }

    fn in_batches(&self, name: &str, geometry: Geometry, axis: DetectorAxis, grid: Grid, batch: usize) -> Case {
        self.whole(name, geometry, axis, [0, 0], grid, batch)
    }

    fn with_margins(
        &self,
        name: &str,
        geometry: Geometry,
        axis: DetectorAxis,
        margins: [usize; 2],
        grid: Grid,
    ) -> Case {
        let batch = geometry.views().len();
        self.whole(name, geometry, axis, margins, grid, batch)
    }

    fn case(&self, name: &str, geometry: Geometry, axis: DetectorAxis, grid: Grid) -> Case {
        let batch = geometry.views().len();
        self.in_batches(name, geometry, axis, grid, batch)
    }

    /// Geometries that both kernels take.
    fn axial(&self) -> Vec<Case> {
        let (u, v) = (DetectorAxis::U, DetectorAxis::V);
        let cone_views = || views(&cone(16, [64, 49], [2.3, 2.7]));
        let noise = grid("50x41x30@1.7x2.1x2.9");
        vec![
            self.case("cone beam", cone_views(), u, grid("64x61x40@1.5x1.5x2")),
            self.case("cone beam, flat voxels", cone_views(), u, grid("96x80x33@0.9x1.1x3.3")),
            self.case("cone beam, columns filtered", cone_views(), v, noise),
            self.case("one row", views(&cone(9, [64, 1], [2.0, 2.0])), u, grid("40x40x3@2x2x2")),
            self.case("one voxel", cone_views(), u, grid("1x1x1@2x2x2")),
            self.case(
                "parallel beam",
                views(&inputs::parallel(9, 4.0, 180.0, [65, 33], [1.7, 2.1])),
                u,
                grid("64x63x31@1.5x1.5x2"),
            ),
            self.case(
                "tomosynthesis",
                views(&tomosynthesis(9, Travel::Z, [64, 65], [1.7, 1.7])),
                v,
                grid("60x15x61@1.5x4x1.5"),
            ),
            self.with_margins("unequal margins", cone_views(), u, [23, 4], noise),
            self.with_margins("unequal margins, columns filtered", cone_views(), v, [0, 11], noise),
            // The volume reaches behind the sources, which stand at 300 mm.
            self.case("voxels behind the sources", cone_views(), u, grid("61x64x9@12x12x12")),
            self.in_batches("five batches", cone_views(), u, grid("64x64x33@1.5x1.5x2"), 3),
            self.case("cone beam, slabs and runs of views", cone_views(), u, noise)
                .narrowed(Narrow::binding(5 * 64 * 49 * 4)),
            self.in_batches("batches of slabs", cone_views(), u, noise, 7).narrowed(Narrow::binding(2 * 64 * 49 * 4)),
            self.case("cone beam, short dispatches", cone_views(), u, noise).narrowed(Narrow::dispatch(5e5)),
        ]
    }
}

/// Geometries that only the general kernel takes.
fn general() -> Vec<Case> {
    let (of, u) = (Of(&backproject::SHADER), DetectorAxis::U);
    let turned_grid = turned(grid("81x64x48@1.1x1.3x1.7+3,-2,1"), DVec3::new(1.0, 2.0, -0.5), 0.9);
    vec![
        of.case("cone beam, turned grid", views(&cone(16, [64, 49], [2.3, 2.7])), u, turned_grid),
        of.case("one pixel", tilted(5, 8, [1, 1], 30.0), u, grid("17x3x29@2x2x2")),
        of.case("tilted views", tilted(6, 12, [65, 67], 1.7), u, grid("51x47x45@1.5x1.5x1.5")),
    ]
}

/// Detector rows that come close, lie far apart, or run against z; columns of voxels of all lengths.
fn rows() -> Vec<Case> {
    let (of, u) = (Of(&axial::SHADER), DetectorAxis::U);
    let rows = |detector, pitch| views(&cone(5, [33, detector], [3.1, pitch]));
    let mut cases = vec![
        of.case("rows close together", rows(301, 0.4), u, grid("21x19x70@2x2x2")),
        of.case("rows two voxels apart", rows(19, 6.1), u, grid("21x19x70@2x2x2")),
        of.case("rows wider than the volume", rows(2, 500.0), u, grid("21x19x70@2x2x2")),
        of.case("one pixel that sees all", views(&cone(5, [1, 1], [900.0, 900.0])), u, grid("17x3x29@2x2x2")),
        of.case("a detector beside the volume", rows(9, 1.0), u, grid("21x19x33@2x2x2+0,0,300")),
    ];
    // The first columns run against z, the second are tilted so that w depends on y alone.
    let against = [(-200.0, 40.0), (250.0, -3.0)].map(|(y, z)| {
        let source = Source::Point(DVec3::new(11.0, y, z));
        view(source, [5.0, -y / 2.0, -z / 3.0], [1.3, 0.2, 0.0], [0.0, 0.0, -1.1])
    });
    let geometry = known_good(Geometry::new([65, 63], against.to_vec()));
    cases.push(of.case("rows against z", geometry, u, grid("31x29x67@1.5x1.5x1.5")));
    for nz in [1, 2, 3, 5, 15, 16, 17, 63, 65, 130] {
        let grid = grid(&format!("70x33x{nz}@1.1x1.3x0.7"));
        cases.push(of.case(&format!("{nz} slices"), views(&cone(5, [64, 49], [2.3, 2.7])), u, grid));
    }
    cases
}

/// Parallel beams perpendicular to z, along axes and at angles, with voxels of all sizes.
fn parallel_beams() -> Vec<Case> {
    let (of, u) = (Of(&parallel::SHADER), DetectorAxis::U);
    let scan = |views, start_deg| views_of(views, start_deg, [65, 33], [1.7, 2.1]);
    let mut cases = vec![
        of.case("parallel beam", scan(9, 4.0), u, grid("64x63x31@1.5x1.5x2")),
        of.case("along axes", scan(4, 0.0), u, grid("64x63x31@1.5x1.5x2")),
        of.case("voxels close together", scan(7, 3.0), u, grid("301x19x5@0.3x5x2")),
        of.case("voxels far apart", scan(7, 3.0), u, grid("33x29x5@7x5x30")),
        of.case("one pixel", views_of(5, 2.0, [1, 1], [900.0, 900.0]), u, grid("17x3x29@2x2x2")),
        of.case("a detector beside the volume", scan(5, 2.0), u, grid("21x19x33@2x2x2+200,0,300")),
        of.with_margins("unequal margins", scan(9, 1.0), u, [23, 4], grid("50x41x30@1.7x2.1x2.9")),
        of.in_batches("batches", scan(9, 1.0), u, grid("50x41x30@1.7x2.1x2.9"), 4),
        of.case("runs of views", scan(9, 1.0), u, grid("50x41x30@1.7x2.1x2.9"))
            .narrowed(Narrow::binding(4 * 65 * 33 * 4)),
        of.case("short dispatches", scan(9, 1.0), u, grid("50x41x30@1.7x2.1x2.9")).narrowed(Narrow::dispatch(2e4)),
    ];
    for size in ["1x1x1", "1x40x3", "15x1x4", "16x5x1", "17x33x2", "130x9x7"] {
        cases.push(of.case(size, scan(5, 7.0), u, grid(&format!("{size}@1.3x1.1x1.9"))));
    }
    cases
}

/// Half a turn of parallel beams.
fn views_of(count: usize, start_deg: f64, detector: [usize; 2], pitch_mm: [f64; 2]) -> Geometry {
    views(&inputs::parallel(count, start_deg, 180.0, detector, pitch_mm))
}

pub(crate) fn cases() -> Vec<Case> {
    let both = [&backproject::SHADER, &axial::SHADER].into_iter().flat_map(|kernel| Of(kernel).axial());
    both.chain(general()).chain(rows()).chain(parallel_beams()).collect()
}
