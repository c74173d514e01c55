#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::runner::{Room, SCAN};

/// Work for minutes, so that only being interrupted explains an early end.
fn long_scan() -> String {
    SCAN.replace("views = 12", "views = 4000").replace("[16, 8]", "[256, 64]").replace("20.0, 20.0", "1.5, 1.5")
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

/// Presses Ctrl-C as soon as the command begins to compute, and sees that it ends as it should and leaves nothing.
fn interrupted(room: &Room, args: &[&str]) {
    let before = room.contents();
    let mut child = room.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // The notice of the fallback is the last word before the run begins.
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("computing on the CPU"), "{line}");
    signal(&child, "INT");
    let status = child.wait().unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!((status.code(), rest.as_str()), (Some(130), "kerma: interrupted\n"));
    assert!(room.contents() == before, "something was written");
}

#[test]
fn ctrl_c_ends_the_demo_and_leaves_no_folder() {
    interrupted(&Room::new(), &["demo"]);
}

#[test]
fn ctrl_c_ends_a_run_and_leaves_nothing() {
    let room = Room::furnished();
    room.put("long.toml", long_scan());
    room.done(&["phantom", "spheres", "--grid", "128x128x64@1x1x1", "--out", "large.nrrd"]);
    room.put("out.nrrd", "what was there before");
    interrupted(&room, &["project", "large.nrrd", "--geometry", "long.toml", "--out", "out.nrrd"]);
}

#[cfg(feature = "nn")]
#[test]
fn ctrl_c_ends_denoising_and_leaves_no_file() {
    use kerma::{data::Sample, io::write_image};

    use crate::denoise::{noisy, room, task};

    let room = room();
    write_image(room.path("large.tif"), &noisy([1500, 1500], Sample::Float)).unwrap();
    let flags = ["--sampler", "ddpm", "--steps", "1000", "--noise", "gaussian:500", "--report", "out.html"];
    interrupted(&room, &task("large.tif", "chain.safetensors", "out.tif", &flags));
}

#[test]
fn ctrl_c_ends_a_self_test() {
    interrupted(&Room::new(), &["conformance"]);
}

#[test]
fn writing_ends_when_told_and_keeps_the_old_file() {
    for name in ["INT", "TERM"] {
        let room = Room::new();
        room.put("out.nii.gz", "what was there before");
        let before = room.contents();
        let task =
            ["phantom", "shepp-logan", "--grid", "384x384x384@1x1x1", "--supersample", "1", "--out", "out.nii.gz"];
        let mut child = room.command(&task).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = || {
            let files = fs::read_dir(room.path("")).unwrap().map(|file| file.unwrap());
            files.filter(|file| file.file_name() != "out.nii.gz").any(|file| file.metadata().is_ok_and(|m| m.len() > 0))
        };
        while !begun() {
            assert!(child.try_wait().unwrap().is_none(), "ended before it began to write");
            sleep(Duration::from_millis(1));
        }
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.as_str()), (Some(130), "kerma: interrupted\n"), "{name}");
        assert!(room.contents() == before, "{name}: something was written");
    }
}

#[cfg(feature = "nn")]
#[test]
fn ctrl_c_ends_a_training_with_a_checkpoint() {
    use serde_json::Value;

    let room = Room::new();
    let recipe =
        crate::train::RECIPE.replace("steps = 12", "steps = 1000000").replace("checkpoint = 5", "checkpoint = 2");
    room.put("long.toml", recipe.replace("\"spheres.nii\"", ""));
    let args = ["train", "long.toml", "--out", "out", "--device", "cpu"];
    let mut child = room.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // Between two checkpoints, as they come.
    assert!(lines.any(|line| line.contains("step 2 of 1000000")));
    signal(&child, "INT");
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert_eq!(rest.last().map(String::as_str), Some("kerma: interrupted"));
    let state: Value = serde_json::from_slice(&room.bytes("out/tiny.checkpoint/state.json")).unwrap();
    let step = state["step"].as_u64().unwrap();
    assert!(step > 2 && rest[rest.len() - 2].contains(&format!("step {step} of 1000000")), "{step}: {rest:?}");
    assert!(!room.path("out/tiny.new").exists() && !room.path("out/tiny.old").exists());
    room.refused(&args[..4], &["tiny.checkpoint: is of a training before", "--resume"]);
}
