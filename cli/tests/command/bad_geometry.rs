use crate::runner::{GRID, Room, SCAN};

/// Replaces a line of the scan, which both commands must then refuse with the file's name and these words.
fn scan_refused(line: &str, instead: &str, words: &[&str]) {
    let room = Room::furnished();
    assert!(SCAN.contains(line));
    room.put("bad.toml", SCAN.replace(line, instead));
    let words = [&["bad.toml"], words].concat();
    room.refused(&["project", "volume.nii", "--geometry", "bad.toml", "--out", "out.nii"], &words);
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "bad.toml", "--grid", GRID, "--out", "out.nii"];
    room.refused(&reconstruct, &words);
    room.refused(&["phantom", "spheres", "--project", "bad.toml", "--out", "out.nii"], &words[..1]);
}

#[test]
fn negative_pitch() {
    scan_refused("pitch_mm = [20.0, 20.0]", "pitch_mm = [-20.0, 20.0]", &["pitch", "-20 mm", "positive"]);
}

#[test]
fn no_views() {
    scan_refused("views = 12", "views = 0", &["views", "got 0"]);
}

#[test]
fn detector_behind_the_source() {
    scan_refused(
        "source_detector_mm = 800.0",
        "source_detector_mm = 400.0",
        &["source_detector_mm", "more than source_isocentre_mm (500 mm)", "400 mm"],
    );
}

#[test]
fn unknown_kind() {
    scan_refused("cone-circular", "cone-square", &["kind", "cone-square", "cone-circular"]);
}

#[test]
fn unknown_and_missing_fields() {
    scan_refused("views = 12", "vews = 12", &["vews", "views"]);
    scan_refused("views = 12\n", "", &["views"]);
    scan_refused("views = 12", "views = \"many\"", &["line 4"]);
}

#[test]
fn toml_syntax() {
    scan_refused("views = 12", "views = = 12", &["line 4"]);
}

#[test]
fn geometry_files_that_cannot_be_read() {
    let room = Room::furnished();
    room.refused(&["project", "volume.nii", "--geometry", "none.toml", "--out", "o.nii"], &["none.toml"]);
    room.refused(&["project", "volume.nii", "--geometry", ".", "--out", "o.nii"], &[".: cannot read"]);
    room.put("binary.toml", [0xFF, 0xFE, 0x00]);
    room.refused(&["project", "volume.nii", "--geometry", "binary.toml", "--out", "o.nii"], &["binary.toml"]);
}

#[test]
fn source_inside_the_object() {
    let room = Room::furnished();
    let far = "10x10x4@160x160x16";
    room.done(&["phantom", "spheres", "--grid", far, "--out", "wide.nii"]);
    let words = ["scan.toml", "view 0", "source", "-500", "inside the volume"];
    room.refused(&["project", "wide.nii", "--geometry", "scan.toml", "--out", "out.nii"], &words);
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", far, "--out", "out.nii"];
    room.refused(&reconstruct, &words);
}

#[test]
fn projections_of_another_scan() {
    let room = Room::furnished();
    room.put("more.toml", SCAN.replace("views = 12", "views = 13"));
    let task = ["reconstruct", "stack.nrrd", "--geometry", "more.toml", "--grid", GRID, "--out", "out.nii"];
    room.refused(&task, &["stack.nrrd", "12 views of 16x8", "13 views of 16x8"]);
}

#[test]
fn scans_without_an_orbit_are_not_for_fdk() {
    let room = Room::furnished();
    room.put("view.toml", room.done(&["geometry", "radiograph"]).replace("detector = [", "detector = [16, 8] # ["));
    room.done(&["project", "volume.nii", "--geometry", "view.toml", "--out", "view.nrrd"]);
    let task = ["reconstruct", "view.nrrd", "--geometry", "view.toml", "--grid", GRID, "--out", "out.nii"];
    room.refused(&task, &["view.toml", "a radiograph is a single view"]);
}

#[test]
fn another_pitch_is_pointed_out_and_the_scan_believed() {
    let room = Room::furnished();
    room.put("fine.toml", SCAN.replace("20.0, 20.0", "19.0, 20.0"));
    let task = ["reconstruct", "stack.nrrd", "--geometry", "fine.toml", "--grid", GRID, "--out", "v.nii"];
    let output = room.run(&[&task[..], &["--device", "cpu"]].concat());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(error.lines().count() == 1 && error.contains("20 x 20 mm") && error.contains("19 x 20 mm"), "{error}");
}
