use kerma::{
    data::{Unit, Volume},
    io::{read_projections, read_volume, write_volume},
};

use crate::runner::{GRID, Room, SCAN};

const FORMATS: [&str; 6] = ["nii", "nii.gz", "nrrd", "mha", "mhd", "npy"];

#[test]
fn every_format_carries_the_same_bits_from_phantom_to_reconstruction() {
    let room = Room::new();
    room.put("scan.toml", SCAN);
    let mut first = None;
    for format in FORMATS {
        let [volume, stack, again] = ["volume", "stack", "again"].map(|name| format!("{name}.{format}"));
        room.done(&["phantom", "spheres", "--grid", GRID, "--out", &volume]);
        let bare: &[&str] = if format == "npy" { &["--grid", GRID, "--unit", "per-mm"] } else { &[] };
        room.done(&[&["project", &volume, "--geometry", "scan.toml", "--out", &stack], bare].concat());
        room.done(&["reconstruct", &stack, "--geometry", "scan.toml", "--grid", GRID, "--out", &again]);

        let grid = GRID.parse().unwrap();
        let read = read_volume(room.path(&again), (format == "npy").then_some(grid)).unwrap();
        let projections = read_projections(room.path(&stack), Some([20.0; 2])).unwrap();
        if format != "npy" {
            assert_eq!((read.unit(), projections.unit()), (Unit::PerMillimetre, Unit::LineIntegral), "{format}");
        }
        assert!((read.grid().spacing_mm() - grid.spacing_mm()).length() < 1e-5, "{format}");
        assert!((read.grid().origin_mm() - grid.origin_mm()).length() < 1e-4, "{format}");
        let values = (projections.into_values(), read.into_values());
        assert!(values.0.iter().any(|&v| v > 0.1), "{format}: nothing was projected");
        // Every grid number here is exact in f32, so that even NIfTI changes no bit.
        assert_eq!(*first.get_or_insert(values.clone()), values, "{format}");
    }
}

#[test]
fn reconstruction_finds_the_attenuation_of_water() {
    let room = Room::new();
    room.put(
        "scan.toml",
        SCAN.replace("views = 12", "views = 90").replace("[16, 8]", "[64, 32]").replace("20.0", "6.0"),
    );
    room.done(&["phantom", "water-cylinder", "--project", "scan.toml", "--out", "stack.nrrd"]);
    let grid = "9x9x3@8x8x8";
    room.done(&["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", grid, "--out", "volume.nrrd"]);
    let volume = read_volume(room.path("volume.nrrd"), None).unwrap();
    let centre = volume.view()[[1, 4, 4]];
    // 90 views, and pixels of 6 mm: within two percent is what such a scan can do.
    assert!((centre / 0.020_59 - 1.0).abs() < 0.02, "{centre}");
}

/// Parallel beams that see all of the grid below.
const PARALLEL: &str = "kind = \"parallel\"\nviews = 60\narc_deg = 177.0\ndetector = [64, 4]\npitch_mm = [4.0, 4.0]\n";

#[test]
fn parallel_beams_give_in_frequency_what_they_give_back_projected() {
    let room = Room::new();
    room.put("scan.toml", PARALLEL);
    room.done(&["phantom", "water-cylinder", "--project", "scan.toml", "--out", "stack.nrrd"]);
    let task = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", "33x32x3@4x4x4"];
    for method in ["fdk", "fourier"] {
        room.done(&[&task[..], &["--method", method, "--out", &format!("{method}.nrrd")]].concat());
    }
    room.done(&[&["plan"][..], &task, &["--method", "fourier", "--out", "none.nrrd"]].concat());
    let [fdk, fourier] = ["fdk.nrrd", "fourier.nrrd"].map(|name| read_volume(room.path(name), None).unwrap());
    let [fdk, fourier] = [&fdk, &fourier].map(|volume| volume.view()[[1, 16, 16]]);
    assert!((fourier - fdk).abs() < 0.002 * fdk, "{fourier}, want {fdk}");

    let refused = |more: &[&str], words: &[&str]| {
        room.refused(&[&task[..], &["--method", "fourier", "--out", "none.nrrd"], more].concat(), words);
    };
    refused(&["--iterations", "3"], &["--iterations", "iterative methods"]);
    room.put(
        "scan.toml",
        SCAN.replace("views = 12", "views = 60").replace("[16, 8]", "[64, 4]").replace("20.0", "4.0"),
    );
    refused(&[], &["fourier needs parallel beams perpendicular to the grid's z axis"]);
}

#[test]
fn a_back_projection_is_the_adjoint_of_the_projection() {
    let room = Room::furnished();
    let scan = ["--geometry", "scan.toml"];
    let back = [&["backproject", "stack.nrrd", "--grid", GRID][..], &scan].concat();
    room.done(&[&back[..], &["--projector", "voxel-driven", "--out", "like.nrrd"]].concat());
    room.done(&[&["plan"][..], &back].concat());
    let volume = |name| read_volume(room.path(name), None).unwrap().into_values();
    let stack = |name| read_projections(room.path(name), None).unwrap().into_values();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let (x, y, like) = (volume("volume.nii"), stack("stack.nrrd"), volume("like.nrrd"));
    for projector in ["siddon", "joseph"] {
        let with = ["--projector", projector, "--out"];
        room.done(&[&["project", "volume.nii"][..], &scan, &with, &["ax.nrrd"]].concat());
        room.done(&[&back[..], &with, &["aty.nrrd"]].concat());
        let (ax, aty) = (stack("ax.nrrd"), volume("aty.nrrd"));
        let there = dot(&ax, &y);
        let [matched, unmatched] = [&aty, &like].map(|back| (dot(back, &x) - there).abs() / there);
        assert!(matched < 1e-6, "{projector}: {matched:e}");
        assert!((1e-4..0.2).contains(&unmatched), "{projector}: {unmatched:e}");
        // Both projectors see the same body.
        assert!((dot(&ax, &ax) / dot(&y, &y) - 1.0).abs() < 0.1, "{} and {}", dot(&ax, &ax), dot(&y, &y));
    }
}

#[test]
fn projections_of_another_scan_are_not_projected_back() {
    let room = Room::furnished();
    room.put("more.toml", SCAN.replace("views = 12", "views = 13"));
    let back = ["backproject", "stack.nrrd", "--geometry", "more.toml", "--grid", GRID, "--out", "v.nii"];
    room.refused(&back, &["stack.nrrd", "13 views of 16x8", "12 views of 16x8"]);
    room.refused(&[&back[..], &["--projector", "magic"]].concat(), &["--projector", "magic", "voxel-driven"]);
    let same = ["backproject", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out", "stack.nrrd"];
    room.refused(&same, &["stack.nrrd", "would overwrite the input"]);
}

#[test]
fn windows_and_cut_offs_make_a_difference() {
    let room = Room::furnished();
    let mut seen = Vec::new();
    for window in ["ram-lak", "shepp-logan", "cosine", "hamming", "hann"] {
        for cutoff in ["1", "0.5"] {
            let options = ["--window", window, "--cutoff", cutoff, "--method", "fdk"];
            let task = ["reconstruct", "stack.nrrd", "--geometry", "scan.toml", "--grid", GRID, "--out", "v.npy"];
            room.done(&[&task[..], &options].concat());
            let bytes = room.bytes("v.npy");
            assert!(!seen.contains(&bytes), "{window} {cutoff}");
            seen.push(bytes);
        }
    }
}

#[test]
fn units_are_believed_or_asked_for() {
    let room = Room::furnished();
    room.done(&["phantom", "spheres", "--grid", GRID, "--out", "bare.npy"]);
    let project = ["project", "bare.npy", "--grid", GRID, "--geometry", "scan.toml"];
    room.refused(&[&project[..], &["--out", "p.npy"]].concat(), &["bare.npy", "--unit hu", "--unit per-mm"]);
    room.done(&[&project[..], &["--out", "mu.npy", "--unit", "per-mm"]].concat());
    room.done(&[&project[..], &["--out", "hu.npy", "--unit", "hu"]].concat());
    assert!(room.bytes("mu.npy") != room.bytes("hu.npy"));
    // What looks like CT numbers is taken as such, and that is said.
    let values = (0..400).map(|i| if i % 7 == 0 { -1000.0 } else { 40.0 }).collect();
    let ct = Volume::new(GRID.parse().unwrap(), Unit::Arbitrary, values).unwrap();
    write_volume(room.path("ct.npy"), &ct).unwrap();
    let project = ["project", "ct.npy", "--grid", GRID, "--geometry", "scan.toml"];
    let output = room.run(&[&project[..], &["--out", "judged.npy", "--device", "cpu"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("from -1000.0 to 40.0 they look like CT numbers"), "{said}");
    room.done(&[&project[..], &["--out", "hu.npy", "--unit", "hu"]].concat());
    assert!(room.bytes("judged.npy") == room.bytes("hu.npy"));
    let labelled = ["project", "volume.nii", "--unit", "hu", "--geometry", "scan.toml", "--out", "p.npy"];
    room.refused(&labelled, &["volume.nii", "mm⁻¹", "--unit says HU"]);
}
