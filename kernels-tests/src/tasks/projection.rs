use kerma::{
    data::{Unit, Volume},
    engine::Tier,
    geometry::{Geometry, Travel},
    tasks::Projection,
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, grid, known_good, tomosynthesis, views},
};

fn case(name: &str, geometry: Geometry) -> Case {
    let grid = grid("41x39x37@2x2x2.3+1,2,3");
    let values = Seeded::new(7).values(grid.voxel_count(), -1024.0, 2000.0);
    let inputs = (known_good(Volume::new(grid, Unit::Hounsfield, values)), geometry);
    Case::named("tasks.projection", Tier::Pinned, name, inputs, |(volume, geometry), graph| {
        *graph = known_good(Projection::new(volume, geometry)).into_graph();
    })
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("CT numbers, cone beam", views(&cone(9, [80, 71], [2.0, 2.0]))),
        case("CT numbers, tomosynthesis in slabs", views(&tomosynthesis(9, Travel::Z, [81, 70], [1.5, 1.5])))
            .narrowed(Narrow::binding(5 * 41 * 39 * 4)),
    ]
}
