//! Rays of detectors whose columns are parallel to z: ordinary ones by the million, and those that the formula leaves open.

use glam::DVec3;
use kerma::{
    data::Grid,
    engine::{Extent, Graph},
    geometry::{Geometry, Scan, Source, View},
    kernels::project::{
        axial::{SHADER, is_axial, record},
        reorder,
    },
};

use super::siddon;
use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, grid, known_good, parallel, turned, view, views},
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
    let reordered = graph.buffer::<f32>("case.reordered", reorder::extent(&inputs.grid));
    reorder::record(graph, &inputs.grid, volume, reordered);
    let integrals = graph.buffer::<f32>("case.integrals", Extent::new(inputs.geometry.views().len(), rows, columns));
    record(graph, &inputs.geometry, &inputs.grid, reordered, integrals);
}

fn case(name: impl Into<String>, geometry: Geometry, grid: Grid) -> Case {
    let name = name.into();
    assert!(is_axial(&geometry, &grid), "{name}");
    let volume = Seeded::new(grid.voxel_count() as u64).values(grid.voxel_count(), 0.0, LARGEST);
    Case::new(&SHADER, name, Inputs { geometry, grid, volume }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = ordinary();
    cases.extend(sizes());
    cases.extend(divided());
    cases.extend(in_faces());
    cases.extend(siddon::grazing(case));
    cases.extend(from_odd_places());
    cases
}

fn cone_case(name: &str, count: usize, detector: [usize; 2]) -> Case {
    case(name, views(&cone(count, detector, [0.9, 1.1])), grid("40x37x58@1.5x1.7x1.1"))
}

/// More than a million rays.
fn ordinary() -> Vec<Case> {
    let helix = "kind = 'helical'\nsource_isocentre_mm = 300.0\nsource_detector_mm = 450.0\nviews = 30\n\
                 arc_deg = 900.0\nadvance_mm = 19.0\ndetector = [97, 40]\npitch_mm = [1.1, 0.7]\n";
    let helix = known_good(Scan::from_toml(helix));
    let about_z = turned(grid("25x60x33@3x0.8x1.7"), DVec3::Z, -1.1);
    vec![
        cone_case("cone beam", 24, [128, 97]),
        case("parallel beam", views(&parallel(20, 3.0, 180.0, [129, 64], [0.8, 1.0])), grid("33x47x41@2x1.4x1.5")),
        case("helix", views(&helix), grid("41x40x70@1.5x1.5x0.8")),
        case("fans", views(&cone(40, [130, 1], [0.9, 1.1])), grid("60x58x1@1x1x1")),
        case("cone beam, anisotropic grid turned about z", views(&cone(12, [128, 96], [1.0, 1.3])), about_z),
        case("shifted and oblique detectors", shifted(), grid("37x41x64@1.3x1.2x0.9+3,-4,5")),
        case("a volume that is padded", views(&cone(6, [65, 97], [1.4, 2.3])), grid("22x23x150@2.5x2.7x1.1")),
        case("steep rays, thin slices", views(&cone(9, [65, 130], [1.4, 9.0])), grid("40x37x90@1.5x1.7x0.4")),
        case("steep rays, far from the slices", views(&cone(9, [65, 90], [1.4, 11.0])), grid("40x37x5@1.5x1.7x0.7")),
        case(
            "detector much higher than the volume",
            views(&cone(6, [65, 400], [1.4, 1.0])),
            grid("40x37x60@1.5x1.7x0.7"),
        ),
        case("rows close together", views(&cone(6, [65, 150], [1.4, 0.02])), grid("40x37x60@1.5x1.7x0.7")),
    ]
}

/// Sources and detectors at other heights, detectors that are not square to the beam, rows that go down.
fn shifted() -> Geometry {
    let mut seeded = Seeded::new(11);
    let shifted = |k: usize| {
        let (sin, cos) = (k as f64 * 0.37).sin_cos();
        let mut between = |low, high| seeded.between(low, high);
        let source = DVec3::new(250.0 * sin, -250.0 * cos, between(-30.0, 30.0));
        let centre = DVec3::new(-120.0 * sin, 120.0 * cos, between(-30.0, 30.0));
        let (sin, cos) = (k as f64 * 0.37 + between(-0.4, 0.4)).sin_cos();
        // Columns may rise from one to the next: only their own direction counts.
        let u = DVec3::new(0.9 * cos, 0.9 * sin, between(-0.3, 0.3));
        let v = between(0.6, 1.2) * if k.is_multiple_of(2) { 1.0 } else { -1.0 };
        View { source: Source::Point(source), detector_centre: centre, u_step: u, v_step: DVec3::new(0.0, 0.0, v) }
    };
    known_good(Geometry::new([110, 99], (0..17).map(shifted).collect()))
}

fn sizes() -> Vec<Case> {
    let sizes = ["1x1x1", "1x1x29", "1x31x1", "37x1x1", "17x3x29", "2x2x2", "65x1x3", "3x4x33", "5x2x32"];
    let mut cases = Vec::new();
    for size in sizes {
        let grid = grid(&format!("{size}@1.5x2x1.1"));
        cases.push(case(format!("{size}, cone beam"), views(&cone(5, [33, 17], [1.7, 2.3])), grid));
        let scan = parallel(5, 11.0, 360.0, [31, 19], [1.1, 1.9]);
        cases.push(case(format!("{size}, parallel beam"), views(&scan), grid));
        cases.push(case(format!("{size}, one pixel, one view"), views(&cone(1, [1, 1], [1.0, 1.0])), grid));
    }
    cases
}

/// A device that binds so many slices of the reordered volume at once.
fn slabs(grid: &Grid, slices: u64) -> Narrow {
    let Extent { rows, columns, .. } = reorder::extent(grid);
    Narrow::binding(slices * u64::from(rows) * u64::from(columns) * size_of::<f32>() as u64)
}

/// The same rays through a volume in parts, in rows, and in short dispatches.
fn divided() -> Vec<Case> {
    let thin = || views(&cone(5, [21, 40], [4.0, 3.0]));
    let grid = grid("40x37x58@1.5x1.7x1.1");
    vec![
        case("slabs of three slices", thin(), grid).narrowed(slabs(&grid, 3)),
        case("slabs of seven slices", views(&parallel(7, 0.0, 315.0, [33, 90], [2.0, 1.0])), grid)
            .narrowed(slabs(&grid, 7)),
        case("one slice at a time", thin(), grid).narrowed(slabs(&grid, 1)),
        case("steep rays, slabs of two slices", views(&cone(5, [21, 40], [4.0, 25.0])), grid).narrowed(slabs(&grid, 2)),
        cone_case("short dispatches", 4, [128, 97]).narrowed(Narrow::dispatch(1e6)),
    ]
}

/// Rays along axes and diagonals: in faces, edges and corners, where planes of several axes are met at once.
fn in_faces() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, name) in
        [("16x16x16@2x2x2", "even grid"), ("15x13x11@2x2x2", "odd grid"), ("16x14x40@2x2x1", "high grid")]
    {
        for (arc, views_count) in [(270.0, 4), (315.0, 8)] {
            let scan = parallel(views_count, 0.0, arc, [41, 39], [1.0, 1.0]);
            let name = format!("parallel rays in voxel faces, {name}, {views_count} directions");
            cases.push(case(name, views(&scan), grid(size)).on_a_knife_edge());
        }
        // Along x and y in slabs: rays that lie in faces of slabs belong to one of them.
        let (scan, grid) = (parallel(4, 0.0, 270.0, [21, 23], [1.0, 1.0]), grid(size));
        let name = format!("parallel rays in voxel faces, {name}, slabs");
        cases.push(case(name, views(&scan), grid).on_a_knife_edge().narrowed(slabs(&grid, 5)));
    }
    cases
}

/// Sources beside the volume, between its bounding planes, and detectors within it.
fn from_odd_places() -> Vec<Case> {
    let grid = grid("21x20x49@2x2x1");
    let odd = [
        view(Source::Point(DVec3::new(-60.0, 5.0, 3.0)), [60.0, 5.0, 3.0], [0.0, 2.1, 0.0], [0.0, 0.0, 2.3]),
        view(Source::Point(DVec3::new(-21.5, -3.0, 4.0)), [30.0, 0.0, 0.0], [0.1, 3.1, 0.0], [0.0, 0.0, 3.3]),
        view(Source::Point(DVec3::new(0.0, -100.0, 0.0)), [0.0, 0.0, 0.0], [1.3, 0.0, 0.0], [0.0, 0.0, 1.4]),
        view(Source::Point(DVec3::new(90.0, 40.0, 9.0)), [3.0, -2.0, 1.0], [0.4, -1.3, 0.0], [0.0, 0.0, -1.4]),
    ];
    let geometry = known_good(Geometry::new([47, 45], odd.to_vec()));
    vec![
        case("sources beside the volume, detectors within it", geometry.clone(), grid),
        case("sources beside the volume, detectors within it, slabs", geometry, grid).narrowed(slabs(&grid, 4)),
    ]
}
