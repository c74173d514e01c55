//! `kerma reconstruct --method …`: what it writes, resumes, says and refuses.

use kerma::{
    data::{Unit, Volume},
    io::read_volume,
};

use crate::runner::{GRID, Room};

const METHODS: [&[&str]; 6] = [
    &["sirt", "--min", "0"],
    &["os-sart", "--subsets", "3"],
    &["cgls"],
    &["mlem"],
    &["osem", "--subsets", "2", "--subset-order", "ascending"],
    &["fista-tv", "--tv-weight", "0.01"],
];

fn args<'a>(method: &[&'a str], out: &'a str) -> Vec<&'a str> {
    let scan = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out", out, "--method"];
    [&scan[..], method].concat()
}

fn volume(room: &Room, name: &str) -> Volume {
    read_volume(room.path(name), None).unwrap()
}

#[test]
fn every_method_writes_a_volume_with_its_course_and_page() {
    let room = Room::furnished();
    room.done(&["phantom", "spheres", "--grid", GRID, "--out", "volume.nrrd"]);
    for method in METHODS {
        let more = ["--iterations", "3", "--reference", "volume.nrrd", "--report", "page.html", "--json"];
        let text = room.done(&[&args(method, "out.nrrd")[..], &more].concat());
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        let course = object["iterations"].as_array().unwrap();
        let residuals: Vec<f64> = course.iter().map(|of| of["residual_before"].as_f64().unwrap()).collect();
        assert!(residuals.len() == 3 && residuals[2] < residuals[0], "{method:?}: {residuals:?}");
        assert!(object["residual"].as_f64().unwrap() < residuals[0] && course[2]["rmse_per_mm"].is_number());
        assert_eq!(volume(&room, "out.nrrd").unit(), Unit::PerMillimetre);
        let page = String::from_utf8(room.bytes("page.html")).unwrap();
        assert!(page.contains("Residual") && page.contains("Error after it"), "{method:?}");
        room.done(&[&["plan"][..], &args(method, "out.nrrd")].concat());
    }
}

#[test]
fn iterations_are_saved_resumed_and_converted_to_hounsfield_units() {
    let room = Room::furnished();
    let sirt = |out, more: &[&'static str]| room.done(&[&args(&["sirt"], out)[..], more].concat());
    sirt("whole.nii.gz", &["--iterations", "4", "--save-every", "2"]);
    assert_eq!(volume(&room, "whole.iteration-0004.nii.gz"), volume(&room, "whole.nii.gz"));
    sirt("rest.nii.gz", &["--iterations", "2", "--start", "whole.iteration-0002.nii.gz"]);
    assert_eq!(volume(&room, "rest.nii.gz").values(), volume(&room, "whole.nii.gz").values());
    sirt("hu.nrrd", &["--iterations", "4", "--mu-water", "0.02"]);
    let (hu, per_mm) = (volume(&room, "hu.nrrd"), volume(&room, "whole.nii.gz"));
    assert_eq!(hu.unit(), Unit::Hounsfield);
    for (hu, per_mm) in hu.values().iter().zip(per_mm.values()) {
        assert!((hu - (per_mm / 0.02 - 1.0) * 1000.0).abs() < 0.1, "{hu} HU, {per_mm} per mm");
    }
}

#[test]
fn what_does_not_go_together_is_refused_in_a_line() {
    let room = Room::furnished();
    room.done(&["phantom", "spheres", "--grid", "4x4x4@16x16x16", "--out", "small.nrrd"]);
    for (method, words) in [
        (&["fdk", "--iterations", "3"][..], &["--iterations", "--method"][..]),
        (&["fista-tv"], &["--tv-weight"]),
        (&["cgls", "--min", "0"], &["takes no bounds"]),
        (&["cgls", "--backprojector", "voxel-driven"], &["exact adjoint"]),
        (&["mlem", "--relaxation", "1"], &["--relaxation", "sirt"]),
        (&["sirt", "--relaxation", "2"], &["below 2"]),
        (&["sirt", "--subsets", "13"], &["number of views"]),
        (&["sirt", "--start", "small.nrrd"], &["small.nrrd", "grid"]),
        (&["sirt", "--mask", "nowhere.nrrd"], &["nowhere.nrrd"]),
        (&["sirt", "--save-every", "0"], &["--save-every"]),
        (&["sirt", "--report", "page.txt"], &[".html"]),
    ] {
        room.refused(&args(method, "out.nrrd"), words);
    }
}
