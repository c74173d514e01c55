use kerma::{
    data::{Image, Sample, Unit},
    io::{read_image, write_image},
    tasks::enhance::Preset,
};
use serde_json::Value;

use crate::runner::Room;

/// Columns and rows of the radiograph under test.
const SIZE: [usize; 2] = [96, 80];

/// A trunk with two lungs and a spine in front of direct exposure, with a little noise; `top` is the brightest.
pub(crate) fn radiograph(sample: Sample, top: f32) -> Image {
    let [columns, rows] = SIZE;
    let ellipse =
        |x: f64, y: f64, cx: f64, cy: f64, rx: f64, ry: f64| 1.0 - ((x - cx) / rx).powi(2) - ((y - cy) / ry).powi(2);
    let mut seed = 1_u32;
    let values = (0..columns * rows).map(|i| {
        let (x, y) = ((i % columns) as f64, (i / columns) as f64);
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 65_536.0 - 0.5;
        let trunk = ellipse(x, y, 48.0, 40.0, 38.0, 34.0);
        if trunk < 0.0 {
            return (0.02 + 0.01 * noise) * f64::from(top);
        }
        let lungs = [30.0, 66.0].map(|cx| ellipse(x, y, cx, 38.0, 13.0, 22.0) > 0.0);
        let spine = (x - 48.0).abs() < 5.0;
        let depth =
            0.5 + 0.2 * trunk.sqrt() + if spine { 0.2 } else { 0.0 } - if lungs.contains(&true) { 0.3 } else { 0.0 };
        (depth + 0.02 * noise) * f64::from(top)
    });
    let values = values.map(|v| if sample == Sample::Float { v as f32 } else { v.round() as f32 }).collect();
    Image::new(SIZE, Some([0.2, 0.3]), sample, Unit::Arbitrary, values).unwrap()
}

const EIGHT: Sample = Sample::Unsigned { bits: 8 };

/// A room with `chest.png`, 8 bits.
pub(crate) fn room() -> Room {
    let room = Room::new();
    write_image(room.path("chest.png"), &radiograph(EIGHT, 255.0)).unwrap();
    room
}

fn read(room: &Room, name: &str) -> Image {
    read_image(room.path(name)).unwrap().0
}

fn mean(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + f64::from(v), count + 1.0));
    sum / count
}

/// Mean outside the trunk: the four corners.
fn background(image: &Image) -> f64 {
    let view = image.view();
    let [columns, rows] = image.size();
    mean((0..5).flat_map(|y| (0..5).map(move |x| (y, x))).flat_map(|(y, x)| {
        [view[[y, x]], view[[y, columns - 1 - x]], view[[rows - 1 - y, x]], view[[rows - 1 - y, columns - 1 - x]]]
    }))
}

#[test]
fn every_preset_keeps_size_depth_and_spacing_and_the_background_dark() {
    let room = room();
    let before = read(&room, "chest.png");
    for preset in Preset::NAMES {
        let text = room.done(&["enhance", "chest.png", "--preset", preset, "--out", "out.png"]);
        assert!(text.starts_with(&format!("out.png: 96x80, {preset}, threshold ")), "{text}");
        assert!(text.contains(" % foreground"), "{text}");
        let after = read(&room, "out.png");
        assert_eq!((after.size(), after.spacing_mm(), after.sample()), (SIZE, Some([0.2, 0.3]), EIGHT));
        assert!(after.values() != before.values(), "{preset} changed nothing");
        assert!(background(&after) < 25.0, "{preset}: background {}", background(&after));
        let inside = after.view()[[40, 48]];
        assert!(inside > 120.0, "{preset}: spine {inside}");
    }
}

#[test]
fn presets_are_files_too() {
    let room = room();
    room.put("mine.toml", Preset::text("chest").unwrap());
    room.done(&["enhance", "chest.png", "--preset", "mine.toml", "--out", "mine.png"]);
    room.done(&["enhance", "chest.png", "--preset", "chest", "--out", "built-in.png"]);
    assert!(room.bytes("mine.png") == room.bytes("built-in.png"));
    room.put("other.toml", Preset::text("chest").unwrap().replace("clip = 1.3", "clip = 4.0"));
    room.done(&["enhance", "chest.png", "--preset", "other.toml", "--out", "other.png"]);
    assert!(room.bytes("other.png") != room.bytes("built-in.png"));
}

#[test]
fn kept_images_lie_beside_the_result() {
    let room = room();
    let keep = "mask,prepared,clahe,band1,band3,laplacian,mask";
    let task = ["enhance", "chest.png", "--preset", "chest", "--keep", keep, "--out", "out.png", "--json"];
    let object: Value = serde_json::from_str(&room.done(&task)).unwrap();
    let names = ["prepared.png", "mask.png", "clahe.png", "band1.tif", "band3.tif", "laplacian.png"];
    let want: Vec<String> = names.iter().map(|n| format!("out.{n}")).chain(["out.png".to_owned()]).collect();
    assert_eq!(object["outputs"], serde_json::json!(want));
    let mask = read(&room, "out.mask.png");
    assert!(mask.values().iter().all(|v| [0.0, 255.0].contains(v)));
    let share = mean(mask.values().iter().map(|v| v / 255.0));
    assert!((object["mask_share"].as_f64().unwrap() - share).abs() < 1e-9);
    assert!(share > 0.4 && share < 0.75, "{share}");
    assert_eq!(read(&room, "out.prepared.png").values(), read(&room, "chest.png").values());
    let band = read(&room, "out.band3.tif");
    assert_eq!((band.size(), band.sample()), ([24, 20], Sample::Float));
    assert!(band.spacing_mm().unwrap().iter().zip([0.8, 1.2]).all(|(got, want)| (got - want).abs() < 1e-9));
    assert!(band.values().iter().any(|v| *v < 0.0) && band.values().iter().any(|v| *v > 0.0));
}

#[test]
fn json_tells_what_was_measured() {
    let room = room();
    let task = ["enhance", "chest.png", "--preset", "chest", "--out", "out.png", "--json"];
    let object: Value = serde_json::from_str(&room.done(&task)).unwrap();
    assert_eq!(object["bits"], 8);
    assert!((5..100).contains(&object["threshold"].as_u64().unwrap()), "{}", object["threshold"]);
    let noise = object["band_noise"].as_array().unwrap();
    assert_eq!(noise.len(), 4);
    assert!(noise[0].as_f64().unwrap() > 0.0);
    let passes = object["passes"].as_array().unwrap();
    for pass in ["quantise", "triangle", "collapse"] {
        assert!(passes.iter().any(|p| p["pass"] == pass && p["milliseconds"].is_f64()), "{pass}: {passes:?}");
    }
    let triangle: Value = serde_json::from_str(&room.done(&[
        "enhance",
        "chest.png",
        "--only",
        "triangle",
        "--out",
        "mask.png",
        "--json",
    ]))
    .unwrap();
    assert_eq!(triangle["threshold"], object["threshold"]);
}

#[test]
fn the_triangle_step_writes_the_mask_of_its_threshold() {
    let room = room();
    let before = read(&room, "chest.png");
    for convention in ["opencv", "skimage", "imagej"] {
        let task = ["enhance", "chest.png", "--only", "triangle", "--convention", convention, "--out", "mask.png"];
        let text = room.done(&task);
        let threshold: f32 = text.split("threshold ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        let mask = read(&room, "mask.png");
        assert_eq!((mask.size(), mask.sample()), (SIZE, EIGHT));
        for (value, mask) in before.values().iter().zip(mask.values()) {
            assert_eq!(*mask, if *value > threshold { 255.0 } else { 0.0 });
        }
    }
}

#[test]
fn a_given_mask_does_what_the_found_one_does() {
    let room = room();
    let chain = ["enhance", "chest.png", "--preset", "chest"];
    room.done(&[&chain[..], &["--keep", "mask", "--out", "found.png"]].concat());
    room.done(&[&chain[..], &["--mask", "found.mask.png", "--out", "given.png"]].concat());
    assert!(room.bytes("given.png") == room.bytes("found.png"));
    // The control: another mask gives another image.
    let [columns, rows] = SIZE;
    let left = (0..columns * rows).map(|i| if i % columns < 40 { 1.0 } else { 0.0 }).collect();
    write_image(room.path("left.png"), &Image::new(SIZE, None, EIGHT, Unit::Arbitrary, left).unwrap()).unwrap();
    room.done(&[&chain[..], &["--mask", "left.png", "--out", "left-out.png"]].concat());
    assert!(room.bytes("left-out.png") != room.bytes("found.png"));
}

#[test]
fn gains_of_one_change_nothing_and_more_sharpen() {
    let room = Room::new();
    for (name, sample, top) in [("a.png", EIGHT, 255.0), ("b.png", Sample::Unsigned { bits: 16 }, 60_000.0)] {
        write_image(room.path(name), &radiograph(sample, top)).unwrap();
        let before = read(&room, name);
        let step = ["enhance", name, "--only", "laplacian", "--out", "out.png"];
        room.done(&[&step[..], &["--levels", "4", "--gains", "1,1,1,1"]].concat());
        assert_eq!(read(&room, "out.png").values(), before.values());
        room.done(&[&step[..], &["--gains", "2.0,1.5"]].concat());
        let contrast = |image: &Image| mean(image.values().windows(2).map(|pair| (pair[1] - pair[0]).abs()));
        assert!(contrast(&read(&room, "out.png")) > 1.3 * contrast(&before));
    }
}

#[test]
fn one_step_alone_takes_stored_values() {
    let room = Room::new();
    // 10 bits in 16, and white is zero: neither matters to a step alone.
    let image = radiograph(Sample::Unsigned { bits: 16 }, 1000.0);
    write_image(room.path("a.png"), &image).unwrap();
    let bright = |name: &str| {
        let image = read(&room, name);
        (background(&image), f64::from(image.view()[[40, 48]]))
    };
    let step = ["enhance", "a.png", "--only", "clahe", "--tiles", "4x4", "--convention", "opencv", "--out", "out.png"];
    let object: Value = serde_json::from_str(&room.done(&[&step[..], &["--json"]].concat())).unwrap();
    assert_eq!((&object["bits"], &object["threshold"]), (&16.into(), &Value::Null));
    let (background, spine) = bright("out.png");
    assert!(background < spine, "{background} {spine}");
    room.done(&[&step[..], &["--polarity", "inverted"]].concat());
    let (background, spine) = bright("out.png");
    assert!(background > spine, "{background} {spine}");
}

#[test]
fn ten_bits_of_sixteen_are_reckoned_with_as_such() {
    let room = Room::new();
    write_image(room.path("a.png"), &radiograph(Sample::Unsigned { bits: 16 }, 1000.0)).unwrap();
    write_image(room.path("b.png"), &radiograph(Sample::Unsigned { bits: 10 }, 1000.0)).unwrap();
    let task =
        |name: &'static str, out: &'static str| ["enhance", name, "--preset", "chest", "--out", out, "--device", "cpu"];
    let output = room.run(&task("a.png", "a-out.png"));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert_eq!(error, "kerma: a.png: values need 10 of 16 bits; the steps reckon with those\n");
    assert!(room.run(&task("b.png", "b-out.png")).stderr.is_empty());
    let (a, b) = (read(&room, "a-out.png"), read(&room, "b-out.png"));
    assert_eq!((a.sample(), b.sample()), (Sample::Unsigned { bits: 16 }, Sample::Unsigned { bits: 10 }));
    assert_eq!(a.values(), b.values());
}

/// What `levels` of `bits` become in 2^`wanted` levels: the nearest one, halves up.
fn spread(levels: &[f32], bits: u32, wanted: u32) -> Vec<f32> {
    let [most, most_wanted] = [bits, wanted].map(|bits| (1_u64 << bits) - 1);
    levels.iter().map(|v| ((2 * *v as u64 * most_wanted + most) / (2 * most)) as f32).collect()
}

#[test]
fn results_are_spread_over_the_bits_asked_for() {
    let room = Room::new();
    for bits in [12_u8, 15] {
        let top = (1_u32 << bits) as f32 - 1.0;
        let mut values = radiograph(Sample::Unsigned { bits }, 0.9 * top).values().to_vec();
        values[..2].copy_from_slice(&[0.0, top]);
        let image = Image::new(SIZE, Some([0.2, 0.3]), Sample::Unsigned { bits }, Unit::Arbitrary, values).unwrap();
        write_image(room.path("a.tif"), &image).unwrap();
        let chain = ["enhance", "a.tif", "--preset", "chest", "--keep", "clahe", "--out"];
        room.done(&[&chain[..], &["plain.tif"]].concat());
        let (plain, stage) = (read(&room, "plain.tif"), room.bytes("plain.clahe.png"));
        assert_eq!(plain.values().iter().copied().fold(0.0, f32::max), top);
        for (wanted, flag) in [(1, "1"), (8, "8"), (16, "16")] {
            room.done(&[&chain[..], &["out.png", "--bits", flag]].concat());
            let out = read(&room, "out.png");
            assert_eq!((out.size(), out.spacing_mm()), (SIZE, image.spacing_mm()));
            assert_eq!(out.sample(), Sample::Unsigned { bits: wanted });
            assert_eq!(out.values(), spread(plain.values(), bits.into(), wanted.into()), "{bits} to {wanted}");
            let [least, most] = [0.0, ((1_u32 << wanted) - 1) as f32];
            let ends = |end: f32| plain.values().iter().position(|v| *v == end).map(|at| out.values()[at]);
            assert_eq!(ends(top), Some(most));
            assert_eq!(ends(0.0), ends(0.0).map(|_| least));
            // What is kept on the way stays as it is.
            assert!(room.bytes("out.clahe.png") == stage);
        }
    }
    // The same from a preset, and without any step a mere change of depth.
    room.put("bits.toml", format!("bits = 8\n{}", Preset::text("chest").unwrap()));
    room.done(&["enhance", "a.tif", "--preset", "bits.toml", "--out", "file.png"]);
    room.done(&["enhance", "a.tif", "--preset", "chest", "--bits", "8", "--out", "flag.png"]);
    assert!(room.bytes("file.png") == room.bytes("flag.png"));
    room.put("none.toml", "");
    room.done(&["enhance", "a.tif", "--preset", "none.toml", "--bits", "8", "--out", "none.png"]);
    let none = read(&room, "none.png");
    assert_eq!(none.values(), spread(read(&room, "a.tif").values(), 15, 8));
    assert_eq!(none.values()[..2], [0.0, 255.0]);
}

#[test]
fn float_images_become_whole_numbers_when_bits_are_asked_for() {
    let room = Room::new();
    write_image(room.path("a.tif"), &radiograph(Sample::Float, 3.5)).unwrap();
    room.put("none.toml", "");
    for (flag, bits) in [("16", 16), ("10", 10)] {
        room.done(&["enhance", "a.tif", "--preset", "none.toml", "--bits", flag, "--out", "out.png"]);
        let out = read(&room, "out.png");
        assert_eq!(out.sample(), Sample::Unsigned { bits });
        let range = out.values().iter().fold([f32::MAX, f32::MIN], |[a, b], &v| [a.min(v), b.max(v)]);
        assert_eq!(range, [0.0, ((1_u32 << bits) - 1) as f32]);
    }
}

#[test]
fn float_images_stay_float_and_within_their_range() {
    let room = Room::new();
    let image = radiograph(Sample::Float, 3.5);
    write_image(room.path("a.tif"), &image).unwrap();
    room.done(&["enhance", "a.tif", "--preset", "chest", "--out", "out.tif"]);
    let after = read(&room, "out.tif");
    let range = |values: &[f32]| values.iter().fold([f32::MAX, f32::MIN], |[a, b], &v| [a.min(v), b.max(v)]);
    let ([low, high], [least, most]) = (range(after.values()), range(image.values()));
    assert_eq!(after.sample(), Sample::Float);
    assert!(low >= least - 1e-6 && high <= most + 1e-4 && high - low > 0.5 * (most - least), "{low} {high}");
    room.done(&["enhance", "a.tif", "--only", "laplacian", "--gains", "1", "--out", "same.npy"]);
    let same = read(&room, "same.npy");
    let step = (most - least) / 65_535.0;
    assert!(same.values().iter().zip(image.values()).all(|(a, b)| (a - b).abs() <= 0.51 * step));
}

#[test]
fn exposure_becomes_attenuation_whether_the_file_or_a_flag_says_so() {
    let room = room();
    let image = read(&room, "chest.png");
    let negative = image.values().iter().map(|v| 255.0 - v).collect();
    let negative = Image::new(SIZE, image.spacing_mm(), EIGHT, Unit::Arbitrary, negative).unwrap();
    write_image(room.path("negative.png"), &negative).unwrap();
    room.put("negative.dcm", crate::bad_enhance::dicom(SIZE, Some("MONOCHROME1"), negative.values()));
    room.done(&["enhance", "chest.png", "--preset", "chest", "--out", "positive-out.png"]);
    room.done(&["enhance", "negative.png", "--preset", "chest", "--polarity", "inverted", "--out", "flag-out.png"]);
    room.done(&["enhance", "negative.dcm", "--preset", "chest", "--out", "file-out.png"]);
    let want = read(&room, "positive-out.png");
    assert_eq!(read(&room, "flag-out.png").values(), want.values());
    assert_eq!(read(&room, "file-out.png").values(), want.values());
    // What is dark is all object then, which is said.
    let as_is = ["enhance", "negative.dcm", "--preset", "chest", "--polarity", "as-is", "--out", "as-is.png"];
    let output = room.run(&[&as_is[..], &["--device", "cpu"]].concat());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.contains("lies within the object"), "{error}");
    assert!(read(&room, "as-is.png").values() != want.values());
    // Raw detector data: as linear as they are dark behind dense matter.
    let linear = ["enhance", "negative.png", "--preset", "chest", "--response", "linear", "--keep", "prepared"];
    room.done(&[&linear[..], &["--out", "linear.png"]].concat());
    let prepared = read(&room, "linear.prepared.png");
    assert!(background(&prepared) < 30.0 && prepared.view()[[40, 48]] > 60.0);
}

#[test]
fn dicom_says_which_way_values_go_with_the_exposure() {
    let room = room();
    let chest = read(&room, "chest.png");
    let prepared = |name: &str, flags: &[&str]| {
        let chain = ["enhance", name, "--preset", "chest", "--keep", "prepared", "--out", "out.png", "--device", "cpu"];
        let output = room.run(&[&chain[..], flags].concat());
        assert!(output.status.success(), "{:?}", String::from_utf8(output.stderr));
        read(&room, "out.prepared.png").into_values()
    };
    let cases = [
        ("MONOCHROME1", (Some("LIN"), Some(-1)), ["as-is", "linear"]),
        ("MONOCHROME2", (Some("LIN"), Some(1)), ["inverted", "linear"]),
        ("MONOCHROME2", (Some("LIN"), None), ["inverted", "linear"]),
        ("MONOCHROME2", (Some("LOG"), Some(1)), ["inverted", "log"]),
        ("MONOCHROME1", (Some("LOG"), Some(-1)), ["as-is", "log"]),
        ("MONOCHROME1", (Some("LOG"), None), ["inverted", "log"]),
    ];
    for (photometric, intensity, [polarity, response]) in cases {
        room.put("a.dcm", crate::bad_enhance::dicom_of(SIZE, Some(photometric), intensity, chest.values()));
        let want = prepared("chest.png", &["--polarity", polarity, "--response", response]);
        assert!(prepared("a.dcm", &[]) == want, "{photometric} {intensity:?}");
    }
}

#[test]
fn plans_of_enhancements_hold_what_is_asked_for_and_no_more() {
    let room = room();
    let before = room.contents();
    let plan = |more: &[&str]| room.done(&[&["plan", "enhance", "chest.png"], more].concat());
    let chain = plan(&["--preset", "chest", "--out", "out.png"]);
    for word in ["histogram.count", "threshold.triangle", "clahe", "pyramid.collapse", "peak: host"] {
        assert!(chain.contains(word), "{chain}");
    }
    let downloads = |text: &str| text.matches("  download ").count() + text.matches("  hand over ").count();
    // The image, the threshold, the mask and the noise of four bands.
    assert_eq!(downloads(&chain), 7, "{chain}");
    assert_eq!(downloads(&plan(&["--preset", "chest", "--keep", "clahe,band1"])), 9);
    let step = plan(&["--only", "laplacian", "--gains", "1.5"]);
    assert!(!step.contains("triangle") && !step.contains("clahe") && downloads(&step) == 1, "{step}");
    assert!(plan(&["--only", "triangle", "--graphviz"]).starts_with("digraph plan {"));
    assert!(room.contents() == before);
}

#[test]
fn the_page_shows_what_was_done_and_leaves_the_result_as_it_is() {
    let room = room();
    let chain = ["enhance", "chest.png", "--preset", "chest", "--out"];
    room.done(&[&chain[..], &["plain.png"]].concat());
    room.done(&[&chain[..], &["out.png", "--report", "out.html", "--keep", "mask"]].concat());
    assert!(room.bytes("out.png") == room.bytes("plain.png"));
    let html = String::from_utf8(room.bytes("out.html")).unwrap();
    for words in ["chest.png, enhanced", "Before and after", "clahe", "band4", "triangle"] {
        assert!(html.contains(words), "{words}");
    }
    let names: Vec<_> = room.contents().into_iter().map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["chest.png", "out.html", "out.mask.png", "out.png", "plain.png"]);
    let bad = ["enhance", "chest.png", "--preset", "chest", "--out", "new.png", "--report"];
    room.refused(&[&bad[..], &["page.txt"]].concat(), &["page.txt", ".html"]);
    room.refused(&[&bad[..], &["none/page.html"]].concat(), &["none/page.html", "folder none does not exist"]);
    let step = ["enhance", "chest.png", "--only", "triangle", "--out", "mask.png", "--report", "step.html"];
    room.done(&step);
}
