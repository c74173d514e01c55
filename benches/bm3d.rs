//! Block matching and 3-D filtering of square images, both profiles.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kerma::{
    data::{Image, Sample, Unit},
    tasks::bm3d::{Options, Profile, bm3d},
};

/// Noise of the usual comparisons, for images of range 1.
const SIGMA: f32 = 25.0 / 255.0;

/// A disc on a ramp with noise that is nearly normal: the sum of four uniform numbers.
fn radiograph(side: usize) -> Image {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    let value = |i: usize| {
        let [x, y] = [i % side, i / side].map(|v| v as f32 / side as f32 - 0.5);
        let noise = SIGMA * 3.0_f32.sqrt() * (uniform() + uniform() + uniform() + uniform());
        0.4 + 0.3 * x + if x * x + y * y < 0.1 { 0.2 } else { 0.0 } + noise
    };
    let values = (0..side * side).map(value).collect();
    Image::new([side; 2], None, Sample::Float, Unit::Arbitrary, values).expect("a square image")
}

fn sides(c: &mut Criterion) {
    let mut group = c.benchmark_group("bm3d");
    group.sample_size(10);
    for side in [256, 512, 1024] {
        let image = radiograph(side);
        group.throughput(Throughput::Elements((side * side) as u64));
        for (name, profile) in [("normal", Profile::Normal), ("high", Profile::High)] {
            let options = Options { profile, range: Some(1.0) };
            group.bench_with_input(BenchmarkId::new(name, side), &image, |b, image| {
                b.iter(|| bm3d(image, SIGMA, &options).expect("a valid image"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, sides);
criterion_main!(benches);
