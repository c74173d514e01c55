use kerma::{
    data::{Projections, Unit},
    engine::Tier,
    geometry::{ConeCircular, Scan, Travel},
    tasks::{Fdk, FdkOptions},
};

use crate::{
    Case, Narrow, Seeded,
    inputs::{cone, grid, known_good, parallel, tomosynthesis, views},
};

fn case(name: &str, scan: Scan) -> Case {
    let geometry = views(&scan);
    let values = Seeded::new(9).values(geometry.value_count(), 0.0, 5.0);
    let (detector, pitch_mm) = (geometry.detector(), geometry.pitch_mm());
    let stack = Projections::new(geometry.views().len(), detector, pitch_mm, Unit::LineIntegral, values);
    Case::named("tasks.fdk", Tier::Pinned, name, (known_good(stack), scan), |(projections, scan), graph| {
        let grid = grid("43x41x39@2x2x2.2");
        *graph = known_good(Fdk::new(projections, scan, &grid, FdkOptions::default())).into_graph();
    })
}

fn displaced(scan: Scan, by_mm: f64) -> Scan {
    match scan {
        Scan::ConeCircular(cone) => Scan::from(ConeCircular { offset_mm: [by_mm, 0.0], ..cone }),
        other => other,
    }
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("cone beam", cone(20, [80, 61], [2.0, 2.0])),
        case("cone beam, displaced detector", displaced(cone(20, [80, 61], [2.0, 2.0]), 40.0)),
        case("parallel beam", parallel(13, 0.0, 180.0, [65, 63], [2.0, 2.0])),
        case("tomosynthesis in slabs", tomosynthesis(11, Travel::Z, [63, 80], [1.8, 1.8]))
            .narrowed(Narrow::binding(3 * 63 * 80 * 4)),
    ]
}
