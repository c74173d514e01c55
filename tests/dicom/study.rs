//! Series of a folder or a .zip, frames that say where they lie, and what else files say of their values.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, Crc, write::DeflateEncoder};
use glam::DVec3;
use kerma::{
    data::Unit,
    io::{IoError, VolumeFormat, decode_volume, describe, read_frame, read_image, read_series, read_volume},
};

use super::{
    element,
    frames::{Damage, Pixels, compressed, golden, item, meta, values},
    guarded,
};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.57";
const SIZE: [usize; 2] = [3, 2];
const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
const ITEM_END: [u8; 8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
const UNDEFINED: [u8; 4] = [0xFF; 4];

fn us(tag: u32, value: u16) -> Vec<u8> {
    element(tag, b"US", &value.to_le_bytes())
}

/// A sequence of stated or of undefined lengths.
fn sequence(tag: u32, items: &[Vec<u8>], is_undefined: bool) -> Vec<u8> {
    if !is_undefined {
        return element(tag, b"SQ", &items.iter().flat_map(|content| item(content)).collect::<Vec<u8>>());
    }
    let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
    bytes.extend([b'S', b'Q', 0, 0]);
    bytes.extend(UNDEFINED);
    for content in items {
        bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
        bytes.extend(UNDEFINED);
        bytes.extend(content);
        bytes.extend(ITEM_END);
    }
    bytes.extend(SEQUENCE_END);
    bytes
}

fn position(z: f64) -> Vec<u8> {
    element(0x0020_0032, b"DS", format!("-1\\-2\\{z}").as_bytes())
}

fn orientation() -> Vec<u8> {
    element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0")
}

fn spacing() -> Vec<u8> {
    element(0x0028_0030, b"DS", b"0.5\\0.25")
}

fn rescale(slope: f64, intercept: f64) -> Vec<u8> {
    [
        element(0x0028_1052, b"DS", intercept.to_string().as_bytes()),
        element(0x0028_1053, b"DS", slope.to_string().as_bytes()),
    ]
    .concat()
}

/// Stored values of a frame: its number in hundreds, and the pixel's.
fn stored(frame: u16) -> Vec<u8> {
    (0..6).flat_map(|i| (100 * frame + i).to_le_bytes()).collect()
}

fn ct(attributes: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let mut bytes = [meta(EXPLICIT), element(0x0008_0060, b"CS", b"CT")].concat();
    attributes.iter().for_each(|attribute| bytes.extend(attribute));
    [bytes, element(0x7FE0_0010, b"OW", data)].concat()
}

/// One slice of a series.
fn slice(series: &str, number: u16, z: f64, frame: u16) -> Vec<u8> {
    let pixels = Pixels { size: SIZE, ..Pixels::of(16) };
    let attributes = [
        element(0x0008_103E, b"LO", format!("Series {series}").as_bytes()),
        element(0x0018_0088, b"DS", b"2"),
        element(0x0020_000E, b"UI", series.as_bytes()),
        element(0x0020_0011, b"IS", number.to_string().as_bytes()),
        position(z),
        orientation(),
        pixels.elements(),
        spacing(),
        rescale(1.0, -1000.0),
    ];
    ct(&attributes, &stored(frame))
}

/// An enhanced file of three frames out of order; the second has a slope of its own.
fn enhanced(is_undefined: bool) -> Vec<u8> {
    let nested = |tag, content: Vec<u8>| sequence(tag, &[content], is_undefined);
    let own = |z: f64, slope: f64| {
        let other = element(0x0018_9074, b"DT", b"2026");
        let content = nested(0x0020_9111, [other.clone(), nested(0x0020_9222, position(77.0))].concat());
        [content, nested(0x0020_9113, position(z)), nested(0x0028_9145, rescale(slope, -1000.0))].concat()
    };
    let measures = [element(0x0018_0050, b"DS", b"9"), element(0x0018_0088, b"DS", b"2"), spacing()].concat();
    let shared = [nested(0x0020_9116, orientation()), nested(0x0028_9110, measures)].concat();
    let pixels = Pixels { size: SIZE, frames: 3, ..Pixels::of(16) };
    let attributes = [
        pixels.elements(),
        sequence(0x5200_9229, &[shared], is_undefined),
        sequence(0x5200_9230, &[own(4.0, 1.0), own(0.0, 2.0), own(2.0, 1.0)], is_undefined),
    ];
    ct(&attributes, &[stored(0), stored(1), stored(2)].concat())
}

/// A .zip of files: name, content, whether it is deflated, and the length that is stated.
fn zip(files: &[(&str, &[u8], bool, Option<u32>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for &(name, content, is_deflated, length) in files {
        let packed = if is_deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.to_vec()
        };
        let mut crc = Crc::new();
        crc.update(content);
        let mut common = [20_u16, 0, if is_deflated { 8 } else { 0 }, 0, 0x5C21].map(u16::to_le_bytes).concat();
        common.extend(
            [crc.sum(), packed.len() as u32, length.unwrap_or(content.len() as u32)].map(u32::to_le_bytes).concat(),
        );
        common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        let offset = (bytes.len() as u32).to_le_bytes();
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let [length, offset] = [directory.len() as u32, bytes.len() as u32].map(u32::to_le_bytes);
    bytes.extend(directory);
    bytes.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &length, &offset, &[0, 0]].concat());
    bytes
}

/// Two series and a report.
fn study() -> Vec<(&'static str, Vec<u8>)> {
    let report = [meta(EXPLICIT), element(0x0008_0060, b"CS", b"SR"), element(0x0020_000E, b"UI", b"1.9")].concat();
    vec![
        ("a/1", slice("1.8", 3, 5.0, 1)),
        ("a/2", slice("1.7", 2, 2.0, 2)),
        ("b/3", slice("1.7", 2, 0.0, 3)),
        ("b/4", report),
        ("b/5.txt", b"notes".to_vec()),
    ]
}

fn expect_second_series(path: &Path) {
    let several = read_volume(path, None).unwrap_err().to_string();
    let list = "2 series are in it; choose one with --series: 1 (CT Series 1.7, 2 files), 2 (CT Series 1.8, 1 file)";
    assert!(several.ends_with(list), "{several}");
    let volume = read_series(path, Some(1), None).unwrap();
    assert_eq!((volume.grid().size(), volume.unit()), ([3, 2, 2], Unit::Hounsfield));
    assert_eq!(volume.values()[..7], [-700.0, -699.0, -698.0, -697.0, -696.0, -695.0, -800.0]);
    assert_eq!(read_series(path, Some(2), None).unwrap().grid().size(), [3, 2, 1]);
    let none = read_series(path, Some(3), None).unwrap_err().to_string();
    assert!(none.contains("--series 3 is none of them: 1 (CT"), "{none}");
    assert_eq!(describe(path, Some(1)).unwrap().size, [3, 2, 2]);
}

#[test]
fn a_series_is_chosen_of_a_folder_and_of_a_zip() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in study() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    expect_second_series(folder.path());
    let other = folder.path().join("b/values.nii");
    fs::write(&other, "values").unwrap();
    let message = read_series(other, Some(1), None).unwrap_err().to_string();
    assert!(
        message.contains("a series' number beside what is no DICOM study is not supported; leave it out"),
        "{message}"
    );

    let files = study();
    let members: Vec<_> =
        files.iter().enumerate().map(|(i, (name, bytes))| (*name, &bytes[..], i % 2 == 0, None)).collect();
    let path = folder.path().join("study.zip");
    fs::write(&path, zip(&members)).unwrap();
    expect_second_series(&path);
}

#[test]
fn archives_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let message = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        // The guard expects the archive's name; messages name the member in it.
        let wrapped = |error: IoError| IoError::Corrupt { path: path.clone(), reason: error.to_string() };
        guarded(path.to_str().unwrap(), || read_volume(&path, None).map_err(wrapped)).map_err(|error| error.to_string())
    };
    let file = slice("1.7", 2, 2.0, 2);
    assert!(message(&zip(&[("s", &file, true, None)])).is_ok());
    // A member of four gigabytes in some hundred bytes.
    let bomb = message(&zip(&[("s.dcm", &file, true, Some(u32::MAX))])).unwrap_err();
    assert!(bomb.contains("a.zip/s.dcm: its size must be at most "), "{bomb}");
    let long = message(&zip(&[("s.dcm", &file, true, Some(file.len() as u32 + 9))])).unwrap_err();
    assert!(long.ends_with("s.dcm: is damaged: its length or checksum is not what the archive states"), "{long}");
    let good = zip(&[("s.dcm", &file, false, None)]);
    let at = good.windows(3).position(|w| w == b"1.7").unwrap();
    let changed = message(&[&good[..at], b"1.8", &good[at + 3..]].concat()).unwrap_err();
    assert!(changed.contains("checksum"), "{changed}");
    assert!(message(&good[..good.len() - 30]).unwrap_err().contains("a.zip: is damaged: "));
    assert!(message(&zip(&[("notes", b"nothing", true, None)])).unwrap_err().contains("0 DICOM files are in it"));
}

#[test]
fn frames_of_an_enhanced_file_lie_where_their_groups_say() {
    for is_undefined in [false, true] {
        let bytes = enhanced(is_undefined);
        let volume = decode_volume(VolumeFormat::Dicom, Path::new("a"), &bytes, None).unwrap();
        assert_eq!((volume.grid().size(), volume.unit()), ([3, 2, 3], Unit::Hounsfield));
        assert_eq!(volume.grid().spacing_mm(), DVec3::new(0.25, 0.5, 2.0));
        assert_eq!(volume.grid().origin_mm(), DVec3::new(1.0, 2.0, 0.0));
        let firsts = [0, 6, 12].map(|i| volume.values()[i]);
        assert_eq!(firsts, [-800.0, -800.0, -1000.0], "frames 2, 3 and 1; the second's slope is 2");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enhanced");
        fs::write(&path, &bytes).unwrap();
        assert_eq!(read_volume(&path, None).unwrap(), volume);
        assert_eq!(read_frame(&path, Some(2)).unwrap().0.values()[0], 100.0);
        let several = read_image(&path).unwrap_err().to_string();
        assert!(several.ends_with("NumberOfFrames must be 1, or a frame be chosen with --frame, got 3"), "{several}");
        let beyond = read_frame(&path, Some(4)).unwrap_err().to_string();
        assert!(beyond.ends_with("--frame must be 1 to 3, got 4"), "{beyond}");
    }
    let lacking = decode_volume(
        VolumeFormat::Dicom,
        Path::new("a"),
        &{
            let pixels = Pixels { size: SIZE, frames: 2, ..Pixels::of(16) };
            ct(&[orientation(), pixels.elements(), spacing()], &[stored(0), stored(1)].concat())
        },
        None,
    );
    let message = lacking.unwrap_err().to_string();
    assert!(
        message.contains("PerFrameFunctionalGroupsSequence must be one group for each of the 2 frames"),
        "{message}"
    );
}

#[test]
fn values_go_through_the_modality_table_and_what_is_odd_is_said() {
    let pixels = Pixels { size: SIZE, ..Pixels::of(16) };
    let table =
        [element(0x0028_3002, b"US", &[3, 0, 1, 0, 12, 0]), element(0x0028_3006, b"OW", &[10, 0, 20, 0, 30, 0])]
            .concat();
    let attributes = [
        element(0x0018_1164, b"DS", b"0.2\\0.1"),
        pixels.elements(),
        us(0x0028_0120, 5),
        sequence(0x0028_3000, &[table], true),
        us(0x6000_0010, 2),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, ct(&attributes, &stored(0))).unwrap();
    let (image, info) = read_image(&path).unwrap();
    assert_eq!(image.values(), [10.0, 10.0, 20.0, 30.0, 30.0, 30.0]);
    assert_eq!((image.spacing_mm(), info.padding), (Some([0.1, 0.2]), Some([30.0, 30.0])));
    assert!(info.spacing_at_detector && info.overlays);
    let remarks = describe(&path, None).unwrap().remarks.join("; ");
    for remark in ["of the detector's pixels, not of the patient", "30 stands for pixels", "its overlays are ignored"] {
        assert!(remarks.contains(remark), "{remarks}");
    }
}

#[test]
fn frames_in_several_pieces_need_no_table() {
    let frame = golden("lossless-12-predictor-7.jpg");
    let (head, tail) = frame.split_at(100);
    let pixels = Pixels { frames: 2, ..Pixels::of(12) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, compressed(LOSSLESS, pixels, &[], &[head, tail, &frame])).unwrap();
    for number in [1, 2] {
        assert_eq!(read_frame(&path, Some(number)).unwrap().0.values(), values(12));
    }
    fs::write(&path, compressed(LOSSLESS, pixels, &[], &[head, tail, tail])).unwrap();
    let message = read_frame(&path, Some(1)).unwrap_err().to_string();
    assert!(message.contains("PixelData must be one piece for each frame, or pieces with a table"), "{message}");
}

/// 10⁵ damaged files: values or one line, in bounded memory.
#[test]
fn damaged_groups_end_in_a_line() {
    const COPIES: usize = 50_000;
    let mut damage = Damage(0x2545_F491_4F6C_DD1D);
    for is_undefined in [false, true] {
        let bytes = enhanced(is_undefined);
        for _ in 0..COPIES {
            // The preamble is nothing to be damaged.
            let damaged = [&bytes[..132], &damage.of(&bytes[132..])].concat();
            let _ = guarded("a", || decode_volume(VolumeFormat::Dicom, Path::new("a"), &damaged, None));
        }
    }
}
