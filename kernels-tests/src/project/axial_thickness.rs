//! Rays of detectors whose columns are parallel to z through mixtures of one to nine materials.

use kerma::{
    body::Body,
    data::Grid,
    engine::{Extent, Graph},
    geometry::Geometry,
    kernels::project::{
        axial_thickness::{SHADER, is_axial, record},
        reorder,
        thickness::Compositions,
    },
};

use super::{axial::shifted, siddon};
use crate::{
    Case, Narrow,
    inputs::{cone, grid, mixed_body, parallel, views},
};

struct Inputs {
    geometry: Geometry,
    body: Body,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let (grid, materials) = (inputs.body.grid(), inputs.body.materials().len());
    let [nx, ny, nz] = grid.size();
    let [columns, rows] = inputs.geometry.detector();
    let compositions = Compositions::upload(graph, &inputs.body);
    let volume = graph.upload("case.volume", Extent::new(nz, ny, nx), inputs.body.voxels());
    let reordered = graph.buffer("case.reordered", reorder::extent(grid));
    reorder::record(graph, grid, volume, reordered);
    let extent = Extent::new(inputs.geometry.views().len(), rows, materials * columns);
    let thickness = graph.buffer::<f32>("case.thickness", extent);
    record(graph, &inputs.geometry, grid, compositions, reordered, thickness);
}

fn case(name: impl Into<String>, materials: usize, geometry: Geometry, grid: Grid) -> Case {
    let name = name.into();
    assert!(is_axial(&geometry, &grid, materials), "{name}");
    Case::new(&SHADER, name, Inputs { geometry, body: mixed_body(grid, materials) }, recorded)
}

/// A device that binds so many slices of the reordered volume at once, and a view of the thicknesses.
fn slabs(grid: &Grid, slices: u64) -> Narrow {
    let Extent { rows, columns, .. } = reorder::extent(grid);
    Narrow::binding(slices * u64::from(rows) * u64::from(columns) * size_of::<u32>() as u64)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 4, 5, 8, 9]
        .into_iter()
        .map(|materials| {
            let geometry = views(&cone(3, [47, 97], [1.4, 1.3]));
            case(format!("cone beam, materials: {materials}"), materials, geometry, grid("40x37x58@1.5x1.7x1.1"))
        })
        .collect();
    let thin = || views(&cone(3, [21, 40], [4.0, 3.0]));
    let high = grid("40x37x58@1.5x1.7x1.1");
    cases.extend([
        case("shifted and oblique detectors", 3, shifted(), grid("37x41x64@1.3x1.2x0.9+3,-4,5")),
        case("rows far apart", 6, views(&cone(3, [33, 65], [1.4, 9.0])), grid("40x37x190@1.5x1.7x0.9")),
        case("steep rays, thin slices", 5, views(&cone(3, [33, 65], [1.4, 9.0])), grid("40x37x90@1.5x1.7x0.4")),
        case("far from the slices", 2, views(&cone(3, [33, 90], [1.4, 11.0])), grid("40x37x5@1.5x1.7x0.7")),
        case(
            "detector much higher than the body",
            6,
            views(&cone(3, [33, 300], [1.4, 1.0])),
            grid("40x37x60@1.5x1.7x0.7"),
        ),
        case("long walks", 6, views(&parallel(6, 0.0, 300.0, [37, 40], [3.0, 3.0])), grid("130x117x40@0.9x0.8x2.5")),
        case("slabs of seven slices", 6, views(&parallel(5, 0.0, 315.0, [9, 40], [4.0, 2.0])), high)
            .narrowed(slabs(&high, 7)),
        case("slabs of three slices", 2, thin(), high).narrowed(slabs(&high, 3)),
        case("short dispatches", 9, views(&cone(2, [33, 97], [1.9, 1.1])), high).narrowed(Narrow::dispatch(1e6)),
        case("one voxel", 3, views(&parallel(5, 11.0, 360.0, [31, 19], [0.1, 0.1])), grid("1x1x1@2x2x2")),
        case("one pixel", 7, views(&cone(1, [1, 1], [1.0, 1.0])), grid("17x3x29@1.5x2x1.1")),
        case("rays in voxel faces", 4, views(&parallel(8, 0.0, 315.0, [41, 39], [1.0, 1.0])), grid("16x14x40@2x2x1"))
            .on_a_knife_edge(),
    ]);
    cases.extend(siddon::grazing(|name, geometry, grid| case(name, 5, geometry, grid)));
    cases
}
