//! FDK reconstruction, whole and by stage; throughput in voxel updates or pixels.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    data::{Grid, Projections},
    engine::{Extent, Graph},
    geometry::{ConeCircular, DetectorAxis, Parallel, Scan},
    kernels::fdk::{backproject, ramp, weight},
    phantom,
    tasks::{Fdk, FdkOptions, Fourier, Recorded},
};

fn scan(views: usize) -> Scan {
    Scan::ConeCircular(ConeCircular {
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
    })
}

fn projections(scan: &Scan) -> Projections {
    let geometry = scan.build().expect("a valid scan");
    phantom::by_name("shepp-logan", 0).expect("a known phantom").project(&geometry).expect("a valid geometry")
}

fn grid(n: usize) -> Grid {
    Grid::centred([n; 3], [256.0 / n as f64; 3]).expect("a valid grid")
}

/// Weights, filter and back-projection, from exact analytic views of the Shepp–Logan phantom.
fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("fdk");
    for (n, views) in [(64, 90), (128, 180)] {
        let scan = scan(views);
        let projections = projections(&scan);
        let task = Fdk::new(&projections, &scan, &grid(n), FdkOptions::default()).expect("a valid task");
        let updates = (n * n * n * views) as u64;
        devices::compare(&mut group, &format!("{n}³ from {views}×192²"), updates, task.graph());
    }
    group.finish();
}

/// Parallel beams, back-projected and in frequency; throughput in voxel updates of the former.
fn parallel(c: &mut Criterion) {
    let mut group = c.benchmark_group("parallel");
    for (n, views) in [(128, 90), (512, 360)] {
        let pitch = 256.0 / n as f64;
        let scan = Scan::Parallel(Parallel {
            views,
            start_deg: 0.0,
            arc_deg: 180.0 - 180.0 / views as f64,
            angles_deg: Vec::new(),
            detector: [n, 16],
            pitch_mm: [pitch; 2],
            offset_mm: [0.0; 2],
        });
        let projections = projections(&scan);
        let grid = Grid::centred([n, n, 16], [pitch; 3]).expect("a valid grid");
        let options = FdkOptions::default();
        let updates = (n * n * 16 * views) as u64;
        let task = Fdk::new(&projections, &scan, &grid, options).expect("a valid task");
        devices::compare(&mut group, &format!("fdk, 16×{n}² from {views}"), updates, task.graph());
        let task = Fourier::new(&projections, &scan, &grid, options).expect("a valid task");
        devices::compare(&mut group, &format!("fourier, 16×{n}² from {views}"), updates, task.graph());
    }
    group.finish();
}

/// The weights alone, along both detector axes.
fn weights(c: &mut Criterion) {
    let mut group = c.benchmark_group("weight");
    for views in [45, 180] {
        let scan = scan(views);
        let geometry = scan.build().expect("a valid scan");
        let projections = projections(&scan);
        let redundancy = vec![0.5; views * 192];
        for (axis, name) in [(DetectorAxis::U, "u"), (DetectorAxis::V, "v")] {
            let mut graph = Graph::new();
            let uploaded = graph.upload("bench.projections", Extent::new(views, 192, 192), projections.values());
            let weighted = weight::record(&mut graph, &geometry, axis, [0, 0], &redundancy, uploaded);
            let _ = graph.result(weighted);
            let pixels = projections.values().len() as u64;
            devices::compare(&mut group, &format!("{views}×192² along {name}"), pixels, &graph);
        }
    }
    group.finish();
}

/// The ramp filter alone.
fn filter(c: &mut Criterion) {
    let mut group = c.benchmark_group("ramp");
    let projections = projections(&scan(180));
    for columns in [192, 512, 1024, 2048] {
        let rows = 192;
        let views = projections.values().len() / (columns * rows);
        let extent = Extent::new(views, rows, columns);
        let values = &projections.values()[..views * rows * columns];
        let mut graph = Graph::new();
        let uploaded = graph.upload("bench.rows", extent, values);
        let filter = ramp::RampFilter { pitch_mm: 2.0, window: ramp::Window::RamLak, cutoff: 1.0, profile: None };
        let tables = ramp::Tables::record(&mut graph, &filter, columns);
        let filtered = ramp::record(&mut graph, &tables, uploaded);
        let _ = graph.result(filtered);
        devices::compare(&mut group, &format!("{columns} columns"), values.len() as u64, &graph);
    }
    group.finish();
}

/// Back-projection alone.
fn backprojection(c: &mut Criterion) {
    let mut group = c.benchmark_group("backproject");
    let views = 60;
    let scan = scan(views);
    let geometry = scan.build().expect("a valid scan");
    let projections = projections(&scan);
    for n in [64, 128, 192] {
        let mut graph = Graph::new();
        let uploaded = graph.upload("bench.filtered", Extent::new(views, 192, 192), projections.values());
        let volume = graph.buffer::<f32>("bench.volume", Extent::new(n, n, n));
        backproject::record(&mut graph, &geometry, DetectorAxis::U, 0, &grid(n), uploaded, volume.replace());
        let _ = graph.result(volume);
        devices::compare(&mut group, &format!("{n}³ from {views} views"), (n * n * n * views) as u64, &graph);
    }
    group.finish();
}

criterion_group!(benches, whole, parallel, weights, filter, backprojection);
criterion_main!(benches);
