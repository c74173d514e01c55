//! Geometries that go to other programs and come back, in their files.

use kerma::{
    geometry::{Geometry, Source, View},
    io::read_scan,
};

use crate::runner::Room;

/// Positions agree to a nanometre: what f64 leaves after rotations there and back.
const AGREE_MM: f64 = 1e-6;

fn geometry(room: &Room, name: &str) -> Geometry {
    read_scan(room.path(name)).unwrap().build().unwrap()
}

fn assert_same(got: &Geometry, want: &Geometry) {
    assert_eq!((got.detector(), got.views().len()), (want.detector(), want.views().len()));
    let vectors = |view: &View| {
        let (Source::Point(source) | Source::Direction(source)) = view.source;
        [source, view.detector_centre, view.u_step, view.v_step]
    };
    for (k, (got, want)) in got.views().iter().zip(want.views()).enumerate() {
        let far = vectors(got).iter().zip(vectors(want)).map(|(a, b)| a.distance(b)).fold(0.0, f64::max);
        assert!(far < AGREE_MM, "view {k}: {got:?} is not {want:?}");
    }
}

/// Export and import of a scan; `say` are the options by which the import learns what the file does not state.
fn round_trip(kind: &str, export: &[&str], file: &str, say: &[&str]) {
    let room = Room::new();
    room.put("scan.toml", room.done(&["geometry", kind]));
    room.done(&[&["geometry", "export", "scan.toml", "--out", file], export].concat());
    room.done(&[&["geometry", "import", file, "--out", "back.toml"], say].concat());
    assert_same(&geometry(&room, "back.toml"), &geometry(&room, "scan.toml"));
}

#[test]
fn scans_survive_the_files_of_other_programs() {
    for kind in ["cone-circular", "helical"] {
        let scan = Room::new();
        scan.put("scan.toml", scan.done(&["geometry", kind]));
        let scan = geometry(&scan, "scan.toml");
        let [columns, rows] = scan.detector();
        let [du, dv] = scan.pitch_mm();
        let (size, pitch) = (format!("{columns}x{rows}"), format!("{du}x{dv}"));
        let cone = ["--beam", "cone", "--detector", &size, "--voxel", "0.7"];
        round_trip(kind, &["--for", "astra", "--voxel", "0.7"], "vectors.npy", &cone);
        round_trip(kind, &["--for", "rtk"], "geometry.xml", &["--detector", &size, "--pitch", &pitch]);
        round_trip(kind, &["--for", "leap", "--grid", "8x8x8@1x1x2"], "leap.cfg", &[]);
    }
    round_trip("cone-circular", &["--for", "tigre", "--grid", "8x8x8@1x1x2"], "geo.json", &[]);
    round_trip("fan", &["--for", "tigre"], "geo.txt", &["--from", "tigre"]);
}

#[test]
fn astra_tells_its_parallel_beams_by_their_option() {
    let room = Room::new();
    room.put("scan.toml", room.done(&["geometry", "parallel"]));
    let said = room.done(&["geometry", "export", "scan.toml", "--for", "astra", "--out", "v.npy"]);
    assert!(said.contains("parallel3d_vec"), "{said}");
    let scan = geometry(&room, "scan.toml");
    let size = scan.detector().map(|n| n.to_string()).join("x");
    let import = ["geometry", "import", "v.npy", "--out", "back.toml", "--detector", &size, "--beam"];
    room.done(&[&import[..], &["parallel"]].concat());
    assert_same(&geometry(&room, "back.toml"), &scan);
    // The control: as a cone they are another scan, whose focal spots stand 1 mm from the origin.
    room.done(&[&import[..], &["cone"]].concat());
    assert!(matches!(geometry(&room, "back.toml").views()[0].source, Source::Point(_)));
}

#[test]
fn what_a_program_cannot_hold_is_refused_before_anything_is_written() {
    let room = Room::new();
    room.put("parallel.toml", room.done(&["geometry", "parallel"]));
    room.put("helix.toml", room.done(&["geometry", "helical"]));
    let refused = |scan: &str, options: &[&str], words: &[&str]| {
        room.refused(&[&["geometry", "export", scan, "--out", "o.file"], options].concat(), words);
    };
    refused("parallel.toml", &["--for", "rtk"], &["parallel.toml", "view 0 cannot be written for RTK"]);
    refused("parallel.toml", &["--for", "leap", "--grid", "4x4x4@1x1x1"], &["parallel.toml", "for LEAP"]);
    refused("helix.toml", &["--for", "tigre"], &["helix.toml", "stands away from the plane z = 0"]);
    refused("helix.toml", &["--for", "leap"], &["LEAP", "--grid"]);
    refused("helix.toml", &["--for", "leap", "--grid", "4x4x4@1x2x1"], &["o.file", "1 x 2 mm", "as long in x as in y"]);
    refused("helix.toml", &["--for", "rtk", "--grid", "4x4x4@1x1x1"], &["--grid", "leap"]);
    refused("helix.toml", &["--for", "rtk", "--voxel", "1"], &["--voxel", "astra"]);
    refused("helix.toml", &["--for", "astra", "--voxel", "0"], &["helix.toml", "voxel_mm must be positive, got 0 mm"]);
    refused("helix.toml", &["--for", "ct-pro"], &["ct-pro", "astra", "rtk", "tigre", "leap"]);
    refused("none.toml", &["--for", "rtk"], &["none.toml"]);
}

const TABLE: &str = "time_s,source_x_mm,source_y_mm,source_z_mm,centre_x_mm,centre_y_mm,centre_z_mm,u_x,u_y,u_z,v_x,v_y,v_z\n\
    0,0,-1000,0,0,500,0,1,0,0,0,0,1\n0.1,100,-1000,10,0,500,0,1,0,0,0,0,1\n";

#[test]
fn a_table_of_a_trajectory_becomes_a_scan() {
    let room = Room::new();
    room.put("way.csv", TABLE);
    let import = ["geometry", "import", "way.csv", "--detector", "64x32", "--out", "scan.toml"];
    room.refused(&import, &["way.csv", "pitch", "by --pitch"]);
    room.done(&[&import[..], &["--pitch", "2x3"]].concat());
    let scan = geometry(&room, "scan.toml");
    assert_eq!((scan.detector(), scan.pitch_mm(), scan.views().len()), ([64, 32], [2.0, 3.0], 2));
    room.put("again.csv", TABLE.replace("0.1,", "0,"));
    let again = ["geometry", "import", "again.csv", "--detector", "64x32", "--pitch", "2x3", "--out", "o.toml"];
    room.refused(&again, &["again.csv: line 3, time_s must be more than 0 s, that of line 2, got \"0\""]);
    room.put("flat.csv", TABLE.replace("0,1\n0.1", "0,0\n0.1"));
    let flat = [&["geometry", "import", "flat.csv"][..], &again[3..]].concat();
    room.refused(&flat, &["flat.csv: line 2, v_x"]);
}

#[test]
fn imports_ask_for_what_a_file_does_not_state_and_refuse_the_rest() {
    let room = Room::new();
    room.put("scan.toml", room.done(&["geometry", "cone-circular"]));
    room.done(&["geometry", "export", "scan.toml", "--for", "astra", "--out", "v.npy"]);
    room.done(&["geometry", "export", "scan.toml", "--for", "tigre", "--out", "geo.json"]);
    let refused = |file: &str, options: &[&str], words: &[&str]| {
        room.refused(&[&["geometry", "import", file, "--out", "o.toml"], options].concat(), words);
    };
    refused("v.npy", &[], &["v.npy: does not state the size of its detector", "--detector NUxNV"]);
    refused("v.npy", &["--detector", "4x4"], &["v.npy: does not state its beam", "--beam cone or --beam parallel"]);
    refused("v.npy", &["--detector", "4x4", "--pitch", "1x1"], &["--pitch does not go with ASTRA's vectors"]);
    refused(
        "v.npy",
        &["--detector", "0x4", "--beam", "cone"],
        &["v.npy", "detector columns must be 1 to 65536, got 0"],
    );
    refused("geo.json", &["--detector", "4x4"], &["--detector does not go with TIGRE's geometry"]);
    refused("geo.json", &["--from", "leap"], &["geo.json", "line 1 must be key = value"]);
    refused("scan.toml", &[], &["scan.toml", "extension \"toml\"", ".xml", ".npy", ".cfg", ".json", ".csv", "--from"]);
    refused("none.csv", &["--detector", "4x4"], &["none.csv"]);
}
