//! `kerma normalise` and `kerma axis`, on made-up counts and on a real scan of a tooth.

use glam::DVec3;
use kerma::{
    data::{Projections, Unit},
    io::{read_projections, read_scan, read_volume, write_projections},
};

use crate::runner::{Room, real};

const TOOTH: &str =
    "kind = \"parallel\"\nviews = 181\narc_deg = 179.00552486187846\ndetector = [640, 2]\npitch_mm = [1.0, 1.0]\n";

#[test]
fn a_real_tooth_goes_from_counts_to_a_volume() {
    let names = ["aps_tooth_data.npy", "aps_tooth_data_white.npy", "aps_tooth_data_dark.npy"];
    let files = names.map(|name| real(&format!("projection/{name}")));
    let [Some(counts), Some(flat), Some(dark)] = files else { return };
    let [counts, flat, dark] = [&counts, &flat, &dark].map(|path| path.to_str().unwrap());
    let room = Room::new();
    room.put("scan.toml", TOOTH);
    let scan = ["--geometry", "scan.toml"];
    let normalise = ["normalise", counts, "--flat", flat, "--dark", dark, "--stripes", "5", "--out", "scan.nrrd"];
    room.done(&[&normalise[..], &scan].concat());
    let text = room.done(&[&["axis", "scan.nrrd", "--out", "centred.toml", "--json"][..], &scan].concat());
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let column = found["column"].as_f64().unwrap();
    // 296.2 by the centre of mass, where matter leaves the field of view a little.
    assert!((column - 296.0).abs() < 0.5, "{column}");
    assert!(read_scan(room.path("centred.toml")).unwrap().build().is_ok());
    let grid = "320x320x1@2x2x1";
    let reconstruct = ["reconstruct", "scan.nrrd", "--grid", grid, "--window", "hann"];
    // The axis off the detector's middle is said: half a turn has no second ray for lines beyond its short side.
    let centred =
        [&reconstruct[..], &["--geometry", "centred.toml", "--out", "right.nrrd", "--device", "cpu"]].concat();
    let output = room.run(&centred);
    let remark = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && remark.contains("the detector is displaced"), "{remark}");
    room.done(&[&reconstruct[..], &["--geometry", "scan.toml", "--out", "wrong.nrrd"]].concat());
    // Where the axis is wrong, streaks reach far below 0; as far as the short side sees, where values hold.
    let below = |name| {
        let volume = read_volume(room.path(name), None).unwrap();
        let largest = volume.values().iter().fold(0.0_f32, |most, value| most.max(*value));
        let is_seen = |at: usize| {
            let place = volume.grid().world_mm(DVec3::new((at % 320) as f64, (at / 320) as f64, 0.0));
            place.truncate().length() < 295.0
        };
        volume.values().iter().enumerate().filter(|(at, value)| is_seen(*at) && **value < -0.05 * largest).count()
    };
    let (right, wrong) = (below("right.nrrd"), below("wrong.nrrd"));
    println!("voxels far below 0: {right}, {wrong} with the axis in the middle");
    assert!(3 * right < wrong, "{right} {wrong}");
}

#[test]
fn one_hdf5_file_gives_the_bits_of_three_arrays() {
    let names = ["parallel.h5", "data.npy", "data_white.npy", "data_dark.npy", "theta.npy"];
    let [Some(scan), Some(counts), Some(flat), Some(dark), Some(theta)] =
        names.map(|name| real(&format!("projection/aps_tooth_{name}")))
    else {
        return;
    };
    let [counts, flat, dark] = [&counts, &flat, &dark].map(|path| path.to_str().unwrap());
    let room = Room::new();
    room.put("tooth.h5", std::fs::read(scan).unwrap());
    room.put("theta.npy", std::fs::read(theta).unwrap());
    for (name, angles) in [("one.toml", "tooth.h5"), ("three.toml", "theta.npy")] {
        room.put(name, TOOTH.replace("arc_deg = 179.00552486187846", &format!("angles = \"{angles}\"")));
    }
    room.done(&["normalise", "tooth.h5", "--geometry", "one.toml", "--out", "one.nrrd", "--quiet"]);
    let fields = ["--flat", flat, "--dark", dark];
    let three = ["normalise", counts, "--geometry", "three.toml", "--out", "three.nrrd"];
    room.done(&[&three[..], &fields].concat());
    assert!(room.bytes("one.nrrd") == room.bytes("three.nrrd"));
    for name in ["one", "three"] {
        let (scan, stack, out) = (format!("{name}.toml"), format!("{name}.nrrd"), format!("{name}-centred.toml"));
        room.done(&["axis", &stack, "--geometry", &scan, "--out", &out]);
    }
    assert!(room.bytes("one-centred.toml") == room.bytes("three-centred.toml"));
}

#[test]
fn fields_beside_counts_are_found_and_said() {
    let room = Room::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/containers/old-chunked.h5");
    room.put("scan.h5", std::fs::read(fixture).unwrap());
    room.put("scan.toml", "kind = 'parallel'\nviews = 4\nangles = 'scan.h5'\ndetector = [5, 3]\npitch_mm = [1, 1]\n");
    let args = ["normalise", "scan.h5", "--geometry", "scan.toml", "--out", "p.nrrd"];
    let said = String::from_utf8(room.run(&args).stderr).unwrap();
    for place in ["flat fields: scan.h5:/exchange/data_white", "dark fields: scan.h5:/exchange/data_dark"] {
        assert!(said.contains(place), "{said}");
    }
    let stack = read_projections(room.path("p.nrrd"), None).unwrap();
    // 257 times its number are the counts of a value, 60000 and 100 those of every flat and dark field.
    let expected = -((257.0 * 59.0 - 100.0) / 59_900.0_f32).ln();
    assert!((stack.values()[59] - expected).abs() < 1e-6, "{} {expected}", stack.values()[59]);
    room.done(&[&args[..], &["--flat", "scan.h5:/exchange/data_white", "--quiet"]].concat());
    room.refused(
        &[&args[..], &["--flat", "scan.h5:/exchange/grey"]].concat(),
        &["/exchange/grey", "/exchange/data_dark"],
    );
    self::stack(&room, "counts.nrrd", 4, |_| 1.0);
    room.refused(&[&args[..1], &["counts.nrrd"], &args[2..]].concat(), &["counts.nrrd", "no flat fields", "--flat"]);
    room.put("scan.toml", "kind = 'parallel'\nviews = 3\nangles = 'scan.h5'\ndetector = [5, 3]\npitch_mm = [1, 1]\n");
    room.refused(&args, &["scan.toml: angles must be as many as views = 3, got 4"]);
    let text = room.done(&["info", "scan.h5"]);
    assert!(text.contains("  dataset   /exchange/theta: 4, floats of 64 bits, little-endian, degrees\n"), "{text}");
}

fn stack(room: &Room, name: &str, views: usize, value: impl Fn(usize) -> f32) {
    let values = (0..views * 8 * 2).map(value).collect();
    let stack = Projections::new(views, [8, 2], [1.0; 2], Unit::Arbitrary, values).unwrap();
    write_projections(room.path(name), &stack).unwrap();
}

const SMALL: &str = "kind = \"parallel\"\nviews = 3\narc_deg = 180\ndetector = [8, 2]\npitch_mm = [1.0, 1.0]\n";

#[test]
fn counts_become_line_integrals_and_what_was_mended_is_said() {
    let room = Room::new();
    room.put("scan.toml", SMALL);
    stack(&room, "counts.nrrd", 3, |i| if i == 28 { 0.0 } else { 100.0 * (-1.0_f32).exp() });
    stack(&room, "flat.nrrd", 2, |i| if i % 16 == 5 { 1.0 } else { 100.0 });
    let args = ["normalise", "counts.nrrd", "--flat", "flat.nrrd", "--geometry", "scan.toml", "--out", "p.nrrd"];
    let result = room.run(&args);
    let said = String::from_utf8(result.stderr).unwrap();
    assert!(
        result.status.success() && said.contains("1 bad pixel mended") && said.contains("1 value at the floor"),
        "{said}"
    );
    let stack = read_projections(room.path("p.nrrd"), None).unwrap();
    assert_eq!(stack.unit(), Unit::LineIntegral);
    let ones = stack.values().iter().filter(|value| (**value - 1.0).abs() < 1e-5).count();
    assert_eq!(ones, 47, "all but one value at the floor");
}

#[test]
fn scans_that_cannot_be_are_refused_in_a_line() {
    let room = Room::new();
    room.put("scan.toml", SMALL);
    room.put("cone.toml", crate::runner::SCAN);
    stack(&room, "counts.nrrd", 3, |_| 50.0);
    stack(&room, "negative.nrrd", 3, |i| i as f32 - 1.0);
    stack(&room, "two.nrrd", 2, |_| 100.0);
    let normalise = |counts, flat, more: &[&'static str]| {
        let args = ["normalise", counts, "--flat", flat, "--geometry", "scan.toml", "--out", "p.nrrd"];
        [&args[..], more].concat()
    };
    room.refused(&normalise("negative.nrrd", "two.nrrd", &[]), &["counts", "0 and above", "-1"]);
    room.refused(&normalise("two.nrrd", "two.nrrd", &[]), &["two.nrrd", "2 views", "has 3"]);
    room.refused(&normalise("counts.nrrd", "two.nrrd", &["--floor", "0"]), &["floor"]);
    room.refused(&normalise("counts.nrrd", "two.nrrd", &["--stripes", "4"]), &["odd"]);
    room.refused(&normalise("counts.nrrd", "two.nrrd", &["--dark", "two.nrrd"]), &["above 0 in some pixel"]);
    room.refused(&["axis", "counts.nrrd", "--geometry", "scan.toml"], &["columns", "16 or more"]);
    room.refused(&["axis", "counts.nrrd", "--geometry", "cone.toml"], &["3 views of 8x2", "12 views of 16x8"]);
    for (stripes, words) in [
        ("haar:2", ["stripes must be one of", "wavelet:LEVELS,SIGMA"]),
        ("wavelet:2", ["stripes must be one of", "got \"wavelet:2\""]),
        ("wavelet:1,0.5", ["levels of stripes", "9·2^levels views and columns"]),
    ] {
        room.refused(&normalise("counts.nrrd", "two.nrrd", &["--stripes", stripes]), &words);
    }
}

#[test]
fn either_way_takes_stripes_off() {
    let room = Room::new();
    room.put(
        "scan.toml",
        "kind = \"parallel\"\nviews = 40\narc_deg = 180\ndetector = [64, 1]\npitch_mm = [1.0, 1.0]\n",
    );
    let stack = |name: &str, views: usize, value: &dyn Fn(usize, usize) -> f32| {
        let values = (0..views * 64).map(|i| value(i / 64, i % 64)).collect();
        let stack = Projections::new(views, [64, 1], [1.0; 2], Unit::Arbitrary, values).unwrap();
        write_projections(room.path(name), &stack).unwrap();
    };
    let clean = |view: usize, column: usize| {
        let middle = 32.0 + 8.0 * (view as f32 * 0.15).sin();
        2.0 * (-((column as f32 - middle) / 9.0).powi(2)).exp()
    };
    let gain = |column: usize| if column % 11 == 2 { 0.8 } else { 1.0 };
    stack("counts.nrrd", 40, &|view, column| 1000.0 * gain(column) * (-clean(view, column)).exp());
    stack("flat.nrrd", 1, &|_, _| 1000.0);
    let rmse = |more: &[&str]| {
        let args = ["normalise", "counts.nrrd", "--flat", "flat.nrrd", "--geometry", "scan.toml", "--out", "p.nrrd"];
        room.done(&[&args[..], more].concat());
        let stack = read_projections(room.path("p.nrrd"), None).unwrap();
        let square = |(i, value): (usize, &f32)| (value - clean(i / 64, i % 64)).powi(2);
        (stack.values().iter().enumerate().map(square).sum::<f32>() / stack.values().len() as f32).sqrt()
    };
    let striped = rmse(&[]);
    let [number, sorting, wavelet] = ["5", "sorting:5", "wavelet:2,1"].map(|stripes| rmse(&["--stripes", stripes]));
    println!("{striped} {number} {sorting} {wavelet}");
    assert!(number == sorting && sorting < 0.6 * striped && wavelet < 0.6 * striped);
}

#[test]
fn the_axis_of_a_cone_beam_is_found_and_put_in_its_place() {
    let room = Room::new();
    let scan = |kind: &str, rows: usize, arc_deg: f64, offset_mm: f64| {
        format!(
            "kind = \"{kind}\"\nsource_isocentre_mm = 600.0\nsource_detector_mm = 900.0\nviews = 120\narc_deg = {arc_deg}\n\
             detector = [96, {rows}]\npitch_mm = [4.0, 4.0]\noffset_mm = [{offset_mm}, 0.0]\n"
        )
    };
    for (kind, rows, offset_mm) in [("cone-circular", 12, 10.8), ("fan", 1, -16.6)] {
        room.put("true.toml", scan(kind, rows, 360.0, offset_mm));
        room.put("said.toml", scan(kind, rows, 360.0, 0.0));
        let grid = "104x104x1@2x2x2";
        room.done(&["phantom", "shepp-logan", "--grid", grid, "--out", "truth.nrrd"]);
        room.done(&["phantom", "shepp-logan", "--project", "true.toml", "--out", "p.nrrd"]);
        let text = room.done(&["axis", "p.nrrd", "--geometry", "said.toml", "--out", "found.toml", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        let [off, row] = [found["offset_mm"][0].as_f64().unwrap() - offset_mm, found["row"].as_f64().unwrap()];
        assert!(off.abs() < 0.1 * 4.0 && row == (rows as f64 - 1.0) / 2.0, "{text}");
        let truth = read_volume(room.path("truth.nrrd"), None).unwrap();
        let rmse = |geometry: &str| {
            room.done(&["reconstruct", "p.nrrd", "--geometry", geometry, "--grid", grid, "--out", "v.nrrd"]);
            let volume = read_volume(room.path("v.nrrd"), None).unwrap();
            let sum: f32 = volume.values().iter().zip(truth.values()).map(|(a, b)| (a - b).powi(2)).sum();
            (sum / truth.values().len() as f32).sqrt()
        };
        let [unmoved, moved, best] = ["said.toml", "found.toml", "true.toml"].map(rmse);
        println!("{kind}: off by {off} mm, RMSE {unmoved} unmoved, {moved} moved, {best} with the true offset");
        assert!(moved < 0.4 * unmoved && (moved - best).abs() < 0.05 * best, "{kind}: {unmoved} {moved} {best}");
        room.put("short.toml", scan(kind, rows, 220.0, 0.0));
        room.refused(&["axis", "p.nrrd", "--geometry", "short.toml"], &["p.nrrd", "a full turn of 360°", "got 220"]);
        room.refused(&["axis", "p.nrrd", "--geometry", "said.toml", "--row", "0"], &["the source's circle"]);
    }
    room.put("helix.toml", room.done(&["geometry", "helical"]));
    room.refused(&["axis", "p.nrrd", "--geometry", "helix.toml"], &["helix.toml", "kind is helical"]);
}

const RTK: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE RTKGEOMETRY>\n<RTKThreeDCircularGeometry version=\"3\">\n\
    <SourceToIsocenterDistance>1000</SourceToIsocenterDistance>\n<SourceToDetectorDistance>1536</SourceToDetectorDistance>\n\
    <Projection><GantryAngle>0</GantryAngle></Projection>\n<Projection><GantryAngle>37</GantryAngle></Projection>\n\
    </RTKThreeDCircularGeometry>\n";

#[test]
fn geometries_of_rtk_are_imported_and_shown() {
    let room = Room::new();
    room.put("rtk.xml", RTK);
    let import = ["geometry", "import", "rtk.xml", "--detector", "64x48", "--pitch", "2x2.5", "--out", "scan.toml"];
    room.done(&import);
    let geometry = read_scan(room.path("scan.toml")).unwrap().build().unwrap();
    assert_eq!((geometry.views().len(), geometry.detector(), geometry.pitch_mm()), (2, [64, 48], [2.0, 2.5]));
    room.done(&["geometry", "show", "scan.toml", "--grid", "64x64x32@2x2x2", "--out", "scan.html"]);
    let page = String::from_utf8(room.bytes("scan.html")).unwrap();
    assert!(
        ["seen from +x", "seen from −y", "seen from +z", "seen from the front right"]
            .iter()
            .all(|side| page.contains(side))
    );
    room.put("old.xml", RTK.replace("version=\"3\"", "version=\"1\""));
    room.refused(&[&["geometry", "import", "old.xml"], &import[3..]].concat(), &["old.xml", "version must be 3"]);
    room.refused(&[&import[..4], &["64", "--pitch", "2x2", "--out", "a.toml"]].concat(), &["--detector"]);
    assert!(room.done(&["geometry"]).contains("cone-circular"));
    room.done(&["geometry", "helical"]);
}
