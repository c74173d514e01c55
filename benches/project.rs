//! Forward projection by Siddon's and Joseph's methods and Joseph's adjoint, and through materials; throughput in rays.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    body::Body,
    data::{Grid, Projections, Unit, Volume},
    engine::Graph,
    geometry::{ConeCircular, Geometry, Radiograph, Scan},
    kernels::project::{Sampling, Thicknesses},
    phantom,
    physics::Material,
    tasks::{Backprojection, Backprojector, Projection, Recorded},
};

/// A 256 mm cube of n³ voxels, seen by `views` views of 192² pixels of 2 mm, SID 1000 mm, SDD 1500 mm.
fn siddon(c: &mut Criterion) {
    projected(c, "siddon", |volume, geometry, compare| {
        compare(Projection::new(volume, geometry).expect("a valid task").graph());
    });
}

/// The same by Joseph's method.
fn joseph(c: &mut Criterion) {
    projected(c, "joseph", |volume, geometry, compare| {
        compare(Projection::by(Sampling::Joseph, volume, geometry).expect("a valid task").graph());
    });
}

/// Its adjoint: ones projected back.
fn joseph_adjoint(c: &mut Criterion) {
    projected(c, "joseph_adjoint", |volume, geometry, compare| {
        let ones = vec![1.0; geometry.value_count()];
        let (views, detector) = (geometry.views().len(), geometry.detector());
        let stack = Projections::new(views, detector, geometry.pitch_mm(), Unit::LineIntegral, ones).expect("ones");
        let task = Backprojection::new(&stack, geometry, volume.grid(), Backprojector::Joseph);
        compare(task.expect("a valid task").graph());
    });
}

fn projected(c: &mut Criterion, name: &str, record: impl Fn(&Volume, &Geometry, &mut dyn FnMut(&Graph<'_>))) {
    let mut group = c.benchmark_group(name);
    for (n, views) in [(64, 64), (128, 64), (256, 16)] {
        let grid = Grid::centred([n; 3], [256.0 / n as f64; 3]).expect("a valid grid");
        let volume = phantom::by_name("shepp-logan", 0).expect("a known phantom").voxelise(&grid, 1);
        let scan = Scan::ConeCircular(ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1500.0,
            views,
            start_deg: 0.0,
            arc_deg: 360.0,
            angles_deg: Vec::new(),
            detector: [192, 192],
            pitch_mm: [2.0, 2.0],
            offset_mm: [0.0, 0.0],
            tilt_deg: [0.0; 3],
        });
        let geometry = scan.build().expect("a valid scan");
        record(&volume, &geometry, &mut |graph| {
            devices::compare(&mut group, &format!("{n}³ to {views}×192²"), geometry.value_count() as u64, graph);
        });
    }
    group.finish();
}

/// A trunk of six materials with lungs that are half air, on radiographs of 268² and 536² pixels, 429 mm wide.
fn thickness(c: &mut Criterion) {
    const MATERIALS: usize = 6;
    let mut group = c.benchmark_group("thickness");
    let size = [256, 256, 133];
    let grid = Grid::centred(size, [1.4, 1.4, 2.5]).expect("a valid grid");
    // Every composition but the first is a mixture of two neighbouring materials.
    let compositions = (0..256).flat_map(|c: u32| {
        let place = f64::from(c) / 51.1;
        (0..MATERIALS).map(move |m| if c == 0 { 0.0 } else { (1.0 - (place - m as f64).abs()).max(0.0) as f32 })
    });
    let is_within = |x: f64, y: f64, [a, b]: [f64; 2]| (x / a).powi(2) + (y / b).powi(2) < 1.0;
    let voxels = (0..grid.voxel_count()).map(|n| {
        let (x, y) = ((n % size[0]) as f64 - 128.0, (n / size[0] % size[1]) as f64 - 128.0);
        let noise = n as u32 % 97;
        if is_within(x.abs() - 55.0, y, [40.0, 60.0]) {
            noise / 48 * 20
        } else if is_within(x, y, [120.0, 80.0]) {
            60 + noise
        } else {
            0
        }
    });
    let water = Material::by_name("water").expect("a known material");
    let body = Body::new(grid, vec![water; MATERIALS], compositions.collect(), voxels.collect()).expect("a valid body");
    for n in [268, 536] {
        let scan = Scan::Radiograph(Radiograph {
            source_isocentre_mm: 1600.0,
            source_detector_mm: 1800.0,
            start_deg: 0.0,
            detector: [n, n],
            pitch_mm: [428.8 / n as f64; 2],
            offset_mm: [0.0, 0.0],
            tilt_deg: [0.0; 3],
        });
        let geometry = scan.build().expect("a valid scan");
        let mut graph = Graph::new();
        let uploaded = Thicknesses::new(&mut graph, &body);
        let thickness = graph.buffer::<f32>("thickness", uploaded.extent(&geometry));
        uploaded.record(&mut graph, &geometry, thickness.replace());
        graph.result(thickness);
        let name = format!("256×256×133 of {MATERIALS} materials to {n}²");
        devices::compare(&mut group, &name, geometry.value_count() as u64, &graph);
    }
    group.finish();
}

criterion_group!(benches, siddon, joseph, joseph_adjoint, thickness);
criterion_main!(benches);
