use std::fs;

use glam::DVec3;
use kerma::{
    data::{Grid, Unit, Volume},
    engine::Device,
    io::{read_volume, write_volume},
};
use kerma_nn::{Model, Precision, beside, segment::Recipe, training::System, volumes::Fitted};
use serde_json::Value;

use crate::{denoise, runner::Room};

/// A training of seconds.
const RECIPE: &str = r#"
task = "segment"
name = "nodules"
seed = 3
[network]
conditioned = false
inputs = 3
fold = 1
base = 8
multipliers = [1, 2]
blocks = 1
groups = 4
attention = false
[data]
cases = ["cases"]
volume = "truth"
mirror = true
[loss]
nodule_weight = 1.0
[training]
batch = 4
steps = 80
learning_rate = 1e-2
shape = "cosine"
warm_up = 4
weight_decay = 0.01
clip = 1.0
mean_decay = 0.8
checkpoint = 100
"#;

const GRID: &str = "16x8x12@3x4x3";
/// Centres of the nodules of the cases, in voxels.
const NODULES: [[f64; 3]; 3] = [[4.0, 2.0, 4.0], [11.0, 5.0, 7.0], [7.0, 4.0, 8.0]];

/// Lung of −800 HU with a nodule of 13 mm and 0 HU, and where the nodule is: also its centre.
fn case(index: usize) -> ([Volume; 2], DVec3) {
    let grid: Grid = GRID.parse().unwrap();
    let centre = grid.world_mm(DVec3::from_array(NODULES[index]));
    let place = |at: usize| DVec3::new((at % 16) as f64, (at / 16 % 8) as f64, (at / 128) as f64);
    let is_nodule = |at: usize| grid.world_mm(place(at)).distance(centre) < 6.5;
    let volume = |unit, of: &dyn Fn(usize) -> f32| Volume::new(grid, unit, (0..16 * 8 * 12).map(of).collect()).unwrap();
    let hu = |at: usize| if is_nodule(at) { 0.0 } else { -800.0 + ((at * 37 + index) % 19) as f32 };
    let nodules = volume(Unit::Arbitrary, &|at| f32::from(u8::from(is_nodule(at))));
    ([volume(Unit::Hounsfield, &hu), nodules], centre)
}

/// A room with three cases, their nodules and the recipe.
fn room() -> Room {
    let room = Room::new();
    for index in 0..3 {
        let ([truth, nodules], centre) = case(index);
        let name = format!("cases/case-{index}");
        fs::create_dir_all(room.path(&name)).unwrap();
        room.put(&format!("{name}/run.json"), "{}");
        write_volume(room.path(&format!("{name}/truth.nii.gz")), &truth).unwrap();
        write_volume(room.path(&format!("{name}/nodules.nii.gz")), &nodules).unwrap();
        let [x, y, z] = [-centre.x, -centre.y, centre.z];
        let table = format!("seriesuid,coordX,coordY,coordZ,diameter_mm\ncase-{index},{x},{y},{z},13\n");
        room.put(&format!("{name}/nodules.csv"), table);
    }
    room.put("nodules.toml", RECIPE);
    room
}

/// Writes the body of a case, and a reconstruction in mm⁻¹ that shows all there is.
fn put_case(room: &Room, index: usize, truth: &Volume) {
    let values = truth.values().iter().map(|hu| (hu + 1000.0) / 50_000.0).collect();
    let reconstruction = Volume::new(*truth.grid(), Unit::PerMillimetre, values).unwrap();
    for (stem, volume) in [("truth", truth), ("reconstruction", &reconstruction)] {
        write_volume(room.path(&format!("cases/case-{index}/{stem}.nii.gz")), volume).unwrap();
    }
}

/// Writes an untrained model, which gives every voxel the probability ½.
fn put_model(room: &Room, name: &str, threshold: Option<f64>) {
    let mut recipe = Recipe::from_toml(RECIPE).unwrap();
    let spacing_mm = [3.0, 4.0, 3.0];
    recipe.fitted = Some(Fitted { unit: "HU".into(), gain_hu: 1.0, offset_hu: 0.0, spacing_mm, after_sha256: None });
    let model = Model::untrained(recipe, &beside(&Device::cpu()).unwrap());
    let mut card = model.card().clone();
    card.metrics.extend(threshold.map(|threshold| ("threshold".to_owned(), threshold)));
    Model::new(card, model.network().clone()).save(&room.path(name), Precision::Single).unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn names(room: &Room, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(room.path(folder)).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nodules_are_learned_and_found_and_counted() {
    let room = room();
    room.done(&["train", "nodules.toml", "--out", "models", "--quiet"]);
    let (model, volume) = ("models/nodules.safetensors", "cases/case-1/truth.nii.gz");
    room.done(&["infer", model, volume, "--out", "probability.nii.gz"]);
    let probability = read_volume(room.path("probability.nii.gz"), None).unwrap();
    let ([truth, nodules], centre) = case(1);
    assert_eq!(probability.grid(), truth.grid());
    let mean = |label: f32| {
        let all = probability.values().iter().zip(nodules.values()).filter(|(_, is)| **is == label);
        let all: Vec<f32> = all.map(|(p, _)| *p).collect();
        all.iter().sum::<f32>() / all.len() as f32
    };
    assert!(mean(1.0) > 0.6 && mean(0.0) < 0.2, "{} {}", mean(1.0), mean(0.0));

    let task = ["detect", volume, "--model", model, "--truth", "cases/case-1/nodules.csv", "--out", "found"];
    let object = json(&room.done(&[&task[..], &["--json"]].concat()));
    assert_eq!(names(&room, "found"), ["labels.nii.gz", "marks.csv", "report.html"]);
    let best = &object["candidates"][0];
    let at = [0, 1, 2].map(|axis| best["lps_mm"][axis].as_f64().unwrap());
    let distance = DVec3::new(-at[0], -at[1], at[2]).distance(centre);
    assert!(distance < 3.0 && best["probability"].as_f64().unwrap() > 0.5, "{distance} {best}");
    assert!((best["diameter_mm"].as_f64().unwrap() - 13.0).abs() < 3.0, "{best}");
    assert_eq!((&object["truth"]["hits"], &object["truth"]["nodules"]), (&1.into(), &1.into()));
    assert_eq!((&object["case"], &object["threshold"]), (&"case-1".into(), &0.5.into()));
    assert_eq!(object["model"]["name"], "nodules");
    let marks = String::from_utf8(room.bytes("found/marks.csv")).unwrap();
    let heading = "# centres in millimetres, LPS: x to the left, y posterior, z superior\n\
                   seriesuid,coordX,coordY,coordZ,diameter_mm,probability\ncase-1,";
    assert!(marks.starts_with(heading), "{marks}");
    let labels = read_volume(room.path("found/labels.nii.gz"), None).unwrap();
    assert_eq!(labels.grid(), truth.grid());
    let inside = truth.grid().index_of(centre).to_array().map(|i| i.round() as usize);
    assert_eq!(labels.view()[[inside[2], inside[1], inside[0]]], 1.0);
    let html = String::from_utf8(room.bytes("found/report.html")).unwrap();
    for part in ["case-1, searched for nodules", "Against the truth", ">Axial 1<", ">Sagittal 1<", "Not for diagnosis"]
    {
        assert!(html.contains(part), "{part} is missing");
    }
    // The file is one of marks.
    let counted = json(&room.done(&["metrics", "froc", "cases/case-1/nodules.csv", "found/marks.csv", "--json"]));
    assert_eq!(counted["counts"]["hits"], 1);
    assert_eq!(counted["counts"]["false_marks"], object["truth"]["false_marks"]);

    // The same folder once more, with marks in the order of their probability; a folder of other files stays.
    let text = room.done(&[&task[..], &["--threshold", "0.001"]].concat());
    assert!(text.starts_with("found: ") && text.contains("1 of 1 nodules found"), "{text}");
    let marks = String::from_utf8(room.bytes("found/marks.csv")).unwrap();
    let scores: Vec<f64> = marks.lines().skip(2).map(|row| row.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert!(!scores.is_empty() && scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    room.put("found/notes.txt", "mine");
    room.refused(&task, &["found: is a folder that no run has made, and not empty"]);
    assert_eq!(room.bytes("found/notes.txt"), b"mine");
}

/// Lungs of −740 HU in a trunk of soft tissue, in which is a nodule of 15 mm and 100 HU.
#[test]
fn the_network_that_is_built_in_finds_a_plain_nodule() {
    let room = Room::new();
    let grid: Grid = "192x112x160@1.5x2x1.5".parse().unwrap();
    let centre = DVec3::new(62.0, 8.0, 10.0);
    let hu = |at: usize| {
        let place = grid.world_mm(DVec3::new((at % 192) as f64, (at / 192 % 112) as f64, (at / 21_504) as f64));
        let within = |x: f64, half: [f64; 2]| ((place.x - x) / half[0]).hypot(place.y / half[1]) < 1.0;
        match () {
            () if place.distance(centre) < 7.5 => 100.0,
            () if within(-62.0, [42.0, 70.0]) || within(62.0, [42.0, 70.0]) => -740.0,
            () if within(0.0, [135.0, 95.0]) => 40.0,
            () => -1000.0,
        }
    };
    let ct = Volume::new(grid, Unit::Hounsfield, (0..grid.voxel_count()).map(hu).collect()).unwrap();
    write_volume(room.path("chest.nii"), &ct).unwrap();
    let output = room.run(&["detect", "chest.nii", "--out", "found", "--json", "--device", "cpu"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("the built-in network learned from simulated chests"), "{said}");
    let object = json(&String::from_utf8(output.stdout).unwrap());
    let at = [0, 1, 2].map(|axis| object["candidates"][0]["lps_mm"][axis].as_f64().unwrap());
    assert!(DVec3::new(-at[0], -at[1], at[2]).distance(centre) < 7.5, "{object}");
    assert_eq!(object["model"]["name"], "nodules-ct");
}

#[test]
fn a_training_on_reconstructions_goes_on_from_that_on_bodies() {
    let room = room();
    (0..3).for_each(|index| put_case(&room, index, &case(index).0[0]));
    let short = RECIPE.replace("steps = 80", "steps = 2");
    room.put("first.toml", &short);
    room.done(&["train", "first.toml", "--out", "models", "--quiet"]);
    let tuned = short.replace("\"nodules\"", "\"tuned\"").replace("\"truth\"", "\"reconstruction\"");
    room.put("tuned.toml", tuned.replace("[training]", "[start]\nmodel = \"nodules.safetensors\"\n[training]"));
    room.done(&["train", "tuned.toml", "--out", "models", "--quiet"]);
    let card = json(&String::from_utf8(room.bytes("models/tuned.json")).unwrap());
    let before = json(&String::from_utf8(room.bytes("models/nodules.json")).unwrap());
    assert_eq!((&card["start"], &card["task"]), (&"model".into(), &"segment".into()));
    assert_eq!(card["recipe"]["start"]["sha256"], before["sha256"]);
    assert_eq!(card["recipe"]["fitted"]["unit"], "mm⁻¹");
    assert!(card["training_data"][0].as_str().unwrap().starts_with("cases of kerma simulate in cases"), "{card}");
    room.put("lost.toml", tuned.replace("[training]", "[start]\nmodel = \"lost.safetensors\"\n[training]"));
    room.refused(&["train", "lost.toml", "--out", "models"], &["lost.safetensors: "]);
}

#[test]
fn networks_are_compared_on_every_kind_of_volume() {
    let room = room();
    // A wall around the lung makes it one, in which blobs are looked for.
    for index in 0..3 {
        let ([mut truth, _], _) = case(index);
        let is_wall = |at: usize| [0, 15].contains(&(at % 16)) || [0, 7].contains(&(at / 16 % 8));
        truth.values_mut().iter_mut().enumerate().filter(|(at, _)| is_wall(*at)).for_each(|(_, hu)| *hu = 300.0);
        put_case(&room, index, &truth);
    }
    room.put("ct.toml", RECIPE.replace("[data]", "[data]\nvalidation = [\"cases\"]"));
    room.done(&["train", "ct.toml", "--out", "models", "--quiet"]);
    let card = json(&String::from_utf8(room.bytes("models/nodules.json")).unwrap());
    let threshold = card["metrics"]["threshold"].as_f64().unwrap();
    assert!((0.2..1.0).contains(&threshold) && card["metrics"]["validation F1"].as_f64().unwrap() > 0.9, "{card}");
    let short = RECIPE.replace("steps = 80", "steps = 2").replace("\"nodules\"", "\"tuned\"");
    let start = "[start]\nmodel = \"nodules.safetensors\"\n[training]";
    room.put("fdk.toml", short.replace("\"truth\"", "\"reconstruction\"").replace("[training]", start));
    room.done(&["train", "fdk.toml", "--out", "models", "--quiet"]);

    let recipe = "kind = \"detection\"\nseed = 1\ntest = \"cases\"\nreal = \"none\"\ndepth_mm = 20.0\n\
                  models = [\"models/nodules.safetensors\", \"models/tuned.safetensors\", \"models/lost.safetensors\"]\n";
    room.put("evaluation.toml", recipe);
    let output = room.run(&["evaluate", "evaluation.toml", "--out", "out", "--device", "cpu"]);
    let [text, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(said.contains("models/lost.safetensors is ABSENT"), "{said}");
    // What one network finds on CT it finds on a reconstruction that shows all there is.
    let row = |name: &str| {
        let start = format!("| {name} | ");
        let row = text.lines().find_map(|line| line.strip_prefix(&start));
        row.unwrap_or_else(|| panic!("{name} in {text}")).split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let cells = ["CT network on CT", "CT network on FDK", "FDK network on CT", "FDK network on FDK"].map(row);
    assert_eq!(cells, [1.0; 4]);
    assert!(text.contains("| bar: CT network on CT: CPM of 0.7 or more | yes | 1.000"), "{text}");
    assert_eq!(names(&room, "out"), ["report.html", "table.json", "table.md"]);
    let html = String::from_utf8(room.bytes("out/report.html")).unwrap();
    assert!(html.contains("Free-response ROC") && html.contains("Not for diagnosis"));
    room.put("bad.toml", recipe.replace("20.0", "0.0"));
    room.refused(&["evaluate", "bad.toml"], &["bad.toml: ", "depth_mm must be positive, got 0"]);
}

#[test]
fn thresholds_come_from_the_flag_the_card_or_one_half() {
    let room = room();
    put_model(&room, "plain.safetensors", None);
    put_model(&room, "chosen.safetensors", Some(0.4));
    let found = |model: &str, flags: &[&str]| {
        let task = ["detect", "cases/case-0/truth.nii.gz", "--model", model, "--out", "found", "--json"];
        let object = json(&room.done(&[&task[..], flags].concat()));
        let rows = String::from_utf8(room.bytes("found/marks.csv")).unwrap().lines().count() - 2;
        assert_eq!(object["candidates"].as_array().unwrap().len(), rows);
        (object["threshold"].as_f64().unwrap(), rows)
    };
    // All voxels have ½: none above it, one candidate of all above less.
    assert_eq!(found("plain.safetensors", &[]), (0.5, 0));
    assert_eq!(found("chosen.safetensors", &[]), (0.4, 1));
    assert_eq!(found("plain.safetensors", &["--threshold", "0.2"]), (0.2, 1));
    assert_eq!(found("chosen.safetensors", &["--threshold", "0.6"]), (0.6, 0));
    let html = String::from_utf8(room.bytes("found/report.html")).unwrap();
    assert!(html.contains("There are none.") && !html.contains("Against the truth"));
    // A scan without nodules has no curve.
    room.put("none.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\n");
    assert_eq!(found("chosen.safetensors", &["--truth", "none.csv"]).1, 1);
    assert!(!String::from_utf8(room.bytes("found/report.html")).unwrap().contains("Free-response"));
}

#[test]
fn bad_input_is_refused_in_one_line_and_nothing_is_written() {
    let room = room();
    put_model(&room, "model.safetensors", None);
    let ([truth, _], _) = case(0);
    let put = |name: &str, volume: Volume| write_volume(room.path(name), &volume).unwrap();
    put("mu.nii", truth.clone().with_unit(Unit::PerMillimetre));
    let mut holed = truth.clone();
    holed.values_mut()[3] = f32::NAN;
    put("holed.nii", holed);
    put("empty.nii", truth);
    let mut empty = room.bytes("empty.nii");
    empty[42..44].copy_from_slice(&[0, 0]); // columns
    room.put("empty.nii", empty);
    let volume = "cases/case-0/truth.nii.gz";
    let refused = |volume: &str, flags: &[&str], words: &[&str]| {
        let task = ["detect", volume, "--model", "model.safetensors", "--out", "found"];
        room.refused(&[&task[..], flags].concat(), words);
    };
    refused("mu.nii", &[], &["mu.nii: ", "HU is needed, this holds values in mm⁻¹"]);
    refused("holed.nii", &[], &["holed.nii: ", "not finite"]);
    refused("empty.nii", &[], &["empty.nii: "]);
    refused("none.nii", &[], &["none.nii: "]);
    for threshold in ["1", "-0.1", "NaN"] {
        refused(volume, &["--threshold", threshold], &["--threshold must be 0 or more and below 1, got "]);
    }
    refused(
        volume,
        &["--truth", "cases/case-1/nodules.csv"],
        &["nodules.csv: has no scan case-0, but case-1; name the scan by --case"],
    );
    refused(volume, &["--truth", "none.csv"], &["none.csv: "]);
    room.put("flat.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\ncase-0,1,2,3,0\n");
    refused(volume, &["--truth", "flat.csv"], &["flat.csv: line 2: diameter_mm must be positive, got 0"]);
    room.refused(
        &["detect", volume, "--model", "model.safetensors", "--out", "cases"],
        &["cases: holds the input cases/case-0/truth.nii.gz; name another folder"],
    );
    room.put("direct.safetensors", denoise::room().bytes("direct.safetensors"));
    room.refused(
        &["detect", volume, "--model", "direct.safetensors", "--out", "found"],
        &["direct.safetensors: is a model for the task \"denoise\"; one for \"segment\" is needed"],
    );
    room.refused(&["infer", "model.safetensors", "mu.nii", "--out", "out.nii"], &["mu.nii: ", "HU is needed"]);
}
