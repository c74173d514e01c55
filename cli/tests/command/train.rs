use kerma::{
    data::{Grid, Unit, Volume},
    io::write_volume,
};
use serde_json::Value;

use crate::runner::Room;

/// A training of a second.
pub(crate) const RECIPE: &str = r#"
name = "tiny"
method = "regression"
seed = 3
[network]
conditioned = false
fold = 2
base = 8
multipliers = [1, 2]
blocks = 1
groups = 4
attention = false
[noise]
doses = [50.0, 500.0]
[data]
patch = 16
volumes = ["nowhere.nii", "spheres.nii"]
bodies_per_volume = 1
[data.radiographs]
count = 1
views_per_body = 2
size = 48
[training]
batch = 4
steps = 12
learning_rate = 3e-3
shape = "cosine"
warm_up = 2
weight_decay = 0.01
clip = 1.0
mean_decay = 0.9
checkpoint = 5
"#;

#[test]
fn a_training_leaves_weights_a_card_a_checkpoint_and_a_page() {
    let room = Room::new();
    room.put("tiny.toml", RECIPE);
    // A volume that says that it holds attenuation is taken at its word.
    room.done(&["phantom", "spheres", "--grid", "24x24x24@10x10x10", "--out", "spheres.nii"]);
    let output = room.run(&["train", "tiny.toml", "--out", "out", "--device", "cpu", "--json"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.contains("nowhere.nii: ABSENT") && error.contains("step 10 of 12: loss "), "{error}");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&object["steps"], &object["views"]), (&12.into(), &4.into()));
    // The steps count as running, the checkpoints between them besides.
    let (run, steps) = (object["seconds"]["run"].as_f64().unwrap(), object["training_seconds"].as_f64().unwrap());
    assert!(steps > 0.0 && steps <= run, "{steps} of {run}");
    assert!(room.path("out/tiny.checkpoint").is_dir());
    let html = String::from_utf8(room.bytes("out/tiny.html")).unwrap();
    for part in ["tiny, trained", ">loss of the batches<", ">learning rate<", ">training.batch<", ">8<", ">regression<"]
    {
        assert!(html.contains(part), "{part} is missing");
    }
    assert!(!html.contains("<script") && !html.contains("<dt>Plan</dt>"));
    // The page names the weights that were written.
    let card: Value = serde_json::from_slice(&room.bytes("out/tiny.json")).unwrap();
    assert_eq!(card["recipe"]["name"], "tiny");
    // What was not there is no part of what it was made from.
    assert_eq!(card["recipe"]["data"]["volumes"], serde_json::json!(["spheres.nii"]));
    assert!(html.contains(card["sha256"].as_str().unwrap()));
}

#[test]
fn simulated_cases_are_views_unless_a_detector_has_put_noise_on_them() {
    let room = Room::new();
    room.put(
        "film.toml",
        "[geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900.0\nsource_detector_mm = 1100.0\ndetector = [40, 48]\n\
         pitch_mm = [4.0, 4.0]\n[beam]\nkvp = 100\nfilter = ['al:3']\nmas = 1.0\n[detector]\npitch_mm = 4.0\n",
    );
    let grid = Grid::centred([12, 12, 12], [10.0; 3]).unwrap();
    write_volume(room.path("ct.nii"), &Volume::new(grid, Unit::Hounsfield, vec![0.0; 1728]).unwrap()).unwrap();
    room.put("cases.csv", "case,ct\none,ct.nii\ntwo,ct.nii\n");
    let made = |out: &str, enabled: &str| {
        let set = format!("detector.enabled={enabled}");
        let args = ["simulate", "--manifest", "cases.csv", "--protocol", "film.toml", "--set", &set, "--out", out];
        room.done(&args);
    };
    made("clean", "false");
    made("noisy", "true");
    let recipe = |folder: &str| RECIPE.replace("patch = 16", &format!("patch = 16\nsimulated = ['{folder}']"));
    room.put("clean.toml", recipe("clean"));
    let output = room.run(&["train", "clean.toml", "--out", "out", "--device", "cpu", "--json"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Two views of a phantom, two that were simulated.
    assert_eq!(object["views"], 4, "{}", String::from_utf8_lossy(&output.stderr));
    room.put("noisy.toml", recipe("noisy").replace("\"tiny\"", "\"other\""));
    let refused = room.run(&["train", "noisy.toml", "--out", "out", "--device", "cpu"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert!(error.contains("noisy/one: has the noise of a detector"), "{error}");
    room.put("large.toml", recipe("clean").replace("size = 48", "size = 64").replace("patch = 16", "patch = 44"));
    let refused = room.run(&["train", "large.toml", "--out", "large", "--device", "cpu"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("data.simulated must have views of 44 × 44 pixels or more, got 40 × 48"), "{error}");
}

#[test]
fn recipes_that_cannot_be_followed_are_refused() {
    let room = Room::new();
    room.put("clap.toml", RECIPE.replace("clip", "clap"));
    room.refused(&["train", "clap.toml", "--out", "out"], &["clap.toml: recipe: ", "clap"]);
    let neighbours = RECIPE.replace("regression", "neighbor2neighbor").replace("patch = 16", "patch = 20");
    room.put("half.toml", neighbours);
    room.refused(&["train", "half.toml", "--out", "out"], &["data.patch must be a multiple of 8 ", "20"]);
    room.put("stray.toml", RECIPE.replace("[data]", "[diffusion]\nschedule = \"linear\"\nsteps = 10\nprediction = \"noise\"\nlevels = [0.1, 1.0]\nchain_share = 0.1\n[data]"));
    room.refused(&["train", "stray.toml", "--out", "out"], &["[diffusion] belongs to the method"]);
    room.put("odd.toml", RECIPE.replace("patch = 16", "patch = 15"));
    room.refused(&["train", "odd.toml", "--out", "out"], &["data.patch", "15"]);
    room.refused(&["train", "nowhere.toml", "--out", "out"], &["nowhere.toml: "]);
}
