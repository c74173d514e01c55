//! DICOM files as outputs.

use std::{fs, path::Path};

use kerma::{
    data::{DisplayRange, Image, Sample, Unit},
    io::{read_image, read_volume, write_image},
};

use crate::runner::{GRID, Room};

/// Files of a folder with their contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn volumes_become_folders_of_slices_that_are_the_same_each_time() {
    let room = Room::furnished();
    for out in ["a/", "b/"] {
        room.done(&["phantom", "spheres", "--grid", GRID, "--out", out]);
    }
    assert_eq!(files(&room.path("a")).len(), 4);
    assert_eq!(files(&room.path("a")), files(&room.path("b")));
    let [slices, volume] = ["a", "volume.nii"].map(|name| read_volume(room.path(name), None).unwrap());
    assert_eq!((slices.unit(), slices.grid().size()), (Unit::PerMillimetre, volume.grid().size()));
    assert!(slices.grid().coincides_with(volume.grid()));
    let largest = volume.values().iter().copied().fold(0.0, f32::max);
    assert!(slices.values().iter().zip(volume.values()).all(|(a, b)| (a - b).abs() <= largest / 131_000.0));
    // What is read back goes on as any volume does.
    room.done(&["project", "a", "--geometry", "scan.toml", "--out", "again.nrrd"]);
    // A folder that is there needs no slash, and slices of kerma's are replaced.
    fs::create_dir(room.path("c")).unwrap();
    for _ in 0..2 {
        room.done(&["phantom", "spheres", "--grid", GRID, "--out", "c"]);
    }
    assert_eq!(files(&room.path("a")), files(&room.path("c")));
}

#[test]
fn reconstructions_in_parts_make_the_slices_of_the_whole() {
    let room = Room::furnished();
    let reconstruct = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID];
    let numbers = ["--mu-water", "0.02"];
    room.done(&[&reconstruct[..], &numbers, &["--out", "whole/"]].concat());
    room.done(&[&reconstruct[..], &numbers, &["--memory", "1MB", "--out", "parts/"]].concat());
    assert_eq!(files(&room.path("whole")), files(&room.path("parts")));
    let volume = read_volume(room.path("whole"), None).unwrap();
    assert!(volume.unit() == Unit::Hounsfield && volume.values().iter().all(|value| value.fract() == 0.0));
    room.done(
        &[&reconstruct[..], &["--method", "sirt", "--iterations", "2", "--save-every", "1", "--out", "sirt/"]].concat(),
    );
    assert!(room.path("sirt.iteration-0001/slice-0004.dcm").is_file() && room.path("sirt/slice-0001.dcm").is_file());
}

#[test]
fn folders_that_cannot_take_slices_are_refused_before_anything_is_computed() {
    let room = Room::furnished();
    fs::create_dir(room.path("full")).unwrap();
    room.put("full/notes.txt", "mine");
    let phantom = ["phantom", "spheres", "--grid", GRID, "--out"];
    let allowed = "output must be a folder that is new, empty or of slices that kerma wrote";
    room.refused(&[&phantom[..], &["full"]].concat(), &["full: ", allowed, "got one that holds other files"]);
    room.refused(&[&phantom[..], &["volume.nii/"]].concat(), &["volume.nii/: ", allowed, "got a file"]);
    room.refused(&[&phantom[..], &["none/a/"]].concat(), &["none/a/: folder none does not exist"]);
    room.refused(
        &[&phantom[..], &["a.dcm"]].concat(),
        &["a.dcm: cannot write a volume", "a folder of DICOM slices, NAME/"],
    );
    // Stacks of views are no slices.
    let stack = "cannot write a projection stack";
    room.refused(&["project", "volume.nii", "--geometry", "scan.toml", "--out", "views/"], &["views/: ", stack]);
    room.refused(&["phantom", "spheres", "--project", "scan.toml", "--out", "views/"], &["views/: ", stack]);
    assert_eq!(files(&room.path("full")).len(), 1);
}

/// A picture of 12 bits with a bright disc, whose spacing is known or not.
fn picture(room: &Room, name: &str, spacing_mm: Option<[f64; 2]>) {
    let value = |at: usize| {
        let [x, y] = [at % 64, at / 64].map(|n| n as f32 - 31.5);
        if x * x + y * y < 500.0 { 2500.0 + x * 8.0 } else { 300.0 + (at * 7 % 13) as f32 }
    };
    let values = (0..64 * 64).map(|at| value(at).round()).collect();
    let sample = Sample::Unsigned { bits: 12 };
    write_image(room.path(name), &Image::new([64, 64], spacing_mm, sample, Unit::Arbitrary, values).unwrap()).unwrap();
}

#[test]
fn radiographs_become_dicom_by_their_extension() {
    let room = Room::new();
    picture(&room, "a.png", Some([0.2, 0.25]));
    picture(&room, "bare.png", None);
    let clahe = ["--only", "clahe", "--tiles", "2x2"];
    let enhance =
        |image: &str, more: &[&str]| room.run(&[&["enhance", image, "--device", "cpu"], &clahe[..], more].concat());
    let output = enhance("a.png", &["--out", "a.dcm"]);
    assert!(output.status.success());
    let note = String::from_utf8(output.stderr).unwrap();
    assert!(
        note.contains("a.dcm: ") && note.contains("PatientOrientation is empty") && note.lines().count() == 1,
        "{note}"
    );
    room.done(&[&["enhance", "a.png"], &clahe[..], &["--out", "a.tif"]].concat());
    let ((dicom, info), (tiff, _)) = (read_image(room.path("a.dcm")).unwrap(), read_image(room.path("a.tif")).unwrap());
    assert_eq!((dicom.values(), dicom.spacing_mm(), dicom.sample()), (tiff.values(), tiff.spacing_mm(), tiff.sample()));
    assert_eq!(info.window, Some(DisplayRange { centre: 2048.0, width: 4096.0 }));

    let refused = |image: &str, more: &[&str], words: &[&str]| {
        room.refused(&[&["enhance", image], &clahe[..], more].concat(), words);
    };
    refused("bare.png", &["--out", "b.dcm"], &["bare.png: ", "which b.dcm needs", "say them with --pixel-mm"]);
    refused("a.png", &["--out", "b.dcm", "--pixel-mm", "0.1"], &["a.png: ", "leave --pixel-mm out"]);
    refused("a.png", &["--out", "b.dcm", "--keep-identity"], &["a.png: is no DICOM file, which --keep-identity needs"]);
    refused("a.dcm", &["--out", "b.png", "--keep-identity"], &["b.png: is no DICOM file, which --keep-identity needs"]);
    assert!(enhance("bare.png", &["--out", "c.dcm", "--pixel-mm", "0.1x0.2"]).status.success());
    assert_eq!(read_image(room.path("c.dcm")).unwrap().0.spacing_mm(), Some([0.1, 0.2]));
    // Twice the same.
    assert!(enhance("a.png", &["--out", "again.dcm"]).status.success());
    assert_eq!(room.bytes("a.dcm"), room.bytes("again.dcm"));
}

#[test]
fn whole_chains_make_dense_matter_bright_and_say_so() {
    let room = Room::new();
    picture(&room, "a.png", Some([0.2; 2]));
    assert!(
        room.run(&["enhance", "a.png", "--preset", "chest", "--bits", "10", "--out", "a.dcm", "--device", "cpu"])
            .status
            .success()
    );
    let (image, info) = read_image(room.path("a.dcm")).unwrap();
    assert_eq!(image.sample(), Sample::Unsigned { bits: 10 });
    assert_eq!(info.window, Some(DisplayRange { centre: 512.0, width: 1024.0 }));
    assert!(!info.inverted && !info.grows_with_exposure());
}

/// A name in a file: of an element of the patient, which is put in place of the empty one.
fn named(mut bytes: Vec<u8>) -> Vec<u8> {
    let empty = b"\x10\0\x10\0PN\0\0";
    let at = bytes.windows(empty.len()).position(|window| window == empty).unwrap();
    let value = b"Roentgen^Anna ";
    bytes.splice(at..at + empty.len(), [&empty[..6], &[value.len() as u8, 0], value].concat());
    bytes
}

#[test]
fn a_name_goes_on_with_the_flag_alone() {
    let room = Room::new();
    picture(&room, "a.dcm", Some([0.2; 2]));
    room.put("patient.dcm", named(room.bytes("a.dcm")));
    let enhance = ["enhance", "patient.dcm", "--only", "clahe", "--quiet", "--out"];
    room.done(&[&enhance[..], &["without.dcm"]].concat());
    room.done(&[&enhance[..], &["with.dcm", "--keep-identity"]].concat());
    let holds = |name: &str| room.bytes(name).windows(8).any(|window| window == b"Roentgen");
    assert!(holds("patient.dcm") && holds("with.dcm") && !holds("without.dcm"));
}
