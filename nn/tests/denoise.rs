//! Denoising: what leaves an image as it is, what the seed decides, and that neither tiles nor memory show.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};
use kerma::{
    data::{Image, Sample, Unit},
    engine::{self, Control, Device},
    noise::PoissonGaussian,
};
use kerma_nn::{
    Error, beside,
    denoise::{DenoiseOptions, Denoised, Denoiser, Model, Noise, Sampler, Unchanged, training::Recipe},
    diffusion::{Level, Prediction},
    networks::Unet,
    training::System,
};

/// Numbers between −1 and 1 that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}

/// Weights of a fresh network made such that its output is not 0: none remain but the scales of the norms, which are 1.
struct Stir(Numbers);

impl ModuleMapper for Stir {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        const AMOUNT: f32 = 0.15;
        param.map(|weights| {
            let (shape, device) = (weights.dims(), weights.device());
            let values: Vec<f32> = (0..shape.iter().product()).map(|_| AMOUNT * self.0.next()).collect();
            let scales = weights.into_data().try_to_vec::<f32>().unwrap();
            let values = values.iter().zip(scales).map(|(v, old)| if old == 1.0 { 1.0 + v } else { *v });
            Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), &device)
        })
    }
}

/// A small model whose output is anything but 0; with a chain or without.
fn model(recipe: &str, device: &burn::tensor::Device) -> Model {
    let mut recipe = Recipe::from_toml(recipe).unwrap();
    (recipe.network.base, recipe.network.blocks, recipe.network.multipliers) = (8, 1, vec![1, 2]);
    let fresh = Model::untrained(recipe, device);
    Model::new(fresh.card().clone(), fresh.network().clone().map(&mut Stir(Numbers(7))))
}

const CHAIN: &str = include_str!("../../recipes/ddpm-x.toml");
const DIRECT: &str = include_str!("../../recipes/unet.toml");

/// Waves with noise, between −1 and 1, both of which occur often enough to be the ends of the network's scale.
fn waves(size: [usize; 2], noise: f32, seed: u64) -> Image {
    let mut numbers = Numbers(seed);
    let values = (0..size[0] * size[1]).map(|i| {
        let (x, y) = ((i % size[0]) as f32, (i / size[0]) as f32);
        let wave = 1.2 * (x / 9.7).sin() * (y / 13.1 + 1.0).sin();
        (wave + noise * (numbers.next() + numbers.next())).clamp(-1.0, 1.0)
    });
    Image::new(size, Some([0.1, 0.2]), Sample::Float, Unit::Arbitrary, values.collect()).unwrap()
}

fn try_run(recipe: &str, image: &Image, options: &DenoiseOptions, engine: &Device) -> Result<Denoised, Error> {
    let device = beside(engine).unwrap();
    let model = model(recipe, &device);
    pollster::block_on(Denoiser::new(&model, engine, device)?.run(image, options, &Control::default()))
}

fn run(recipe: &str, image: &Image, options: &DenoiseOptions) -> Denoised {
    try_run(recipe, image, options, &Device::cpu()).unwrap()
}

fn bits(image: &Image) -> Vec<u32> {
    image.values().iter().map(|v| v.to_bits()).collect()
}

fn largest_difference(a: &Image, b: &Image) -> f32 {
    assert_eq!(a.size(), b.size());
    a.values().iter().zip(b.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// One step with noise that is told, in small tiles.
fn told() -> DenoiseOptions {
    DenoiseOptions { noise: Noise::Gaussian(0.2), tile: 64, overlap: 16, ..DenoiseOptions::default() }
}

fn drawn(seed: u64) -> DenoiseOptions {
    DenoiseOptions { sampler: Sampler::Ddpm { steps: 4 }, seed, ..told() }
}

#[test]
fn images_without_anything_to_take_off_come_back_as_they_are() {
    let noisy = waves([70, 50], 0.1, 1);
    let flat = Image::new([40, 30], None, Sample::Float, Unit::Arbitrary, vec![-3.25; 1200]).unwrap();
    let pixel = Image::new([1, 1], None, Sample::Float, Unit::Arbitrary, vec![7.5]).unwrap();
    let clean: Vec<f32> = (0..64 * 64).map(|i| (i % 64 / 16 * 100) as f32).collect();
    let clean = Image::new([64, 64], None, Sample::Float, Unit::Arbitrary, clean).unwrap();
    // All but one pixel are the same.
    let dot: Vec<f32> = (0..64 * 64).map(|i| if i == 2000 { 9.0 } else { 4.0 }).collect();
    let dot = Image::new([64, 64], None, Sample::Float, Unit::Arbitrary, dot).unwrap();
    let estimated = DenoiseOptions::default();
    let none = DenoiseOptions { strength: 0.0, ..told() };
    let given = |noise| DenoiseOptions { noise, ..told() };
    let variance = |gain, offset| Noise::PoissonGaussian(PoissonGaussian { gain, offset });
    // Less than single precision tells from none: by the noise, and by the strength.
    let faint = DenoiseOptions { strength: 1e-9, ..given(variance(0.1, 1.0)) };
    for (image, options, reason) in [
        (&noisy, &none, Unchanged::Strength),
        (&flat, &estimated, Unchanged::Constant),
        (&flat, &told(), Unchanged::Constant),
        (&pixel, &estimated, Unchanged::Constant),
        (&pixel, &told(), Unchanged::Constant),
        (&dot, &told(), Unchanged::Contrast),
        (&clean, &estimated, Unchanged::Noise),
        (&noisy, &given(Noise::Gaussian(0.0)), Unchanged::Noise),
        (&noisy, &given(Noise::Gaussian(1e-9)), Unchanged::Noise),
        (&noisy, &given(variance(0.0, -1.0)), Unchanged::Noise),
        (&noisy, &faint, Unchanged::Noise),
    ] {
        let got = run(CHAIN, image, options);
        assert!(bits(&got.image) == bits(image), "{options:?}");
        assert_eq!(got.unchanged, Some(reason), "{options:?}");
        assert_eq!((got.start, got.steps, got.noise, got.sigma), (None, 0, None, None));
    }
    for (image, options, reason) in [
        (&noisy, &none, Unchanged::Strength),
        (&flat, &estimated, Unchanged::Constant),
        (&dot, &estimated, Unchanged::Contrast),
    ] {
        let got = run(DIRECT, image, options);
        assert_eq!((bits(&got.image), got.unchanged), (bits(image), Some(reason)));
    }
    // What is taken off at once has no level of noise.
    let direct = run(DIRECT, &noisy, &estimated);
    assert_eq!((direct.unchanged, direct.noise, direct.sigma), (None, None, None));
    // The control: with strength the same image is changed, and keeps what it is besides its values.
    let got = run(CHAIN, &noisy, &told());
    assert!(largest_difference(&got.image, &noisy) > 0.01);
    assert_eq!((got.image.spacing_mm(), got.image.sample()), (noisy.spacing_mm(), noisy.sample()));
    assert_eq!(
        (got.unchanged, got.steps, got.noise),
        (None, 1, Some(PoissonGaussian { gain: 0.0, offset: 0.2 * 0.2 }))
    );
    assert!(got.start.is_some());
}

#[test]
fn the_seed_decides_what_the_chain_draws() {
    let image = waves([100, 70], 0.1, 2);
    let [one, again, other] = [5, 5, 6].map(|seed| run(CHAIN, &image, &drawn(seed)));
    assert_eq!(one.steps, 4);
    assert!(bits(&one.image) == bits(&again.image));
    assert!(largest_difference(&one.image, &other.image) > 1e-3);
    // Without fresh noise no seed matters.
    let implicit = |seed, eta| DenoiseOptions { sampler: Sampler::Ddim { steps: 4, eta }, ..drawn(seed) };
    let at = |seed, eta| bits(&run(CHAIN, &image, &implicit(seed, eta)).image);
    assert!(at(5, 0.0) == at(6, 0.0));
    assert!(at(5, 0.5) != at(6, 0.5));
}

#[test]
fn one_tile_gives_what_the_network_gives_of_the_whole_image() {
    let image = waves([96, 96], 0.1, 3);
    let device = beside(&Device::cpu()).unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(image.values().to_vec(), [1, 1, 96, 96]), &device);
    let close = |got: &Image, want: Tensor<4>| {
        let want: Vec<f32> = want.into_data().try_to_vec().unwrap();
        let want = Image::new([96, 96], None, Sample::Float, Unit::Arbitrary, want).unwrap();
        let difference = largest_difference(got, &want);
        assert!(difference < 1e-4, "{difference}");
    };
    // Tiles as large as the image and larger ones are all one tile. The waves span −1 to 1, which is the network's scale.
    for tile in [96, 100, 128, 4096, usize::MAX / 2] {
        let chained = run(CHAIN, &image, &DenoiseOptions { tile, ..told() });
        assert_eq!((chained.tiles, chained.tile), (1, 96));
        let level = Level::from_sigma(0.2);
        let network: Unet = model(CHAIN, &device).network().clone();
        let noisy = x.clone() * level.signal();
        let ln_sigma = Tensor::from_floats([0.2_f32.ln()], &device);
        let velocity = network.forward(noisy.clone(), Some(ln_sigma));
        close(&chained.image, noisy * level.signal() - velocity * level.noise());
        let direct = run(DIRECT, &image, &DenoiseOptions { tile, range: Some([-1.0, 1.0]), ..told() });
        let network: Unet = model(DIRECT, &device).network().clone();
        close(&direct.image, x.clone() - network.forward(x.clone(), None));
    }
    // The control: tiles give something else, if only a little.
    let tiled = run(CHAIN, &image, &told());
    assert!(tiled.tiles > 1);
    let whole = run(CHAIN, &image, &DenoiseOptions { tile: 96, ..told() });
    assert!(largest_difference(&tiled.image, &whole.image) > 1e-6);
}

#[test]
fn fresh_noise_does_not_depend_on_tiles() {
    let engine = Device::cpu();
    let device = beside(&engine).unwrap();
    // An untrained network's output is 0 whatever its tile: only the image and the fresh noise are left.
    let model = Model::untrained(model(CHAIN, &device).card().recipe.clone(), &device);
    let denoiser = Denoiser::new(&model, &engine, device).unwrap();
    // Wide and tall, so that the padding of either side differs between the tiles.
    for size in [[150, 60], [60, 150]] {
        let image = waves(size, 0.1, 4);
        let draw = |seed, tile| {
            let options = DenoiseOptions { tile, ..drawn(seed) };
            pollster::block_on(denoiser.run(&image, &options, &Control::default())).unwrap()
        };
        let [small, large, other] = [draw(5, 64), draw(5, 152), draw(6, 64)];
        assert!(small.tiles > 1 && large.tiles == 1);
        let difference = largest_difference(&small.image, &large.image);
        assert!(difference < 1e-5, "{size:?}: {difference}");
        // The control: another seed's noise is seen.
        assert!(largest_difference(&small.image, &other.image) > 0.05);
    }
}

/// Power of the tiles' period and its harmonics in how much of the image is taken off from column to column, relative
/// to frequencies beside them: about 1 where no tile shows.
fn line(image: &Image, denoised: &Image, period: usize) -> f64 {
    let [columns, rows] = image.size();
    let removed: Vec<f64> = image.values().iter().zip(denoised.values()).map(|(a, b)| f64::from(a - b)).collect();
    let jump = |x: usize| {
        (0..rows).map(|y| (removed[y * columns + (x + 1) % columns] - removed[y * columns + x]).abs()).sum::<f64>()
    };
    // The jump from the last column to the first is none of the image's.
    let mut profile: Vec<f64> = (0..columns - 1).map(jump).collect();
    let mean = profile.iter().sum::<f64>() / profile.len() as f64;
    profile.iter_mut().for_each(|v| *v -= mean);
    profile.push(0.0);
    let power = |k: usize| {
        let turn = |x: usize| std::f64::consts::TAU * (k * x % columns) as f64 / columns as f64;
        let [re, im] = profile.iter().enumerate().fold([0.0, 0.0], |[re, im], (x, v)| {
            let (sin, cos) = turn(x).sin_cos();
            [re + v * cos, im + v * sin]
        });
        re * re + im * im
    };
    let first = columns / period;
    let harmonics: Vec<usize> = (1..).map(|n| n * first).take_while(|k| k + 2 < columns / 2).collect();
    let mean = |of: &dyn Fn(usize) -> f64| harmonics.iter().map(|k| of(*k)).sum::<f64>() / harmonics.len() as f64;
    let beside = mean(&|k| [k - 2, k - 1, k + 1, k + 2].map(power).iter().sum::<f64>() / 4.0);
    mean(&power) / beside
}

#[test]
fn tiles_do_not_show_in_the_spectrum_of_what_is_taken_off() {
    // Tiles of 64 pixels: 32 apart with an overlap, 64 without. The image is noise alone, in which any seam shows.
    let image = waves([448, 64], 0.0, 5);
    let mut numbers = Numbers(11);
    let noise: Vec<f32> = image.values().iter().map(|v| 0.1 * v + 0.4 * (numbers.next() + numbers.next())).collect();
    let image = Image::new(image.size(), None, Sample::Float, Unit::Arbitrary, noise).unwrap();
    for recipe in [CHAIN, DIRECT] {
        let overlapped = run(recipe, &image, &DenoiseOptions { overlap: 32, ..told() });
        let hard = run(recipe, &image, &DenoiseOptions { overlap: 0, ..told() });
        assert_eq!((overlapped.tiles, hard.tiles), (13, 7));
        let [smooth, seams] = [line(&image, &overlapped.image, 32), line(&image, &hard.image, 64)];
        // Without a line the mean over 15 harmonics is 1 with a deviation of 0.26, powers being exponentially distributed.
        assert!(smooth < 2.5, "a line {smooth} times its neighbours");
        assert!(seams > 6.0, "the control: a line only {seams} times its neighbours without overlap");
    }
}

#[test]
fn the_number_of_tiles_evaluated_at_once_changes_no_bit() {
    // Rows of seven tiles; with attention and without, by a chain with fresh noise and at once.
    let image = waves([340, 100], 0.1, 13);
    for (recipe, sampler) in [(CHAIN, Sampler::Ddpm { steps: 2 }), (DIRECT, Sampler::OneStep)] {
        for attention in [false, true] {
            let recipe = recipe.replace("attention = false", &format!("attention = {attention}"));
            assert!(recipe.contains(&format!("attention = {attention}")));
            let at_once = |batch| run(&recipe, &image, &DenoiseOptions { batch, sampler, ..told() });
            let one = at_once(Some(1));
            assert_eq!((one.tiles, one.batch), (14, 1));
            // Batches are even: seven tiles are 4 and 3, not 5 and 2.
            for (batch, want) in [(Some(2), 2), (Some(5), 4), (Some(7), 7), (Some(100), 7), (None, 7)] {
                let many = at_once(batch);
                assert_eq!((many.tiles, many.batch), (14, want));
                assert!(bits(&many.image) == bits(&one.image), "{batch:?}, attention {attention}: other bits");
            }
            // The control: other tiles change bits.
            let other = run(&recipe, &image, &DenoiseOptions { overlap: 20, sampler, ..told() });
            assert!(bits(&other.image) != bits(&one.image));
        }
    }
}

#[test]
fn memory_is_respected_with_smaller_batches_then_smaller_tiles() {
    let engine = Device::cpu();
    let device = beside(&engine).unwrap();
    let model = model(CHAIN, &device);
    let image = waves([512, 128], 0.1, 6);
    let denoiser = Denoiser::new(&model, &engine, device.clone()).unwrap();
    let needed = |tile, batch| denoiser.planned_bytes([512, 128], tile, batch);
    let with = |budget: u64| {
        let options = DenoiseOptions { tile: 128, overlap: 32, batch: Some(100), ..told() };
        try_run(CHAIN, &image, &options, &Device::cpu().with_memory_budget(budget))
    };
    // Rows of five tiles of 128 pixels, or of ten of 64 with half the overlap.
    let chosen = |budget| with(budget).map(|done| (done.tile, done.batch)).unwrap();
    assert_eq!(chosen(needed(128, 5)), (128, 5));
    assert_eq!(chosen(needed(128, 5) - 1), (128, 3));
    assert_eq!(chosen(needed(128, 1)), (128, 1));
    assert_eq!(chosen(needed(128, 1) - 1), (64, 3));
    assert_eq!(chosen(needed(64, 1)), (64, 1));
    let error = with(needed(64, 1) - 1).unwrap_err();
    assert!(matches!(&error, Error::MemoryBudget { tile: 64, .. }) && !error.is_device_failure(), "{error}");
    let message = error.to_string();
    assert!(message.contains("bytes are needed even for tiles of 64 pixels, the budget is"), "{message}");
}

#[test]
fn images_of_any_size_are_denoised() {
    for size in [[1, 1], [1, 40], [40, 1], [2, 2], [3, 5], [17, 300]] {
        let mut numbers = Numbers(8);
        let values = (0..size[0] * size[1]).map(|_| numbers.next()).collect();
        let image = Image::new(size, None, Sample::Float, Unit::Arbitrary, values).unwrap();
        for recipe in [CHAIN, DIRECT] {
            let got = run(recipe, &image, &told());
            assert_eq!(got.image.size(), size);
            assert!(got.image.values().iter().all(|v| v.is_finite()), "{size:?}");
        }
    }
}

#[test]
fn whole_numbers_stay_whole_and_within_their_bits() {
    let sample = Sample::Unsigned { bits: 10 };
    let waves = waves([80, 60], 0.3, 9);
    let values = waves.values().iter().map(|v| (v * 512.0 + 511.5).round().clamp(0.0, 1023.0));
    let image = Image::new([80, 60], None, sample, Unit::Arbitrary, values.collect()).unwrap();
    let poisson = Noise::PoissonGaussian(PoissonGaussian { gain: 4.0, offset: 10.0 });
    for noise in [Noise::Gaussian(200.0), poisson] {
        let got = run(CHAIN, &image, &DenoiseOptions { noise, ..told() }).image;
        assert_eq!(got.sample(), sample);
        assert!(got.values().iter().all(|v| v.fract() == 0.0 && (0.0..=1023.0).contains(v)));
        assert!(largest_difference(&got, &image) >= 1.0);
    }
}

/// A network whose output is 0 leaves the image as it is: what remains of the brightness is the way back alone.
#[test]
fn a_faint_strength_keeps_the_brightness_of_an_image_of_quanta() {
    let engine = Device::cpu();
    let device = beside(&engine).unwrap();
    let mut recipe = Recipe::from_toml(CHAIN).unwrap();
    recipe.diffusion.as_mut().unwrap().prediction = Prediction::Noise;
    let model = Model::untrained(recipe, &device);
    let denoiser = Denoiser::new(&model, &engine, device).unwrap();
    let gain = 4.0;
    let values = waves([96, 96], 0.3, 14).values().iter().map(|v| v * 500.0 + 900.0).collect();
    let image = Image::new([96, 96], None, Sample::Float, Unit::Arbitrary, values).unwrap();
    let mean = |image: &Image| image.values().iter().map(|v| f64::from(*v)).sum::<f64>() / (96.0 * 96.0);
    let shift = |strength: f64| {
        let noise = Noise::PoissonGaussian(PoissonGaussian { gain, offset: 25.0 });
        let options = DenoiseOptions { strength, noise, ..told() };
        mean(&pollster::block_on(denoiser.run(&image, &options, &Control::default())).unwrap().image) - mean(&image)
    };
    assert!(shift(0.001).abs() < 0.01 * gain, "{}", shift(0.001));
    // The control: the inverse of means, which a full strength asks for, is a quarter of the gain above the image.
    assert!((shift(1.0) - gain / 4.0).abs() < 0.03 * gain, "{}", shift(1.0));
}

#[test]
fn models_that_are_no_denoisers_are_refused() {
    let device = beside(&Device::cpu()).unwrap();
    let features = Recipe::from_toml(include_str!("../../recipes/features.toml")).unwrap();
    let features = Model::untrained(features, &device);
    let refused = Denoiser::new(&features, &Device::cpu(), device).err().unwrap();
    assert!(matches!(refused, Error::Options(_)) && refused.to_string().contains("\"features\" is no denoiser"));
}

#[test]
fn values_and_options_out_of_range_are_refused() {
    let image = waves([64, 64], 0.1, 10);
    let poisson = |gain, offset| Noise::PoissonGaussian(PoissonGaussian { gain, offset });
    let usual = told();
    for (options, want) in [
        (DenoiseOptions { strength: -1.0, ..usual.clone() }, "strength must be 0 or more, got -1"),
        (DenoiseOptions { strength: f64::NAN, ..usual.clone() }, "strength must be 0 or more, got NaN"),
        (DenoiseOptions { sampler: Sampler::Ddpm { steps: 0 }, ..usual.clone() }, "steps must be at least 1, got 0"),
        (
            DenoiseOptions { sampler: Sampler::Ddim { steps: 2, eta: 1.5 }, ..usual.clone() },
            "eta must be 0 to 1, got 1.5",
        ),
        (DenoiseOptions { noise: Noise::Gaussian(-2.0), ..usual.clone() }, "sigma must be 0 or more, got -2"),
        (DenoiseOptions { noise: poisson(-1.0, 0.0), ..usual.clone() }, "gain of 0 or more"),
        (DenoiseOptions { noise: poisson(1.0, f64::INFINITY), ..usual.clone() }, "finite offset, got 1 and inf"),
        (DenoiseOptions { range: Some([1.0, 1.0]), ..usual.clone() }, "two rising numbers, got 1 and 1"),
        (DenoiseOptions { tile: 16, overlap: 0, ..usual.clone() }, "tile must be at least 32 pixels"),
        (DenoiseOptions { overlap: 40, ..usual.clone() }, "twice the overlap of 40, got 64"),
        (DenoiseOptions { batch: Some(0), ..usual.clone() }, "batch must be at least 1, got 0"),
    ] {
        let error = try_run(CHAIN, &image, &options, &Device::cpu()).unwrap_err();
        assert!(matches!(error, Error::Options(_)) && error.to_string().contains(want), "{error}");
    }
    let mut values = image.values().to_vec();
    values[64 + 3] = f32::NAN;
    let bad = Image::new([64, 64], None, Sample::Float, Unit::Arbitrary, values).unwrap();
    let error = try_run(CHAIN, &bad, &usual, &Device::cpu()).unwrap_err();
    assert_eq!(error.to_string(), "image values must be finite, got NaN at column 3, row 1");
    let small = waves([9, 9], 0.1, 11);
    let error = try_run(CHAIN, &small, &DenoiseOptions::default(), &Device::cpu()).unwrap_err();
    assert!(matches!(error, Error::Noise(_)) && error.to_string().contains("16 pixels along each side"), "{error}");
}

#[test]
fn being_cancelled_ends_it() {
    let engine = Device::cpu();
    let device = beside(&engine).unwrap();
    let model = model(CHAIN, &device);
    let control = Control { is_cancelled: &|| true, ..Control::default() };
    let image = waves([64, 64], 0.1, 12);
    let denoiser = Denoiser::new(&model, &engine, device).unwrap();
    let done = pollster::block_on(denoiser.run(&image, &told(), &control));
    assert!(matches!(done, Err(Error::Engine(engine::Error::Cancelled))));
}
