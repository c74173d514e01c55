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
    let value = |i: usize| {
        let [x, y] = [i % side, i / side].map(|v| v as f32 / side as f32 - 0.5);
        let hash = (i as u32 ^ 0x5BD1_E995).wrapping_mul(0x9E37_79B9).rotate_left(13).wrapping_mul(0x85EB_CA6B);
        let uniform = hash.to_le_bytes().iter().map(|&b| f32::from(b) / 255.0 - 0.5).sum::<f32>();
        0.4 + 0.3 * x + if x * x + y * y < 0.1 { 0.2 } else { 0.0 } + SIGMA * 3.0_f32.sqrt() * uniform
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
