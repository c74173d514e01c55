//! Pyramids against double precision, against OpenCV, and against what they promise.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;

use adapters::{Software, opened};
use kerma::{
    engine::{Buffer, Control, Device, Extent, Graph, Numerics, Output, Plan},
    kernels::{
        Mask,
        pointwise::{quantise, widen},
        pyramid::{self, Arithmetic, Containment, Curve, Pyramid, band, reduce},
    },
};
use kerma_kernels_tests::{Seeded, oracle::pyramid::Level};

/// Half a unit in the last place of a number between 1 and 2.
const U: f64 = 1.0 / (1 << 24) as f64;
/// Largest value of 16 bits.
const FULL: f32 = 65_535.0;

/// Roundings of a reduction: per axis a product or two, and three sums on the longest way to the result.
const REDUCE: f64 = 2.0 * 4.0 * U;
/// Roundings of an expansion: per axis a product and two sums.
const EXPAND: f64 = 2.0 * 3.0 * U;

/// Records on uploaded images and gives the values of what was recorded.
fn computed(
    device: &Device,
    images: &[([usize; 2], &[f32])],
    record: impl FnOnce(&mut Graph<'_>, &[Buffer<f32>]) -> Vec<Buffer<f32>>,
) -> Vec<Vec<f32>> {
    let mut graph = Graph::new();
    let mut buffers = Vec::new();
    for ([rows, columns], values) in images {
        buffers.push(graph.upload("image", Extent::new(1, *rows, *columns), values));
    }
    let results = record(&mut graph, &buffers);
    let outputs: Vec<Output<f32>> = results.into_iter().map(|buffer| graph.result(buffer)).collect();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut found = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    outputs.into_iter().map(|output| found.take(output).unwrap()).collect()
}

fn collapsed(graph: &mut Graph<'_>, built: &Pyramid, curves: &[Curve]) -> Buffer<f32> {
    pyramid::collapse(graph, &built.bands, built.residual(), curves, built.arithmetic)
}

fn rebuilt(size: [usize; 2], image: &[f32], levels: usize, arithmetic: Arithmetic, device: &Device) -> Vec<f32> {
    let record = |graph: &mut Graph<'_>, images: &[Buffer<f32>]| {
        let built = pyramid::build(graph, images[0], levels, arithmetic);
        vec![collapsed(graph, &built, &[])]
    };
    computed(device, &[(size, image)], record).remove(0)
}

/// Images that strain whole numbers: noise, chequers of extremes, random extremes, a lone bright pixel.
fn extremes([rows, columns]: [usize; 2]) -> [Vec<f32>; 4] {
    let count = rows * columns;
    let noise: Vec<f32> = Seeded::new(count as u64).values(count, 0.0, FULL).iter().map(|v| v.round()).collect();
    let chequers = (0..count).map(|i| if (i / columns + i % columns).is_multiple_of(2) { FULL } else { 0.0 }).collect();
    let random = noise.iter().map(|v| if *v > FULL / 2.0 { FULL } else { 0.0 }).collect();
    let mut lone = vec![0.0; count];
    lone[count / 2] = FULL;
    [noise, chequers, random, lone]
}

fn sizes() -> impl Iterator<Item = [usize; 2]> {
    (1..=20).flat_map(|rows| (1..=20).map(move |columns| [rows, columns]))
}

#[test]
fn whole_numbers_come_back_to_the_bit_at_every_size() {
    let device = Device::cpu();
    let mut real_differs = false;
    for size in sizes() {
        let levels = 1 + (size[0] + size[1]) % 7;
        for image in extremes(size) {
            assert_eq!(rebuilt(size, &image, levels, Arithmetic::Whole, &device), image, "{size:?}, {levels} levels");
            // The control: rounding to single precision loses something somewhere.
            real_differs |= rebuilt(size, &image, levels, Arithmetic::Real, &device) != image;
        }
    }
    assert!(real_differs);
}

#[test]
fn whole_numbers_come_back_to_the_bit_whatever_a_device_fuses() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(device) = opened(adapter, Numerics::Fast) else { continue };
        for size in [[1, 1], [1, 17], [20, 19], [131, 66]] {
            for image in extremes(size) {
                assert_eq!(rebuilt(size, &image, 4, Arithmetic::Whole, &device), image, "{size:?}");
            }
        }
    }
}

#[test]
fn whole_levels_are_the_rounded_ones_of_the_oracle() {
    let device = Device::cpu();
    for size in sizes().step_by(3) {
        let coarse = size.map(|n| n.div_ceil(2));
        for (image, other) in extremes(size).iter().zip(extremes(coarse)) {
            let got = computed(&device, &[(size, image), (coarse, &other)], |g, images| {
                let level = reduce::record(g, images[0], Arithmetic::Whole);
                vec![level, band::record(g, images[0], images[1], Arithmetic::Whole)]
            });
            let want = Level::new(size, image).reduced().map(|v| (v + 0.5).floor());
            assert_eq!(Level::new(coarse, &got[0]), want, "{size:?}");
            let expanded = Level::new(coarse, &other).expanded(size).map(|v| (v + 0.5).floor());
            let want = Level::new(size, image).with(&expanded, |fine, expanded| fine - expanded);
            assert_eq!(Level::new(size, &got[1]), want, "{size:?}");
        }
    }
}

#[test]
fn real_levels_are_those_of_the_oracle() {
    let device = Device::cpu();
    for size in sizes().step_by(3) {
        let coarse = size.map(|n| n.div_ceil(2));
        let image = Seeded::new(1).values(size[0] * size[1], 0.0, FULL);
        let other = Seeded::new(2).values(coarse[0] * coarse[1], 0.0, FULL);
        let got = computed(&device, &[(size, &image), (coarse, &other)], |g, images| {
            let level = reduce::record(g, images[0], Arithmetic::Real);
            vec![level, band::record(g, images[0], images[1], Arithmetic::Real)]
        });
        let peak = f64::from(FULL);
        assert_near(&got[0], &Level::new(size, &image).reduced(), REDUCE * peak);
        let expanded = Level::new(coarse, &other).expanded(size);
        let want = Level::new(size, &image).with(&expanded, |fine, expanded| fine - expanded);
        assert_near(&got[1], &want, (EXPAND + U) * peak);
    }
}

#[track_caller]
fn assert_near(got: &[f32], want: &Level, allowed: f64) {
    assert_eq!(got.len(), want.values.len());
    for (index, (got, want)) in got.iter().zip(&want.values).enumerate() {
        let off = (f64::from(*got) - want).abs();
        assert!(off <= allowed, "index {index}: {got} instead of {want}, off by {off:.1e}");
    }
}

#[test]
fn constants_stay_constant_at_every_size() {
    let device = Device::cpu();
    for size in sizes() {
        for arithmetic in [Arithmetic::Whole, Arithmetic::Real] {
            let image = vec![40_961.0; size[0] * size[1]];
            let got = computed(&device, &[(size, &image)], |g, images| {
                let built = pyramid::build(g, images[0], 5, arithmetic);
                [&built.gaussians[1..], &built.bands].concat()
            });
            let (levels, bands) = got.split_at(5);
            assert!(levels.iter().flatten().all(|v| *v == 40_961.0), "{size:?} {arithmetic:?}");
            assert!(bands.iter().flatten().all(|v| *v == 0.0), "{size:?} {arithmetic:?}");
        }
    }
}

#[test]
fn real_pyramids_are_linear_and_come_back() {
    let device = Device::cpu();
    let (size, levels) = ([61, 83], 4);
    let [x, y] = [3, 4].map(|seed| Seeded::new(seed).values(size[0] * size[1], -1.0, 1.0));
    let sum: Vec<f32> = x.iter().zip(&y).map(|(x, y)| 0.5 * x + 0.25 * y).collect();
    let bands = [&x, &y, &sum].map(|image| {
        computed(&device, &[(size, image)], |g, images| {
            let built = pyramid::build(g, images[0], levels, Arithmetic::Real);
            [&built.bands[..], &[built.residual()]].concat()
        })
    });
    // Errors of all levels up to the one, and of one expansion, of images of at most 1; three times.
    let allowed = 3.0 * ((levels as f64 + 1.0) * REDUCE + EXPAND + 2.0 * U);
    for ((x, y), sum) in bands[0].iter().zip(&bands[1]).zip(&bands[2]) {
        for ((x, y), sum) in x.iter().zip(y).zip(sum) {
            let want = 0.5 * f64::from(*x) + 0.25 * f64::from(*y);
            assert!((f64::from(*sum) - want).abs() <= allowed, "{sum} instead of {want}");
        }
    }
    // The same expansion is taken off and put on again; two roundings a level, of values of at most 2.
    let back = rebuilt(size, &x, levels, Arithmetic::Real, &device);
    assert_near(&back, &Level::new(size, &x), 4.0 * levels as f64 * U);
}

/// What a curve may be off by, relative to a value times the ceiling: the exponent, at most ln(ceiling/gain) where the
/// ceiling does not hold, with 5·U of the logarithm and its products; the exponential's 5·U, twice; a threshold of 5·U
/// whose square moves N by at most 0.4·11·U; six more roundings.
const CURVE: f64 = 40.0 * U;

#[test]
fn curves_are_those_of_their_formula() {
    let device = Device::cpu();
    let (size, sigma) = ([37, 70], 310.0f32);
    let coarse = [19, 35];
    let residual = vec![0.0; coarse[0] * coarse[1]];
    let band: Vec<f32> =
        Seeded::new(5).values(size[0] * size[1], -1.0, 1.0).iter().map(|x| FULL * x * x * x * x * x).collect();
    let plain = Curve { gain: 1.2, power: 0.65, ceiling: 5.0, full_scale: FULL, containment: None };
    for (power, strength) in [(0.65, 0.0), (1.0, 0.0), (1.3, 0.0), (0.65, 3.0), (1.0, 2.0)] {
        let images = [(size, &band[..]), (coarse, &residual), ([1, 1], &[sigma])];
        let got = computed(&device, &images, |g, images| {
            let containment = (strength > 0.0).then_some(Containment { strength, noise: images[2] });
            let curve = Curve { power, containment, ..plain };
            vec![pyramid::collapse(g, &images[..1], images[1], &[curve], Arithmetic::Real)]
        });
        let want = Level::new(size, &band).map(|x| {
            let share = x.abs() / f64::from(FULL);
            let gain = (f64::from(plain.gain) * share.powf(f64::from(power) - 1.0)).min(5.0);
            let t = x.abs() / (f64::from(strength) * f64::from(sigma));
            let kept = if strength > 0.0 { 1.0 - (-t * t).exp() } else { 1.0 };
            x * (1.0 + (gain - 1.0) * kept)
        });
        for ((got, want), x) in got[0].iter().zip(&want.values).zip(&band) {
            let allowed = CURVE * f64::from(plain.ceiling * x.abs()) + f64::from(f32::MIN_POSITIVE);
            assert!((f64::from(*got) - want).abs() <= allowed, "{power} {strength}: {x} gave {got}, not {want}");
        }
    }
}

#[test]
fn from_pixels_to_pixels_is_every_step_on_its_own() {
    let device = Device::cpu();
    for (size, bits) in [([1, 1], 16), ([2, 5], 16), ([64, 33], 12), ([71, 98], 16)] {
        let [image, ..] = extremes(size);
        let power = Curve { gain: 1.6, power: 0.7, ceiling: 4.0, full_scale: FULL, containment: None };
        for (levels, curves, arithmetic) in [
            (1, vec![Curve::constant(1.3)], Arithmetic::Real),
            (3, vec![power, Curve::constant(0.5)], Arithmetic::Real),
            (4, vec![power, power], Arithmetic::Whole),
            (0, vec![], Arithmetic::Real),
        ] {
            let [fused, apart, plain] = computed(&device, &[(size, &image)], |g, images| {
                let pixels = quantise::record(g, images[0], 1.0, 0.0, bits);
                let built = pyramid::build_pixels(g, pixels, levels, arithmetic);
                let fused = pyramid::amplify(g, pixels, &built, &curves);
                let values = widen::record(g, pixels);
                let built = pyramid::build(g, values, levels, arithmetic);
                let apart = collapsed(g, &built, &curves);
                let apart = quantise::record(g, apart, 1.0, 0.0, bits);
                [fused, apart, pixels].map(|pixels| widen::record(g, pixels)).to_vec()
            })
            .try_into()
            .unwrap();
            assert_eq!(fused, apart, "{size:?}, {levels} levels, {arithmetic:?}");
            // The control: the curves do something, where there are bands that are not 0.
            assert!(fused != plain || levels == 0 || size == [1, 1]);
        }
    }
}

/// Nearly normal numbers: sums of twelve even ones, whose median magnitude is 1.1 % above the normal one.
fn normal(seed: u64, count: usize, sigma: f32) -> Vec<f32> {
    let even = Seeded::new(seed).values(12 * count, -0.5, 0.5);
    even.chunks_exact(12).map(|twelve| sigma * twelve.iter().sum::<f32>()).collect()
}

#[test]
fn noise_is_measured_beside_saturation_structure_and_masks() {
    let device = Device::cpu();
    let (size, full) = ([301, 400], 4095.0);
    let noise = normal(6, size[0] * size[1], 20.0);
    // The upper 200 rows saturated; one pixel in ten on an edge.
    let mut saturated = noise.clone();
    saturated[..200 * 400].fill(0.0);
    let edges: Vec<f32> = noise.iter().enumerate().map(|(i, v)| if i % 10 == 0 { 900.0 } else { *v }).collect();
    // The right half is louder and masked out: 400·2 columns are 25 words of a mask at level 1.
    let loud: Vec<f32> = noise.iter().enumerate().map(|(i, v)| if i % 400 < 192 { *v } else { 9.0 * v }).collect();
    let mask: Vec<u32> = (0..602 * 25).map(|i| if i % 25 < 12 { u32::MAX } else { 0 }).collect();
    let empty = vec![0.0; noise.len()];
    let mut graph = Graph::new();
    let extent = Extent::new(1, size[0], size[1]);
    let mut outputs = Vec::new();
    for (values, allowed) in [(&noise, 0.02), (&saturated, 0.03), (&edges, 0.2), (&empty, 0.0)] {
        let band = graph.upload("band", extent, values);
        let sigma = pyramid::noise(&mut graph, band, 0, None, full);
        outputs.push((graph.result(sigma), allowed));
    }
    let mask_size = [800, 602];
    let words = graph.upload("mask", Mask::extent(mask_size), &mask);
    let band = graph.upload("band", extent, &loud);
    let sigma = pyramid::noise(&mut graph, band, 1, Some(Mask { buffer: words, size: mask_size }), full);
    outputs.push((graph.result(sigma), 0.03));
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut found = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    for (output, allowed) in outputs {
        let sigma = found.take(output).unwrap()[0];
        let want = if allowed == 0.0 { 0.0 } else { 20.0 };
        assert!((sigma - want).abs() <= allowed * 20.0, "{sigma} instead of {want}");
    }
}

#[test]
fn blends_of_equals_and_blends_under_full_masks_change_nothing() {
    let device = Device::cpu();
    for size in [[1, 1], [1, 9], [12, 13], [61, 50]] {
        let count = size[0] * size[1];
        let mask = Seeded::new(7).values(count, 0.0, 1.0);
        let [a, b, ..] = extremes(size);
        let blended = |b: &[f32], mask: &[f32], arithmetic| {
            let images = [(size, &a[..]), (size, b), (size, mask)];
            computed(&device, &images, |g, images| {
                vec![pyramid::blend(g, images[0], images[1], images[2], 4, arithmetic)]
            })
            .remove(0)
        };
        assert_eq!(blended(&a, &mask, Arithmetic::Whole), a, "{size:?}");
        assert_eq!(blended(&b, &vec![1.0; count], Arithmetic::Whole), a, "{size:?}");
        assert_eq!(blended(&b, &vec![0.0; count], Arithmetic::Whole), b, "{size:?}");
        // As when real pyramids come back.
        let allowed = 4.0 * 4.0 * U * f64::from(FULL);
        assert_near(&blended(&a, &mask, Arithmetic::Real), &Level::new(size, &a), allowed);
        assert_near(&blended(&b, &vec![1.0; count], Arithmetic::Real), &Level::new(size, &a), allowed);
        // Where all is weighed alike, bands are weighed and nothing else: (a + b)/2.
        let half = Level::new(size, &a).with(&Level::new(size, &b), |a, b| 0.5 * (a + b));
        assert_near(&blended(&b, &vec![0.5; count], Arithmetic::Real), &half, 30.0 * allowed);
    }
}

#[derive(serde::Deserialize)]
struct Golden {
    size: [usize; 2],
    fine: Vec<f32>,
    down: Vec<f32>,
    coarse: Vec<f32>,
    up: Vec<f32>,
}

#[test]
fn levels_are_those_of_opencv_but_for_the_rim_of_odd_expansions() {
    let goldens: Vec<Golden> = serde_json::from_str(include_str!("../goldens/pyramid.json")).unwrap();
    let device = Device::cpu();
    for Golden { size, fine, down, coarse, up } in goldens {
        let [rows, columns] = size;
        let coarse_size = size.map(|n| n.div_ceil(2));
        let zeros = vec![0.0; rows * columns];
        let got = computed(&device, &[(size, &fine), (coarse_size, &coarse), (size, &zeros)], |g, images| {
            let level = reduce::record(g, images[0], Arithmetic::Real);
            let expanded = pyramid::collapse(g, &[images[2]], images[1], &[], Arithmetic::Real);
            vec![level, expanded]
        });
        // Both round.
        let peak = 4096.0;
        assert_near(&got[0], &Level::new(coarse_size, &down), 2.0 * REDUCE * peak);
        for (index, (got, up)) in got[1].iter().zip(&up).enumerate() {
            // OpenCV repeats the last coarse value behind an odd side too, where the mirror image is the last but one.
            let is_rim = |place: usize, count: usize| count % 2 == 1 && count > 1 && place + 1 == count;
            if !is_rim(index / columns, rows) && !is_rim(index % columns, columns) {
                let off = f64::from(got - up).abs();
                assert!(off <= 2.0 * EXPAND * peak, "{size:?}, index {index}: {got}, OpenCV {up}");
            }
        }
    }
}
