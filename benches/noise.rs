//! Noise; throughput in pixels.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::{Extent, Graph},
    kernels::noise::{
        Stream, normal,
        quanta::{self, Quanta},
    },
};

/// Columns and rows of the images.
const SIDES: [usize; 2] = [512, 2048];

fn normals(c: &mut Criterion) {
    let mut group = c.benchmark_group("normal noise");
    for side in SIDES {
        let mut graph = Graph::new();
        let noise = normal::record(&mut graph, Extent::new(1, side, side), &Stream::new(1, 0));
        let _ = graph.result(noise);
        devices::compare(&mut group, &format!("{side}²"), (side * side) as u64, &graph);
    }
    group.finish();
}

fn counts(c: &mut Criterion) {
    // Mean counts from the first to the second, rising along a row.
    for (name, [low, high], electronic_sigma) in [
        ("counts, mean below 16", [0.1f32, 15.9], 0.0),
        ("counts, mean 16 to 100", [16.0, 100.0], 0.0),
        ("counts, mean 1000 to 20000", [1e3, 2e4], 0.0),
        ("counts and electronics, mean 1 to 1000", [1.0, 1e3], 2.0),
    ] {
        let mut group = c.benchmark_group(name);
        for side in SIDES {
            let step = (high / low).powf(1.0 / side as f32);
            let row: Vec<f32> = (0..side).map(|x| low * step.powi(x as i32)).collect();
            let means = row.repeat(side);
            let mut graph = Graph::new();
            let uploaded = graph.upload("bench.means", Extent::new(1, side, side), &means);
            let quanta = Quanta { photons: Some(1.0), electronic_sigma };
            let noisy = quanta::record(&mut graph, uploaded, &quanta, &Stream::new(1, 0));
            let _ = graph.result(noisy);
            devices::compare(&mut group, &format!("{side}²"), (side * side) as u64, &graph);
        }
        group.finish();
    }
}

criterion_group!(benches, normals, counts);
criterion_main!(benches);
