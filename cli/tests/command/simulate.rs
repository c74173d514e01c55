use std::{fs, path::Path};

use kerma::{
    data::{Grid, Unit, Volume},
    io::{read_image, read_projections, read_volume, write_volume},
    tasks::simulate::ProtocolText,
};
use serde_json::Value;

use crate::runner::{Room, real};

/// A small radiograph with every effect.
const PROTOCOL: &str = "\
description = 'A small radiograph.'
[geometry]
kind = 'radiograph'
source_isocentre_mm = 900.0
source_detector_mm = 1100.0
detector = [40, 32]
pitch_mm = [10.0, 10.0]
[patient.cleaning]
[patient.slices]
spacing_mm = 5.0
[patient.padding]
inferior_mm = 20.0
superior_mm = 10.0
[beam]
kvp = { from = 90, to = 110 }
filter = ['al:3.0']
mas = 0.02
[beam.air]
[beam.heel]
cathode = '-v'
[scatter]
model = 'monte-carlo'
photons = 20000
pixel_mm = 40.0
voxel_mm = 16.0
[grid]
ratio = 8.0
lines_per_cm = 40.0
strip_mm = 0.05
[focal_spot]
size_mm = [1.0, 1.0]
samples = [2, 1]
[detector]
pitch_mm = 2.5
binning = 4
";

/// A room with `ct.nii.gz`, an ellipse of water with two lungs in air, and `small.toml`.
fn room() -> Room {
    let room = Room::new();
    let grid = Grid::new([40, 30, 16], [8.0, 8.0, 10.0], [7.0, -90.0, 300.0], glam::DMat3::IDENTITY).unwrap();
    let middle = grid.centre_mm();
    let mut ct = Volume::zeros(grid, Unit::Hounsfield);
    for (at, value) in ct.values_mut().iter_mut().enumerate() {
        let voxel = glam::DVec3::new((at % 40) as f64, (at / 40 % 30) as f64, (at / 1200) as f64);
        let p = grid.world_mm(voxel) - middle;
        let is_body = (p.x / 140.0).powi(2) + (p.y / 90.0).powi(2) < 1.0;
        let is_lung = ((p.x.abs() - 65.0) / 45.0).powi(2) + (p.y / 60.0).powi(2) < 1.0 && p.z.abs() < 60.0;
        *value = if is_lung {
            -800.0
        } else if is_body {
            0.0
        } else {
            -1000.0
        };
    }
    write_volume(room.path("ct.nii.gz"), &ct).unwrap();
    room.put("small.toml", PROTOCOL);
    room
}

fn simulate<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["simulate", "ct.nii.gz", "--protocol", "small.toml"], more].concat()
}

fn record(room: &Room, folder: &str) -> Value {
    serde_json::from_slice(&room.bytes(&format!("{folder}/run.json"))).unwrap()
}

/// Values of a stack, behind its header.
fn values(room: &Room, file: &str) -> Vec<u8> {
    let bytes = room.bytes(file);
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    bytes[end + 2..].to_vec()
}

#[test]
fn a_case_has_its_images_its_record_and_its_page() {
    let room = room();
    let keep = "raw,integrals,primary,scatter,thickness";
    room.done(&simulate(&["--keep", keep, "--out", "film"]));
    for file in ["raw.nrrd", "integrals.nrrd", "primary.nrrd", "scatter.nrrd", "thickness-muscle.nrrd", "picture.png"] {
        assert!(room.path("film").join(file).is_file(), "{file}");
    }
    let header = room.bytes("film/primary.nrrd");
    assert!(String::from_utf8_lossy(&header[..400]).contains("kerma_unit:=keV"));
    assert!(String::from_utf8_lossy(&room.bytes("film/report.html")).contains("Scatter fraction"));
    let record = record(&room, "film");
    let drawn = record["protocols"][0]["protocol"]["beam"]["kvp"].as_f64().unwrap();
    assert!((90.0..=110.0).contains(&drawn), "{drawn}");
    let results = &record["protocols"][0]["results"];
    let fraction = results["scatter_fraction"].as_f64().unwrap();
    assert!((0.05..0.9).contains(&fraction), "{fraction}");
    assert!(results["entrance_air_kerma_mgy"].as_f64() > results["detector_air_kerma_mgy"].as_f64());
    assert!(record["inputs"][0]["sha256"].as_str().unwrap().len() == 64 && record["dates"]["started"].is_string());
}

#[test]
fn a_run_is_made_again_to_the_bit_and_not_from_other_inputs() {
    let room = room();
    room.done(&simulate(&["--seed", "7", "--out", "film"]));
    let said = room.done(&["simulate", "--again", "film/run.json", "--out", "again"]);
    assert!(said.contains("the same bits"), "{said}");
    let file = "integrals.nrrd";
    assert_eq!(room.bytes(&format!("film/{file}")), room.bytes(&format!("again/{file}")));
    room.done(&simulate(&["--seed", "8", "--out", "other"]));
    assert_ne!(room.bytes(&format!("film/{file}")), room.bytes(&format!("other/{file}")));
    let mut bytes = room.bytes("ct.nii.gz");
    bytes.push(0);
    room.put("ct.nii.gz", bytes);
    room.refused(
        &["simulate", "--again", "film/run.json", "--out", "third"],
        &["ct.nii.gz", "has changed since the run"],
    );
}

#[test]
fn without_any_effect_a_case_is_a_projection_bit_for_bit() {
    let room = room();
    let scan: String = PROTOCOL.lines().skip(2).take(5).map(|line| format!("{line}\n")).collect();
    room.put("scan.toml", &scan);
    room.put("plain.toml", format!("[geometry]\n{scan}"));
    room.done(&["simulate", "ct.nii.gz", "--protocol", "plain.toml", "--out", "plain"]);
    let grid = "40x30x16@8x8x10";
    room.done(&["project", "ct.nii.gz", "--grid", grid, "--geometry", "scan.toml", "--out", "stack.nrrd"]);
    assert_eq!(values(&room, "plain/integrals.nrrd"), values(&room, "stack.nrrd"));
    let off =
        ["beam", "scatter", "grid", "focal_spot", "detector", "patient.cleaning", "patient.slices", "patient.padding"];
    let off: Vec<String> = off.iter().map(|effect| format!("{effect}.enabled=false")).collect();
    let set: Vec<&str> = off.iter().flat_map(|field| ["--set", field.as_str()]).collect();
    room.done(&simulate(&[&set[..], &["--out", "off"]].concat()));
    assert_eq!(values(&room, "off/integrals.nrrd"), values(&room, "stack.nrrd"));
    // A control: half a degree.
    room.done(&simulate(&[&set[..], &["--set", "patient.position.roll_deg=0.5", "--out", "turned"]].concat()));
    assert_ne!(values(&room, "turned/integrals.nrrd"), values(&room, "stack.nrrd"));
}

#[test]
fn a_batch_makes_what_it_can_and_goes_on_where_it_ended() {
    let room = room();
    let cases = "case,ct,beam.mas\none,ct.nii.gz,0.02\ntwo,ct.nii.gz,0.01\nout,../ct.nii.gz,\nnone,missing.nii.gz,\none,ct.nii.gz,\n";
    room.put("cases.csv", cases);
    let args = |out: &'static str, jobs: &'static str| {
        [
            "simulate",
            "--manifest",
            "cases.csv",
            "--protocol",
            "small.toml",
            "--jobs",
            jobs,
            "--out",
            out,
            "--device",
            "cpu",
        ]
    };
    let output = room.run(&args("data", "2"));
    let (said, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(said.contains("2 cases made, 0 there before, 3 failed"), "{said}");
    assert!(said.contains("missing.nii.gz") && said.contains("ct must be a file in the manifest's folder"), "{said}");
    assert!(error.contains("3 of 5 cases failed"), "{error}");
    let names = |out: &str| {
        let entries =
            fs::read_dir(room.path(out)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    };
    assert_eq!(names("data"), ["README.md", "one", "two"]);
    let card = String::from_utf8(room.bytes("data/README.md")).unwrap();
    assert!(card.contains("| one |") && card.contains("not stated in the manifest: 2 cases"), "{card}");
    // Neither the number of jobs nor the order of the cases shows in the bits.
    room.put("cases.csv", "case,ct,beam.mas\ntwo,ct.nii.gz,0.01\none,ct.nii.gz,0.02\n");
    room.done(&args("again", "1")[..9]);
    for case in ["one", "two"] {
        let file = |out: &str| room.bytes(&format!("{out}/{case}/integrals.nrrd"));
        assert_eq!(file("data"), file("again"), "{case}");
    }
    assert_ne!(room.bytes("data/one/integrals.nrrd"), room.bytes("data/two/integrals.nrrd"));
    let said = room.done(&args("again", "1")[..9]);
    assert!(said.contains("0 cases made, 2 there before, 0 failed"), "{said}");
}

#[test]
#[cfg(unix)]
fn a_case_that_the_disk_has_no_room_for_leaves_nothing_and_the_next_is_made() {
    let room = room();
    // Files may have 512 KiB: an image of 480 × 320 pixels has more.
    room.put(
        "cases.csv",
        "case,ct,geometry.detector,geometry.pitch_mm,detector.pitch_mm\n\
                           large,ct.nii.gz,\"[480,320]\",\"[1.0,1.0]\",0.25\nsmall,ct.nii.gz,,,\n",
    );
    let args = ["simulate", "--manifest", "cases.csv", "--protocol", "small.toml", "--out", "data", "--device", "cpu"];
    let plain = room.command(&args);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(args);
    let output = limited.current_dir(room.path(".")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("1 case made, 0 there before, 1 failed") && said.contains("raw.nrrd"), "{said}");
    let mut entries: Vec<_> =
        fs::read_dir(room.path("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    entries.sort();
    assert_eq!(entries, ["README.md", "small"]);
    // With room on the disk, what failed is made.
    let said = room.done(&args[..7]);
    assert!(said.contains("1 case made, 1 there before, 0 failed"), "{said}");
    assert!(room.path("data/large/raw.nrrd").is_file());
}

#[test]
fn slices_that_make_no_volume_are_refused() {
    let names = ["069", "070", "071"].map(|number| format!("ct/lidc_idri_0001_slice_{number}.dcm"));
    let Some(slices) = names.iter().map(|name| real(name)).collect::<Option<Vec<_>>>() else { return };
    let slices: Vec<Vec<u8>> = slices.iter().map(|path| fs::read(path).unwrap()).collect();
    // Where a slice lies, as text: three numbers of millimetres.
    let place = b"\x20\x00\x32\x00DS";
    let moved = |slice: &[u8], from: &str, to: &str| {
        let at = slice.windows(6).position(|bytes| bytes == place).unwrap();
        let field = &slice[at..at + 48];
        let found = at + field.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
        let mut slice = slice.to_vec();
        slice[found..found + to.len()].copy_from_slice(to.as_bytes());
        slice
    };
    let [first, second, third] = &slices[..] else { return };
    let refused = |third: &[u8], words: &[&str]| {
        let room = room();
        fs::create_dir(room.path("slices")).unwrap();
        for (name, bytes) in [("1.dcm", &first[..]), ("2.dcm", second), ("3.dcm", third)] {
            room.put(&format!("slices/{name}"), bytes);
        }
        room.refused(&["simulate", "slices", "--protocol", "small.toml", "--out", "film"], words);
    };
    refused(second, &["2.dcm and 3.dcm lie at the same position"]);
    refused(&moved(third, "-171.699997", "-161.699997"), &["3.dcm", "tilted gantry"]);
    refused(&moved(third, "-185.000000", "-187.500000"), &["apart, the others"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let room = room();
    let before = room.contents();
    let said = room.done(&simulate(&["--dry-run", "--out", "film"]));
    assert!(said.contains("of disk") && said.contains("of memory"), "{said}");
    assert!(room.contents() == before);
}

#[test]
fn what_cannot_be_simulated_is_refused_in_one_line() {
    let room = room();
    let refused = |set: &[&str], words: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|field| ["--set", *field]).collect();
        room.refused(&simulate(&[&set[..], &["--out", "film"]].concat()), words);
    };
    refused(&["beam.kvp=200"], &["tube voltage must be 40 to 150 kV, got 200 kV"]);
    refused(&["beam.enabled=false"], &["must be absent or not enabled without a beam"]);
    refused(&["scatter.photons=0"], &["scatter.photons must be 1 or more"]);
    refused(&["beam.mas=-1"], &["beam.mas must be positive"]);
    refused(&["beam.kvp={from=100,to=90}"], &["beam.kvp must be a range"]);
    refused(&["beam.kv=100"], &["unknown field `kv`"]);
    refused(&["geometry.source_isocentre_mm=50"], &["source"]);
    refused(&["detector.binning=3"], &["detector.pitch_mm must be geometry.pitch_mm"]);
    refused(&["beam.filter=['mud:1']"], &["\"mud\""]);
    refused(&["beam.anode_deg=5"], &["cuts off"]);
    refused(&["geometry.detector=[400,320]"], &["geometry must be a beam whose corners", "got 2.53"]);
    refused(&["patient.inserts=[{form={ball={diameter_mm=500}},density_g_cm3=1}]"], &["no place for insert 1"]);
    room.refused(
        &["simulate", "ct.nii.gz", "--protocol", "chest", "--out", "film"],
        &["protocol must be one of chest-radiograph"],
    );
    room.refused(&["simulate", "ct.nii.gz", "--out", "film"], &["simulate needs --protocol"]);
    room.refused(&simulate(&["--scatter", "mc:0", "--out", "film"]), &["--scatter must be none, fast or mc:PHOTONS"]);
    // Some terabytes, which no disk of a machine that runs tests has free.
    let turn = "geometry={kind='cone-circular',source_isocentre_mm=900.0,source_detector_mm=1100.0,views=65536,\
                arc_deg=360.0,detector=[1600,1280],pitch_mm=[0.25,0.25]}";
    let keep = "raw,integrals,primary,scatter,thickness";
    let long = ["--set", turn, "--set", "detector.pitch_mm=0.0625", "--keep", keep, "--out", "film"];
    room.refused(&simulate(&long), &["film: ", "bytes will be written, but", "are free on its disk"]);
    room.refused(
        &simulate(&["--keep", "truth", "--out", "film"]),
        &["--keep truth needs a protocol with a [truth] or a [reconstruction]"],
    );
    room.refused(&simulate(&["--out", "ct.nii.gz"]), &["ct.nii.gz"]);
    fs::create_dir(room.path("mine")).unwrap();
    room.put("mine/notes.txt", "");
    room.refused(&simulate(&["--out", "mine"]), &["is a folder that no run has made"]);
    assert!(Path::new(&room.path("mine/notes.txt")).exists());
}

#[test]
fn volumes_that_are_no_ct_and_labels_without_material_are_refused() {
    let room = room();
    room.done(&["phantom", "spheres", "--grid", "10x10x4@16x16x16", "--out", "mu.nii"]);
    room.refused(
        &["simulate", "mu.nii", "--protocol", "small.toml", "--out", "film"],
        &["mu.nii: a CT in HU is needed"],
    );
    let grid = Grid::centred([8, 8, 4], [20.0; 3]).unwrap();
    let labels: Vec<f32> = (0..256).map(|at| if at == 77 { 5.0 } else { 1.0 }).collect();
    write_volume(room.path("map.nii"), &Volume::new(grid, Unit::Arbitrary, labels).unwrap()).unwrap();
    let wall = "[[label]]\nname = 'wall'\nnumbers = [1]\nmaterial = 'water'\n";
    room.put("one.toml", wall);
    let args = ["simulate", "map.nii", "--materials", "one.toml", "--protocol", "small.toml", "--out", "film"];
    let off: Vec<&str> =
        ["patient.cleaning.enabled=false", "patient.slices.enabled=false", "patient.padding.enabled=false"]
            .iter()
            .flat_map(|field| ["--set", *field])
            .collect();
    room.refused(&[&args[..], &off].concat(), &["no material for label 5", "[5, 1, 1]"]);
    room.put("one.toml", format!("{wall}[[label]]\nname = 'bead'\nnumbers = [5]\nmaterial = 'Ti'\n"));
    room.done(&[&args[..], &off].concat());
    assert!(room.path("film").join("picture.png").is_file());
}

#[test]
fn the_dose_of_labels_and_boxes_is_a_table_and_scatter_has_its_errors() {
    let room = room();
    // Of the ellipse of water, x = 163 ± 140 mm in the CT's coordinates, one half.
    let grid = Grid::new([2, 1, 1], [160.0, 240.0, 160.0], [83.0, 26.0, 375.0], glam::DMat3::IDENTITY).unwrap();
    write_volume(room.path("map.nii"), &Volume::new(grid, Unit::Arbitrary, vec![0.0, 4.0]).unwrap()).unwrap();
    room.put("organs.toml", "[[label]]\nname = 'half, of some'\nnumbers = [4]\nmaterial = 'water'\n");
    let dose = "[dose]\nphotons = 20000\nvoxel_mm = 20.0\n";
    let chest = "[[dose.boxes]]\nname = 'chest'\nfrom_mm = [0, -100, 300]\nto_mm = [400, 200, 460]\n";
    room.put("dose.toml", [PROTOCOL, dose, chest].concat());
    let args = ["simulate", "ct.nii.gz", "--protocol", "dose.toml", "--keep", "scatter", "--out", "film"];
    room.done(&[&args[..], &["--labels", "map.nii", "--materials", "organs.toml"]].concat());
    for file in ["dose.nii.gz", "dose-error.nii.gz", "scatter.nrrd", "scatter-error.nrrd"] {
        assert!(room.path("film").join(file).is_file(), "{file}");
    }
    let table = String::from_utf8(room.bytes("film/dose.csv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("kind,name,mass_g,mean_dose_mgy,error_mgy,energy_mj,ev_per_photon"));
    let begins = ["body,whole body,", "label,\"half, of some\",", "box,chest,"];
    let rows: Vec<Vec<f64>> = lines
        .zip(begins)
        .map(|(line, begin)| {
            let numbers = line.strip_prefix(begin).unwrap_or_else(|| panic!("{line} begins with {begin}"));
            numbers.split(',').map(|number| number.parse().unwrap()).collect()
        })
        .collect();
    let [body, half, boxed] = &rows[..] else { panic!("{table}") };
    assert!((0.3..0.7).contains(&(half[0] / body[0])) && boxed[0] < body[0], "{table}");
    assert!(rows.iter().all(|row| row[1] > row[2] && row[2] > 0.0), "{table}");
    let results = &record(&room, "film")["protocols"][0]["results"];
    assert_eq!(results["mean_dose_mgy"].as_f64(), Some(body[1]));
    assert_eq!(results["mean_dose_error_mgy"].as_f64(), Some(body[2]));
    let shares = ["scatter_compton_once", "scatter_rayleigh_once", "scatter_multiple"];
    assert!((shares.map(|name| results[name].as_f64().unwrap()).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(String::from_utf8_lossy(&room.bytes("film/report.html")).contains("half, of some"));
    room.put("dose.toml", [PROTOCOL, dose, &chest.replace("300", "500")].concat());
    room.refused(&args, &["dose.boxes[0].to_mm must be above from_mm"]);
    room.put("dose.toml", [PROTOCOL, dose, &chest.replace("300", "450").replace("460", "451")].concat());
    room.refused(&args, &["dose.boxes must be around the centre of a voxel of the body"]);
}

#[test]
fn a_phantom_takes_the_place_of_a_ct() {
    let room = room();
    let args = ["--protocol", "small.toml", "--set", "patient.phantom.voxel_mm=8", "--keep", "raw,thickness"];
    room.done(&[&["simulate", "phantom:chest:3"], &args[..], &["--out", "film"]].concat());
    assert!(room.path("film").join("thickness-lung.nrrd").is_file());
    let record = record(&room, "film");
    let patient = &record["protocols"][0]["protocol"]["patient"];
    let want = serde_json::json!({ "name": "chest", "seed": 3, "habitus": "standard", "voxel_mm": 8.0, "points": 3 });
    assert_eq!((&patient["phantom"], &record["inputs"]), (&want, &serde_json::json!([])));
    assert!(record["protocols"][0]["results"]["scatter_fraction"].as_f64() > Some(0.05));
    let said = room.done(&["simulate", "--again", "film/run.json", "--out", "again"]);
    assert!(said.contains("the same bits"), "{said}");
    assert_eq!(room.bytes("film/raw.nrrd"), room.bytes("again/raw.nrrd"));
    // A protocol may name its phantom, and another seed is another body.
    let phantom = "[patient.phantom]\nname = 'chest'\nseed = 4\nvoxel_mm = 8\n";
    room.put("own.toml", format!("{PROTOCOL}{phantom}"));
    room.done(&["simulate", "--protocol", "own.toml", "--keep", "raw", "--out", "own"]);
    assert_ne!(room.bytes("film/raw.nrrd"), room.bytes("own/raw.nrrd"));
    // A batch draws bodies by the seeds of its cases.
    let seed = "\"{ from = 1, to = 1000000 }\"";
    room.put("cases.csv", format!("case,ct,patient.phantom.seed\na,phantom:chest,{seed}\nb,phantom:chest,{seed}\n"));
    let batch = ["simulate", "--manifest", "cases.csv", "--protocol", "small.toml", "--keep", "raw", "--out", "data"];
    let coarse = ["--scatter", "none", "--set", "patient.phantom.voxel_mm=8"];
    let said = room.done(&[&batch[..], &coarse].concat());
    assert!(said.contains("2 cases made"), "{said}");
    assert_ne!(room.bytes("data/a/raw.nrrd"), room.bytes("data/b/raw.nrrd"));
    let card = String::from_utf8(room.bytes("data/README.md")).unwrap();
    assert!(
        card.contains("| Phantom chest, seed ") && card.contains("no CT but a phantom of kerma: 2 cases"),
        "{card}"
    );
    let said = room.done(&[&batch[..], &coarse].concat());
    assert!(said.contains("0 cases made, 2 there before"), "{said}");
}

#[test]
fn phantoms_that_cannot_be_simulated_are_refused_in_one_line() {
    let room = room();
    let refused = |subject: &str, more: &[&str], words: &[&str]| {
        room.refused(&[&["simulate", subject, "--protocol", "small.toml", "--out", "film"], more].concat(), words);
    };
    refused("phantom:head", &[], &["patient.phantom.name must be one of chest, ", "got \"head\""]);
    refused("phantom:chest:x", &[], &["phantom:chest:x: the seed must be a whole number"]);
    refused(
        "phantom:chest",
        &["--set", "patient.phantom.voxel_mm=0"],
        &["patient.phantom.voxel_mm must be 0.5 to 20 mm"],
    );
    refused("phantom:chest", &["--set", "patient.phantom.points=17"], &["patient.phantom.points must be 1 to 16"]);
    refused("phantom:chest", &["--materials", "m.toml"], &["patient.labels must be absent beside patient.phantom"]);
    let scanner = ["--set", "patient.air_water_hu=[-1000,0]"];
    refused("phantom:chest", &scanner, &["patient.air_water_hu must be absent beside patient.phantom"]);
    refused("ct.nii.gz", &["--set", "patient.phantom.name=chest"], &["patient.phantom must be absent beside a CT"]);
    room.refused(&["simulate", "--protocol", "small.toml", "--out", "film"], &["simulate needs a CT, phantom:NAME"]);
}

#[test]
fn a_tomosynthesis_of_pairs_is_reconstructed_slice_by_slice() {
    let room = room();
    let scan = "\
kind = 'tomosynthesis-linear'
source_isocentre_mm = 900.0
source_detector_mm = 1100.0
sweep_deg = 30.0
views = 7
travel = 'z'
";
    let sections = "\
[reconstruction]
grid = '20x6x16@16x30x10'
window = 'hann'
margin = 0.25
slice_mm = 30.0
[reconstruction.water_correction]
[variants.standard]
patient.bone = 'bone'
[variants.soft]
patient.bone = 'soft-tissue'
";
    let still = "kind = 'radiograph'\nsource_isocentre_mm = 900.0\nsource_detector_mm = 1100.0\n";
    room.put("sweep.toml", PROTOCOL.replace(still, scan) + sections);
    let args = ["simulate", "ct.nii.gz", "--protocol", "sweep.toml", "--scatter", "none", "--out", "sweep"];
    room.done(&args);
    let volume = |room: &Room, file: &str| read_volume(room.path("true").join(file), None).unwrap();
    for variant in ["standard", "soft"] {
        for file in ["raw-V.nrrd", "reconstruction-V.nii.gz", "reconstruction-V-coronal.png", "report-V.html"] {
            let file = file.replace('V', variant);
            assert!(room.path("sweep").join(&file).is_file(), "{file}");
        }
    }
    // What the slices should show, of each variant and from the record alone.
    let kept = ["--keep", "truth", "--out", "true"];
    room.done(&[&args[..6], &kept[..]].concat());
    let said = room.done(&["simulate", "--again", "true/run.json", "--out", "again"]);
    assert!(said.contains("the same bits") && !room.path("true").join("raw-soft.nrrd").exists(), "{said}");
    for variant in ["standard", "soft"] {
        let file = format!("truth-{variant}.nii.gz");
        assert_eq!(room.bytes(&format!("true/{file}")), room.bytes(&format!("again/{file}")));
        let (truth, found) = (volume(&room, &file), volume(&room, &format!("reconstruction-{variant}.nii.gz")));
        assert_eq!(truth.grid(), found.grid());
        // Water, lungs and air.
        for near in [0.0, -800.0, -1000.0] {
            assert!(truth.values().iter().any(|hu| (hu - near).abs() < 5.0), "no {near} HU");
        }
    }
    let record = record(&room, "sweep");
    let text = record["protocols"].to_string();
    assert!(text.contains("slice_mm") && text.contains("soft-tissue"), "{text}");
    // A slice has a thickness in tomosynthesis alone.
    room.put("film.toml", PROTOCOL.replace("kind = 'radiograph'", "kind = 'cone-circular'\nviews = 4") + sections);
    room.refused(
        &["simulate", "ct.nii.gz", "--protocol", "film.toml", "--scatter", "none", "--out", "turn"],
        &["reconstruction.slice_mm must be absent but for tomosynthesis"],
    );
}

#[test]
fn nodules_are_put_in_or_not_and_read_as_the_truth_of_a_detector() {
    let room = room();
    let more = "\
[reconstruction]
grid = '40x20x30@8x10x10'
[patient.nodules]
count = 3
diameter_mm = [12.0, 20.0]
touching = 0.5
[variants.with]
patient.nodules.shown = true
[variants.without]
patient.nodules.shown = false
";
    let turn = "kind = 'cone-circular'\nviews = 4\n";
    room.put("turn.toml", PROTOCOL.replace("kind = 'radiograph'\n", turn) + more);
    let args = ["simulate", "phantom:chest:3", "--protocol", "turn.toml", "--scatter", "none", "--keep", "truth"];
    room.done(&[&args[..], &["--set", "patient.phantom.voxel_mm=4", "--out", "case"]].concat());
    let said = room.done(&["simulate", "--again", "case/run.json", "--out", "again"]);
    assert!(said.contains("the same bits"), "{said}");
    let text = |file: &str| String::from_utf8(room.bytes(file)).unwrap();
    let (with, without) = (text("case/nodules-with.csv"), text("case/nodules-without.csv"));
    assert!(with.starts_with("seriesuid,coordX,coordY,coordZ,diameter_mm,kind,"), "{with}");
    assert!(with.lines().count() == 4 && with.matches("true\n").count() == 3, "{with}");
    let places =
        |text: &str| text.lines().map(|line| line.split(',').take(5).collect::<Vec<_>>().join(",")).collect::<Vec<_>>();
    assert_eq!(places(&with), places(&without));
    // Marks at the places of the labels are hits: files are in LPS.
    let numbers = read_volume(room.path("case/nodules-with.nii.gz"), None).unwrap();
    let [mut marks, mut mirrored] = [(); 2].map(|()| String::from("seriesuid,coordX,coordY,coordZ,probability\n"));
    for number in 1..=3 {
        let all: Vec<usize> = (0..numbers.values().len()).filter(|at| numbers.values()[*at] == number as f32).collect();
        let place = |at: &usize| glam::DVec3::new((at % 40) as f64, (at / 40 % 20) as f64, (at / 800) as f64);
        let at = numbers.grid().world_mm(all.iter().map(place).sum::<glam::DVec3>() / all.len() as f64);
        marks += &format!("case,{},{},{},0.9\n", -at.x, -at.y, at.z);
        // A control: the other frame.
        mirrored += &format!("case,{},{},{},0.9\n", at.x, at.y, at.z);
    }
    for (file, marks, hits) in [("marks.csv", marks, "3 of 3"), ("mirrored.csv", mirrored, "0 of 3")] {
        room.put(file, marks);
        let said = room.done(&["metrics", "froc", "case/nodules-with.csv", file]);
        assert!(said.contains(&format!("{hits} nodules hit")), "{said}");
    }
    let none = read_volume(room.path("case/nodules-without.nii.gz"), None).unwrap();
    assert!(none.values().iter().all(|number| *number == 0.0));
    assert_ne!(room.bytes("case/truth-with.nii.gz"), room.bytes("case/truth-without.nii.gz"));
}

#[test]
fn the_recipes_of_data_can_be_drawn_and_no_body_is_in_two_of_them() {
    let mut bodies = Vec::new();
    for (manifest, count) in [
        (include_str!("../../../recipes/data/tomosynthesis-first.csv"), 32),
        (include_str!("../../../recipes/data/tomosynthesis-second.csv"), 16),
        (include_str!("../../../recipes/data/tomosynthesis-validation.csv"), 8),
        (include_str!("../../../recipes/data/tomosynthesis-test.csv"), 24),
        (include_str!("../../../recipes/data/nodules-training.csv"), 40),
        (include_str!("../../../recipes/data/nodules-test.csv"), 50),
    ] {
        let subjects: Vec<&str> = manifest.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
        assert_eq!(subjects.len(), count);
        assert!(subjects.iter().all(|subject| subject.starts_with("phantom:chest:") && !bodies.contains(subject)));
        bodies.extend(subjects);
    }
    let mut text = ProtocolText::from_toml(include_str!("../../../recipes/data/tomosynthesis.toml")).unwrap();
    let count = |text: &ProtocolText, seed| text.draw(seed).unwrap().patient.nodules.unwrap().count;
    let counts: Vec<usize> = (0..100).map(|seed| count(&text, seed)).collect();
    assert!((0..=8).all(|n| counts.contains(&n)) && counts.iter().all(|n| *n <= 8), "{counts:?}");
    // As the manifest of pairs has it.
    for (variant, shown) in [("with", "true"), ("without", "false")] {
        text.set(&format!("variants.{variant}.patient.nodules.shown"), shown).unwrap();
    }
    let pair = text.variants().unwrap().into_iter().map(|(_, text)| text.draw(5).unwrap().patient.nodules.unwrap());
    let [with, without] = &pair.collect::<Vec<_>>()[..] else { panic!("a pair") };
    assert!(with.shown && !without.shown && with.count == without.count);
}

#[test]
fn dicom_files_state_the_exposure_and_are_made_again_to_the_bit() {
    let room = room();
    room.done(&simulate(&["--keep", "raw,dicom", "--out", "film"]));
    let text = |name: &str| String::from_utf8_lossy(&room.bytes(name)).into_owned();
    for (file, words) in [
        ("film/picture.dcm", ["1.2.840.10008.5.1.4.1.1.1.1\0", "FOR PRESENTATION", "PRIMARY\\\\SIMULATED", "L\\F"]),
        ("film/raw.dcm", ["1.2.840.10008.5.1.4.1.1.1.1.1", "FOR PROCESSING", "PRIMARY\\\\SIMULATED", "LIN "]),
    ] {
        words.iter().for_each(|word| assert!(text(file).contains(word), "{file}: {word}"));
        // 0.02 mAs, 1100 mm.
        assert!(text(file).contains("IS\u{2}\x0020") && text(file).contains("DS\u{4}\x001100"), "{file}");
    }
    let (raw, info) = read_image(room.path("film/raw.dcm")).unwrap();
    assert!(info.linear && info.grows_with_exposure());
    assert_eq!((raw.size(), raw.spacing_mm()), ([40, 32], Some([10.0; 2])));
    // Rows of a picture run from the top, those of a stack from the bottom; columns of a picture to the patient's left.
    let stack = read_projections(room.path("film/raw.nrrd"), None).unwrap();
    let flipped = |at: usize| stack.values()[(31 - at / 40) * 40 + 39 - at % 40];
    assert!(raw.values().iter().enumerate().all(|(at, value)| *value == flipped(at)));

    room.done(&["simulate", "--again", "film/run.json", "--out", "again"]);
    for file in ["picture.dcm", "raw.dcm"] {
        assert_eq!(room.bytes(&format!("film/{file}")), room.bytes(&format!("again/{file}")));
    }
    let record = record(&room, "film");
    assert!(record["outputs"].as_array().unwrap().iter().any(|output| output["file"] == "picture.dcm"));
}
