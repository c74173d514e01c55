use kerma::{
    data::{Projections, Unit},
    engine::Tier,
    geometry::{Parallel, Scan},
    tasks::{FdkOptions, Fourier},
};

use crate::{
    Case, Seeded,
    inputs::{grid, known_good, parallel, views},
};

fn case(name: &str, scan: Scan, volume: &'static str) -> Case {
    let geometry = views(&scan);
    let values = Seeded::new(9).values(geometry.value_count(), 0.0, 5.0);
    let (detector, pitch_mm) = (geometry.detector(), geometry.pitch_mm());
    let stack = Projections::new(geometry.views().len(), detector, pitch_mm, Unit::LineIntegral, values);
    let inputs = (known_good(stack), scan, volume);
    Case::named("tasks.fourier", Tier::Pinned, name, inputs, |(projections, scan, volume), graph| {
        *graph = known_good(Fourier::new(projections, scan, &grid(volume), FdkOptions::default())).into_graph();
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let displaced = Parallel {
        views: 21,
        start_deg: 3.0,
        arc_deg: 360.0,
        angles_deg: Vec::new(),
        detector: [40, 5],
        pitch_mm: [2.0, 2.0],
        offset_mm: [11.0, 0.0],
    };
    vec![
        case("half a turn", parallel(13, 0.0, 180.0, [65, 9], [2.0, 2.0]), "43x41x5@2x2x2.2"),
        case("a displaced detector", Scan::from(displaced), "40x20x4@2x2x2+3,0,1"),
    ]
}
