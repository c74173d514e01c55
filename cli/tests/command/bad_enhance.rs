use kerma::{
    data::{Image, Sample, Unit},
    io::{read_image, write_image},
};

use crate::{
    enhance::{radiograph, room},
    runner::Room,
};

const EIGHT: Sample = Sample::Unsigned { bits: 8 };

/// A DICOM file of 8-bit grey pixels, as short as one can be.
pub(crate) fn dicom(size: [usize; 2], photometric: Option<&str>, values: &[f32]) -> Vec<u8> {
    dicom_of(size, photometric, (None, None), values)
}

/// As [`dicom`], with PixelIntensityRelationship and its sign.
pub(crate) fn dicom_of(
    [columns, rows]: [usize; 2],
    photometric: Option<&str>,
    (relationship, sign): (Option<&str>, Option<i16>),
    values: &[f32],
) -> Vec<u8> {
    let padded = |text: &str, with: u8| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(2), with);
        bytes
    };
    let element = |group: u16, number: u16, vr: &[u8; 2], value: &[u8]| {
        let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
        bytes.extend(vr);
        match vr {
            b"OW" => bytes.extend([&[0, 0][..], &(value.len() as u32).to_le_bytes()].concat()),
            _ => bytes.extend((value.len() as u16).to_le_bytes()),
        }
        bytes.extend(value);
        bytes
    };
    let number = |n: usize| (n as u16).to_le_bytes();
    let mut pixels: Vec<u8> = values.iter().map(|v| *v as u8).collect();
    pixels.resize(pixels.len().next_multiple_of(2), 0);
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(2, 0x10, b"UI", &padded("1.2.840.10008.1.2.1", 0)));
    bytes.extend(element(0x28, 2, b"US", &number(1)));
    bytes.extend(photometric.map_or_else(Vec::new, |text| element(0x28, 4, b"CS", &padded(text, b' '))));
    for (tag, value) in [(0x10, rows), (0x11, columns), (0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0)] {
        bytes.extend(element(0x28, tag, b"US", &number(value)));
    }
    bytes.extend(relationship.map_or_else(Vec::new, |text| element(0x28, 0x1040, b"CS", &padded(text, b' '))));
    bytes.extend(sign.map_or_else(Vec::new, |sign| element(0x28, 0x1041, b"SS", &sign.to_le_bytes())));
    bytes.extend(element(0x7FE0, 0x10, b"OW", &pixels));
    bytes
}

fn npy(size: [usize; 2], values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}\n", size[1], size[0]);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

fn put_image(room: &Room, name: &str, size: [usize; 2], value: impl Fn(usize) -> f32) {
    let values = (0..size[0] * size[1]).map(value).collect();
    write_image(room.path(name), &Image::new(size, None, EIGHT, Unit::Arbitrary, values).unwrap()).unwrap();
}

/// Every way to begin: the chain and each step.
const WAYS: [&[&str]; 5] = [
    &["--preset", "chest"],
    &["--preset", "extremity", "--collimation"],
    &["--only", "clahe"],
    &["--only", "laplacian"],
    &["--only", "triangle"],
];

/// What follows a program's conventions, which must hold for any image too.
const CONVENTIONS: [&[&str]; 5] = [
    &["--only", "clahe", "--convention", "opencv"],
    &["--only", "clahe", "--convention", "skimage"],
    &["--only", "triangle", "--convention", "opencv"],
    &["--only", "triangle", "--convention", "skimage"],
    &["--only", "triangle", "--convention", "imagej"],
];

fn refused(room: &Room, image: &str, words: &[&str]) {
    for way in WAYS {
        room.refused(&[&["enhance", image, "--out", "out.png"], way].concat(), words);
    }
    room.refused(&["plan", "enhance", image, "--preset", "chest"], words);
}

#[test]
fn files_that_hold_no_grey_image_are_refused() {
    let room = room();
    room.put("empty.png", []);
    refused(&room, "empty.png", &["empty.png", "not a PNG"]);
    let whole = room.bytes("chest.png");
    room.put("cut.png", &whole[..whole.len() / 2]);
    refused(&room, "cut.png", &["cut.png", "cut short"]);
    refused(&room, "none.png", &["none.png", "cannot read"]);
    room.put("chest.jpg", b"\xFF\xD8\xFF\xE0");
    refused(&room, "chest.jpg", &["chest.jpg: JPEG is not supported; ask for the values as the detector gave them"]);
    image::RgbImage::new(4, 4).save(room.path("colour.png")).unwrap();
    refused(&room, "colour.png", &["colour.png", "Rgb", "convert it to grey"]);
}

#[test]
fn headers_of_absurd_sizes_are_refused_before_memory_is_asked_for() {
    let room = room();
    for (side, words) in [(60_000_u32, "3600000000 bytes"), (100_000, "more than 4294967296 values")] {
        let mut bytes = room.bytes("chest.png");
        // The size stands behind the signature and the chunk's name, its checksum behind five more bytes.
        bytes[16..20].copy_from_slice(&side.to_be_bytes());
        bytes[20..24].copy_from_slice(&side.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        room.put("huge.png", bytes);
        refused(&room, "huge.png", &["huge.png", words]);
    }
    room.put("huge.npy", npy([100_000, 100_000], &[0.0; 4]));
    refused(&room, "huge.npy", &["huge.npy"]);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    let room = Room::new();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut values = [1.0; 35];
        values[17] = bad;
        room.put("bad.npy", npy([5, 7], &values));
        refused(&room, "bad.npy", &["bad.npy", "1 of the values", "index 17"]);
    }
}

#[test]
fn polarity_is_not_guessed_where_dicom_must_state_it() {
    let room = Room::new();
    let values: Vec<f32> = (0..48).map(|i| i as f32).collect();
    room.put("none.dcm", dicom([8, 6], None, &values));
    refused(&room, "none.dcm", &["none.dcm", "PhotometricInterpretation", "MONOCHROME1 or MONOCHROME2", "nothing"]);
    room.put("palette.dcm", dicom([8, 6], Some("PALETTE COLOR"), &values));
    refused(&room, "palette.dcm", &["palette.dcm", "PALETTE COLOR"]);
    room.put("grey.dcm", dicom([8, 6], Some("MONOCHROME2"), &values));
    room.done(&["enhance", "grey.dcm", "--only", "laplacian", "--gains", "1", "--out", "out.png"]);
    assert_eq!(read_image(room.path("out.png")).unwrap().0.values(), values);
}

#[test]
fn images_of_any_size_are_enhanced() {
    let room = Room::new();
    for size in [[1, 1], [1, 40], [40, 1], [2, 2], [3, 5], [7, 7], [33, 9]] {
        put_image(&room, "a.png", size, |i| (i * 37 % 251) as f32);
        for way in WAYS.iter().chain(&CONVENTIONS) {
            let output =
                room.run(&[&["enhance", "a.png", "--out", "out.png", "--device", "cpu", "--quiet"], *way].concat());
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{size:?} {way:?}");
            assert_eq!(read_image(room.path("out.png")).unwrap().0.size(), size);
        }
    }
}

#[test]
fn images_of_one_value_stay_images_of_one_value() {
    let room = Room::new();
    for value in [0.0, 1.0, 100.0, 255.0] {
        put_image(&room, "a.png", [40, 30], |_| value);
        for way in WAYS.iter().chain(&CONVENTIONS) {
            let output =
                room.run(&[&["enhance", "a.png", "--out", "out.png", "--device", "cpu", "--quiet"], *way].concat());
            assert_eq!(output.status.code(), Some(0), "{value} {way:?}: {:?}", String::from_utf8(output.stderr));
            let image = read_image(room.path("out.png")).unwrap().0;
            // A mask is 0 or 255; in scikit-image's convention one value is all background.
            let want = match (way.contains(&"triangle"), way.contains(&"skimage")) {
                (true, true) => 0.0,
                (true, false) => value.min(1.0) * 255.0,
                _ => value,
            };
            assert!(image.values().iter().all(|v| *v == want), "{value} {way:?}: {}", image.values()[0]);
        }
    }
    let flat = Image::new([9, 7], None, Sample::Float, Unit::Arbitrary, vec![-2.5; 63]).unwrap();
    write_image(room.path("a.tif"), &flat).unwrap();
    room.done(&["enhance", "a.tif", "--only", "laplacian", "--out", "out.tif"]);
    assert_eq!(read_image(room.path("out.tif")).unwrap().0.values(), flat.values());
}

#[test]
fn an_empty_mask_stands_for_the_whole_image() {
    let room = room();
    let size = [96, 80];
    for (name, value) in [("none.png", 0.0), ("all.png", 1.0)] {
        put_image(&room, name, size, |_| value);
    }
    let chain = ["enhance", "chest.png", "--preset", "chest", "--device", "cpu"];
    let output = room.run(&[&chain[..], &["--mask", "none.png", "--out", "none-out.png"]].concat());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert_eq!(error, "kerma: no pixel is foreground: the steps take the whole image\n");
    room.run(&[&chain[..], &["--mask", "all.png", "--out", "all-out.png"]].concat());
    let values = |name: &str| read_image(room.path(name)).unwrap().0.into_values();
    assert_eq!(values("none-out.png"), values("all-out.png"));
}

#[test]
fn where_tidying_leaves_no_foreground_local_contrast_stays() {
    let room = room();
    room.put("open.toml", "[mask]\nopen = 32\n[clahe]\ntiles = [4, 4]\nclip = 2\n");
    // A patch in a dark field, too small to survive the opening.
    put_image(&room, "a.png", [96, 80], |i| if i % 96 < 20 && i / 96 < 20 { 100.0 + (i % 64) as f32 } else { 3.0 });
    let output = room.run(&["enhance", "a.png", "--preset", "open.toml", "--out", "out.png", "--device", "cpu"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "kerma: no pixel is foreground: local contrast stays as it is\n");
    let values = |name: &str| read_image(room.path(name)).unwrap().0.into_values();
    assert_eq!(values("out.png"), values("a.png"));
}

#[test]
fn masks_that_do_not_fit_are_refused() {
    let room = room();
    put_image(&room, "small.png", [95, 80], |_| 1.0);
    let chain = ["enhance", "chest.png", "--preset", "chest", "--out", "out.png", "--mask"];
    room.refused(&[&chain[..], &["small.png"]].concat(), &["small.png", "mask must be of 96x80", "got 95x80"]);
    room.refused(&[&chain[..], &["none.png"]].concat(), &["none.png", "cannot read"]);
    image::RgbImage::new(96, 80).save(room.path("colour.png")).unwrap();
    room.refused(&[&chain[..], &["colour.png"]].concat(), &["colour.png", "convert it to grey"]);
}

#[test]
fn numbers_beyond_their_range_are_refused_by_name() {
    let room = room();
    let step = |flags: &[&str], words: &[&str]| {
        room.refused(&[&["enhance", "chest.png", "--out", "out.png"], flags].concat(), words);
    };
    for clip in ["0", "-1", "1e9", "nan", "inf"] {
        step(&["--only", "clahe", "--clip", clip], &["clahe.clip must be above 0 and at most 1000"]);
    }
    for (tiles, words) in [("0x8", "got 0"), ("8x5000", "got 5000"), ("8", "NXxNY"), ("axb", "NXxNY"), ("", "NXxNY")] {
        step(&["--only", "clahe", "--tiles", tiles], &["tiles", words]);
    }
    let laplacian = |flags: &[&str], words: &[&str]| step(&[&["--only", "laplacian"], flags].concat(), words);
    laplacian(&["--levels", "3", "--gains", "1.5,1.2"], &["--gains must have 3 values, one per level, got 2"]);
    laplacian(&["--gains", "1.5,1.2", "--powers", "1"], &["--powers must have 2 values, one per level, got 1"]);
    laplacian(&["--levels", "0"], &["--levels must be 1 to 12, got 0"]);
    laplacian(&["--levels", "4000000000"], &["--levels must be 1 to 12, got 4000000000"]);
    laplacian(&["--gains", "-1"], &["laplacian.gains must be 0 to 20, got -1"]);
    laplacian(&["--gains", "nan"], &["laplacian.gains must be 0 to 20, got NaN"]);
    laplacian(&["--gains", "1.5;2"], &["--gains"]);
    laplacian(&["--gains", "1", "--powers", "0"], &["laplacian.powers must be 0.2 to 2, got 0"]);
    laplacian(&["--containment", "-3"], &["laplacian.containment must be 0 to 20, got -3"]);
}

#[test]
fn names_that_mean_nothing_are_refused_with_those_that_do() {
    let room = room();
    let task = |flags: &[&str], words: &[&str]| {
        room.refused(&[&["enhance", "chest.png", "--out", "out.png"], flags].concat(), words);
    };
    task(&["--preset", "skull"], &["preset must be one of chest, extremity", "large-animal", "\"skull\""]);
    task(&["--preset", "skull.toml"], &["skull.toml: cannot read"]);
    room.put("bad.toml", "[clahe]\ntiles = [8, 8]\nclip = 2\nclop = 3\n");
    task(&["--preset", "bad.toml"], &["bad.toml: line 4: unknown field `clop`"]);
    room.put("bad.toml", "[laplacian]\ngains = [1.5, 1.2]\npowers = [1.0]\n");
    task(&["--preset", "bad.toml"], &["bad.toml: laplacian.powers must have 2 values, one per gain, got 1"]);
    room.put("bad.toml", "bits = 0\n");
    task(&["--preset", "bad.toml"], &["bad.toml: bits must be 1 to 16, got 0"]);
    for bits in ["0", "17", "300", "-1", "eight"] {
        task(&["--preset", "chest", "--bits", bits], &["--bits", bits]);
    }
    task(&["--preset", "chest", "--keep", "clay"], &["stage must be one of prepared, mask,", "\"clay\""]);
    task(&["--preset", "chest", "--keep", "band7"], &["stage band7 is not part", "fewer bands"]);
    task(&["--only", "laplacian", "--keep", "clahe"], &["stage clahe is not part", "there is no clahe"]);
    task(&["--only", "laplacian", "--keep", "mask"], &["there is no mask"]);
    task(
        &["--only", "clahe", "--convention", "matlib"],
        &["--convention must be one of kerma, opencv, skimage", "\"matlib\""],
    );
    task(&["--only", "triangle", "--convention", "otsu"], &["opencv, skimage, imagej", "\"otsu\""]);
    task(&["--only", "blur"], &["--only", "blur", "clahe"]);
    task(&["--preset", "chest", "--polarity", "negative"], &["--polarity", "as-is"]);
}

#[test]
fn flags_without_effect_are_refused() {
    let room = room();
    put_image(&room, "mask.png", [96, 80], |_| 1.0);
    let task = |flags: &[&str], words: &[&str]| {
        room.refused(&[&["enhance", "chest.png", "--out", "out.png"], flags].concat(), words);
    };
    task(&[], &["--preset NAME", "--only STEP"]);
    task(&["--preset", "chest", "--only", "clahe"], &["--preset", "--only"]);
    task(&["--preset", "chest", "--clip", "3"], &["--clip belongs to --only clahe", "set clahe.clip in a preset file"]);
    task(&["--only", "laplacian", "--clip", "3"], &["--clip does not belong to --only laplacian but to --only clahe"]);
    task(&["--only", "triangle", "--gains", "3"], &["--gains does not belong to --only triangle"]);
    task(&["--only", "clahe", "--levels", "3"], &["--levels does not belong to --only clahe"]);
    task(&["--only", "laplacian", "--convention", "opencv"], &["--only clahe or --only triangle"]);
    task(&["--only", "triangle", "--mask", "mask.png"], &["--mask does not belong to --only triangle"]);
    task(&["--only", "triangle", "--bits", "8"], &["--bits does not belong to --only triangle"]);
    task(&["--only", "clahe", "--collimation"], &["--collimation does not belong to --only clahe"]);
}

#[test]
fn inputs_are_not_overwritten_and_outputs_are_checked_first() {
    let room = room();
    let chain = ["enhance", "chest.png", "--preset", "chest", "--out"];
    let task = |out: &str, flags: &[&str], words: &[&str]| {
        room.refused(&[&chain[..], &[out], flags].concat(), words);
    };
    task("./chest.png", &[], &["./chest.png", "overwrite the input"]);
    put_image(&room, "mask.png", [96, 80], |_| 1.0);
    task("mask.png", &["--mask", "mask.png"], &["mask.png", "overwrite the input"]);
    put_image(&room, "new.mask.png", [96, 80], |_| 1.0);
    task("new.png", &["--mask", "new.mask.png", "--keep", "mask"], &["new.mask.png", "overwrite the input"]);
    task("none/out.png", &[], &["none/out.png", "folder none does not exist"]);
    task("out.jpg", &[], &["out.jpg", ".png, .tif, .tiff, .dcm or .npy"]);
    std::fs::create_dir(room.path("folder.mask.png")).unwrap();
    task("folder.png", &["--keep", "mask"], &["folder.mask.png", "a folder"]);
    write_image(room.path("float.tif"), &radiograph(Sample::Float, 1.0)).unwrap();
    let float = ["enhance", "float.tif", "--preset", "chest", "--out", "out.png"];
    room.refused(&float, &["out.png", "a float image in PNG", ".tiff or .npy"]);
    let float = ["enhance", "float.tif", "--preset", "chest", "--out", "out.dcm"];
    room.refused(&float, &["out.dcm", "a float image as a DICOM radiograph", ".tiff or .npy"]);
    // The input is not there either; that the output is named shows which of them is looked at first.
    room.refused(&["enhance", "gone.png", "--preset", "chest", "--out", "none/o.png"], &["none/o.png"]);
}
