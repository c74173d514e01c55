//! A detector's effects; throughput in pixels.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::{Buffer, Extent, Graph},
    kernels::{
        detector::{Blur, Chain, DetectorSettings, Mtf, Open, bin, blur},
        noise::{Stream, compound},
        pointwise::fill,
    },
};

/// Columns and rows of the images.
const SIDES: [usize; 2] = [512, 2048];

fn timed(c: &mut Criterion, name: &str, record: impl Fn(&mut Graph<'_>, Buffer<f32>) -> Buffer<f32>) {
    let mut group = c.benchmark_group(name);
    for side in SIDES {
        let mut graph = Graph::new();
        let means = fill::record(&mut graph, Extent::new(1, side, side), 0.2);
        let results = record(&mut graph, means);
        let _ = graph.result(results);
        devices::compare(&mut group, &format!("{side}²"), (side * side) as u64, &graph);
    }
    group.finish();
}

fn effects(c: &mut Criterion) {
    timed(c, "compound noise", |graph, means| compound::record(graph, means, means, 3000.0, &Stream::new(1, 0)));
    let light = Blur::of(&Mtf::Lorentzian { h_mm2: 0.6 }, 0.148, 1).expect("a blur");
    timed(c, "detector blur", |graph, means| blur::record(graph, means, &light));
    timed(c, "bin", |graph, means| bin::record(graph, means, 2));
    timed(c, "detector, dark and flat image included", |graph, means| {
        let Extent { rows, columns, .. } = graph.extent(means);
        let open = Open { size: [columns, rows], quanta: 3000.0, field: None };
        let chain = Chain::new(graph, &DetectorSettings::default(), &open).expect("a detector");
        chain.record(graph, means, Some(means), 0).integrals
    });
}

criterion_group!(benches, effects);
criterion_main!(benches);
