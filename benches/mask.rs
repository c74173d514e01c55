//! Masks: threshold, opening, reduction and expansion at 4000², components at 1000², the whole cleaning.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::Graph,
    kernels::{
        Mask, Pixels,
        mask::{above, collimation, components, expand, field, morphology, reduce},
    },
};

/// Side of a radiograph.
const SIDE: u32 = 4000;
/// Side of the reduced mask that components are found in.
const REDUCED: u32 = 1000;

/// A disc with noise, 14 bits.
fn radiograph() -> Vec<[u16; 2]> {
    let value = |x: u32, y: u32| {
        let (dx, dy) = (f64::from(x) / 2000.0 - 1.0, f64::from(y) / 2000.0 - 1.0);
        let noise =
            x.wrapping_mul(0x9E37_79B9).wrapping_add(y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0x2C1B_3C6D) >> 20;
        (if dx * dx + dy * dy < 0.6 { 9000 } else { 3000 }) + noise as u16
    };
    (0..SIDE).flat_map(|y| (0..SIDE / 2).map(move |pair| [value(2 * pair, y), value(2 * pair + 1, y)])).collect()
}

fn bits(side: u32) -> Vec<u32> {
    let is_set = |x: u32, y: u32| {
        let (dx, dy) = (f64::from(2 * x) / f64::from(side) - 1.0, f64::from(2 * y) / f64::from(side) - 1.0);
        let noise = x.wrapping_mul(0x9E37_79B9).wrapping_add(y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0x2C1B_3C6D);
        (dx * dx + dy * dy < 0.6) != (noise >> 25 == 0)
    };
    let words = side.div_ceil(32);
    let word = |x: u32, y: u32| (0..32.min(side - x)).fold(0, |w, k| w | u32::from(is_set(x + k, y)) << k);
    (0..side).flat_map(|y| (0..words).map(move |w| word(32 * w, y))).collect()
}

fn pixels(c: &mut Criterion) {
    let words = radiograph();
    for (name, record) in [
        (
            "above",
            (|graph, pixels| {
                let threshold = graph.upload_table("bench.threshold", &[7000]);
                let mask = above::record(graph, pixels, threshold);
                let _ = graph.result(mask.buffer);
            }) as fn(&mut Graph<'_>, Pixels),
        ),
        ("collimation", |graph, pixels| {
            let borders = collimation::borders(graph, pixels, collimation::Blades::Any);
            let _ = graph.result(borders);
        }),
    ] {
        let mut graph = Graph::new();
        let size = [SIDE; 2];
        let buffer = graph.upload("bench.pixels", Pixels::extent(size), &words);
        let pixels = Pixels::of(&mut graph, buffer, size, 14);
        record(&mut graph, pixels);
        let elements = u64::from(SIDE) * u64::from(SIDE);
        devices::compare(&mut c.benchmark_group(name), &format!("{SIDE}²"), elements, &graph);
    }
}

fn masks(c: &mut Criterion) {
    let [full, reduced] = [SIDE, REDUCED].map(bits);
    for (name, side, record) in [
        ("open by 2", SIDE, (|g, m| morphology::open(g, m, 2)) as fn(&mut Graph<'_>, Mask) -> Mask),
        ("reduce by 4", SIDE, |g, m| reduce::record(g, m, 4)),
        ("expand by 4", REDUCED, |g, m| expand::record(g, m, 4, [SIDE; 2])),
        ("largest component", REDUCED, components::largest),
        ("fill holes", REDUCED, components::fill_holes),
        ("clean", SIDE, |g, m| field::record(g, m, &field::Cleaning::default())),
    ] {
        let mut graph = Graph::new();
        let size = [side; 2];
        let words = if side == SIDE { &full } else { &reduced };
        let mask = Mask { buffer: graph.upload("bench.mask", Mask::extent(size), words), size };
        let result = record(&mut graph, mask);
        let _ = graph.result(result.buffer);
        let [columns, rows] = result.size.map(u64::from);
        let elements = (columns * rows).max(u64::from(side) * u64::from(side));
        devices::compare(&mut c.benchmark_group(name), &format!("{side}²"), elements, &graph);
    }
}

criterion_group!(benches, pixels, masks);
criterion_main!(benches);
