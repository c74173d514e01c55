use std::process::Stdio;

use serde_json::Value;

use crate::runner::{GRID, Room};

/// Keys that scripts depend on, for every command.
const KEYS: [&str; 7] = ["device", "adapter", "driver", "numerics", "seconds", "peak_bytes", "outputs"];

fn object(room: &Room, args: &[&str]) -> Value {
    let text = room.done(&[args, &["--json"]].concat());
    let object: Value = serde_json::from_str(&text).unwrap();
    for key in KEYS {
        assert!(object.get(key).is_some(), "{args:?} lacks {key}: {text}");
    }
    for stage in ["read", "plan", "run", "write"] {
        assert!(object["seconds"][stage].as_f64().is_some(), "{args:?} lacks seconds of {stage}");
    }
    assert!(["submissions", "polls", "staging_bytes"].iter().all(|key| object["queue"][key].is_u64()));
    assert!(object["peak_bytes"]["host"].is_u64() && object["peak_bytes"]["device"].is_u64());
    assert_eq!((&object["device"], &object["numerics"]), (&"cpu".into(), &"pinned".into()));
    object
}

#[test]
fn json_is_one_object_with_the_keys_of_the_contract() {
    let room = Room::furnished();
    let project = ["project", "volume.nii", "--geometry", "scan.toml", "--out", "p.mha"];
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out", "v.mha"];
    let written = object(&room, &["phantom", "spheres", "--grid", GRID, "--out", "s.nii"]);
    assert_eq!(written["outputs"], serde_json::json!(["s.nii"]));
    assert_eq!(object(&room, &project)["detector"], serde_json::json!([16, 8]));
    let reconstructed = object(&room, &reconstruct);
    assert_eq!(reconstructed["redundancy"], "full-circle");
    assert!(reconstructed["peak_bytes"]["host"].as_u64() > Some(4 * 10 * 10 * 4));
    assert!(object(&room, &[&["plan"], &project[..]].concat())["dispatches"].as_u64() > Some(0));
    assert_eq!(object(&room, &["geometry", "fan"])["kind"], "fan");
    assert!(object(&room, &["devices"])["devices"].as_array().is_some_and(|devices| !devices.is_empty()));
    let conformance = object(&room, &["conformance", "--filter", "pointwise.fill"]);
    assert_eq!(conformance["conformance"]["kernels"][0]["verdict"], "bits-equal");
    let bench = object(&room, &["bench", "pointwise", "--runs", "1"]);
    assert!(bench["bench"][0]["cpu"]["throughput"].as_f64() > Some(0.0));
    let growth = object(&room, &["bench", "pointwise", "enhance", "--size", "growth", "--runs", "1"]);
    let labels: Vec<&str> =
        growth["bench"].as_array().into_iter().flatten().filter_map(|r| r["label"].as_str()).collect();
    assert_eq!(labels, ["pointwise 64³", "pointwise 128³", "pointwise 256³", "pointwise 512³"]);
}

#[test]
fn plans_are_printed_and_nothing_is_written() {
    let room = Room::furnished();
    let before = room.contents();
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out", "v.mha"];
    let text = room.done(&[&["plan"], &reconstruct[..]].concat());
    for word in ["fdk.weight", "fdk.ramp", "fdk.axial", "peak: host"] {
        assert!(text.contains(word), "{text}");
    }
    let graph = room.done(&[&["plan"], &reconstruct[..reconstruct.len() - 2], &["--graphviz"]].concat());
    assert!(graph.starts_with("digraph plan {") && graph.ends_with("}\n"), "{graph}");
    assert!(room.contents() == before);
}

#[test]
fn geometry_examples_can_be_used_as_they_are() {
    let room = Room::furnished();
    for kind in room.done(&["geometry"]).lines() {
        let file = format!("{kind}.toml");
        room.put(&file, room.done(&["geometry", kind]));
        room.done(&["plan", "project", "volume.nii", "--geometry", &file]);
    }
}

#[test]
fn version_and_help_are_no_errors() {
    let room = Room::new();
    assert_eq!(room.done(&["--version"]), concat!("kerma ", env!("CARGO_PKG_VERSION"), "\n"));
    for command in [&[][..], &["phantom"], &["reconstruct"], &["bench"]] {
        for flag in ["-h", "--help"] {
            let text = room.done(&[command, &[flag]].concat());
            assert!(text.contains("Usage: kerma") && text.contains("Global options:"), "{text}");
        }
    }
    let help = room.run(&["help", "phantom"]);
    assert_eq!((help.status.code(), help.stderr.len()), (Some(0), 0));
    assert!(String::from_utf8(help.stdout).unwrap().contains("Usage: kerma phantom"));
    let bare = room.run(&[]);
    assert_eq!((bare.status.code(), bare.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(bare.stderr).unwrap().contains("Usage: kerma"));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let room = Room::furnished();
    for args in [&["geometry", "vectors"][..], &["devices"], &["--help"], &["phantom", "--help"]] {
        let mut child = room.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{args:?}");
    }
}
