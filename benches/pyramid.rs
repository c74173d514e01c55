//! Pyramids of a large radiograph; throughput in pixels of the image.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    engine::{Buffer, Extent, Graph},
    kernels::{
        pointwise::quantise,
        pyramid::{self, Arithmetic, Containment, Curve},
    },
};

/// Records one way to go and the download of its result.
type Record = fn(&mut Graph<'_>, Buffer<f32>);

const LEVELS: usize = 3;
const FULL: f32 = 65_535.0;

fn collapsed(g: &mut Graph<'_>, image: Buffer<f32>, arithmetic: Arithmetic, curve: Curve, is_contained: bool) {
    let built = pyramid::build(g, image, LEVELS, arithmetic);
    let mut curves = Vec::new();
    for (level, band) in built.bands.iter().enumerate() {
        let containment =
            is_contained.then(|| Containment { strength: 3.0, noise: pyramid::noise(g, *band, level, None, FULL) });
        curves.push(Curve { containment, ..curve });
    }
    let level = pyramid::collapse(g, &built.bands, built.residual(), &curves, arithmetic);
    let _ = g.result(level);
}

fn pyramids(c: &mut Criterion) {
    const MUSICA: Curve = Curve { gain: 1.0, power: 0.7, ceiling: 6.0, full_scale: FULL, containment: None };
    for (name, record) in [
        (
            "pyramid: build",
            (|g, b| {
                for band in pyramid::build(g, b, LEVELS, Arithmetic::Real).bands {
                    let _ = g.result(band);
                }
            }) as Record,
        ),
        ("pyramid: build, gain, collapse", |g, b| collapsed(g, b, Arithmetic::Real, Curve::constant(1.5), false)),
        ("pyramid: the same from pixels to pixels", |g, b| {
            let pixels = quantise::record(g, b, 1.0, 0.0, 16);
            let built = pyramid::build_pixels(g, pixels, LEVELS, Arithmetic::Real);
            let amplified = pyramid::amplify(g, pixels, &built, &[Curve::constant(1.5); LEVELS]);
            let _ = g.result(amplified.buffer());
        }),
        ("pyramid: the same in whole numbers", |g, b| collapsed(g, b, Arithmetic::Whole, Curve::constant(1.5), false)),
        ("pyramid: build, power, collapse", |g, b| collapsed(g, b, Arithmetic::Real, MUSICA, false)),
        ("pyramid: build, noise, contained power, collapse", |g, b| collapsed(g, b, Arithmetic::Real, MUSICA, true)),
        ("pyramid: blend", |g, b| {
            let r = pyramid::blend(g, b, b, b, LEVELS, Arithmetic::Real);
            let _ = g.result(r);
        }),
    ] {
        let mut group = c.benchmark_group(name);
        for side in [1000usize, 4000] {
            let values: Vec<f32> = (0..side * side).map(|i| (i * 40_503 % 65_521) as f32).collect();
            let mut graph = Graph::new();
            let uploaded = graph.upload("bench.image", Extent::new(1, side, side), &values);
            record(&mut graph, uploaded);
            devices::compare(&mut group, &format!("{side}²"), values.len() as u64, &graph);
        }
        group.finish();
    }
}

criterion_group!(benches, pyramids);
criterion_main!(benches);
