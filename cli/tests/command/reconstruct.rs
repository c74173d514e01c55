//! Networks that reconstruct: trained, evaluated, run.

use serde_json::Value;

use crate::runner::Room;

/// A training of a second.
const RECIPE: &str = r#"
task = "reconstruct"
name = "tiny"
seed = 3
grid = "24x16x1@17x17x17"
[scan]
kind = "fan"
source_isocentre_mm = 600.0
source_detector_mm = 1000.0
views = 9
detector = [28, 1]
pitch_mm = [27.0, 27.0]
[network]
iterations = 2
memory = 2
width = 4
[data]
seed = 1
bodies = 4
photons = 1e5
[training]
batch = 2
steps = 6
learning_rate = 3e-3
shape = "cosine"
warm_up = 2
weight_decay = 0.0
clip = 1.0
mean_decay = 0.9
checkpoint = 5
"#;

const EVALUATION: &str = r#"
kind = "reconstruction"
seed = 1
model = "models/tiny.safetensors"
control = "models/shuffled.safetensors"
bodies_seed = 2
bodies = 3
cutoffs = [0.5, 1.0]
weights_per_mm = [1.0, 10.0]
iterations = 5
"#;

#[test]
fn a_network_that_reconstructs_is_trained_evaluated_and_run() {
    let room = Room::new();
    room.put("tiny.toml", RECIPE);
    let shuffled = RECIPE.replace("\"tiny\"", "\"shuffled\"").replace("x17\"\n", "x17\"\nshuffled_operators = true\n");
    room.put("shuffled.toml", shuffled);
    for recipe in ["tiny.toml", "shuffled.toml"] {
        room.done(&["train", recipe, "--out", "models", "--quiet"]);
    }
    room.put("evaluation.toml", EVALUATION);
    let output = room.run(&["evaluate", "evaluation.toml", "--out", "out"]);
    // After six steps the network is worse than what needs none: its bars do not hold.
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let table = String::from_utf8(room.bytes("out/table.md")).unwrap();
    for part in
        ["filtered back-projection, ", "| FISTA-TV, ", "| Learned Primal-Dual |", "| control: operators shuffled |"]
    {
        assert!(table.contains(part), "{part}: {table}");
    }
    let object: Value = serde_json::from_slice(&room.bytes("out/table.json")).unwrap();
    assert_eq!((&object["bodies"], object["tried"].as_array().unwrap().len()), (&3.into(), 5 * 2 + 2 + 2));
    let html = String::from_utf8(room.bytes("out/report.html")).unwrap();
    assert!(html.contains("Reconstruction by a network") && html.contains("Body 3"));

    // Projections of the scan, from the command itself.
    let scan = RECIPE.split("[scan]\n").nth(1).unwrap().split("[network]").next().unwrap();
    room.put("scan.toml", scan);
    room.done(&["phantom", "chest", "--grid", "24x16x1@17x17x17", "--out", "chest.nrrd"]);
    room.done(&["project", "chest.nrrd", "--geometry", "scan.toml", "--out", "integrals.nrrd"]);
    room.done(&["infer", "models/tiny.safetensors", "integrals.nrrd", "--out", "slice.nrrd"]);
    assert!(room.path("slice.nrrd").is_file());
    room.refused(&["infer", "models/tiny.safetensors", "chest.nrrd", "--out", "no.nrrd"], &["chest.nrrd: "]);

    room.put("same.toml", EVALUATION.replace("bodies_seed = 2", "bodies_seed = 1"));
    room.refused(&["evaluate", "same.toml"], &["same.toml: ", "another one than the training's, got 1"]);
}
