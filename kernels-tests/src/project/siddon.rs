//! Rays through noise: ordinary ones by the million, and those that the formula leaves open.

use glam::DVec3;
use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::{Geometry, Source, Travel},
    kernels::project::siddon::{SHADER, record},
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, grid, known_good, parallel, tilted, tomosynthesis, turned, view, views},
};

/// Largest attenuation coefficient of the noise, in 1/mm.
const LARGEST: f32 = 0.05;

struct Inputs {
    geometry: Geometry,
    grid: Grid,
    volume: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let [columns, rows] = inputs.geometry.detector();
    let volume = graph.upload("case.volume", Extent::new(nz, ny, nx), &inputs.volume);
    let integrals = graph.buffer::<f32>("case.integrals", Extent::new(inputs.geometry.views().len(), rows, columns));
    record(graph, &inputs.geometry, &inputs.grid, volume, integrals.replace());
}

fn case(name: impl Into<String>, geometry: Geometry, grid: Grid) -> Case {
    let volume = Seeded::new(grid.voxel_count() as u64).values(grid.voxel_count(), 0.0, LARGEST);
    Case::new(&SHADER, name, Inputs { geometry, grid, volume }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = ordinary();
    cases.extend(sizes());
    cases.extend(divided());
    cases.extend(in_faces());
    cases.extend(grazing(case));
    cases.extend(from_odd_places());
    cases
}

fn cone_case(name: &str, count: usize) -> Case {
    case(name, views(&cone(count, [128, 97], [0.9, 1.1])), grid("40x37x28@1.5x1.7x2.1"))
}

fn tomosynthesis_case(name: &str, count: usize) -> Case {
    let scan = tomosynthesis(count, Travel::Z, [128, 129], [0.7, 0.7]);
    case(name, views(&scan), grid("48x12x50@1.3x5x1.1+1,-2,3"))
}

fn tilted_case(name: &str, count: usize) -> Case {
    let grid = turned(grid("31x29x37@1.9x2.3x1.2+4,3,-5"), DVec3::new(1.0, -2.0, 0.5), 0.7);
    case(name, tilted(1, count, [96, 96], 0.9), grid)
}

/// More than a million rays.
fn ordinary() -> Vec<Case> {
    let rotated = turned(grid("25x60x33@3x0.8x1.7"), DVec3::new(0.3, 1.0, 2.0), -1.1);
    vec![
        cone_case("cone beam", 24),
        case("parallel beam", views(&parallel(20, 3.0, 180.0, [129, 64], [0.8, 1.0])), grid("33x47x21@2x1.4x3")),
        tomosynthesis_case("tomosynthesis along z", 15),
        case(
            "tomosynthesis along x",
            views(&tomosynthesis(7, Travel::X, [100, 65], [0.9, 0.9])),
            grid("50x9x40@1.3x6x1.2"),
        ),
        tilted_case("tilted views, turned grid", 24),
        case("cone beam, anisotropic turned grid", views(&cone(12, [128, 96], [1.0, 1.3])), rotated),
    ]
}

fn sizes() -> Vec<Case> {
    let sizes = ["1x1x1", "1x1x29", "1x31x1", "37x1x1", "17x3x29", "2x2x2", "65x1x3"];
    let mut cases = Vec::new();
    for size in sizes {
        let grid = grid(&format!("{size}@1.5x2x1.1"));
        cases.push(case(format!("{size}, cone beam"), views(&cone(5, [33, 17], [1.7, 2.3])), grid));
        let scan = parallel(5, 11.0, 360.0, [31, 19], [1.1, 1.9]);
        cases.push(case(format!("{size}, parallel beam"), views(&scan), grid));
        cases.push(case(format!("{size}, one pixel"), tilted(2, 9, [1, 1], 1.0), grid));
    }
    cases
}

/// The same rays through a volume in parts, in rows, and in short dispatches.
fn divided() -> Vec<Case> {
    vec![
        cone_case("cone beam, slabs of three slices", 4).narrowed(Narrow::binding(3 * 40 * 37 * 4)),
        tomosynthesis_case("tomosynthesis, slabs of seven slices", 4).narrowed(Narrow::binding(7 * 48 * 12 * 4)),
        tilted_case("tilted views, slabs of two slices", 5).narrowed(Narrow::binding(2 * 31 * 29 * 4)),
        cone_case("cone beam, one slice at a time", 2).narrowed(Narrow::binding(40 * 37 * 4)),
        cone_case("cone beam, short dispatches", 4).narrowed(Narrow::dispatch(1e6)),
    ]
}

/// Rays along axes and diagonals: in faces, edges and corners, where planes of several axes are met at once.
fn in_faces() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, name) in [("16x16x16@2x2x2", "even grid"), ("15x13x11@2x2x2", "odd grid")] {
        for (arc, views_count) in [(270.0, 4), (315.0, 8)] {
            let scan = parallel(views_count, 0.0, arc, [41, 39], [1.0, 1.0]);
            let name = format!("parallel rays in voxel faces, {name}, {views_count} directions");
            cases.push(case(name, views(&scan), grid(size)).on_a_knife_edge());
        }
        let diagonals = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, 0.0, -1.0]];
        let across = diagonals.map(|d| {
            let along = DVec3::from(d).normalize();
            let (u, v) = match d {
                [x, y, _] if x == 0.0 && y == 0.0 => (DVec3::X, DVec3::Y),
                [1.0, 0.0, _] => (DVec3::new(1.0, 0.0, 1.0), DVec3::Y),
                _ => (DVec3::new(d[1], -d[0], 0.0), DVec3::Z),
            };
            view(Source::Direction(along), [0.0; 3], u.to_array(), v.to_array())
        });
        let geometry = known_good(Geometry::new([33, 35], across.to_vec()));
        cases.push(case(format!("along z and space diagonals, {name}"), geometry, grid(size)).on_a_knife_edge());
    }
    cases
}

/// Rays that touch the volume's outer faces, edges and corners, and rays that miss it.
pub(super) fn grazing(case: fn(&'static str, Geometry, Grid) -> Case) -> Vec<Case> {
    // The box reaches from −16 to 16 mm; the source lies in the plane of a face, and exactly opposite an edge.
    let box_grid = grid("16x16x16@2x2x2");
    let opposite = |source: [f64; 3], centre: [f64; 3]| {
        view(Source::Point(DVec3::from(source)), centre, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    };
    let touching = [
        opposite([0.0, -200.0, 16.0], [0.0, 100.0, 16.0]),
        opposite([-16.0, -200.0, 0.0], [-16.0, 100.0, 0.0]),
        opposite([16.0, -216.0, -16.0], [16.0, 84.0, -16.0]),
        opposite([-216.0, -216.0, 0.0], [84.0, 84.0, 0.0]),
    ];
    let missing = [
        opposite([0.0, -200.0, 80.0], [0.0, 100.0, 80.0]),
        opposite([300.0, -200.0, 0.0], [300.0, 100.0, 0.0]),
        // Both ends before the volume, and the volume behind the source.
        opposite([0.0, -200.0, 0.0], [0.0, -40.0, 0.0]),
        opposite([0.0, 60.0, 0.0], [0.0, 200.0, 0.0]),
    ];
    let geometry = |views: &[_], detector| known_good(Geometry::new(detector, views.to_vec()));
    vec![
        case("rays that touch faces and edges", geometry(&touching, [65, 63]), box_grid).on_a_knife_edge(),
        case("rays that miss", geometry(&missing, [31, 33]), box_grid),
    ]
}

/// Sources beside the volume, between its bounding planes, and detectors within it.
fn from_odd_places() -> Vec<Case> {
    let grid = grid("21x20x19@2x2x2");
    let beside = [
        view(Source::Point(DVec3::new(-60.0, 5.0, 3.0)), [60.0, 5.0, 3.0], [0.0, 2.1, 0.0], [0.0, 0.0, 2.3]),
        view(Source::Point(DVec3::new(-21.5, -3.0, 4.0)), [30.0, 0.0, 0.0], [0.1, 3.1, 0.0], [0.0, 0.2, 3.3]),
        view(Source::Point(DVec3::new(2.0, 1.0, 19.6)), [0.0, 0.0, -25.0], [4.0, 0.3, 0.0], [0.1, 4.2, 0.0]),
    ];
    let within = [
        view(Source::Point(DVec3::new(0.0, -100.0, 0.0)), [0.0, 0.0, 0.0], [1.3, 0.0, 0.0], [0.0, 0.0, 1.4]),
        view(Source::Point(DVec3::new(90.0, 40.0, 9.0)), [3.0, -2.0, 1.0], [0.4, -1.3, 0.0], [0.0, 0.1, 1.4]),
        view(Source::Point(DVec3::new(0.0, 3.0, -90.0)), [0.0, 0.0, 7.7], [1.3, 0.2, 0.0], [0.0, 1.4, 0.3]),
    ];
    let geometry = |views: &[_]| known_good(Geometry::new([47, 45], views.to_vec()));
    vec![
        case("source beside the volume", geometry(&beside), grid),
        case("detector within the volume", geometry(&within), grid),
        case("detector within the volume, slabs", geometry(&within), grid).narrowed(Narrow::binding(4 * 21 * 20 * 4)),
    ]
}
