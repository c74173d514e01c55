#![no_main]

use std::path::Path;

use kerma::io::{ImageFormat, decode_image};
use libfuzzer_sys::fuzz_target;

/// Transfer syntaxes of compressed frames: run lengths, JPEG, JPEG 2000, JPEG-LS.
const SYNTAXES: [&[u8; 22]; 4] = [
    b"1.2.840.10008.1.2.5\0\0\0",
    b"1.2.840.10008.1.2.4.70",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.4.80",
];
/// Columns and rows of the images that tests/dicom has, for a corpus of them.
const SIZE: [u16; 2] = [19, 13];

fn element(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let tag = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
    [&tag[..], vr, &(value.len() as u16).to_le_bytes(), value].concat()
}

fn item(value: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &(value.len() as u32).to_le_bytes(), value].concat()
}

// The first byte chooses the syntax and the bits of a pixel; the rest is one frame.
fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, frame)) = bytes.split_first() else { return };
    let us = |tag, value: u16| element(tag, b"US", &value.to_le_bytes());
    let bits = if kind & 4 == 0 { 8 } else { 16 };
    let file = [
        &[0; 128][..],
        b"DICM",
        &element(0x0002_0010, b"UI", SYNTAXES[usize::from(kind & 3)]),
        &us(0x0028_0002, 1),
        &element(0x0028_0004, b"CS", b"MONOCHROME2 "),
        &us(0x0028_0010, SIZE[1]),
        &us(0x0028_0011, SIZE[0]),
        &us(0x0028_0100, bits),
        &[0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF],
        &item(&[]),
        &item(frame),
        &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    ]
    .concat();
    let _ = decode_image(ImageFormat::Dicom, Path::new("i.dcm"), &file);
});
