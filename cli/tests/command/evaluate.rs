use serde_json::Value;

use crate::runner::Room;

/// Two images of 64², noisy against BM3D; `of` and `method` decide the check.
fn recipe(method: &str, of: &str) -> String {
    format!(
        r#"
seed = 7
volumes = ["nowhere.nii"]
bodies_per_volume = 1
doses = {{ low = 100.0 }}

[images]
seed = 1001
count = 2
views_per_body = 1
size = 64

[[method]]
name = "noisy"
kind = "noisy"

[[method]]
name = "BM3D"
kind = "bm3d"

[structures]
images = 1
inserts = 2
diameter_px = 8.0

[[check]]
kind = "ahead"
method = "{method}"
of = "{of}"
dose = "low"
noise = "gaussian"
metrics = ["psnr", "ssim"]
"#
    )
}

/// Where another method can be put in.
const PLACE: &str = "[structures]\nimages = 1";

/// A method whose model is not there.
fn with_model(rest: &str) -> String {
    format!("[[method]]\nname = \"net\"\nkind = \"model\"\nmodel = \"net.safetensors\"\n{rest}\n\n{PLACE}")
}

#[test]
fn checks_that_hold_end_with_0_and_tables_are_written() {
    let room = Room::new();
    room.put("recipe.toml", recipe("BM3D", "noisy").replace(PLACE, &with_model("optional = true")));
    let output = room.run(&["evaluate", "recipe.toml", "--out", "out", "--device", "cpu"]);
    let (text, error) = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.contains("nowhere.nii: ABSENT") && error.contains("net.safetensors: ABSENT"), "{error}");
    for part in ["PSNR (dB)", "PSNR (dB), less BM3D", "False structure", " ± ", " *\n", "holds"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    // No side is longer than 160 pixels.
    assert!(!text.contains("MS-SSIM"), "{text}");
    let markdown = String::from_utf8(room.bytes("out/table.md")).unwrap();
    assert!(markdown.contains("| BM3D | **"), "{markdown}");
    let html = String::from_utf8(room.bytes("out/report.html")).unwrap();
    assert!(html.contains("data:image/png;base64,") && html.contains("low dose (100), Poisson"));
    let object: Value = serde_json::from_slice(&room.bytes("out/table.json")).unwrap();
    let cell = |method: &str| {
        let cells = object["cells"].as_array().unwrap();
        cells.iter().find(|cell| cell["method"] == method && cell["noise"] == "gaussian").unwrap().clone()
    };
    let psnr = |method: &str| cell(method)["measures"]["psnr"]["interval"]["mean"].as_f64().unwrap();
    // 10·log₁₀(100 / 0.4) for white noise of a dose of 100.
    assert!((psnr("noisy") - 23.98).abs() < 0.2, "{}", psnr("noisy"));
    assert!(psnr("BM3D") > psnr("noisy") + 3.0, "{}", psnr("BM3D"));
    assert_eq!(cell("noisy")["measures"]["false-structure"]["values"][0], 1.0);
    assert_eq!(object["verdicts"].as_array().unwrap().len(), 2);

    // The same recipe gives the same numbers.
    let again = room.run(&["evaluate", "recipe.toml", "--device", "cpu", "--json", "--quiet"]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    let value = &again["evaluation"]["cells"][1]["measures"]["psnr"];
    assert_eq!(value, &object["cells"][1]["measures"]["psnr"]);
}

#[test]
fn a_check_that_does_not_hold_ends_with_1() {
    let room = Room::new();
    room.put("recipe.toml", recipe("noisy", "BM3D"));
    let output = room.run(&["evaluate", "recipe.toml", "--device", "cpu", "--quiet"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("kerma: evaluation: 2 of 2 checks do not hold: noisy is ahead of BM3D"), "{error}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("FAILS"));
}

#[test]
fn recipes_that_cannot_be_followed_are_refused() {
    let room = Room::new();
    room.put("unknown.toml", recipe("BM3D", "noisy").replace("seed = 7", "seed = 7\nbodies = 3"));
    room.refused(&["evaluate", "unknown.toml"], &["unknown.toml: recipe: ", "bodies"]);
    room.put("nobody.toml", recipe("BM3D", "nobody"));
    room.refused(&["evaluate", "nobody.toml"], &["check 1: no method has the name \"nobody\""]);
    let volumes = "volumes = [\"nowhere.nii\"]";
    room.put("model.toml", recipe("BM3D", "noisy").replace(PLACE, &with_model("")).replace(volumes, ""));
    room.refused(&["evaluate", "model.toml"], &["net.safetensors: "]);
    room.refused(&["evaluate", "nowhere.toml"], &["nowhere.toml: "]);
}
