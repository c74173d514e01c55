//! Histograms, thresholds and lookups on packed pixels; throughput in pixels.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::{Extent, Graph},
    kernels::{
        Pixels,
        histogram::{self, Tiles},
        pointwise::{lookup, quantise, table::Table, widen},
        threshold::triangle::{self, Convention},
    },
};

const SIDE: u32 = 4000;

/// Records one kernel on pixels and the download of its result.
type Record = fn(&mut Graph<'_>, Pixels);

/// A bright flat background, a gradient and noise: neighbours are often equal, as in a radiograph.
fn pixels(bits: u8) -> Vec<[u16; 2]> {
    let top = (1_u32 << bits) - 1;
    let value = |i: u32| {
        let (x, y) = (i % SIDE, i / SIDE);
        let noise = i.wrapping_mul(0x9E37_79B1).rotate_left(13).wrapping_mul(0x85EB_CA77) >> 26;
        if x < SIDE / 5 { top as u16 } else { ((x + y) * (top / 16) / (SIDE / 8) + noise).min(top) as u16 }
    };
    (0..SIDE * SIDE / 2).map(|i| [value(2 * i), value(2 * i + 1)]).collect()
}

fn on_pixels(c: &mut Criterion) {
    for (name, record) in [
        (
            "histogram",
            (|g, p| {
                let r = histogram::record(g, p, None, &Tiles::whole(p.size()));
                let _ = g.result(r);
            }) as Record,
        ),
        ("histograms of 8x8 tiles", |g, p| {
            let r = histogram::record(g, p, None, &Tiles::even(p.size(), [8, 8]));
            let _ = g.result(r);
        }),
        ("histogram and triangle", |g, p| {
            let h = histogram::record(g, p, None, &Tiles::whole(p.size()));
            let r = triangle::record(g, h, Convention::OpenCv);
            let _ = g.result(r);
        }),
        ("lookup", |g, p| {
            let table = Table::gamma(p.bits(), p.bits(), 2.2).record(g);
            let r = lookup::record(g, p, table, p.bits());
            let _ = g.result(r.buffer());
        }),
        ("widen", |g, p| {
            let r = widen::record(g, p);
            let _ = g.result(r);
        }),
    ] {
        let mut group = c.benchmark_group(name);
        for bits in [8, 16] {
            let words = pixels(bits);
            let mut graph = Graph::new();
            let size = [SIDE, SIDE];
            let buffer = graph.upload("bench.pixels", Pixels::extent(size), &words);
            let pixels = Pixels::of(&mut graph, buffer, size, bits);
            record(&mut graph, pixels);
            devices::compare(&mut group, &format!("{SIDE}², {bits} bits"), (SIDE * SIDE).into(), &graph);
        }
        group.finish();
    }
}

fn on_values(c: &mut Criterion) {
    let mut group = c.benchmark_group("quantise");
    let values: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 65_521) as f32 / 65_536.0).collect();
    for bits in [8, 16] {
        let mut graph = Graph::new();
        let buffer = graph.upload("bench.values", Extent { slices: 1, rows: SIDE, columns: SIDE }, &values);
        let r = quantise::record(&mut graph, buffer, ((1_u32 << bits) - 1) as f32, 0.0, bits);
        let _ = graph.result(r.buffer());
        devices::compare(&mut group, &format!("{SIDE}², {bits} bits"), values.len() as u64, &graph);
    }
    group.finish();
}

criterion_group!(benches, on_pixels, on_values);
criterion_main!(benches);
