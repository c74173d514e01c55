use crate::runner::{GRID, Room};

/// Text header of an NRRD volume whose values follow.
fn nrrd(sizes: &str, dimension: usize) -> String {
    format!("NRRD0004\ntype: float\ndimension: {dimension}\nsizes: {sizes}\nencoding: raw\nendian: little\n\n")
}

fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

fn project_refused(room: &Room, file: &str, words: &[&str]) {
    let task = ["project", file, "--geometry", "scan.toml", "--unit", "per-mm", "--out", "out.nii"];
    room.refused(&task, &[&[file], words].concat());
}

fn reconstruct_refused(room: &Room, file: &str, words: &[&str]) {
    let task = ["reconstruct", file, "--geometry", "scan.toml", "--grid", GRID, "--out", "out.nii"];
    room.refused(&task, &[&[file], words].concat());
}

#[test]
fn truncated_files_are_refused_in_every_format() {
    let room = Room::furnished();
    for format in ["nii", "nii.gz", "nrrd", "mha", "npy"] {
        let whole = format!("whole.{format}");
        let file = format!("cut.{format}");
        room.done(&["phantom", "spheres", "--grid", GRID, "--out", &whole]);
        let bytes = room.bytes(&whole);
        room.put(&file, &bytes[..bytes.len() - 7]);
        project_refused(&room, &file, &[]);
        reconstruct_refused(&room, &file, &[]);
        room.put(&file, &bytes[..20]);
        project_refused(&room, &file, &[]);
        room.put(&file, []);
        project_refused(&room, &file, &[]);
    }
}

#[test]
fn corrupt_files_are_refused() {
    let room = Room::furnished();
    room.done(&["phantom", "spheres", "--grid", GRID, "--out", "whole.nii.gz"]);
    let mut bytes = room.bytes("whole.nii.gz");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8].fill(0xFF);
    room.put("bad.nii.gz", bytes);
    project_refused(&room, "bad.nii.gz", &[]);
    room.put("noise.nii", (0..4000).map(|i| (i * 37 % 251) as u8).collect::<Vec<_>>());
    project_refused(&room, "noise.nii", &[]);
    room.put("noise.mha", "ObjectType = Nonsense\n\u{1}\u{2}");
    project_refused(&room, "noise.mha", &[]);
    room.put("text.npy", "this is not an array");
    project_refused(&room, "text.npy", &["not a NumPy file"]);
}

#[test]
fn wrong_dimensions_are_refused() {
    let room = Room::furnished();
    room.put("line.nrrd", nrrd("16", 1) + &"\0".repeat(64));
    project_refused(&room, "line.nrrd", &["dimension"]);
    room.put("four.nrrd", nrrd("2 2 2 2", 4) + &"\0".repeat(64));
    project_refused(&room, "four.nrrd", &["dimension", "4"]);
    room.put("line.npy", npy("(8,)", &[0.0; 8]));
    reconstruct_refused(&room, "line.npy", &["shape"]);
    room.put("cube.npy", npy("(2, 2, 2)", &[0.0; 8]));
    let task = ["project", "cube.npy", "--grid", "3x2x2@1x1x1", "--unit", "hu", "--geometry", "scan.toml"];
    room.refused(&[&task[..], &["--out", "out.nii"]].concat(), &["cube.npy", "2x2x2", "3x2x2"]);
    let without = ["project", "cube.npy", "--unit", "hu", "--geometry", "scan.toml", "--out", "out.nii"];
    room.refused(&without, &["cube.npy", "no spacing", "NXxNYxNZ@SXxSYxSZ"]);
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    let room = Room::furnished();
    for bad in [f32::NAN, f32::INFINITY] {
        room.put("nan.npy", npy("(4, 10, 10)", &[bad; 400]));
        let task = ["project", "nan.npy", "--grid", GRID, "--unit", "hu", "--geometry", "scan.toml"];
        room.refused(&[&task[..], &["--out", "out.nii"]].concat(), &["nan.npy", "400 of the values"]);
        room.put("stack.npy", npy("(12, 8, 16)", &[bad; 12 * 8 * 16]));
        reconstruct_refused(&room, "stack.npy", &["not finite"]);
    }
}

#[test]
fn values_that_overflow_are_refused() {
    let room = Room::furnished();
    let header = "NDims = 3\nDimSize = 10 10 4\nElementSpacing = 16 16 16\nkerma_unit = 1/mm\nElementType = MET_FLOAT\n\
                  ElementDataFile = LOCAL\n";
    let values: Vec<u8> = [3e38_f32; 400].iter().flat_map(|v| v.to_le_bytes()).collect();
    room.put("vast.mha", [header.as_bytes(), &values].concat());
    project_refused(&room, "vast.mha", &["vast.mha", "too large", "not finite"]);
    room.put("vast.npy", npy("(12, 8, 16)", &[3e38; 12 * 8 * 16]));
    reconstruct_refused(&room, "vast.npy", &["vast.npy", "too large", "not finite"]);
}

#[test]
fn ct_numbers_said_to_be_attenuation_are_refused() {
    let room = Room::furnished();
    room.put("ct.npy", npy("(4, 10, 10)", &[-1000.0; 400]));
    let task = ["project", "ct.npy", "--grid", GRID, "--unit", "per-mm", "--geometry", "scan.toml", "--out", "o.nii"];
    room.refused(&task, &["ct.npy", "-1000", "--unit hu"]);
}

#[test]
fn inputs_are_not_overwritten() {
    let room = Room::furnished();
    let project = ["project", "volume.nii", "--geometry", "scan.toml", "--out"];
    room.refused(&[&project[..], &["./volume.nii"]].concat(), &["./volume.nii", "overwrite the input"]);
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out"];
    room.refused(&[&reconstruct[..], &["stack.nrrd"]].concat(), &["stack.nrrd", "overwrite the input"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(room.path("volume.nii"), room.path("link.nii")).unwrap();
        room.refused(&[&project[..], &["link.nii"]].concat(), &["link.nii", "overwrite the input"]);
    }
}

#[test]
fn a_volume_beside_all_rays_is_pointed_out() {
    let room = Room::furnished();
    let far = format!("{GRID}+0,0,5000");
    room.done(&["phantom", "water-cylinder", "--grid", GRID, "--out", "water.nii"]);
    let task = ["project", "water.nii", "--grid", &far, "--geometry", "scan.toml", "--out", "o.nii", "--device", "cpu"];
    let output = room.run(&task);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(0), 1), "{error}");
    for words in ["no ray meets the volume", "0,0,5000 mm", &format!("--grid {GRID}\n")] {
        assert!(error.contains(words), "{error:?} lacks {words:?}");
    }
}

#[test]
fn spacings_that_no_grid_has_are_refused() {
    let room = Room::furnished();
    for spacing in ["0 1 1", "1 -1 1", "1 1 nan", "1 1 inf"] {
        let header = format!(
            "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementSpacing = {spacing}\nElementType = MET_FLOAT\n\
             ElementDataFile = LOCAL\n"
        );
        room.put("zero.mha", header + &"\0".repeat(32));
        project_refused(&room, "zero.mha", &["pacing"]);
    }
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_asked_for() {
    let room = Room::furnished();
    let billion = "1000000000";
    room.put("huge.nrrd", nrrd(&[billion; 3].join(" "), 3) + "\0\0\0\0");
    project_refused(&room, "huge.nrrd", &[billion]);
    reconstruct_refused(&room, "huge.nrrd", &[]);
    room.put("huge.npy", npy(&format!("({billion}, {billion}, {billion})"), &[0.0]));
    reconstruct_refused(&room, "huge.npy", &[billion]);
    let header = format!(
        "ObjectType = Image\nNDims = 3\nDimSize = {billion} {billion} {billion}\nElementType = MET_FLOAT\n\
         ElementDataFile = LOCAL\n"
    );
    room.put("huge.mha", header);
    project_refused(&room, "huge.mha", &[billion]);
}

#[test]
fn files_that_are_not_there_or_not_files_are_refused() {
    let room = Room::furnished();
    project_refused(&room, "none.nii", &["cannot read"]);
    reconstruct_refused(&room, "none.nrrd", &["cannot read"]);
    std::fs::create_dir(room.path("folder")).unwrap();
    project_refused(&room, "folder", &[]);
    let header =
        "NDims = 3\nDimSize = 2 2 2\nElementSpacing = 1 1 1\nElementType = MET_FLOAT\nElementDataFile = gone.raw\n";
    room.put("detached.mhd", header);
    project_refused(&room, "detached.mhd", &["detached.mhd", "ElementDataFile", "gone.raw", "cannot be read"]);
    #[cfg(unix)]
    {
        // To open a pipe that nobody writes into would wait for ever.
        let made = std::process::Command::new("mkfifo").arg(room.path("pipe.nii")).status().unwrap();
        assert!(made.success());
        let output = room.run(&["project", "pipe.nii", "--geometry", "scan.toml", "--out", "o.nii"]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("pipe.nii: cannot read: it is a pipe"), "{error}");
        std::fs::remove_file(room.path("pipe.nii")).unwrap();
    }
    std::fs::create_dir(room.path("folder.nrrd")).unwrap();
    reconstruct_refused(&room, "folder.nrrd", &["directory"]);
    reconstruct_refused(&room, "volume.nii", &["4 views of 10x10", "12 views of 16x8"]);
    room.done(&["phantom", "spheres", "--grid", "16x8x12@20x20x1", "--out", "fits.nii"]);
    reconstruct_refused(&room, "fits.nii", &["line integrals", "mm⁻¹"]);
    room.put("volume.txt", "no volume");
    project_refused(
        &room,
        "volume.txt",
        &["a file that begins with \"no volum\" is not supported", ".toml, .nhdr or .mhd"],
    );
}
