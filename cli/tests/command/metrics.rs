use kerma::{
    data::{Image, Sample, Unit},
    io::write_image,
    metrics::{Form, ssim},
};
use serde_json::Value;

use crate::{enhance::radiograph, runner::Room};

const EIGHT: Sample = Sample::Unsigned { bits: 8 };
const SIXTEEN: Sample = Sample::Unsigned { bits: 16 };

/// A room with `a.png` and `b.png`, which has a little less contrast; 8 bits, 96 x 80 pixels.
fn room() -> Room {
    let room = Room::new();
    let a = radiograph(EIGHT, 255.0);
    write_image(room.path("a.png"), &a).unwrap();
    write_image(room.path("b.png"), &faded(&a)).unwrap();
    room
}

fn faded(image: &Image) -> Image {
    let values = image.values().iter().map(|v| (0.9 * v).round()).collect();
    Image::new(image.size(), image.spacing_mm(), image.sample(), image.unit(), values).unwrap()
}

fn json(room: &Room, args: &[&str]) -> Value {
    serde_json::from_str(&room.done(&[&["metrics"], args, &["--json"]].concat())).unwrap()
}

/// Text of a line of the table after its label; nothing when there is no such line.
fn line<'a>(text: &'a str, label: &str) -> &'a str {
    text.lines().find_map(|l| l.trim_start().strip_prefix(label)).unwrap_or_default().trim()
}

#[test]
fn every_number_stands_beside_its_convention() {
    let room = room();
    let text = room.done(&["metrics", "a.png", "b.png"]);
    assert!(text.starts_with("b.png against a.png: 96x80, range 255 (8 bits)\n"), "{text}");
    assert!(line(&text, "PSNR").ends_with("20 log10(range / RMSE); infinite: no difference"), "{text}");
    assert!(line(&text, "MS-SSIM").starts_with("not defined (needs sides > 160 px)"), "{text}");
    assert!(line(&text, "CPBD").contains(" -> "), "{text}");
    for line in text.lines().skip(1) {
        assert!(line.starts_with("  ") && line.len() > 60, "{line}");
    }
    let object = json(&room, &["a.png", "b.png"]);
    let a = radiograph(EIGHT, 255.0);
    let want = ssim(&a, &faded(&a), 255.0, Form::Wang).unwrap();
    assert!((object["ssim"].as_f64().unwrap() - want).abs() < 1e-12);
    assert!(object["ssim_uniform"] != object["ssim"]);
    let (rmse, psnr) = (object["rmse"].as_f64().unwrap(), object["psnr_db"].as_f64().unwrap());
    assert!((psnr - 20.0 * (255.0 / rmse).log10()).abs() < 1e-9);
    assert_eq!((&object["ms_ssim"], &object["range"]["value"]), (&Value::Null, &255.0.into()));
    assert_eq!(object["undefined"]["ms_ssim"], "needs sides > 160 px");
    assert!(object["cpbd"]["reference"].is_f64() && object["cpbd"]["image"].is_f64());
}

#[test]
fn equal_images_differ_by_nothing() {
    let room = room();
    let text = room.done(&["metrics", "a.png", "a.png"]);
    assert!(line(&text, "PSNR").starts_with("infinite "), "{text}");
    let object = json(&room, &["a.png", "a.png"]);
    assert_eq!((&object["psnr_db"], &object["rmse"], &object["ssim"]), (&Value::Null, &0.0.into(), &1.0.into()));
}

#[test]
fn the_range_is_that_of_the_references_bits_unless_given() {
    let room = Room::new();
    // 12 bits in a file of 16.
    let image = radiograph(SIXTEEN, 4000.0);
    write_image(room.path("a.png"), &image).unwrap();
    write_image(room.path("b.png"), &faded(&image)).unwrap();
    let text = room.done(&["metrics", "a.png", "b.png"]);
    assert!(text.contains("range 4095 (12 of 16 bits hold the reference's values)"), "{text}");
    let text = room.done(&["metrics", "a.png", "b.png", "--range", "65535"]);
    assert!(text.contains("range 65535 (given)"), "{text}");
    let psnr = |range| json(&room, &["a.png", "b.png", "--range", range])["psnr_db"].as_f64().unwrap();
    assert!((psnr("40950") - psnr("4095") - 20.0).abs() < 1e-9);
    let values = image.values().to_vec();
    let float = Image::new(image.size(), None, Sample::Float, Unit::Arbitrary, values).unwrap();
    write_image(room.path("f.tif"), &float).unwrap();
    room.refused(&["metrics", "f.tif", "a.png"], &["f.tif: ", "floating-point", "--range"]);
    assert_eq!(json(&room, &["f.tif", "a.png", "--range", "4095"])["rmse"], 0.0);
}

#[test]
fn regions_give_noise_edges_and_contrast_of_both_images() {
    let room = Room::new();
    let size = [200, 200];
    let picture = |blur: f64, noise: f64| {
        let mut state = 1_u64;
        let values = (0..size[0] * size[1]).map(|i| {
            let [x, y] = [i % size[0], i / size[0]].map(|v| v as f64);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = noise * ((state >> 40) as f64 / (1 << 23) as f64 - 1.0);
            let edge = 1000.0 / (1.0 + (-(x - 150.0 - 0.08 * y) / blur).exp());
            let disc = if (x - 60.0).hypot(y - 120.0) <= 10.0 { 60.0 } else { 0.0 };
            (1000.0 + edge + disc + random).round() as f32
        });
        Image::new(size, Some([0.1, 0.1]), SIXTEEN, Unit::Arbitrary, values.collect()).unwrap()
    };
    write_image(room.path("a.png"), &picture(0.5, 40.0)).unwrap();
    write_image(room.path("b.png"), &picture(1.0, 20.0)).unwrap();
    let regions = ["--nps", "0,0,100,90", "--mtf", "120,60,75,100", "--insert", "60,120,20"];
    let object = json(&room, &[&["a.png", "b.png"][..], &regions].concat());
    let ratio = |key: &str| object[key]["image"].as_f64().unwrap() / object[key]["reference"].as_f64().unwrap();
    assert!((ratio("noise") - 0.5).abs() < 0.03, "{}", object["noise"]);
    assert!((ratio("noise_frequency") - 1.0).abs() < 0.05, "{}", object["noise_frequency"]);
    assert!((ratio("mtf50") - 0.5).abs() < 0.05, "{}", object["mtf50"]);
    assert!((ratio("cnr1") - 2.0).abs() < 0.3, "{}", object["cnr1"]);
    assert!(object["ms_ssim"].as_f64().is_some_and(|v| v > 0.5 && v < 1.0));
    assert_eq!(object["nps"]["image"]["unit"], "1/mm");
    assert!(object["mtf"]["reference"]["curve"].as_array().is_some_and(|curve| curve.len() > 50));
    let text = room.done(&[&["metrics", "a.png", "b.png"][..], &regions].concat());
    assert!(line(&text, "MTF 50 %").contains("1/mm -> "), "{text}");
    let text = room.done(&["metrics", "a.png", "b.png", "--mtf", "0,0,60,60"]);
    assert!(line(&text, "MTF 10 %").contains("not defined ("), "{text}");
}

#[test]
fn what_cannot_be_measured_is_refused_in_one_line() {
    let room = room();
    let small = Image::new([9, 40], None, EIGHT, Unit::Arbitrary, vec![1.0; 360]).unwrap();
    write_image(room.path("small.png"), &small).unwrap();
    room.refused(
        &["metrics", "a.png", "small.png"],
        &["small.png: image must have the reference's 96x80 pixels, got 9x40"],
    );
    room.refused(
        &["metrics", "small.png", "small.png"],
        &["small.png: SSIM needs sides of 11 pixels or more, got 9x40"],
    );
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";
    let values = [1.0_f32, f32::NAN].map(f32::to_le_bytes).concat();
    let npy = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &values].concat();
    room.put("nan.npy", npy);
    room.refused(&["metrics", "a.png", "nan.npy"], &["nan.npy: ", "not finite"]);
    for range in ["0", "-3", "nan", "inf"] {
        room.refused(&["metrics", "a.png", "b.png", "--range", range], &["--range must be positive and finite, got "]);
    }
    let with = |flag: &str, value: &str, word: &str| room.refused(&["metrics", "a.png", "b.png", flag, value], &[word]);
    with("--nps", "90,0,10,10", "a.png: region 90,0,10,10 must lie within the image of 96x80 pixels");
    with("--nps", "0,0,7,70", "NPS needs sides of 8 pixels or more, got 7x70");
    with("--mtf", "0,0,19,70", "MTF needs sides of 20 pixels or more, got 19x70");
    with("--mtf", "1,2,3", "region must read X,Y,WIDTH,HEIGHT");
    with("--insert", "1,2", "insert must read X,Y,DIAMETER");
    with("--insert", "5,5,10", "must lie within the image");
    with("--insert", "40,40,1", "diameter must be 2 pixels or more");
}
