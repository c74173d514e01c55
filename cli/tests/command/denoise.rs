use kerma::{
    data::{Image, Sample, Unit},
    engine::Device,
    io::{read_image, write_image},
};
use kerma_nn::{
    Precision, beside,
    denoise::{Model, training::Recipe},
    training::System,
};
use serde_json::Value;

use crate::{bad_enhance::dicom, runner::Room};

/// A model with a chain; untrained, its v is 0 and one step gives ᾱ times the values around the middle of their range.
const CHAIN: &str = include_str!("../../../recipes/ddpm-x.toml");
/// A model without a chain; untrained, it puts out its input.
const DIRECT: &str = include_str!("../../../recipes/unet.toml");

/// Columns and rows of the image under test.
pub(crate) const SIZE: [usize; 2] = [96, 80];

fn put_model(room: &Room, name: &str, recipe: &str) {
    let mut recipe = Recipe::from_toml(recipe).unwrap();
    (recipe.network.base, recipe.network.blocks) = (8, 1);
    let device = beside(&Device::cpu()).unwrap();
    Model::untrained(recipe, &device).save(&room.path(name), Precision::Single).unwrap();
}

/// Soft waves with white noise of about 20 in values of 100 to 3000.
pub(crate) fn noisy(size: [usize; 2], sample: Sample) -> Image {
    let mut seed = 1_u32;
    let mut number = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 16) / 65_536.0 - 0.5
    };
    let values = (0..size[0] * size[1]).map(|i| {
        let (x, y) = ((i % size[0]) as f64, (i / size[0]) as f64);
        // Twelve even numbers have a variance of 1 and are nearly normal together.
        let noise: f64 = (0..12).map(|_| number()).sum();
        1500.0 + 1300.0 * (x / 25.0).sin() * (y / 31.0).cos() + 20.0 * noise
    });
    let values = values.map(|v| if sample == Sample::Float { v as f32 } else { v.round() as f32 }).collect();
    Image::new(size, Some([0.2, 0.3]), sample, Unit::Arbitrary, values).unwrap()
}

/// A room with the models `chain.safetensors` and `direct.safetensors`, `noisy.tif` of float and `noisy.png` of 12 bits.
pub(crate) fn room() -> Room {
    let room = Room::new();
    put_model(&room, "chain.safetensors", CHAIN);
    put_model(&room, "direct.safetensors", DIRECT);
    write_image(room.path("noisy.tif"), &noisy(SIZE, Sample::Float)).unwrap();
    write_image(room.path("noisy.png"), &noisy(SIZE, Sample::Unsigned { bits: 12 })).unwrap();
    room
}

/// The command for an image, a model and further flags, with `--out`.
pub(crate) fn task<'a>(image: &'a str, model: &'a str, out: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["denoise", image, "--model", model, "--out", out], flags].concat()
}

fn read(room: &Room, name: &str) -> Image {
    read_image(room.path(name)).unwrap().0
}

#[test]
fn the_built_in_model_takes_most_of_the_noise_off() {
    let room = room();
    let told = room.done(&["denoise", "noisy.tif", "--out", "calm.tif", "--json"]);
    let object: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(object["model"]["name"], "ddpm-x");
    let error = |name: &str| {
        let (image, _) = read_image(room.path(name)).unwrap();
        let squares = image.values().iter().enumerate().map(|(i, v)| {
            let (x, y) = ((i % SIZE[0]) as f64, (i / SIZE[0]) as f64);
            (f64::from(*v) - 1500.0 - 1300.0 * (x / 25.0).sin() * (y / 31.0).cos()).powi(2)
        });
        (squares.sum::<f64>() / image.values().len() as f64).sqrt()
    };
    let (before, after) = (error("noisy.tif"), error("calm.tif"));
    assert!((18.0..22.0).contains(&before) && after < 0.5 * before, "{before} {after}");
}

#[test]
fn the_chain_is_entered_at_the_noise_of_the_image() {
    let room = room();
    let text = room.done(&task("noisy.tif", "chain.safetensors", "out.tif", &["--noise", "gaussian:20"]));
    let words = ["out.tif: 96x80, ddpm-x, noise 20", "given, from step t* = ", " of 1000, one-step in 1 step, 1 tile"];
    for word in words {
        assert!(text.contains(word), "{text:?} lacks {word:?}");
    }
    let flags = ["--noise", "gaussian:20", "--json"];
    let object: Value =
        serde_json::from_str(&room.done(&task("noisy.tif", "chain.safetensors", "out.tif", &flags))).unwrap();
    let sigma = object["sigma"].as_f64().unwrap();
    let (before, after) = (read(&room, "noisy.tif"), read(&room, "out.tif"));
    // All but a thousandth of the values at either end span −1 to 1.
    let mut sorted = before.values().to_vec();
    sorted.sort_by(f32::total_cmp);
    let [low, high] = [sorted[7], sorted[sorted.len() - 8]].map(f64::from);
    assert!((sigma - 40.0 / (high - low)).abs() < 1e-9, "{sigma}");
    // t* is the first step of the cosine chain with as much noise: ᾱ = f(t + 1) / f(0), σ² = 1/ᾱ − 1.
    let cosine = |t: f64| ((t / 1000.0 + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    let sigma_at = |t: u64| (cosine(0.0) / cosine(t as f64 + 1.0) - 1.0).sqrt();
    let start = object["start_step"].as_u64().unwrap();
    assert!(sigma_at(start) >= sigma && sigma_at(start - 1) < sigma, "{start} {sigma}");
    // The untrained network's v is 0, so that x₀ = √ᾱ · x.
    let alpha_bar = 1.0 / (1.0 + sigma * sigma);
    let middle = (low + high) / 2.0;
    for (before, after) in before.values().iter().zip(after.values()) {
        let want = middle + alpha_bar * (f64::from(*before) - middle);
        assert!((f64::from(*after) - want).abs() < 0.01, "{after} {want}");
    }
    assert_eq!((after.spacing_mm(), after.sample()), (Some([0.2, 0.3]), Sample::Float));
}

#[test]
fn json_tells_what_was_found_and_done() {
    let room = room();
    let flags = ["--sampler", "ddim", "--steps", "3", "--tile", "64", "--json"];
    let text = room.done(&task("noisy.png", "chain.safetensors", "out.png", &flags));
    let object: Value = serde_json::from_str(&text).unwrap();
    // The image's noise is 20 and a little for rounding.
    let noise = object["noise_sigma"].as_f64().unwrap();
    assert!((noise / 20.0 - 1.0).abs() < 0.15, "{noise}");
    assert_eq!(object["noise_is_estimated"], true);
    for (key, want) in [("steps", 3), ("tile", 64), ("tiles", 4), ("batch", 2), ("chain_steps", 1000)] {
        assert_eq!(object[key], want, "{key}");
    }
    assert_eq!((&object["sampler"], &object["strength"]), (&"ddim".into(), &1.0.into()));
    assert_eq!((&object["gain"], object["warnings"].as_array().unwrap().len()), (&0.0.into(), 0));
    assert!(object["offset"].as_f64().unwrap() > 300.0 && object["start_step"].as_u64().is_some());
    assert_eq!(object["model"]["name"], "ddpm-x");
    assert_eq!(object["model"]["sha256"].as_str().unwrap().len(), 64);
    assert!(object["peak_bytes"]["host"].as_u64().unwrap() > 0);
    let after = read(&room, "out.png");
    assert_eq!((after.spacing_mm(), after.sample()), (Some([0.2, 0.3]), Sample::Unsigned { bits: 12 }));
    assert_eq!(after.size(), SIZE);
}

#[test]
fn models_without_a_chain_take_noise_off_at_once() {
    let room = room();
    let text = room.done(&task("noisy.png", "direct.safetensors", "out.png", &["--json"]));
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&object["start_step"], &object["steps"]), (&Value::Null, &1.into()));
    // Untrained, it takes nothing off.
    assert_eq!(read(&room, "out.png").values(), read(&room, "noisy.png").values());
}

#[test]
fn seeds_repeat_and_differ() {
    let room = room();
    let run = |seed: &str| {
        let flags = ["--sampler", "ddpm", "--steps", "3", "--seed", seed, "--noise", "gaussian:100"];
        room.done(&task("noisy.tif", "chain.safetensors", "out.tif", &flags));
        room.bytes("out.tif")
    };
    let one = run("1");
    assert!(one == run("1"));
    assert!(one != run("2"));
}

#[test]
fn images_without_anything_to_take_off_come_back_as_they_are() {
    let room = room();
    let text = room.done(&task("noisy.tif", "chain.safetensors", "out.tif", &["--strength", "0"]));
    assert!(text.contains("as it was: a strength of 0 takes nothing off"), "{text}");
    assert_eq!(read(&room, "out.tif").values(), read(&room, "noisy.tif").values());
    room.done(&task("noisy.png", "chain.safetensors", "out.png", &["--strength", "0"]));
    assert_eq!(read(&room, "out.png").values(), read(&room, "noisy.png").values());
    for (size, value) in [([1, 1], 7.5), ([1, 9], 0.0), ([50, 40], -2.25)] {
        let flat = Image::new(size, None, Sample::Float, Unit::Arbitrary, vec![value; size[0] * size[1]]).unwrap();
        write_image(room.path("flat.tif"), &flat).unwrap();
        let text = room.done(&task("flat.tif", "chain.safetensors", "out.tif", &[]));
        assert!(text.contains("as it was: all its values are the same"), "{text}");
        assert_eq!(read(&room, "out.tif").values(), flat.values());
    }
    let steps = (0..64 * 64).map(|i| (i % 64 / 16 * 100) as f32).collect();
    let clean = Image::new([64, 64], None, Sample::Float, Unit::Arbitrary, steps).unwrap();
    write_image(room.path("clean.tif"), &clean).unwrap();
    let args = task("clean.tif", "chain.safetensors", "out.tif", &["--quiet", "--json"]);
    let object: Value = serde_json::from_str(&room.done(&args)).unwrap();
    assert_eq!((&object["start_step"], &object["steps"], &object["gain"]), (&Value::Null, &0.into(), &Value::Null));
    assert_eq!(read(&room, "out.tif").values(), clean.values());
    let output =
        room.run(&[&task("clean.tif", "chain.safetensors", "out.tif", &[])[..], &["--device", "cpu"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("as it was: it has no noise to take off"), "{text}");
}

#[test]
fn images_smaller_than_a_tile_are_denoised() {
    let room = room();
    for size in [[1, 30], [2, 2], [5, 3], [17, 41]] {
        write_image(room.path("small.tif"), &noisy(size, Sample::Float)).unwrap();
        room.done(&task("small.tif", "chain.safetensors", "out.tif", &["--noise", "gaussian:20"]));
        assert_eq!(read(&room, "out.tif").size(), size);
    }
}

/// What is said on standard error, and the warnings in the object.
fn said(room: &Room, image: &str, flags: &[&str]) -> (String, String) {
    let args = [&task(image, "chain.safetensors", "out.tif", flags)[..], &["--device", "cpu", "--json"]].concat();
    let output = room.run(&args);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    (error, object["warnings"].to_string())
}

#[test]
fn what_the_result_should_not_be_trusted_for_is_said() {
    let room = room();
    let eight = Sample::Unsigned { bits: 8 };
    let image = noisy(SIZE, Sample::Float);
    let values = image.values().iter().map(|v| (v / 13.0).round().clamp(0.0, 255.0)).collect();
    write_image(room.path("eight.png"), &Image::new(SIZE, None, eight, Unit::Arbitrary, values).unwrap()).unwrap();
    // Means of 2 x 2 pixels: noise that is not white.
    let mean = |i: usize| {
        let (x, y) = (i % SIZE[0], i / SIZE[0]);
        let at = |x: usize, y: usize| image.values()[y.min(SIZE[1] - 1) * SIZE[0] + x.min(SIZE[0] - 1)];
        (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4.0
    };
    let values = (0..SIZE[0] * SIZE[1]).map(mean).collect();
    let blurred = Image::new(SIZE, None, Sample::Float, Unit::Arbitrary, values).unwrap();
    write_image(room.path("blurred.tif"), &blurred).unwrap();
    for (image, flags, want) in [
        ("eight.png", &["--noise", "gaussian:2"][..], "looks processed (only "),
        ("blurred.tif", &["--noise", "gaussian:10"], "its noise is correlated (smoothed: 0."),
        ("noisy.tif", &["--noise", "gaussian:5000"], "beyond the 0.0064 to 1 that ddpm-x was trained for"),
        ("noisy.tif", &["--noise", "gaussian:0.5"], "below the 0.0064 to 1 that ddpm-x was trained for"),
    ] {
        let (error, warnings) = said(&room, image, flags);
        assert!(error.starts_with(&format!("kerma: {image}: ")) && error.contains(want), "{error}");
        assert!(warnings.contains(want), "{warnings}");
    }
    // The control: nothing is said of an image with white noise.
    assert_eq!(said(&room, "noisy.tif", &[]), (String::new(), "[]".to_owned()));
}

#[test]
fn the_page_shows_what_was_taken_off() {
    let room = room();
    room.done(&task("noisy.tif", "chain.safetensors", "out.tif", &["--report", "out.html"]));
    let html = String::from_utf8(room.bytes("out.html")).unwrap();
    for part in [
        "noisy.tif, denoised",
        "<fieldset class=\"compare\"",
        "What was taken off",
        "Noise",
        ">t*<",
        "ddpm-x",
        "SHA-256",
    ] {
        assert!(html.contains(part), "{part} is missing");
    }
    assert!(!html.contains("<script"));
    // An image that comes back as it is has a page too.
    room.done(&task("noisy.tif", "chain.safetensors", "out.tif", &["--strength", "0", "--report", "out.html"]));
    let html = String::from_utf8(room.bytes("out.html")).unwrap();
    assert!(html.contains("returned as it is: a strength of 0") && !html.contains("What was taken off"));
}

#[test]
fn radiographs_are_shown_as_films_whichever_way_their_values_go() {
    let room = room();
    let image = noisy(SIZE, Sample::Unsigned { bits: 12 });
    let values: Vec<f32> = image.values().iter().map(|v| (v / 13.0).round().clamp(0.0, 255.0)).collect();
    let page = |photometric: &str| {
        room.put("film.dcm", dicom(SIZE, Some(photometric), &values));
        let flags = ["--noise", "gaussian:2", "--report", "film.html", "--device", "cpu", "--quiet"];
        let output = room.run(&task("film.dcm", "chain.safetensors", "film.tif", &flags));
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let html = String::from_utf8(room.bytes("film.html")).unwrap();
        let window = html.split("<span>black ").nth(1).unwrap().split('<').next().unwrap();
        let [black, white] = window.split(", white ").map(|v| v.parse::<f64>().unwrap()).collect::<Vec<_>>()[..] else {
            panic!("{window}")
        };
        (black < white, html.contains("the smallest are shown white"), room.bytes("film.tif"))
    };
    let (as_numbers, is_said, positive) = page("MONOCHROME2");
    assert!(as_numbers && !is_said);
    let (as_numbers, is_said, negative) = page("MONOCHROME1");
    assert!(!as_numbers && is_said);
    // The file has the same values; the page alone turns them.
    assert!(positive == negative);
}
