use kerma::{
    data::{Image, Sample, Unit},
    engine::Device,
    io::write_image,
};
use kerma_nn::{Model, Precision, beside, quality::Recipe, training::System};
use serde_json::Value;

use crate::{denoise, runner::Room};

const SIDE: usize = 160;

fn recipe(quantity: &str) -> Recipe {
    let inputs = if quantity == "noise" { 2 } else { 1 };
    Recipe::from_toml(&format!(
        r#"
        task = "assess"
        name = "{quantity}"
        seed = 3
        quantity = "{quantity}"
        answer = "value"
        [network]
        inputs = {inputs}
        outputs = 1
        fold = 4
        base = 8
        multipliers = [1, 2]
        blocks = 1
        groups = 4
        [data]
        cases = ["cases"]
        [training]
        batch = 4
        steps = 1
        learning_rate = 1e-2
        shape = "cosine"
        warm_up = 0
        weight_decay = 0.01
        clip = 1.0
        mean_decay = 0.8
        checkpoint = 100
        "#
    ))
    .unwrap()
}

/// An untrained model whose calibration makes every answer the same.
fn put_model(room: &Room, quantity: &str, value: f64) {
    let model = Model::untrained(recipe(quantity), &beside(&Device::cpu()).unwrap());
    let mut card = model.card().clone();
    card.metrics
        .extend([("gain", 0.0), ("offset", value), ("error_90", 0.1)].map(|(name, value)| (name.to_owned(), value)));
    let file = room.path(&format!("{quantity}.safetensors"));
    Model::new(card, model.network().clone()).save(&file, Precision::Single).unwrap();
}

fn put_image(room: &Room, name: &str, unit: Unit, side: usize) {
    let values = (0..side * side).map(|at| 0.1 + (at % 97) as f32 / 100.0).collect();
    write_image(room.path(name), &Image::new([side, side], None, Sample::Float, unit, values).unwrap()).unwrap();
}

/// A room with a signal, a picture and three models: few quanta, a good display, a turned patient.
fn room() -> Room {
    let room = Room::new();
    put_image(&room, "signal.tif", Unit::Transmission, SIDE);
    put_image(&room, "picture.tif", Unit::Arbitrary, SIDE);
    put_model(&room, "noise", 500_f64.ln());
    put_model(&room, "contrast", 0.01);
    put_model(&room, "rotation", -12.0);
    room
}

const MODELS: [&str; 6] =
    ["--noise", "noise.safetensors", "--contrast", "contrast.safetensors", "--rotation", "rotation.safetensors"];

fn checked(room: &Room, image: &str, flags: &[&str]) -> (Option<i32>, String, String) {
    let output = room.run(&[&["check", image, "--device", "cpu"], flags].concat());
    let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, error)
}

#[test]
fn radiographs_are_told_three_values_and_warned_of() {
    let room = room();
    let (code, out, error) = checked(&room, "signal.tif", &MODELS);
    assert_eq!(code, Some(1), "{out}{error}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].starts_with("noise      500 quanta per pixel") && lines[0].ends_with("WARNING: too few quanta"));
    assert!(lines[1].starts_with("contrast   g = 0.01") && lines[1].ends_with(": ok"), "{out}");
    assert!(lines[2].contains("-12.0 degrees") && lines[2].ends_with("WARNING: turned to the right"), "{out}");
    assert!(error.contains("signal.tif: 2 warnings: noise: too few quanta; rotation: turned to the right"), "{error}");

    put_model(&room, "noise", 5000_f64.ln());
    put_model(&room, "rotation", 1.0);
    let (code, out, error) = checked(&room, "signal.tif", &[&MODELS[..], &["--json"]].concat());
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let object: Value = serde_json::from_str(&out).unwrap();
    assert!((object["contrast"]["value"].as_f64().unwrap() - 0.01).abs() < 1e-9, "{out}");
    assert_eq!(
        (&object["contrast"]["warning"], &object["contrast"]["model"]["name"]),
        (&Value::Null, &"contrast".into())
    );
    assert_eq!(object["warnings"], Value::Array(Vec::new()));
}

#[test]
fn pictures_have_no_noise_value_unless_they_are_said_to_be_signals() {
    let room = room();
    put_model(&room, "rotation", 1.0);
    let (code, out, error) = checked(&room, "picture.tif", &MODELS);
    assert_eq!((code, out.lines().count(), error.as_str()), (Some(0), 3, ""));
    assert!(out.starts_with("noise      none: pixels are not proportional to the exposure"), "{out}");
    let (code, out, _) = checked(&room, "picture.tif", &[&MODELS[..], &["--response", "linear"]].concat());
    assert!(code == Some(1) && out.contains("500 quanta"), "{out}");
    let (_, out, _) = checked(&room, "signal.tif", &[&MODELS[..], &["--response", "log"]].concat());
    assert!(out.starts_with("noise      none"), "{out}");
    // A value near its limit says so.
    put_model(&room, "rotation", 5.05);
    let (_, out, _) = checked(&room, "picture.tif", &MODELS);
    assert!(out.trim_end().ends_with("WARNING: turned to the left, but near the limit"), "{out}");
}

#[test]
fn networks_are_built_in() {
    let (code, out, said) = checked(&room(), "signal.tif", &[]);
    assert!(code.is_some_and(|code| code < 2) && out.lines().count() == 3, "{out}{said}");
    assert!(said.contains("the built-in networks learned from simulated chests alone"), "{said}");
}

#[test]
fn what_cannot_be_checked_is_refused_in_a_line() {
    let room = room();
    put_image(&room, "small.tif", Unit::Transmission, 100);
    room.refused(
        &["check", "small.tif", MODELS[2], MODELS[3]],
        &["small.tif: must have 128 x 128 pixels", "100 x 100"],
    );
    room.refused(&["check", "none.tif", MODELS[2], MODELS[3]], &["none.tif"]);
    room.refused(
        &["check", "signal.tif", "--noise", "rotation.safetensors"],
        &["rotation.safetensors: tells the rotation of radiographs; a model for noise is needed"],
    );
    room.put("direct.safetensors", denoise::room().bytes("direct.safetensors"));
    room.refused(
        &["check", "signal.tif", "--noise", "direct.safetensors"],
        &["direct.safetensors: is a model for the task \"denoise\"; one for \"assess\" is needed"],
    );
    room.refused(
        &["infer", "noise.safetensors", "signal.tif", "--out", "out.tif"],
        &["noise.safetensors: tells a quantity of radiographs and writes no file; kerma check runs it"],
    );
}
