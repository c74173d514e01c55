use std::path::{Path, PathBuf};

use image::GenericImageView;
use kerma::io::read_image;
use serde_json::Value;

use crate::runner::{Room, real};

const PICTURES: [&str; 12] = [
    "radiograph.png",
    "radiograph-enhanced.png",
    "cone-beam-axial.png",
    "cone-beam-axial-error.png",
    "cone-beam-coronal.png",
    "cone-beam-coronal-error.png",
    "cone-beam-sagittal.png",
    "cone-beam-sagittal-error.png",
    "tomosynthesis-60mm-posterior.png",
    "tomosynthesis-20mm-posterior.png",
    "tomosynthesis-20mm-anterior.png",
    "tomosynthesis-60mm-anterior.png",
];
const OTHERS: [&str; 7] = [
    "radiograph-integrals.tiff",
    "cone-beam.nii.gz",
    "tomosynthesis.nii.gz",
    "radiograph.toml",
    "cone-beam.toml",
    "tomosynthesis.toml",
    "report.html",
];
/// What the demo makes besides where networks are built in.
const DENOISED: [&str; 2] = ["radiograph-low-dose.png", "radiograph-denoised.png"];
/// Mean error that a tissue may have: 1 % of water.
const BIAS_HU: f64 = 10.0;

/// Runs the demo in `folder` and holds what it wrote against what it says it wrote.
fn demonstrated(room: &Room, folder: &str, more: &[&str]) -> Value {
    let text = room.done(&[&["demo", "--quick", "--json", "--out", folder], more].concat());
    let object: Value = serde_json::from_str(&text).unwrap();
    let mut written: Vec<PathBuf> = std::fs::read_dir(room.path(folder)).unwrap().map(|f| f.unwrap().path()).collect();
    let mut told: Vec<PathBuf> =
        object["outputs"].as_array().unwrap().iter().map(|f| room.path(f.as_str().unwrap())).collect();
    written.sort();
    told.sort();
    assert_eq!(written, told);
    let pictures: Vec<&str> =
        PICTURES.into_iter().chain(DENOISED.into_iter().filter(|_| cfg!(feature = "nn"))).collect();
    let mut expected: Vec<PathBuf> = pictures.iter().chain(&OTHERS).map(|name| room.path(folder).join(name)).collect();
    expected.sort();
    assert_eq!(written, expected);
    for name in pictures {
        let picture = image::open(room.path(folder).join(name)).unwrap();
        let (columns, rows) = picture.dimensions();
        assert!(columns > 50 && rows > 40, "{name}: {columns}x{rows}");
        let bits = if name.contains("error") { 8 } else { 16 };
        let color = picture.color();
        assert_eq!(u16::from(color.bytes_per_pixel() / color.channel_count()) * 8, bits, "{name}");
    }
    stands_alone(&room.path(folder).join("report.html"));
    for tissue in object["cone_beam"].as_array().unwrap() {
        assert!(tissue["bias_hu"].as_f64().unwrap().abs() < BIAS_HU, "{tissue}");
        assert!(tissue["rmse_hu"].as_f64().unwrap() < 100.0 && tissue["voxels"].as_u64() > Some(1000), "{tissue}");
    }
    assert_eq!(object["cone_beam"].as_array().unwrap().len(), 2);
    enhanced(room, folder, &object);
    if cfg!(feature = "nn") {
        denoised(&object["low_dose"]);
    }
    assert!(object["seconds"]["run"].as_f64() > Some(0.0) && object["peak_bytes"]["host"].as_u64() > Some(1 << 20));
    object
}

/// The network took most of the noise off.
fn denoised(step: &Value) {
    let [noisy, denoised] = ["noisy", "denoised"].map(|image| step["rms_error"][image].as_f64().unwrap());
    assert!(denoised > 0.0 && denoised < 0.5 * noisy, "{step}");
    assert!(step["start_step"].as_u64() > Some(0) && step["model"] == "ddpm-x", "{step}");
}

/// The radiograph was enhanced: what was found fits a chest, and the file has the radiograph's size and spacing.
fn enhanced(room: &Room, folder: &str, object: &Value) {
    let step = &object["enhancement"];
    assert_eq!((&step["preset"], &step["bits"]), (&"chest".into(), &16.into()));
    let share = step["mask_share"].as_f64().unwrap();
    assert!((0.3..0.95).contains(&share) && step["threshold"].is_u64(), "{step}");
    let stages = object["stages"].as_array().unwrap();
    assert!(stages.iter().any(|s| s["stage"] == "enhancement" && s["seconds"].as_f64() > Some(0.0)), "{stages:?}");
    let [before, after] = ["radiograph.png", "radiograph-enhanced.png"].map(|name| {
        let (image, _) = read_image(room.path(folder).join(name)).unwrap();
        image
    });
    assert_eq!(
        (after.size(), after.spacing_mm(), after.sample()),
        (before.size(), before.spacing_mm(), before.sample())
    );
    assert!(after.values().contains(&0.0) && after.values().contains(&65_535.0) && after.values() != before.values());
}

/// The page asks for nothing that is not in it.
fn stands_alone(page: &Path) {
    let html = std::fs::read_to_string(page).unwrap();
    for reference in ["<script", "<link", "<iframe", "@import", "url("] {
        assert!(!html.contains(reference), "the page holds {reference}");
    }
    for attribute in ["href=\"", "src=\""] {
        for value in html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
            let inside = value.starts_with('#') || value.starts_with("data:image/png;base64,");
            assert!(inside, "the page refers to {:.60}", value);
        }
    }
    assert!(html.ends_with("</html>\n") && html.matches("<figure>").count() > 8);
    assert!(html.contains("Not for diagnosis"));
    let places = ["<h2 id=\"heading-2\">Chest radiograph</h2>", "<fieldset class=\"compare\"", ">Cone-beam CT</h2>"];
    let found = places.map(|part| html.find(part));
    // What is not there sorts before all that is.
    assert!(found[0].is_some() && found.is_sorted(), "{places:?} stand at {found:?}");
}

/// Mean brightness of a part of a picture, the part given as shares of its width and height.
fn brightness(picture: &image::DynamicImage, [left, right]: [f64; 2], [top, bottom]: [f64; 2]) -> f64 {
    let grey = picture.to_luma16();
    let pixels = |share: f64, count: u32| (share * f64::from(count)) as u32;
    let (columns, rows) = grey.dimensions();
    let mut values = Vec::new();
    for row in pixels(top, rows)..pixels(bottom, rows) {
        values.extend((pixels(left, columns)..pixels(right, columns)).map(|column| grey.get_pixel(column, row).0[0]));
    }
    values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64 / 65535.0
}

#[test]
fn phantom_is_xrayed_and_stands_the_right_way_round() {
    let room = Room::new();
    let object = demonstrated(&room, "out", &[]);
    assert_eq!(object["input"], "the built-in chest phantom");
    assert!(object["siddon"]["relative_bias"].as_f64().unwrap().abs() < 2e-3, "{}", object["siddon"]);
    assert!(object["siddon"]["relative_rms"].as_f64() < Some(0.05), "{}", object["siddon"]);

    let radiograph = image::open(room.path("out/radiograph.png")).unwrap();
    let [right_base, left_base] = [[0.25, 0.4], [0.6, 0.75]].map(|across| brightness(&radiograph, across, [0.5, 0.65]));
    let spine = brightness(&radiograph, [0.47, 0.53], [0.3, 0.6]);
    assert!(spine > 0.7 && right_base < 0.5 * spine, "bones are white and lungs dark: {spine}, {right_base}");
    assert!(left_base > 1.2 * right_base, "the heart lies towards the right of the picture: {left_base}, {right_base}");
    let [top, bottom] = [[0.2, 0.3], [0.85, 0.95]].map(|down| brightness(&radiograph, [0.25, 0.4], down));
    assert!(bottom > top, "the abdomen is below: {bottom}, {top}");
}

/// Pictures and volumes of the scans with physics.
const REAL: [&str; 11] = [
    "physics-radiograph.png",
    "physics-radiograph-integrals.tiff",
    "physics-cone-beam-axial.png",
    "physics-cone-beam-coronal.png",
    "physics-cone-beam-sagittal.png",
    "physics-cone-beam.nii.gz",
    "physics-tomosynthesis-60mm-posterior.png",
    "physics-tomosynthesis-20mm-posterior.png",
    "physics-tomosynthesis-20mm-anterior.png",
    "physics-tomosynthesis-60mm-anterior.png",
    "physics-tomosynthesis.nii.gz",
];

#[test]
fn scans_with_physics_stand_beside_the_ideal_ones() {
    let room = Room::new();
    room.done(&["demo", "--quick", "--quiet", "--out", "ideal"]);
    let text = room.done(&["demo", "--quick", "--json", "--physics", "--out", "real"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    for name in REAL {
        assert!(room.path("real").join(name).is_file() && !room.path("ideal").join(name).exists(), "{name}");
    }
    // The rest is as without the flag.
    for name in PICTURES.into_iter().chain(OTHERS.into_iter().filter(|name| *name != "report.html")) {
        assert_eq!(room.bytes(&format!("ideal/{name}")), room.bytes(&format!("real/{name}")), "{name}");
    }
    let html = String::from_utf8(room.bytes("real/report.html")).unwrap();
    assert!(html.contains(">Physics</h2>") && html.contains("Ideal and real radiograph"));
    assert!(!String::from_utf8(room.bytes("ideal/report.html")).unwrap().contains(">Physics</h2>"));
    let fraction = |scan: &str| object["physics"][scan]["scatter_fraction"].as_f64().unwrap();
    let [film, turn, sweep] = ["radiograph", "cone_beam", "tomosynthesis"].map(fraction);
    // Grids keep scatter away; the CT has none.
    assert!(film > 0.02 && sweep > 0.02 && turn > film.max(sweep) && turn < 0.95, "{film}, {turn}, {sweep}");
    assert!(object["physics"]["radiograph"]["bucky_factor"].as_f64() > Some(1.0));
    // Scatter that nothing stops or corrects takes hundreds of HU from soft tissue.
    let tissue = &object["physics"]["tissues"][0];
    let bias = tissue["bias_hu"].as_f64().unwrap();
    assert!((-600.0..-50.0).contains(&bias) && tissue["region"] == "soft tissue", "{tissue}");

    let picture = image::open(room.path("real/physics-radiograph.png")).unwrap();
    let [right_base, left_base] = [[0.25, 0.4], [0.6, 0.75]].map(|across| brightness(&picture, across, [0.5, 0.65]));
    let spine = brightness(&picture, [0.47, 0.53], [0.3, 0.6]);
    assert!(spine > right_base && left_base > 1.1 * right_base, "{spine}, {left_base}, {right_base}");
}

#[test]
fn geometries_and_results_fit_the_other_commands() {
    let room = Room::new();
    room.done(&["demo", "--quick", "--quiet", "--out", "deep/er/out"]);
    let project =
        ["project", "deep/er/out/cone-beam.nii.gz", "--geometry", "deep/er/out/radiograph.toml", "--out", "p.nii"];
    room.done(&[&["plan"], &project[..]].concat());
}

#[test]
fn real_ct_is_xrayed() {
    let name = "ct/lidc_idri_0001_chest_small.nii.gz";
    let Some(path) = real(name) else { return };
    let room = Room::new();
    let object = demonstrated(&room, "out", &["--ct", path.to_str().unwrap()]);
    assert!(object.get("siddon").is_none());
    assert_eq!(object["input"], "lidc_idri_0001_chest_small.nii.gz");
}

#[test]
fn what_cannot_be_a_ct_is_refused_and_leaves_no_folder() {
    let room = Room::new();
    room.done(&["phantom", "spheres", "--grid", "8x8x8@10x10x10", "--out", "spheres.npy"]);
    room.refused(&["demo", "--ct", "nothing.nii", "--out", "new"], &["nothing.nii"]);
    room.refused(&["demo", "--ct", "spheres.npy", "--out", "new"], &["spheres.npy", "grid"]);
    room.put("file", "");
    room.refused(&["demo", "--out", "file"], &["file", "folder"]);
    assert!(!room.path("new").exists());
}
