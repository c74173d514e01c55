//! `--memory`: volumes and stacks in parts.

use crate::runner::Room;

/// Forty slices, of which parts hold multiples of sixteen.
const TALL: &str = "10x10x40@16x16x2";

fn args<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let scan = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", TALL, "--out", out];
    [&scan[..], more].concat()
}

/// The least memory that does, as the option takes it.
fn least(room: &Room) -> String {
    let output = room.run(&args("out.nrrd", &["--memory", "0.001MB"]));
    let message = String::from_utf8(output.stderr).unwrap();
    let words = message.split("needs at least ").nth(1).and_then(|rest| rest.split(' ').next());
    let bytes: f64 = words.unwrap().parse().unwrap();
    format!("{:.6}MB", (bytes + 1.0) / 1e6)
}

#[test]
fn parts_write_the_file_of_the_whole() {
    let room = Room::furnished();
    let memory = least(&room);
    for (name, more) in
        [("a.nrrd", &[][..]), ("a.nii", &[]), ("a.mha", &["--window", "hann"]), ("a.npy", &["--mu-water", "0.02"])]
    {
        room.done(&args(name, more));
        let whole = room.bytes(name);
        let text = room.done(&args(name, &[more, &["--memory", &memory, "--json"]].concat()));
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["parts"], 3, "{name}: {text}");
        assert!(room.bytes(name) == whole, "{name}: parts differ from the whole");
    }
    // A stack of pages, too.
    room.done(&["project", "volume.nii", "--geometry", "scan.toml", "--out", "stack.tif"]);
    let pages = |more: &[&str]| {
        let scan = ["reconstruct", "stack.tif", "--geometry", "scan.toml", "--grid", TALL, "--out", "p.nrrd"];
        room.done(&[&scan[..], more].concat());
        room.bytes("p.nrrd")
    };
    assert!(pages(&[]) == pages(&["--memory", &memory]));
    let text = room.done(&[&["plan"][..], &args("a.nrrd", &["--memory", &memory])].concat());
    assert!(text.starts_with("3 parts of 10x10x40@16x16x2, each from "), "{text}");
}

#[test]
fn what_cannot_be_done_in_parts_is_refused_and_leaves_nothing() {
    let room = Room::furnished();
    for (more, words) in [
        (
            &["--memory", "1GB", "--method", "sirt"][..],
            &["--memory and several devices work with --method fdk alone"][..],
        ),
        (&["--memory", "12"], &["--memory", "must be a number above 0 and MB, GB, MiB or GiB, got 12"]),
        (&["--memory", "0GB"], &["--memory", "got 0GB"]),
        (&["--memory", "1kB"], &["got 1kB"]),
        (&["--memory", "0.001MB"], &["a reconstruction in parts needs at least", "1000 are given"]),
        (&["--memory", "1GB", "--iterations", "3"], &["--iterations"]),
    ] {
        room.refused(&args("out.nrrd", more), words);
    }
    room.refused(&args("out.nii.gz", &["--memory", "1GB"]), &["out.nii.gz", "in parts", ".nii, .nrrd, .mha or .npy"]);
    // A stack that ends early, and one with a value that is none.
    let mut bytes = room.bytes("stack.nrrd");
    bytes.truncate(bytes.len() - 4);
    room.put("stack.nrrd", &bytes);
    room.refused(&args("out.nrrd", &["--memory", "1GB"]), &["stack.nrrd: ends early"]);
    bytes.extend(f32::NAN.to_le_bytes());
    room.put("stack.nrrd", &bytes);
    room.refused(&args("out.nrrd", &["--memory", "1GB"]), &["stack.nrrd", "finite"]);
}

#[test]
fn stacks_are_written_and_read_in_batches_with_the_bits_of_the_whole() {
    let room = Room::furnished();
    let project = ["project", "volume.nii", "--geometry", "scan.toml", "--out"];
    let back = ["backproject", "stack.nrrd", "--geometry", "scan.toml", "--grid", TALL, "--out"];
    for name in ["b.nrrd", "b.nii", "b.mha", "b.npy"] {
        for task in [&project[..], &back] {
            let task = [task, &[name, "--projector", "joseph"]].concat();
            room.done(&task);
            let whole = room.bytes(name);
            let text = room.done(&[&task[..], &["--memory", "100MB", "--json"]].concat());
            let object: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(object["parts"] == 1 && object["views_together"] == object["views"], "{text}");
            assert!(room.bytes(name) == whole, "{task:?}");
            let text = room.done(&[&["plan"][..], &task, &["--memory", "100MB"]].concat());
            assert!(text.starts_with("1 part of "), "{text}");
        }
    }
    let few = ["--memory", "0.001MB"];
    room.refused(
        &[&project[..], &["c.nrrd"], &few].concat(),
        &["a projection in parts needs at least", "1000 are given"],
    );
    room.refused(&[&back[..], &["c.nrrd"], &few].concat(), &["a back-projection in parts needs at least"]);
    let words = ["c.tif", "write a projection stack in batches", ".nii, .nrrd, .mha or .npy"];
    room.refused(&[&project[..], &["c.tif", "--memory", "100MB"]].concat(), &words);
    let mut bytes = room.bytes("stack.nrrd");
    bytes.truncate(bytes.len() - 4);
    room.put("stack.nrrd", &bytes);
    room.refused(&[&back[..], &["c.nrrd", "--memory", "100MB"]].concat(), &["stack.nrrd: ends early"]);
}
