#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use crate::runner::{Room, SCAN};

/// Work for minutes, so that only being interrupted explains an early end.
fn long_scan() -> String {
    SCAN.replace("views = 12", "views = 4000").replace("[16, 8]", "[256, 64]").replace("20.0, 20.0", "1.5, 1.5")
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
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
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
