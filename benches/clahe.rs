//! Tiled histogram equalisation of a synthetic radiograph, in every convention; throughput in pixels.
//!
//! `peers/enhance.py` times other libraries on the same image.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::Graph,
    kernels::{
        Pixels,
        clahe::{Clahe, Convention, record},
    },
};

/// Side of the image, in pixels; even, so that rows of pixels are rows of words.
const SIDE: u32 = 4000;

/// Smooth structure and 2 % of noise from a hash of the place.
fn radiograph(bits: u8) -> Vec<[u16; 2]> {
    let top = f64::from((1_u32 << bits) - 1);
    let value = |x: u32, y: u32| {
        let mut hash = x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B);
        hash ^= hash >> 15;
        hash = hash.wrapping_mul(0x2C1B_3C6D);
        hash ^= hash >> 12;
        let noise = f64::from(hash >> 8) / 16_777_216.0 - 0.5;
        let structure = 0.3 * (f64::from(x) / 700.0).sin() * (f64::from(y) / 900.0).cos();
        ((0.45 + structure + 0.02 * noise) * top) as u16
    };
    let pairs = (0..SIDE).flat_map(|y| (0..SIDE / 2).map(move |w| (2 * w, y)));
    pairs.map(|(x, y)| [value(x, y), value(x + 1, y)]).collect()
}

fn clahe(c: &mut Criterion) {
    for bits in [8, 16] {
        let image = radiograph(bits);
        let size = [SIDE; 2];
        for (name, convention) in Convention::NAMES {
            let mut group = c.benchmark_group(format!("clahe, {name}, {bits} bits"));
            let mut graph = Graph::new();
            let buffer = graph.upload("bench.pixels", Pixels::extent(size), &image);
            let clahe = Clahe { convention, ..Clahe::default() };
            let pixels = Pixels::of(&mut graph, buffer, size, bits);
            let result = record(&mut graph, pixels, None, &clahe);
            let _ = graph.result(result.buffer());
            devices::compare(&mut group, &format!("{SIDE}²"), u64::from(SIDE * SIDE), &graph);
            group.finish();
        }
    }
}

criterion_group!(benches, clahe);
criterion_main!(benches);
