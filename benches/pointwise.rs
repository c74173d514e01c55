//! Pointwise kernels and statistics; throughput in values.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::{Buffer, Extent, Graph},
    kernels::{
        pointwise::{
            add_scaled, attenuation, curve, fill, line_integral, multiply, scale_add, transmission, window_level,
        },
        statistics,
    },
};

/// Records one kernel and the download of its result.
type Record = fn(&mut Graph<'_>, Buffer<f32>);

fn pointwise(c: &mut Criterion) {
    for (name, record) in [
        (
            "attenuation",
            (|g, b| {
                let r = attenuation::record(g, 0.0206, b);
                let _ = g.result(r);
            }) as Record,
        ),
        ("line integral", |g, b| {
            let r = line_integral::record(g, 1e-6, b);
            let _ = g.result(r);
        }),
        ("curve", |g, b| {
            let r = curve::record(g, &[0.0, 1.0, 3.0], 0.5, b);
            let _ = g.result(r);
        }),
        ("transmission", |g, b| {
            let r = transmission::record(g, b);
            let _ = g.result(r);
        }),
        ("fill", |g, b| {
            let extent = g.extent(b);
            let r = fill::record(g, extent, 1.0);
            let _ = g.result(r);
        }),
        ("scale and add to a filled buffer", |g, b| {
            let extent = g.extent(b);
            let y = fill::record(g, extent, 1.0);
            let r = scale_add::record(g, 2.0, b, 3.0, y);
            let _ = g.result(r);
        }),
        ("product with itself", |g, b| {
            let r = multiply::record(g, b, b);
            let _ = g.result(r);
        }),
        ("add, times a quotient of sums", |g, b| {
            let sums = statistics::record(g, b);
            let r = add_scaled::record(g, b, 1.0, [sums, sums], b);
            let _ = g.result(r);
        }),
        ("window and level", |g, b| {
            let r = window_level::record(g, 0.0, 1.0, u16::MAX, b);
            let _ = g.result(r);
        }),
        ("statistics", |g, b| {
            let r = statistics::record(g, b);
            let _ = g.result(r);
        }),
    ] {
        let mut group = c.benchmark_group(name);
        for side in [512usize, 2048] {
            let values: Vec<f32> = (0..side * side).map(|i| (i % 4096) as f32 / 4096.0 + 0.001).collect();
            let mut graph = Graph::new();
            let uploaded = graph.upload("bench.values", Extent::new(1, side, side), &values);
            record(&mut graph, uploaded);
            devices::compare(&mut group, &format!("{side}²"), values.len() as u64, &graph);
        }
        group.finish();
    }
}

criterion_group!(benches, pointwise);
criterion_main!(benches);
