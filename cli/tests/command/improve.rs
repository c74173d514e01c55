use kerma::{
    data::{Grid, Unit, Volume},
    io::{read_volume, write_volume},
};
use serde_json::Value;

use crate::runner::Room;

/// A training of a few seconds, of slices of constant z.
const RECIPE: &str = r#"
task = "improve"
name = "axial"
seed = 5
pieces = "axial"
[network]
kind = "unet"
conditioned = false
fold = 1
base = 8
multipliers = [1, 2]
blocks = 1
groups = 4
attention = false
[data]
cases = ["cases"]
mirror = true
[loss]
gradients = 0.2
[training]
batch = 4
steps = 40
learning_rate = 3e-3
shape = "one-cycle"
warm_up = 0
weight_decay = 0.0
clip = 1.0
mean_decay = 0.9
checkpoint = 20
"#;

/// Sides of the bodies.
const SIDE: usize = 24;

/// A ball of water, with a smaller ball of +100 HU in a hole of air where it `has` a nodule; and a poor reconstruction of it.
fn body(shift: f64, has_nodule: bool) -> [Volume; 2] {
    let grid = Grid::centred([SIDE; 3], [3.0; 3]).unwrap();
    let (mut truth, mut poor) = (Volume::zeros(grid, Unit::Hounsfield), Volume::zeros(grid, Unit::PerMillimetre));
    for at in 0..SIDE.pow(3) {
        let place = [at % SIDE, at / SIDE % SIDE, at / SIDE / SIDE].map(|i| 3.0 * (i as f64 - 11.5));
        let from = |x: f64| ((place[0] - x).powi(2) + place[1].powi(2) + place[2].powi(2)).sqrt();
        let hu = match (from(shift), from(shift + 4.0)) {
            (far, _) if far > 33.0 => -1000.0,
            (_, near) if near < 6.0 && has_nodule => 100.0,
            (_, near) if near < 15.0 => -800.0,
            _ => 0.0,
        };
        truth.values_mut()[at] = hu;
        // Stripes along y, and half the contrast.
        let stripe = if (at / SIDE).is_multiple_of(2) { 120.0 } else { -120.0 };
        poor.values_mut()[at] = (0.5 * hu + stripe) * 2e-5 + 0.01;
    }
    [poor, truth]
}

fn put(room: &Room, case: &str, variant: &str, [poor, truth]: &[Volume; 2]) {
    let folder = room.path(case);
    std::fs::create_dir_all(&folder).unwrap();
    write_volume(folder.join(format!("reconstruction{variant}.nii.gz")), poor).unwrap();
    write_volume(folder.join(format!("truth{variant}.nii.gz")), truth).unwrap();
    std::fs::write(folder.join("run.json"), "{}").unwrap();
}

/// A room with two cases to learn from, two pairs to test on, and a trained model of one stage.
fn furnished() -> Room {
    let room = Room::new();
    put(&room, "cases/a", "", &body(-2.0, true));
    put(&room, "cases/b", "", &body(3.0, true));
    for (case, shift) in [("test/c", 1.0), ("test/d", -1.0)] {
        put(&room, case, "-with", &body(shift, true));
        put(&room, case, "-without", &body(shift, false));
        let list = format!("seriesuid,coordX,coordY,coordZ,diameter_mm\nc,{},0,0,12\n", -(shift + 4.0));
        room.put(&format!("{case}/nodules-with.csv"), list);
    }
    room.put("axial.toml", RECIPE);
    room.run(&["train", "axial.toml", "--out", "models", "--half", "--device", "cpu", "--quiet"]);
    room
}

#[test]
fn networks_of_one_and_two_stages_improve_volumes_and_are_compared() {
    let room = furnished();
    let second = RECIPE
        .replace("\"axial\"\nseed", "\"axial-coronal\"\nseed")
        .replace("pieces = \"axial\"", "pieces = \"coronal\"")
        .replace("mirror", "after = \"axial.safetensors\"\nmirror");
    room.put("second.toml", second);
    room.done(&["train", "second.toml", "--out", "models", "--quiet"]);
    let object: Value = serde_json::from_slice(&room.bytes("models/axial.json")).unwrap();
    assert_eq!((&object["task"], &object["precision"]), (&"improve".into(), &"half".into()));
    assert_eq!(object["recipe"]["fitted"]["unit"], "mm⁻¹");
    let size = |name: &str| std::fs::metadata(room.path(name)).unwrap().len();
    assert!(
        size("models/axial.safetensors") * 3 < size("models/axial-coronal.safetensors") * 2,
        "half the weights' bytes"
    );

    let [poor, truth] = body(0.0, true);
    write_volume(room.path("poor.nii.gz"), &poor).unwrap();
    let error = |name: &str| {
        let volume = read_volume(room.path(name), None).unwrap();
        assert_eq!((volume.grid(), volume.unit()), (truth.grid(), Unit::Hounsfield));
        let sum = volume.values().iter().zip(truth.values()).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        (sum / truth.values().len() as f64).sqrt()
    };
    for model in ["axial", "axial-coronal"] {
        let (file, out) = (format!("models/{model}.safetensors"), format!("{model}.nii.gz"));
        room.done(&["infer", &file, "poor.nii.gz", "--out", &out]);
    }
    // Gain and offset alone leave the stripes and the blurred contrast; both networks take something of them.
    let (first, both) = (error("axial.nii.gz"), error("axial-coronal.nii.gz"));
    assert!(first < 240.0 && both < first, "{first} {both}");

    let recipe = "kind = \"improvement\"\nseed = 1\nfit = \"cases\"\ntest = \"test\"\nreal = \"cases\"\n\
        [[variants]]\nname = \"2DAx\"\nmodels = [\"models/axial.safetensors\"]\n\
        [[variants]]\nname = \"Ax2Cor\"\nmodels = [\"models/axial-coronal.safetensors\"]\n\
        [[variants]]\nname = \"gone\"\nmodels = [\"models/gone.safetensors\"]\n";
    room.put("evaluation.toml", recipe);
    let output = room.run(&["evaluate", "evaluation.toml", "--out", "out", "--device", "cpu"]);
    let (text, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(error.contains("gone: a model is ABSENT"), "{error}");
    for words in
        ["Means over 2 bodies with 2 nodules", "| FDK, calibrated |", "| Ax2Cor |", "| claim: 2DAx: discontinuity"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let object: Value = serde_json::from_slice(&room.bytes("out/table.json")).unwrap();
    let psnr = |row: usize| object["rows"][row]["cells"][0]["mean"].as_f64().unwrap();
    // Constant, calibrated, best calibrated of each, the variants.
    assert!(psnr(0) < psnr(1) && psnr(1) <= psnr(2) + 1e-9 && psnr(1) < psnr(3), "{object}");
    // A bar that does not hold decides the exit code, whichever it is after so short a training.
    let holds = object["statements"].as_array().unwrap().iter().all(|s| s["is_bar"] == false || s["verdict"] == "yes");
    assert_eq!(output.status.code(), Some(if holds { 0 } else { 1 }));
    assert!(String::from_utf8(room.bytes("out/report.html")).unwrap().contains("through a nodule of 12.0 mm"));
}

/// A sweep of 30° over a cylinder of water: what comes out is on the same grid, in HU.
#[test]
fn a_sweep_is_improved_by_the_network_that_is_built_in() {
    let room = Room::new();
    let sweep = "kind = 'tomosynthesis-linear'\nsource_isocentre_mm = 1650.0\nsource_detector_mm = 1800.0\nsweep_deg = 30.0\n\
        views = 21\ntravel = 'z'\ndetector_moves = false\ndetector = [96, 96]\npitch_mm = [3.2, 3.2]\n";
    room.put("sweep.toml", sweep);
    room.done(&["phantom", "water-cylinder", "--project", "sweep.toml", "--out", "sweep.nrrd"]);
    let task =
        ["reconstruct", "sweep.nrrd", "--geometry", "sweep.toml", "--grid", "64x32x64@3x4x3", "--window", "hann"];
    let made = |flags: &[&str]| room.run(&[&task[..], flags, &["--device", "cpu"]].concat());
    assert!(made(&["--out", "plain.nii"]).status.success());
    let output = made(&["--out", "like-ct.nii", "--improve"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("the built-in network learned from sweeps of 30 degrees"),
        "{said}"
    );
    let [plain, improved] = ["plain.nii", "like-ct.nii"].map(|name| read_volume(room.path(name), None).unwrap());
    assert_eq!((plain.unit(), improved.unit()), (Unit::PerMillimetre, Unit::Hounsfield));
    assert_eq!(plain.grid(), improved.grid());
}

#[test]
fn what_does_not_fit_a_network_is_refused_in_a_line() {
    let room = furnished();
    let [poor, truth] = body(0.0, false);
    write_volume(room.path("hu.nii.gz"), &truth).unwrap();
    let infer = |model: &str, input: &str, words: &[&str]| {
        room.refused(&["infer", model, input, "--out", "out.nii.gz"], words);
    };
    infer(
        "models/axial.safetensors",
        "hu.nii.gz",
        &["hu.nii.gz: ", "the network knows volumes in mm⁻¹, this one is in HU"],
    );
    infer("hu.nii.gz", "hu.nii.gz", &["hu.nii.gz: not a complete safetensors file"]);
    room.refused(&["denoise", "x.png", "--model", "models/axial.safetensors", "--out", "y.png"], &["x.png"]);
    // Other voxels are brought to the network's and back: the result is there, on the input's grid, and it is said.
    let coarse = Grid::centred([13, 12, 11], [5.0, 6.0, 7.0]).unwrap();
    let coarse = poor.resampled(&coarse).unwrap();
    write_volume(room.path("coarse.nii.gz"), &coarse).unwrap();
    let output =
        room.run(&["infer", "models/axial.safetensors", "coarse.nii.gz", "--out", "fine.nii.gz", "--device", "cpu"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("the network knows voxels of 3 x 3 x 3 mm"), "{said}");
    assert_eq!(read_volume(room.path("fine.nii.gz"), None).unwrap().grid(), coarse.grid());

    let train = |recipe: &str, words: &[&str]| {
        room.put("bad.toml", recipe);
        room.refused(&["train", "bad.toml", "--out", "models"], words);
    };
    let other = RECIPE.replace("\"axial\"\nseed", "\"other\"\nseed");
    train(&other.replace("\"cases\"", "\"nowhere\""), &["nowhere: ", "No such file"]);
    train(&other.replace("\"cases\"", "\"models\""), &["models: holds no case of kerma simulate"]);
    train(&other.replace("pieces = \"axial\"", "pieces = { patch = 16 }"), &["bad.toml: ", "a unet is for slices"]);
    train(&other.replace("mirror", "after = \"gone.safetensors\"\nmirror"), &["gone.safetensors: "]);
    train(&other.replace("task = \"improve\"", "task = \"guess\""), &["bad.toml: ", "unknown variant `guess`"]);
    std::fs::remove_file(room.path("cases/b/truth.nii.gz")).unwrap();
    train(&other, &["cases/b/truth.nii.gz"]);
}
