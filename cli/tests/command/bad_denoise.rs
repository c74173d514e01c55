use kerma::{data::Sample, io::write_image};

use crate::{
    denoise::{noisy, room, task},
    runner::Room,
};

fn refused(room: &Room, image: &str, model: &str, flags: &[&str], words: &[&str]) {
    room.refused(&task(image, model, "out.tif", flags), words);
}

#[test]
fn files_that_hold_no_model_are_refused() {
    let room = room();
    refused(&room, "noisy.tif", "none.safetensors", &[], &["none.safetensors: "]);
    let whole = room.bytes("chain.safetensors");
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        room.put("cut.safetensors", &whole[..length]);
        refused(&room, "noisy.tif", "cut.safetensors", &[], &["cut.safetensors: not a complete safetensors file"]);
    }
    refused(&room, "noisy.tif", "noisy.png", &[], &["noisy.png: not a complete safetensors file"]);
    room.put("bare.safetensors", b"\x02\0\0\0\0\0\0\0{}");
    refused(&room, "noisy.tif", "bare.safetensors", &[], &["bare.safetensors: holds no kerma model"]);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    room.put("flipped.safetensors", flipped);
    refused(&room, "noisy.tif", "flipped.safetensors", &[], &["flipped.safetensors", "damaged"]);
    std::fs::create_dir(room.path("folder.safetensors")).unwrap();
    refused(&room, "noisy.tif", "folder.safetensors", &[], &["folder.safetensors: "]);
}

#[test]
fn models_of_another_version_or_with_another_card_are_refused() {
    let room = room();
    let whole = room.bytes("chain.safetensors");
    // The card is a text within the header: parts of the same length can be changed in place.
    for (from, to, words) in [
        (
            r#"\"version\": 2"#,
            r#"\"version\": 9"#,
            &["is \"kerma-model\" version 9", "reads \"kerma-model\" up to version 2"][..],
        ),
        (r#"\"base\": 8"#, r#"\"base\": 7"#, &["the card describes no network", "got 7"]),
        (r#"\"blocks\": 1"#, r#"\"blocks\": 2"#, &["the file is damaged"]),
    ] {
        let at = whole.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = whole.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        room.put("other.safetensors", changed);
        refused(&room, "noisy.tif", "other.safetensors", &[], &[&["other.safetensors: "], words].concat());
    }
}

#[test]
fn models_that_are_no_denoisers_are_refused() {
    let room = room();
    room.put("eyes.safetensors", include_bytes!("../../../assets/models/features.safetensors"));
    let words = ["eyes.safetensors: \"features\" is no denoiser"];
    refused(&room, "noisy.tif", "eyes.safetensors", &[], &words);
}

#[test]
fn images_that_cannot_be_read_or_judged_are_refused() {
    let room = room();
    let model = "chain.safetensors";
    refused(&room, "none.tif", model, &[], &["none.tif: "]);
    let cut = room.bytes("noisy.png");
    room.put("cut.png", &cut[..cut.len() / 2]);
    refused(&room, "cut.png", model, &[], &["cut.png", "cut short"]);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (7, 5), }\n";
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend((0..35).flat_map(|i| if i == 17 { bad } else { i as f32 }.to_le_bytes()));
        room.put("bad.npy", bytes);
        refused(&room, "bad.npy", model, &[], &["bad.npy", "1 of the values", "index 17"]);
    }
    write_image(room.path("small.tif"), &noisy([9, 12], Sample::Float)).unwrap();
    refused(&room, "small.tif", model, &[], &["small.tif: ", "16 pixels along each side", "9x12", "--noise"]);
}

#[test]
fn numbers_beyond_their_range_are_refused_by_name() {
    let room = room();
    let task = |flags: &[&str], words: &[&str]| refused(&room, "noisy.tif", "chain.safetensors", flags, words);
    for strength in ["-1", "nan", "inf"] {
        task(&["--strength", strength], &["strength must be 0 or more, got "]);
    }
    task(&["--strength", "much"], &["--strength", "much"]);
    task(&["--sampler", "dpm"], &["--sampler", "dpm", "one-step", "ddim"]);
    for steps in ["0", "-1", "many"] {
        task(&["--sampler", "ddpm", "--steps", steps], &["steps", steps]);
    }
    for eta in ["-0.1", "1.5", "nan"] {
        task(&["--sampler", "ddim", "--eta", eta], &["eta must be 0 to 1"]);
    }
    for text in ["white", "gaussian", "gaussian:", "gaussian:a", "poisson:1,2,3", ""] {
        task(&["--noise", text], &["--noise", "gaussian:SIGMA or poisson:GAIN[,OFFSET]"]);
    }
    task(&["--noise", "gaussian:-5"], &["sigma must be 0 or more, got -5"]);
    task(&["--noise", "poisson:-5"], &["gain of 0 or more", "got -5"]);
    task(&["--noise", "poisson:1,nan"], &["finite offset", "NaN"]);
    for batch in ["0", "-1", "all"] {
        task(&["--batch", batch], &["batch", batch]);
    }
    for tile in ["0", "31", "-64"] {
        task(&["--tile", tile], &["tile", tile]);
    }
}

#[test]
fn flags_without_effect_are_refused() {
    let room = room();
    let task = |model: &str, flags: &[&str], words: &[&str]| refused(&room, "noisy.tif", model, flags, words);
    task("chain.safetensors", &["--steps", "5"], &["--steps has no effect", "ddim or ddpm"]);
    task("chain.safetensors", &["--eta", "0.5"], &["--eta has no effect", "--sampler ddim"]);
    task("chain.safetensors", &["--sampler", "ddpm", "--eta", "0.5"], &["--eta has no effect"]);
    task("chain.safetensors", &["--seed", "5"], &["--seed has no effect"]);
    task("chain.safetensors", &["--sampler", "ddim", "--seed", "5"], &["--seed has no effect"]);
    task("direct.safetensors", &["--sampler", "ddim"], &["--sampler needs a diffusion model", "\"unet\""]);
    task("direct.safetensors", &["--noise", "gaussian:5"], &["--noise needs a diffusion model"]);
}

#[test]
fn inputs_are_not_overwritten_and_outputs_are_checked_first() {
    let room = room();
    let model = "chain.safetensors";
    let at = |image: &str, out: &str, flags: &[&str], words: &[&str]| {
        room.refused(&task(image, model, out, flags), words);
    };
    at("noisy.tif", "./noisy.tif", &[], &["./noisy.tif", "overwrite the input"]);
    std::fs::copy(room.path(model), room.path("model.tif")).unwrap();
    room.refused(&task("noisy.tif", "model.tif", "model.tif", &[]), &["model.tif", "overwrite the input"]);
    at("noisy.tif", "out.dcm", &[], &["out.dcm", "a float image as a DICOM radiograph"]);
    at("noisy.tif", "out.png", &[], &["out.png", "a float image in PNG"]);
    at("noisy.tif", "out.tif", &["--report", "page.txt"], &["page.txt", ".html"]);
    // The input is not there either; that the output is named shows which of them is looked at first.
    at("gone.tif", "none/out.tif", &[], &["none/out.tif", "folder none does not exist"]);
    room.refused(&["denoise", "noisy.tif", "--model", model], &["--out"]);
}
