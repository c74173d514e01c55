//! Block matching and 3-D filtering of synthetic images, with controls that must do worse.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::f32::consts::TAU;

use kerma::{
    data::{DataError, Image, Sample, Unit},
    tasks::bm3d::{Bm3dError, Options, Profile, bm3d},
};

/// Noise of the usual comparisons, for images of range 1.
const SIGMA: f32 = 25.0 / 255.0;

fn image(size: [usize; 2], values: Vec<f32>) -> Image {
    Image::new(size, Some([0.1, 0.2]), Sample::Float, Unit::LineIntegral, values).unwrap()
}

fn unit_range(profile: Profile) -> Options {
    Options { profile, range: Some(1.0) }
}

/// Shading, a disc, a box, a wave and a chirp of bars.
fn scene([columns, rows]: [usize; 2]) -> Vec<f32> {
    let value = |x: f32, y: f32| {
        let mut v = 90.0 + 60.0 * (TAU * 1.3 * x).sin() * (TAU * 0.9 * y).cos();
        if (x - 0.35).powi(2) + (y - 0.4).powi(2) < 0.03 {
            v += 50.0;
        }
        if (x - 0.7).abs() < 0.12 && (y - 0.3).abs() < 0.15 {
            v -= 45.0;
        }
        if y > 0.65 && x < 0.5 {
            v += 18.0 * (TAU * (15.0 * x + 6.0 * y)).sin();
        }
        if y > 0.65 && x > 0.55 {
            v += 20.0 * (TAU * 10.0 * (x + 0.3 * y * y)).sin().signum();
        }
        v / 255.0
    };
    let [c, r] = [columns, rows].map(|n| n as f32);
    (0..rows).flat_map(|y| (0..columns).map(move |x| value(x as f32 / c, y as f32 / r))).collect()
}

/// Values with independent normal errors: SplitMix64 and the Box–Muller transform.
fn noisy(values: &[f32], sigma: f32) -> Vec<f32> {
    let mut state = 7_u64;
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 40) as f32 + 0.5) / 16_777_216.0
    };
    values.iter().map(|v| v + sigma * (-2.0 * uniform().ln()).sqrt() * (TAU * uniform()).cos()).collect()
}

fn mean_square(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / a.len() as f64
}

/// Peak signal-to-noise ratio in decibels for a range of 1.
fn psnr(a: &[f32], b: &[f32]) -> f64 {
    -10.0 * mean_square(a, b).log10()
}

#[test]
fn usual_noise_is_taken_out_and_a_wrong_level_does_worse() {
    let size = [160, 144];
    let clean = scene(size);
    let dirty = image(size, noisy(&clean, SIGMA));
    let filtered = |sigma| psnr(bm3d(&dirty, sigma, &unit_range(Profile::Normal)).unwrap().values(), &clean);
    let (before, after) = (psnr(dirty.values(), &clean), filtered(SIGMA));
    assert!((before - 20.17).abs() < 0.2, "{before}");
    // Published gains at this noise are 8 to 13 dB, more on images with large smooth parts like this one.
    assert!(after > before + 11.5, "{before} dB became {after}");
    let (too_weak, too_strong) = (filtered(SIGMA / 4.0), filtered(SIGMA * 4.0));
    assert!(too_weak < after - 6.0, "{after} dB, level a quarter: {too_weak}");
    assert!(too_strong < after - 2.0, "{after} dB, level four times: {too_strong}");
}

#[test]
fn strong_noise_wants_its_own_profile_and_gets_it() {
    let size = [128, 128];
    let clean = scene(size);
    let sigma = 60.0 / 255.0;
    let dirty = image(size, noisy(&clean, sigma));
    let filtered = |profile| bm3d(&dirty, sigma, &unit_range(profile)).unwrap();
    let [normal, high, auto] = [Profile::Normal, Profile::High, Profile::Auto].map(filtered);
    assert_eq!(auto, high);
    let [normal, high] = [normal, high].map(|i| psnr(i.values(), &clean));
    assert!(high > normal + 0.25, "normal {normal} dB, high {high} dB");
}

#[test]
fn a_constant_comes_out_almost_without_noise() {
    let size = [96, 80];
    let clean = vec![0.5; size[0] * size[1]];
    let dirty = image(size, noisy(&clean, SIGMA));
    let out = bm3d(&dirty, SIGMA, &unit_range(Profile::Normal)).unwrap();
    let ratio = mean_square(dirty.values(), &clean) / mean_square(out.values(), &clean);
    assert!(ratio > 100.0, "variance fell by {ratio}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let size = [131, 77];
    let dirty = image(size, noisy(&scene(size), SIGMA));
    for profile in [Profile::Normal, Profile::High] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bm3d(&dirty, SIGMA, &unit_range(profile)).unwrap())
        };
        assert!(run(1).values() == run(2).values() && run(1).values() == run(5).values(), "{profile:?}");
    }
}

#[test]
fn a_power_of_two_in_the_scale_goes_through_exactly() {
    let size = [64, 50];
    let dirty = noisy(&scene(size), SIGMA);
    let out = bm3d(&image(size, dirty.clone()), SIGMA, &Options::default()).unwrap();
    let scaled = image(size, dirty.iter().map(|v| v * 4096.0).collect());
    let scaled = bm3d(&scaled, SIGMA * 4096.0, &Options::default()).unwrap();
    assert!(out.values().iter().zip(scaled.values()).all(|(a, b)| a * 4096.0 == *b));
}

#[test]
fn values_far_outside_the_range_are_not_clipped() {
    let size = [64, 50];
    let clean = scene(size).iter().map(|v| v - 3.0).collect::<Vec<_>>();
    let dirty = image(size, noisy(&clean, SIGMA));
    let out = bm3d(&dirty, SIGMA, &unit_range(Profile::Normal)).unwrap();
    assert!(psnr(out.values(), &clean) > psnr(dirty.values(), &clean) + 8.0);
}

#[test]
fn images_of_one_block_or_one_row_of_blocks_are_filtered() {
    for (profile, side) in [(Profile::Normal, 8), (Profile::High, 12)] {
        for size in [[side, side], [side, side + 1], [side, 60], [61, side]] {
            let clean = vec![0.5; size[0] * size[1]];
            let dirty = image(size, noisy(&clean, SIGMA));
            let out = bm3d(&dirty, SIGMA, &unit_range(profile)).unwrap();
            assert!(mean_square(out.values(), &clean) < 0.25 * mean_square(dirty.values(), &clean), "{size:?}");
        }
    }
}

#[test]
fn extreme_levels_and_flat_images_give_finite_values() {
    let size = [32, 32];
    let flat = image(size, vec![0.0; 1024]);
    let dirty = image(size, noisy(&scene(size), SIGMA));
    for sigma in [f32::MIN_POSITIVE, 1e-20, 1e20] {
        for picture in [&flat, &dirty] {
            for profile in [Profile::Auto, Profile::Normal] {
                let out = bm3d(picture, sigma, &Options { profile, range: None }).unwrap();
                assert!(out.check_finite().is_ok(), "sigma {sigma}");
            }
        }
    }
    let out = bm3d(&dirty, 1e-20, &Options::default()).unwrap();
    assert!(mean_square(out.values(), dirty.values()) < 1e-12);
}

#[test]
fn no_noise_returns_the_image_and_the_frame_is_kept() {
    let size = [40, 30];
    let dirty = image(size, noisy(&scene(size), SIGMA));
    assert_eq!(bm3d(&dirty, 0.0, &Options::default()).unwrap(), dirty);
    let out = bm3d(&dirty, SIGMA, &Options::default()).unwrap();
    assert_eq!((out.size(), out.spacing_mm(), out.unit()), (size, dirty.spacing_mm(), dirty.unit()));
}

#[test]
fn what_cannot_be_filtered_is_refused_by_name() {
    let picture = image([16, 10], vec![0.5; 160]);
    let options = Options::default();
    for sigma in [f32::NAN, f32::INFINITY, -0.1] {
        assert!(matches!(bm3d(&picture, sigma, &options), Err(Bm3dError::Sigma { .. })));
    }
    for range in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let options = Options { range: Some(range), ..options };
        assert!(matches!(bm3d(&picture, 0.1, &options), Err(Bm3dError::Range { .. })));
    }
    let small = bm3d(&picture, 0.1, &unit_range(Profile::High)).unwrap_err();
    assert_eq!(small.to_string(), "image must have at least 12x12 pixels, one block, got 16x10");
    let broken = image([8, 8], [vec![f32::NAN], vec![0.0; 63]].concat());
    assert!(matches!(bm3d(&broken, 0.1, &options), Err(Bm3dError::Data(DataError::NotFinite { .. }))));
}
