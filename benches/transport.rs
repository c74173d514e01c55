//! Photons through a body; throughput in photons that enter it.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use glam::DVec3;
use kerma::{
    body::Body,
    data::Grid,
    engine::Graph,
    kernels::transport::{
        DetectorPlane, Source, Tables,
        photons::{Histories, record},
    },
    physics::{Material, Tube},
};

/// Photons.
const COUNTS: [u32; 2] = [20_000, 200_000];

/// A box of 300 × 200 × 300 mm of water in voxels of 2 mm, with a rod of bone in each 40 mm.
fn body() -> Body {
    let grid = Grid::centred([150, 100, 150], [2.0; 3]).expect("a grid");
    let is_bone = |i: usize| (i % 150 % 20) < 4 && (i / 150 % 100 % 20) < 4;
    let voxels = (0..grid.voxel_count()).map(|i| if is_bone(i) { 2 } else { 1 }).collect();
    let materials = ["water", "cortical-bone"].map(|name| Material::by_name(name).expect("built in")).to_vec();
    Body::new(grid, materials, vec![0.0, 0.0, 1.0, 0.0, 0.2, 0.8], voxels).expect("as many voxels as the grid's")
}

fn photons(c: &mut Criterion) {
    let tables = Tables::new(&body(), None).expect("materials' energies");
    let spectrum = Tube::new(120.0, 12.0, vec![]).and_then(|tube| tube.spectrum()).expect("a spectrum");
    let source = Source {
        position_mm: DVec3::new(0.0, -1600.0, 0.0),
        corner_mm: DVec3::new(-120.0, 0.0, -120.0),
        edges_mm: [DVec3::X * 240.0, DVec3::Z * 240.0],
        blades: Vec::new(),
        spectrum,
    };
    let steps_mm = [DVec3::X * 4.0, DVec3::Z * 4.0];
    let plane = DetectorPlane::new(DVec3::new(-214.0, 150.0, -214.0), steps_mm, [107, 107], |energy_kev| energy_kev);
    for (name, plane) in [("photons, what arrives", plane.clone()), ("photons, what is expected", plane.of_expected())]
    {
        let mut group = c.benchmark_group(name);
        for count in COUNTS {
            let mut graph = Graph::new();
            let recorded = record(&mut graph, &tables, &source, Some(&plane), Histories { seed: 1, first: 0, count });
            let _ = recorded.result(&mut graph);
            devices::compare(&mut group, &count.to_string(), count.into(), &graph);
        }
        group.finish();
    }
}

criterion_group!(benches, photons);
criterion_main!(benches);
