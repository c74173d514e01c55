//! Cases of the kernels of total variation.

mod dual;
mod primal;

use kerma::{
    data::Grid,
    engine::{Buffer, Extent, Graph, Shader},
};

use crate::{Case, Narrow, Seeded, inputs::grid as scan_grid};

pub(crate) fn cases() -> Vec<Case> {
    [primal::cases(), dual::cases()].into_iter().flatten().collect()
}

/// A volume, a field of three components, and what to record on them.
struct Varied {
    grid: Grid,
    volumes: [Vec<f32>; 4],
    record: for<'a> fn(&mut Graph<'a>, &Grid, Buffer<f32>, [Buffer<f32>; 3]),
}

fn recorded<'a>(inputs: &'a Varied, graph: &mut Graph<'a>) {
    let [nx, ny, nz] = inputs.grid.size();
    let extent = Extent::new(nz, ny, nx);
    let [volume, x, y, z] = [0, 1, 2, 3].map(|i| graph.upload("case.values", extent, &inputs.volumes[i]));
    (inputs.record)(graph, &inputs.grid, volume, [x, y, z]);
}

/// Noise on grids of all shapes, whole and in parts.
fn varied(
    shader: &'static Shader,
    record: for<'a> fn(&mut Graph<'a>, &Grid, Buffer<f32>, [Buffer<f32>; 3]),
) -> Vec<Case> {
    let case = |name: &str, grid: &str| {
        let grid = scan_grid(grid);
        let volumes = [0, 1, 2, 3].map(|seed| Seeded::new(seed).values(grid.voxel_count(), -1.0, 1.0));
        Case::new(shader, format!("{name}, {grid}"), Varied { grid, volumes, record }, recorded)
    };
    let shapes = ["1x1x1@1x1x1", "70x1x1@1x2x3", "1x9x5@1x2x3", "33x7x6@0.5x1.5x2.5", "8x1x20@1x1x4", "130x12x4@1x1x1"];
    let mut cases: Vec<Case> = shapes.map(|grid| case("whole", grid)).into();
    // Two slices, so that windows of a row and the one a slice away are stitched.
    cases.push(case("slabs", "17x9x8@1x1.5x2").narrowed(Narrow::binding(2 * 17 * 9 * 4)));
    cases.push(case("few rows at a time", "17x9x8@1x1.5x2").narrowed(Narrow::dispatch(17.0 * 30.0 * 5.0)));
    cases
}
