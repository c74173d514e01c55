use std::fs;

use crate::runner::{GRID, Room};

#[test]
fn names_and_texts_that_mean_nothing() {
    let room = Room::furnished();
    room.refused(&["phantom", "skull", "--grid", GRID, "--out", "o.nii"], &["skull", "shepp-logan"]);
    room.refused(&["geometry", "square"], &["square", "cone-circular"]);
    room.refused(&["reconstuct"], &["reconstuct", "reconstruct"]);
    for grid in ["10x10@1x1x1", "10x10x10", "axbxc@1x1x1", "10x10x10@1x1x1+0,0", "", "10x10x10@1x1x1+nan,0,0"] {
        room.refused(&["phantom", "spheres", "--grid", grid, "--out", "o.nii"], &["--grid", "NXxNYxNZ@SXxSYxSZ"]);
    }
    room.refused(&["phantom", "spheres", "--grid", "0x4x4@1x1x1", "--out", "o.nii"], &["--grid", "along x, got 0"]);
    room.refused(&["phantom", "spheres", "--grid", "4x4x4@1x0x1", "--out", "o.nii"], &["--grid", "got 0 mm along y"]);
    room.refused(&["phantom", "spheres", "--out", "o.nii"], &["--grid"]);
    room.refused(&["phantom", "spheres", "--grid", GRID], &["--out"]);
    room.refused(&["phantom", "spheres", "--grid", GRID, "--out", "o.nii", "--supersample", "0"], &["--supersample"]);
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out", "o.nii"];
    for (flag, value) in [("--cutoff", "0"), ("--cutoff", "1.5"), ("--cutoff", "nan"), ("--window", "box")] {
        room.refused(&[&reconstruct[..], &[flag, value]].concat(), &[flag, value]);
    }
    room.refused(&[&reconstruct[..], &["--method", "magic"]].concat(), &["--method", "magic", "fdk"]);
    room.refused(&["conformance", "--filter", "nothing"], &["--filter", "nothing", "fdk.ramp"]);
    room.refused(&["devices", "--numerics", "loose"], &["--numerics", "loose", "pinned"]);
}

#[test]
fn outputs_that_cannot_be_written_are_refused_first() {
    let room = Room::furnished();
    fs::create_dir(room.path("folder.nii")).unwrap();
    for (out, words) in [
        ("none/o.nii", &["none/o.nii", "folder none does not exist"][..]),
        ("o.png", &["o.png", "png", ".nii.gz"]),
        ("o", &["o:", ".nii.gz"]),
        ("o.dcm", &["o.dcm", "dcm"]),
        ("folder.nii", &["folder.nii", "folder"]),
        ("volume.nii/o.nii", &["volume.nii/o.nii"]),
    ] {
        room.refused(&["phantom", "spheres", "--grid", GRID, "--out", out], words);
        // The input is not there either; that the output is named shows which of them is looked at first.
        room.refused(&["project", "none.nii", "--geometry", "scan.toml", "--out", out], words);
        let reconstruct = ["reconstruct", "none.nii", "--geometry", "scan.toml", "--grid", GRID, "--out", out];
        room.refused(&reconstruct, words);
    }
}

#[test]
fn grids_beyond_the_memory_are_refused_with_both_numbers() {
    let room = Room::furnished();
    // The largest grid there is: 32 GiB, which four copies of make too much for any machine that runs tests.
    let grid = "65536x65536x2@0.001x0.001x0.001";
    let free = {
        let object: serde_json::Value = serde_json::from_str(&room.done(&["devices", "--json"])).unwrap();
        object["devices"].as_array().unwrap().last().unwrap()["free_bytes"].as_u64().unwrap()
    };
    if free < 32 << 30 {
        let words = ["34359738368 bytes", "are free", "65536x65536x2"];
        room.refused(&["phantom", "spheres", "--grid", grid, "--out", "o.nii"], &words);
        // A compressed file, whose size nobody knows before: the disk is not asked for 32 GiB.
        let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", grid, "--out", "o.nii.gz"];
        room.refused(&reconstruct, &words[1..]);
    }
}

#[test]
fn a_device_that_is_not_there_is_bad_usage() {
    let room = Room::furnished();
    let before = room.contents();
    for device in ["gpu", "gpu:99"] {
        let task = ["project", "volume.nii", "--geometry", "scan.toml", "--out", "o.nii", "--device", device];
        let output = room.run(&task);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with("kerma: no device gpu:") && error.lines().count() == 1, "{error}");
    }
    let output = room.run(&["devices", "--device", "tpu"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("tpu") && error.contains("auto, cpu, gpu or gpu:N"), "{error}");
    // Several devices share one kind of work, and each is named once.
    let scan = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", "8x8x8@4x4x4", "--out", "o.nii"];
    let backproject =
        ["backproject", "stack.nrrd", "--geometry", "scan.toml", "--grid", "8x8x8@4x4x4", "--out", "o.nii"];
    for (task, devices, words) in [
        (&scan[..], "cpu,cpu", "--device names a device twice"),
        (
            &backproject,
            "cpu,auto",
            "--device names 2 devices: project, and reconstruct with --method fdk, work on several",
        ),
    ] {
        let output = room.run(&[task, &["--device", devices]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(words) && error.lines().count() == 1, "{error}");
    }
    assert!(room.contents() == before);
}

#[test]
fn falling_back_to_the_cpu_is_said_in_one_line_unless_quiet() {
    let room = Room::furnished();
    let task = ["project", "volume.nii", "--geometry", "scan.toml", "--out", "o.nii"];
    let output = room.run(&task);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "kerma: no GPU found, computing on the CPU\n");
    assert_eq!(output.status.code(), Some(0));
    let output = room.run(&[&task[..], &["--quiet"]].concat());
    assert_eq!((output.status.code(), output.stderr.len(), output.stdout.len()), (Some(0), 0, 0));
}
