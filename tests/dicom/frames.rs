//! DICOM files of compressed frames, of every layout of elements, and damaged ones.

use std::{fs, path::Path};

use kerma::{
    data::Image,
    io::{ImageFormat, IoError, decode_image, read_frames, read_image, read_volume},
};

use super::{element, guarded};

const COLUMNS: usize = 19;
const ROWS: usize = 13;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG: &str = "1.2.840.10008.1.2.2";
const BASELINE: &str = "1.2.840.10008.1.2.4.50";
const EXTENDED: &str = "1.2.840.10008.1.2.4.51";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.57";
const FIRST_ORDER: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPIP: &str = "1.2.840.10008.1.2.4.94";
const JPEG_2000_LOSSLESS: &str = "1.2.840.10008.1.2.4.90";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.91";
const RUN_LENGTHS: &str = "1.2.840.10008.1.2.5";

/// Frames that goldens.py wrote, with their bits.
const JPEGS: [(&str, u16); 4] = [
    ("baseline-8", 8),
    ("lossless-8-predictor-1", 8),
    ("lossless-12-predictor-7", 12),
    ("lossless-16-predictor-1", 16),
];
const JPEGS_2000: [(&str, u16); 5] =
    [("lossless-8", 8), ("lossless-12", 12), ("lossless-16", 16), ("lossless-signed-16", 16), ("lossy-12", 12)];
const JPEGS_LS: [(&str, u16); 4] = [("lossless-8", 8), ("lossless-12", 12), ("lossless-16", 16), ("near-3-12", 12)];

pub(super) fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dicom").join(name)).unwrap()
}

/// The image of goldens.py.
pub(super) fn values(bits: u16) -> Vec<f32> {
    let value = |row: usize, column: usize| (row * row * 977 + column * 3001 + row * column % 5 * 517) % 65536;
    (0..ROWS * COLUMNS).map(|i| (value(i / COLUMNS, i % COLUMNS) >> (16 - bits)) as f32).collect()
}

fn signed(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&v| f32::from((v as u16).cast_signed())).collect()
}

/// What a file says of its pixels.
#[derive(Clone, Copy)]
pub(super) struct Pixels {
    pub(super) size: [usize; 2],
    pub(super) bits: u16,
    pub(super) signed: bool,
    pub(super) frames: usize,
}

impl Pixels {
    pub(super) fn of(bits: u16) -> Self {
        Self { size: [COLUMNS, ROWS], bits, signed: false, frames: 1 }
    }

    fn allocated(self) -> u16 {
        [1, 8, 16, 32].into_iter().find(|&a| a >= self.bits).unwrap()
    }

    /// The attributes, in the order of their tags.
    fn attributes(self) -> [(u32, &'static [u8; 2], Vec<u8>); 9] {
        let us = |value: usize| (value as u16).to_le_bytes().to_vec();
        let stored = usize::from(self.bits);
        [
            (0x0028_0002, b"US", us(1)),
            (0x0028_0004, b"CS", b"MONOCHROME2 ".to_vec()),
            (0x0028_0008, b"IS", format!("{:2}", self.frames).into_bytes()),
            (0x0028_0010, b"US", us(self.size[1])),
            (0x0028_0011, b"US", us(self.size[0])),
            (0x0028_0100, b"US", us(self.allocated().into())),
            (0x0028_0101, b"US", us(stored)),
            (0x0028_0102, b"US", us(stored - 1)),
            (0x0028_0103, b"US", us(self.signed.into())),
        ]
    }

    pub(super) fn elements(self) -> Vec<u8> {
        self.attributes().iter().flat_map(|(tag, vr, value)| element(*tag, vr, value)).collect()
    }
}

/// Preamble and meta information.
pub(super) fn meta(syntax: &str) -> Vec<u8> {
    let uid = if syntax.len() % 2 == 1 { format!("{syntax}\0") } else { syntax.to_owned() };
    [&[0; 128][..], b"DICM", &element(0x0002_0010, b"UI", uid.as_bytes())].concat()
}

pub(super) fn item(value: &[u8]) -> Vec<u8> {
    let padding = &[0][..value.len() % 2];
    let length = (value.len() + padding.len()) as u32;
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &length.to_le_bytes(), value, padding].concat()
}

/// A file of compressed pixels: a table of offsets and pieces.
pub(super) fn compressed(syntax: &str, pixels: Pixels, table: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [meta(syntax), pixels.elements()].concat();
    bytes.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.extend(item(table));
    pieces.iter().for_each(|piece| bytes.extend(item(piece)));
    bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    bytes
}

/// A file of one compressed frame.
fn single(syntax: &str, bits: u16, frame: &[u8]) -> Vec<u8> {
    compressed(syntax, Pixels { signed: false, ..Pixels::of(bits) }, &[], &[frame])
}

fn decoded(bytes: &[u8]) -> Result<Image, IoError> {
    guarded("a", || decode_image(ImageFormat::Dicom, Path::new("a"), bytes)).map(|(image, _)| image)
}

fn message(bytes: &[u8]) -> String {
    decoded(bytes).unwrap_err().to_string()
}

/// All frames of a file, read under a name without extension.
fn frames(bytes: &[u8]) -> Result<Vec<Vec<f32>>, IoError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("IM000001");
    fs::write(&path, bytes).unwrap();
    read_frames(path).map(|(frames, _)| frames.into_iter().map(Image::into_values).collect())
}

/// Run lengths of one frame: a segment for each byte, the highest first; repeats where they pay.
fn run_lengths(cells: &[Vec<u8>]) -> Vec<u8> {
    let mut offsets = vec![cells[0].len() as u32];
    let mut segments = Vec::new();
    for byte in (0..cells[0].len()).rev() {
        offsets.push(64 + segments.len() as u32);
        let plane: Vec<u8> = cells.iter().map(|cell| cell[byte]).collect();
        for run in plane.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(128)) {
            match run.len() {
                1 => segments.extend([0, run[0]]),
                repeats => segments.extend([(257 - repeats) as u8, run[0]]),
            }
        }
    }
    offsets.resize(16, 0);
    offsets.into_iter().flat_map(u32::to_le_bytes).chain(segments).collect()
}

/// Little-endian cells of `bytes` bytes.
fn cells(values: &[f32], bytes: usize) -> Vec<Vec<u8>> {
    values.iter().map(|&v| (v as u32).to_le_bytes()[..bytes].to_vec()).collect()
}

#[test]
fn lossless_jpeg_gives_the_values_that_were_written() {
    for (name, bits) in &JPEGS[1..] {
        let syntax = if name.ends_with('1') { FIRST_ORDER } else { LOSSLESS };
        let image = decoded(&single(syntax, *bits, &golden(&format!("{name}.jpg")))).unwrap();
        assert_eq!(image.values(), values(*bits), "{name}");
        assert_ne!(image.values(), values(bits - 1), "{name}");
    }
}

#[test]
fn lossless_jpeg_2000_gives_the_values_that_were_written() {
    for (name, bits) in &JPEGS_2000[..4] {
        let frame = golden(&format!("{name}.j2k"));
        let is_signed = name.contains("signed");
        let pixels = Pixels { signed: is_signed, ..Pixels::of(*bits) };
        let image = decoded(&compressed(JPEG_2000_LOSSLESS, pixels, &[], &[&frame])).unwrap();
        let want = values(*bits);
        assert_eq!(image.values(), if is_signed { signed(&want) } else { want }, "{name}");
    }
}

#[test]
fn jpeg_ls_gives_the_values_of_another_decoder() {
    for (name, bits) in JPEGS_LS {
        let image = decoded(&single(JPEG_LS, bits, &golden(&format!("{name}.jls")))).unwrap();
        let written = values(bits);
        if name.starts_with("lossless") {
            assert_eq!(image.values(), written, "{name}");
            continue;
        }
        let words = golden(&format!("{name}.raw"));
        let want: Vec<f32> = words.as_chunks().0.iter().map(|&v| u16::from_le_bytes(v).into()).collect();
        assert_eq!(image.values(), want, "{name}");
        assert!(want.iter().zip(&written).all(|(a, b)| (a - b).abs() <= 3.0) && want != written, "{name}");
    }
}

#[test]
fn lossy_frames_are_within_one_level_of_another_decoder() {
    let bytes = golden("baseline-8.raw");
    let baseline: Vec<f32> = bytes.iter().map(|&v| v.into()).collect();
    let words = golden("lossy-12.raw");
    let wavelets: Vec<f32> = words.as_chunks().0.iter().map(|&v| u16::from_le_bytes(v).into()).collect();
    for (syntax, bits, name, want) in [
        (BASELINE, 8, "baseline-8.jpg", &baseline),
        (EXTENDED, 8, "baseline-8.jpg", &baseline),
        (JPEG_2000, 12, "lossy-12.j2k", &wavelets),
    ] {
        let image = decoded(&single(syntax, bits, &golden(name))).unwrap();
        let largest = |of: &[f32]| image.values().iter().zip(of).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest(want) <= 1.0, "{name}: {}", largest(want));
        // Lossy: what was written differs by more.
        assert!(largest(&values(bits)) > 1.0, "{name}");
    }
}

#[test]
fn run_lengths_of_all_depths_come_back() {
    for bits in [8, 12, 16] {
        let want = values(bits);
        let frame = run_lengths(&cells(&want, if bits == 8 { 1 } else { 2 }));
        assert_eq!(decoded(&single(RUN_LENGTHS, bits, &frame)).unwrap().values(), want, "{bits}");
    }
    let deep: Vec<f32> = values(16).iter().map(|v| v * 256.0).collect();
    let frame = run_lengths(&cells(&deep, 4));
    assert_eq!(frames(&single(RUN_LENGTHS, 32, &frame)).unwrap(), [deep]);
}

#[test]
fn frames_are_found_by_piece_or_by_table() {
    let [first, second] = [values(16), values(16).into_iter().rev().collect::<Vec<_>>()];
    let packed = [&first, &second].map(|v| run_lengths(&cells(v, 2)));
    let pixels = Pixels { frames: 2, ..Pixels::of(16) };
    let want = [first.clone(), second];
    let one_each = compressed(RUN_LENGTHS, pixels, &[], &[&packed[0], &packed[1]]);
    assert_eq!(frames(&one_each).unwrap(), want);
    assert!(message(&one_each).contains("NumberOfFrames must be 1, or a frame be chosen with --frame, got 2"));

    let (head, tail) = packed[0].split_at(100);
    let second_at = 16 + packed[0].len().next_multiple_of(2) as u32;
    let table = [0, second_at].map(u32::to_le_bytes).concat();
    assert_eq!(frames(&compressed(RUN_LENGTHS, pixels, &table, &[head, tail, &packed[1]])).unwrap(), want);
    let joined = Pixels::of(16);
    assert_eq!(frames(&compressed(RUN_LENGTHS, joined, &[], &[head, tail])).unwrap(), [first]);

    let refused = |table: &[u8]| {
        frames(&compressed(RUN_LENGTHS, pixels, table, &[head, tail, &packed[1]])).unwrap_err().to_string()
    };
    for table in [[0, second_at + 2], [second_at, 0], [0, 0]] {
        let message = refused(&table.map(u32::to_le_bytes).concat());
        assert!(message.contains("PixelData must be one piece for each frame, or pieces with a table"), "{message}");
    }
    assert!(refused(&[]).contains("got 3 pieces of 2 frames"));
    let missing = frames(&compressed(RUN_LENGTHS, pixels, &[], &[&packed[0]])).unwrap_err().to_string();
    assert!(missing.contains("PixelData must be at least 2 pieces, for as many frames as NumberOfFrames says, got 1"));
}

#[test]
fn every_layout_of_elements_is_read_also_without_a_preamble() {
    let want = values(16);
    let pixels: Vec<u8> = cells(&want, 2).concat();
    let explicit =
        [element(0x0008_0060, b"CS", b"DX"), Pixels::of(16).elements(), element(0x7FE0_0010, b"OW", &pixels)].concat();
    // One stored block of DEFLATE.
    let length = explicit.len() as u16;
    let stored = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &explicit].concat();
    let attributes = Pixels::of(16).attributes();
    let all = [(0x0008_0060, b"CS", b"DX".to_vec())].into_iter().chain(attributes);
    let all: Vec<_> = all.chain([(0x7FE0_0010, b"OW", pixels)]).collect();
    let halves = |tag: &u32| [(tag >> 16) as u16, *tag as u16];
    let implicit: Vec<u8> = all
        .iter()
        .flat_map(|(tag, _, value)| {
            [&halves(tag).map(u16::to_le_bytes).concat()[..], &(value.len() as u32).to_le_bytes()[..], value].concat()
        })
        .collect();
    let big: Vec<u8> = all
        .iter()
        .flat_map(|(tag, vr, value)| {
            let length = match *vr {
                b"OW" => [&[0, 0][..], &(value.len() as u32).to_be_bytes()].concat(),
                _ => (value.len() as u16).to_be_bytes().to_vec(),
            };
            let value: Vec<u8> = match *vr {
                b"US" | b"OW" => value.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect(),
                _ => value.clone(),
            };
            [halves(tag).map(u16::to_be_bytes).concat(), vr.to_vec(), length, value].concat()
        })
        .collect();
    let meta_alone = |syntax: &str| meta(syntax).split_off(132);
    for (name, file) in [
        ("explicit", [meta("1.2.840.10008.1.2.1"), explicit.clone()].concat()),
        ("implicit", [meta("1.2.840.10008.1.2"), implicit.clone()].concat()),
        ("big", [meta(BIG), big.clone()].concat()),
        ("deflated", [meta(DEFLATED), stored].concat()),
        ("no preamble", [meta_alone("1.2.840.10008.1.2"), implicit.clone()].concat()),
        ("explicit alone", explicit),
        ("implicit alone", implicit),
        ("big alone", big),
    ] {
        let got = frames(&file).map_err(|e| format!("{name}: {e}")).unwrap();
        assert_eq!(got, std::slice::from_ref(&want), "{name}");
    }
    // A block of a kind that does not exist.
    let bad = [meta(DEFLATED), vec![7; 8]].concat();
    assert!(message(&bad).contains("is damaged: the deflated elements cannot be unpacked"), "{}", message(&bad));
}

#[test]
fn bits_and_bytes_stand_where_words_of_either_order_put_them() {
    let bits: Vec<f32> = (0..3 * 5).map(|i| f32::from(u8::from(i % 3 == 0 || i == 7))).collect();
    let packed = bits.iter().rev().fold(0_u16, |word, &bit| word << 1 | bit as u16).to_le_bytes();
    let pixels = Pixels { size: [5, 1], bits: 1, signed: false, frames: 3 };
    let file = [meta("1.2.840.10008.1.2.1"), pixels.elements(), element(0x7FE0_0010, b"OW", &packed)].concat();
    assert_eq!(frames(&file).unwrap().concat(), bits);
}

#[test]
fn content_is_recognised_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = single(JPEG_2000_LOSSLESS, 12, &golden("lossless-12.j2k"));
    for name in ["IM000001", "1.2.840.113619.2.55.3", "chest.png", "chest.tmp"] {
        let path = folder.path().join(name);
        fs::write(&path, &file).unwrap();
        assert_eq!(read_image(&path).unwrap().0.values(), values(12), "{name}");
        let message = read_volume(&path, None).unwrap_err().to_string();
        assert!(message.contains("ImageOrientationPatient must be 6 numbers, got nothing"), "{message}");
    }
    let path = folder.path().join("notes");
    fs::write(&path, "not an image").unwrap();
    let message = read_image(&path).unwrap_err().to_string();
    assert!(message.contains("a file that begins with \"not an i\" is not supported; see what wrote it"), "{message}");
}

#[test]
fn contradictions_name_file_and_field() {
    let frame = golden("lossless-12-predictor-7.jpg");
    let of = |pixels: Pixels| message(&compressed(LOSSLESS, pixels, &[], &[&frame]));
    assert_eq!(
        of(Pixels::of(8)),
        "a: is damaged: PixelData, frame 1: BitsAllocated is 8, but the JPEG frame has 12 bits"
    );
    let wide = Pixels { size: [20, ROWS], ..Pixels::of(12) };
    assert!(of(wide).contains("frame 1: Columns × Rows is 20 × 13, but the JPEG frame has 19 × 13"));
    let huge = Pixels { size: [65535, 65535], ..Pixels::of(16) };
    for (syntax, name) in
        [(LOSSLESS, "JPEG"), (JPEG_LS, "JPEG-LS"), (JPEG_2000, "JPEG 2000"), (RUN_LENGTHS, "run lengths")]
    {
        let message = message(&compressed(syntax, huge, &[], &[&frame]));
        assert!(message.contains(&format!("bytes of {name} hold")), "{message}");
    }
    assert!(message(&single(JPEG_LS, 16, &frame)).contains("frame 1: the frame is JPEG, not JPEG-LS"));
    assert!(message(&single(JPIP, 8, &frame)).contains("(JPIP) is not supported; convert"));
    let twelve = [&[0xFF, 0xD8, 0xFF, 0xC1, 0, 11, 12, 0, ROWS as u8, 0, COLUMNS as u8, 1, 1, 0x11, 0][..], &[0; 64]];
    assert!(message(&single(EXTENDED, 12, &twelve.concat())).contains("lossy JPEG of 12 bits is not supported"));
    let plain = single("1.2.840.10008.1.2.1", 12, &frame);
    assert!(message(&plain).contains("PixelData must be uncompressed in this transfer syntax, got encapsulated"));

    let good = single(LOSSLESS, 12, &frame);
    let cut = &good[..good.len() - 20];
    assert!(message(cut).contains("a: ends early: 436 bytes are needed"), "{}", message(cut));
    assert!(message(&good[..good.len() - 8]).contains("a: ends early: 8 bytes are needed for a DICOM element"));
    let colour = single(BASELINE, 8, &frame);
    let at = colour.windows(4).position(|w| w == [0x28, 0, 2, 0]).unwrap() + 8;
    let colour = [&colour[..at], &[3], &colour[at + 1..]].concat();
    assert!(message(&colour).contains("SamplesPerPixel must be 1 (grey), got 3"));
}

#[test]
fn a_cut_frame_is_never_taken_for_a_whole_one() {
    let jpegs = JPEGS.map(|(name, bits)| (LOSSLESS, bits, golden(&format!("{name}.jpg"))));
    let near = JPEGS_LS.map(|(name, bits)| (JPEG_LS, bits, golden(&format!("{name}.jls"))));
    let wavelets = JPEGS_2000.map(|(name, bits)| (JPEG_2000, bits, golden(&format!("{name}.j2k"))));
    let runs = (RUN_LENGTHS, 16, run_lengths(&cells(&values(16), 2)));
    for (syntax, bits, frame) in jpegs.into_iter().chain(near).chain(wavelets).chain([runs]) {
        for part in 0..9 {
            let message = message(&single(syntax, bits, &frame[..frame.len() * part / 10]));
            assert!(message.contains("PixelData, frame 1: "), "{message}");
        }
    }
}

/// Numbers for damage, the same in every run (Marsaglia's xorshift of 64 bits).
pub(super) struct Damage(pub(super) u64);

impl Damage {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// A frame with bytes changed, more often near its beginning, and sometimes some of them left out.
    pub(super) fn of(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut bytes = frame.to_vec();
        match self.below(4) {
            0 => bytes.truncate(self.below(frame.len())),
            1 => {
                let at = self.below(frame.len());
                drop(bytes.drain(at..frame.len().min(at + 1 + self.below(8))));
            }
            _ => {}
        }
        for _ in 0..=self.below(5) {
            let near = [120, frame.len()][self.below(2)].min(bytes.len());
            let at = self.below(near);
            let new = [self.below(256) as u8, 1 << self.below(8), 0, 0xFF][self.below(4)];
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if new.is_power_of_two() { *byte ^ new } else { new };
            }
        }
        bytes
    }
}

/// Decodes so many damaged copies of each frame, and tells how many were refused.
fn refusals(copies: usize, frames: &[(&str, u16, Vec<u8>)]) -> usize {
    let mut damage = Damage(0x9E37_79B9_7F4A_7C15);
    let mut refused = 0;
    for (syntax, bits, frame) in frames {
        for _ in 0..copies {
            refused += usize::from(decoded(&single(syntax, *bits, &damage.of(frame))).is_err());
        }
    }
    refused
}

const DAMAGED: usize = 100_000;

#[test]
fn damaged_run_lengths_never_panic_or_ask_for_much() {
    let frames = [8, 16].map(|bits| (RUN_LENGTHS, bits, run_lengths(&cells(&values(bits), usize::from(bits / 8)))));
    assert!((1..DAMAGED).contains(&refusals(DAMAGED / frames.len(), &frames)));
}

#[test]
fn damaged_jpeg_never_panics_or_asks_for_much() {
    let frames = JPEGS.map(|(name, bits)| (LOSSLESS, bits, golden(&format!("{name}.jpg"))));
    assert!((1..DAMAGED).contains(&refusals(DAMAGED / frames.len(), &frames)));
}

#[test]
fn damaged_jpeg_ls_never_panics_or_asks_for_much() {
    let frames = JPEGS_LS.map(|(name, bits)| (JPEG_LS, bits, golden(&format!("{name}.jls"))));
    assert!((1..DAMAGED).contains(&refusals(DAMAGED / frames.len(), &frames)));
}

#[test]
fn damaged_jpeg_2000_never_panics_or_asks_for_much() {
    let frames = JPEGS_2000.map(|(name, bits)| (JPEG_2000, bits, golden(&format!("{name}.j2k"))));
    assert!((1..DAMAGED).contains(&refusals(DAMAGED / frames.len(), &frames)));
}
