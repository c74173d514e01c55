//! Damaged, lying and foreign files: an error of one line or a value, never a panic, never a huge allocation.
//!
//! A counting allocator stands guard over every decoder.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod nifti2;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    path::Path,
};

use kerma::{
    data::{DataError, Grid, Image, Sample, Unit, Volume},
    io::{
        ImageFormat, IoError, VolumeFormat, decode_image, decode_projections, decode_volume, read_volume, write_image,
        write_volume,
    },
};
use nifti2::nifti2;

#[path = "containers/damage.rs"]
mod containers;
#[path = "dicom/frames.rs"]
mod frames;
#[path = "dicom/study.rs"]
mod study;

/// Largest single allocation that decoding a file of a few kilobytes may ask for: the fixed buffers of the decoders,
/// and the most a kilobyte of DEFLATE can unpack to.
const MAX_ALLOCATION: usize = 32 << 20;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Watch;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Watch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LARGEST.try_with(|l| l.set(l.get().max(layout.size())));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = LARGEST.try_with(|l| l.set(l.get().max(size)));
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static WATCH: Watch = Watch;

/// Decodes under guard.
fn guarded<T>(name: &str, decode: impl FnOnce() -> Result<T, IoError>) -> Result<T, IoError> {
    LARGEST.set(0);
    let result = decode();
    assert!(LARGEST.get() <= MAX_ALLOCATION, "{name}: {} bytes at once", LARGEST.get());
    if let Err(error) = &result {
        let message = error.to_string();
        assert!(message.starts_with(&format!("{name}: ")) && !message.contains('\n'), "{message}");
    }
    result
}

fn grid() -> Grid {
    Grid::centred([4, 3, 2], [0.5, 1.0, 2.0]).unwrap()
}

fn volume(name: &str, bytes: &[u8]) -> Result<Volume, IoError> {
    let format = VolumeFormat::of_path(Path::new(name)).unwrap();
    let grid = matches!(format, VolumeFormat::Npy | VolumeFormat::Tiff).then(grid);
    if format != VolumeFormat::Dicom {
        let _ = guarded(name, || decode_projections(format, Path::new(name), bytes, Some([1.0, 1.0])));
    }
    guarded(name, || decode_volume(format, Path::new(name), bytes, grid))
}

fn image(name: &str, bytes: &[u8]) -> Result<Image, IoError> {
    let format = ImageFormat::of_path(Path::new(name)).unwrap();
    guarded(name, || decode_image(format, Path::new(name), bytes)).map(|(image, _)| image)
}

/// Small good files of every format that can be written, and a DICOM slice.
fn good_volumes() -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let values = (0..24).map(|i| i as f32 * 0.3).collect();
    let volume = Volume::new(grid(), Unit::Hounsfield, values).unwrap();
    let mut files: Vec<_> = ["v.nii", "v.nii.gz", "v.nrrd", "v.mha", "v.npy", "v.tif"]
        .into_iter()
        .map(|name| {
            let path = folder.path().join(name);
            write_volume(&path, &volume).unwrap();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    let wide = nifti2(&files[0].1, true);
    files.extend([("v.dcm", dicom_slice()), ("v.nii", wide)]);
    files
}

fn good_images() -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let image = |sample| {
        let values = (0..20).map(|i| i as f32 * 3.0).collect();
        Image::new([5, 4], Some([0.1, 0.2]), sample, Unit::Arbitrary, values).unwrap()
    };
    let mut files: Vec<_> = [
        ("a.png", image(Sample::Unsigned { bits: 8 })),
        ("b.png", image(Sample::Unsigned { bits: 16 })),
        ("a.tif", image(Sample::Unsigned { bits: 16 })),
        ("b.tif", image(Sample::Float)),
        ("a.npy", image(Sample::Float)),
    ]
    .into_iter()
    .map(|(name, image)| {
        let path = folder.path().join(name);
        write_image(&path, &image).unwrap();
        (name, fs::read(&path).unwrap())
    })
    .collect();
    files.push(("a.dcm", dicom_slice()));
    files
}

fn element(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
    bytes.extend(vr);
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(b' ');
    }
    if [b"OW", b"SQ", b"UN"].contains(&vr) {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// A CT slice of 3 columns and 2 rows with a nested sequence of undefined length before its pixels.
fn dicom_slice() -> Vec<u8> {
    let us = |tag, value: u16| element(tag, b"US", &value.to_le_bytes());
    let nested = [
        &[0x08, 0x00, 0x40, 0x11, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
        &us(0x0028_0010, 9999),
        &[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0],
        &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    ]
    .concat();
    [
        vec![0; 128],
        b"DICM".to_vec(),
        element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0"),
        element(0x0008_0060, b"CS", b"CT"),
        nested,
        element(0x0018_0050, b"DS", b"2.5"),
        element(0x0020_0032, b"DS", b"-10\\20.5\\-30"),
        element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0"),
        us(0x0028_0002, 1),
        element(0x0028_0004, b"CS", b"MONOCHROME2"),
        us(0x0028_0010, 2),
        us(0x0028_0011, 3),
        element(0x0028_0030, b"DS", b"0.5\\0.75"),
        us(0x0028_0100, 16),
        us(0x0028_0101, 16),
        us(0x0028_0102, 15),
        us(0x0028_0103, 1),
        element(0x0028_1052, b"DS", b"-1024"),
        element(0x0028_1053, b"DS", b"1"),
        element(0x7FE0_0010, b"OW", &[0i16, 1, 2, 1024, -1024, 5].map(i16::to_le_bytes).concat()),
    ]
    .concat()
}

#[test]
fn dicom_slice_has_the_grid_and_values_it_states() {
    let slice = volume("v.dcm", &dicom_slice()).unwrap();
    assert_eq!(slice.values(), [-1024.0, -1023.0, -1022.0, 0.0, -2048.0, -1019.0]);
    assert_eq!(slice.unit(), Unit::Hounsfield);
    assert_eq!(slice.grid().size(), [3, 2, 1]);
    assert_eq!(slice.grid().spacing_mm().to_array(), [0.75, 0.5, 2.5]);
    assert_eq!(slice.grid().origin_mm().to_array(), [10.0, -20.5, -30.0]);
}

/// The slice with another position, of the same length in bytes.
fn slice_at(position: &[u8; 12]) -> Vec<u8> {
    let (slice, stated) = (dicom_slice(), b"-10\\20.5\\-30");
    let at = slice.windows(stated.len()).position(|w| w == stated).unwrap();
    [&slice[..at], position, &slice[at + stated.len()..]].concat()
}

#[test]
fn slices_must_be_evenly_stacked() {
    let read = |positions: &[&[u8; 12]]| {
        let folder = tempfile::tempdir().unwrap();
        for (i, position) in positions.iter().enumerate() {
            fs::write(folder.path().join(format!("{i}.dcm")), slice_at(position)).unwrap();
        }
        read_volume(folder.path(), None)
    };
    // The order of names does not matter.
    let even = read(&[b"-10\\20.5\\-20", b"-10\\20.5\\-30", b"-10\\20.5\\-25"]).unwrap();
    assert_eq!(even.grid().size(), [3, 2, 3]);
    assert_eq!(even.grid().spacing_mm().z, 5.0);
    assert_eq!(even.grid().origin_mm().z, -30.0);
    let message = |positions: &[&[u8; 12]]| read(positions).unwrap_err().to_string();
    let gap = message(&[b"-10\\20.5\\-40", b"-10\\20.5\\-35", b"-10\\20.5\\-30", b"-10\\20.5\\-20"]);
    assert!(gap.ends_with("2.dcm and 3.dcm lie 10.000 mm apart, the others 5.000 mm"), "{gap}");
    let twice = message(&[b"-10\\20.5\\-40", b"-10\\20.5\\-40", b"-10\\20.5\\-30"]);
    assert!(twice.ends_with("0.dcm and 1.dcm lie at the same position, -40.000 mm along the normal"), "{twice}");
    let tilted = message(&[b"-10\\20.5\\-40", b"-10\\21.5\\-30"]);
    assert!(tilted.ends_with("shifted sideways by 1.000 mm (tilted gantry)"), "{tilted}");
    assert!(message(&[]).contains("0 DICOM files are in it"));
}

#[test]
fn every_proper_prefix_is_an_error() {
    for (name, bytes) in good_volumes() {
        for end in 0..bytes.len() {
            assert!(volume(name, &bytes[..end]).is_err(), "{name} cut at {end} of {}", bytes.len());
        }
        assert!(volume(name, &bytes).is_ok(), "{name}");
    }
    for (name, bytes) in good_images() {
        for end in 0..bytes.len() {
            let cut = image(name, &bytes[..end]);
            // The tail of a TIFF may be padding that no tag points to; what is read must then be whole.
            assert!(cut.is_err() || name.ends_with(".tif"), "{name} cut at {end} of {}", bytes.len());
        }
        assert!(image(name, &bytes).is_ok(), "{name}");
    }
}

#[test]
fn bytes_after_the_end_are_an_error() {
    for (name, mut bytes) in good_volumes() {
        bytes.extend([7; 4]);
        // Elements may follow the pixels of a DICOM file, and in a TIFF anything may lie anywhere.
        assert!(volume(name, &bytes).is_err() || ["v.dcm", "v.tif"].contains(&name), "{name}");
    }
    let (name, mut bytes) = good_images().swap_remove(0);
    bytes.push(0);
    assert!(image(name, &bytes).unwrap_err().to_string().contains("does not end with the IEND chunk"));
}

#[test]
fn flipped_bytes_never_panic_nor_allocate_wildly() {
    // xorshift64: the same damage on every run.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for (name, bytes) in good_volumes() {
        for _ in 0..4000 {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            let _ = volume(name, &bytes);
        }
    }
    for (name, bytes) in good_images() {
        for _ in 0..4000 {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            let _ = image(name, &bytes);
        }
    }
}

#[test]
fn every_header_byte_can_take_any_value() {
    for (name, bytes) in good_volumes() {
        for at in 0..bytes.len().min(480) {
            for value in [0, 1, 0x20, 0x2D, 0x39, 0x7F, 0x80, 0xFF] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let _ = volume(name, &bytes);
            }
        }
    }
}

/// A PNG that states a size and has room for a deflated image of it.
fn png_of(side: u32, padding: usize) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let shifted = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        !bytes.iter().fold(u32::MAX, |crc, b| (0..8).fold(crc ^ u32::from(*b), |crc, _| shifted(crc)))
    };
    let header = [b"IHDR", &side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let start = [b"\x89PNG\r\n\x1a\n\0\0\0\x0d", &header[..], &crc(&header).to_be_bytes()].concat();
    let length = (padding as u32).to_be_bytes();
    [&start[..], &length, b"IDAT", &vec![0; padding], &[0; 4], b"\0\0\0\0IEND\xAE\x42\x60\x82"].concat()
}

#[test]
fn images_beyond_the_limits_are_refused_before_they_are_decoded() {
    let beyond = "image of 100000x100000 has more than 4294967296 values";
    // 10 GB of zeros deflate to as little as this.
    for padding in [100, 10 << 20] {
        let message = image("a.png", &png_of(100_000, padding)).unwrap_err().to_string();
        assert_eq!(message, format!("a.png: {beyond}"));
    }
    let message = image("a.png", &png_of(60_000, 100)).unwrap_err().to_string();
    assert!(message.starts_with("a.png: ends early: 3600000000 bytes are needed"), "{message}");
    let (_, mut tiff) = good_images().swap_remove(2);
    // The tags ImageWidth and ImageLength, with one number of 32 bits each.
    let directory = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize + 2;
    for entry in tiff[directory..].chunks_exact_mut(12).filter(|e| [[0, 1], [1, 1]].contains(&[e[0], e[1]])) {
        entry[2..].copy_from_slice(&[&[4, 0, 1, 0, 0, 0][..], &100_000_u32.to_le_bytes()].concat());
    }
    let message = image("a.tif", &tiff).unwrap_err().to_string();
    assert_eq!(message, format!("a.tif: {beyond}"));
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_allocated() {
    let npy = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &[0; 64]].concat()
    };
    let big = "(1000000000, 1000000000, 1000000000)";
    assert!(volume("v.npy", &npy(big)).unwrap_err().to_string().contains("holds 1000000000x1000000000x1000000000"));
    let message = image("v.npy", &npy("(1000000000, 1000000000)")).unwrap_err().to_string();
    assert_eq!(message, "v.npy: image size must be 1 to 1048576 along x, got 1000000000");
    let message = image("v.npy", &npy("(1000, 1000000)")).unwrap_err().to_string();
    assert!(message.starts_with("v.npy: ends early: 4000000000 bytes are needed"), "{message}");
    assert!(image("v.npy", &npy("(18446744073709551615, 18446744073709551615)")).is_err());
    let message =
        volume("v.mha", b"NDims = 3\nDimSize = 1000000000 9 9\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n")
            .unwrap_err()
            .to_string();
    assert_eq!(message, "v.mha: volume size must be 1 to 65536 along x, got 1000000000");
    let nrrd = "NRRD0004\ntype: double\ndimension: 3\nsizes: 65536 65536 2\nspacings: 1 1 1\nendian: little\nencoding: raw\n\n";
    let message = volume("v.nrrd", nrrd.as_bytes()).unwrap_err().to_string();
    assert_eq!(message, "v.nrrd: ends early: 68719476736 bytes are needed for the values, at most 0 are there");
    // 32767³ voxels in a NIfTI header of a file of a few hundred bytes.
    let (name, mut nifti) = good_volumes().swap_remove(0);
    for axis in 0..3 {
        nifti[42 + 2 * axis..44 + 2 * axis].copy_from_slice(&i16::MAX.to_le_bytes());
    }
    assert!(volume(name, &nifti).unwrap_err().to_string().contains("has more than"));
    nifti[42..44].copy_from_slice(&(-5i16).to_le_bytes());
    assert_eq!(volume(name, &nifti).unwrap_err().to_string(), "v.nii: dim[1] must be positive, got -5");
}

#[test]
fn gzip_that_unpacks_to_more_or_less_than_declared_is_refused() {
    use std::io::Write;
    let (_, nifti) = good_volumes().swap_remove(0);
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let longer = [&nifti[..], &[0; 100_000]].concat();
    let message = volume("v.nii.gz", &pack(&longer)).unwrap_err().to_string();
    assert_eq!(message, "v.nii.gz: goes on after its last value");
    let message = volume("v.nii.gz", &pack(&nifti[..nifti.len() - 4])).unwrap_err().to_string();
    assert!(message.starts_with("v.nii.gz: ends early: 96 bytes are needed for the values"), "{message}");
    let mut wrong_sum = pack(&nifti);
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    assert!(volume("v.nii.gz", &wrong_sum).unwrap_err().to_string().contains("is damaged: the compressed data"));
    // A header that promises a gigabyte in front of a stream that could hold it, but does not.
    let mut bomb = nifti.clone();
    for (axis, n) in [1000i16, 1000, 250].into_iter().enumerate() {
        bomb[42 + 2 * axis..44 + 2 * axis].copy_from_slice(&n.to_le_bytes());
    }
    bomb.truncate(352);
    bomb.extend(vec![0; 1_000_000]);
    let mut packed = pack(&bomb);
    // A comment of a megabyte in the gzip header raises the bound that the file's length gives.
    packed[3] |= 1 << 4;
    packed.splice(10..10, std::iter::repeat_n(b'c', 1 << 20).chain([0]));
    let message = volume("v.nii.gz", &packed).unwrap_err().to_string();
    assert!(message.contains("ends early") || message.contains("is damaged"), "{message}");
}

#[test]
fn values_that_are_not_finite_are_counted() {
    let (name, mut bytes) = good_volumes().swap_remove(0);
    for at in [5, 9] {
        bytes[352 + 4 * at..356 + 4 * at].copy_from_slice(&f32::NAN.to_le_bytes());
    }
    let error = volume(name, &bytes).unwrap_err();
    assert_eq!(error.to_string(), "v.nii: 2 of the values of the volume are not finite, the first at index 5");
    let not_finite = DataError::NotFinite { what: "volume", count: 2, first: 5 };
    assert!(matches!(error, IoError::Data { source, .. } if source == not_finite));
}

#[test]
fn foreign_and_unreadable_variants_say_what_to_do() {
    let slice = dicom_slice();
    let with = |from: &[u8], to: &[u8]| {
        let at = slice.windows(from.len()).position(|w| w == from).unwrap();
        [&slice[..at], to, &slice[at + from.len()..]].concat()
    };
    let message = |bytes: &[u8]| volume("v.dcm", bytes).unwrap_err().to_string();
    let compressed = with(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0");
    assert!(message(&compressed).contains("PixelData must be encapsulated in this transfer syntax, got uncompressed"));
    assert!(message(&with(b"0.5\\0.75", b"0\\0.7500")).contains("PixelSpacing must be positive, got 0 and 0.75"));
    assert!(message(&with(b"MONOCHROME2", b"RGB        ")).contains("PhotometricInterpretation must be MONOCHROME1"));
    assert!(message(&with(b"1\\0\\0\\0\\1\\0", b"1\\0\\0\\1\\0\\0")).contains("two perpendicular unit vectors"));
    assert!(message(b"GIF89a").contains("v.dcm: is not a DICOM file: bytes 128 to 131 are not DICM"));
    let (image, _) = decode_image(ImageFormat::Dicom, Path::new("a.dcm"), &with(b"0.5\\0.75", b"0\\0     ")).unwrap();
    assert_eq!(image.spacing_mm(), None);

    let message = |name: &str, bytes: &[u8]| volume(name, bytes).unwrap_err().to_string();
    assert!(message("v.nii", &[0; 400]).contains("v.nii: is not a NIfTI file: sizeof_hdr is 0, not 348 or 540"));
    assert!(message("v.nii.gz", &[0; 400]).contains("v.nii.gz: is damaged"));
    assert!(message("v.nrrd", b"P5 1 1").contains("v.nrrd: is not a NRRD file"));
    assert!(message("v.mha", b"P5 1 1\n").contains("v.mha: is not a MetaImage file"));
    assert!(message("v.npy", &[0; 400]).contains("v.npy: is not a NumPy file"));
    let fortran =
        b"\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1, 1), }    \n\0\0\0\0";
    assert!(message("v.npy", fortran).contains("Fortran order is not supported; save numpy.ascontiguousarray(a)"));
    let complex =
        b"\x93NUMPY\x01\x00\x40\x00{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1, 1), }   \n\0\0\0\0";
    assert!(message("v.npy", complex).contains("descr must be a real number type"));
}

#[test]
fn colour_png_is_refused_with_a_remedy() {
    // 1×1 RGB, made by hand: signature, IHDR, IDAT, IEND.
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&[1, 2, 3]).unwrap();
    let message = image("c.png", &bytes).unwrap_err().to_string();
    assert_eq!(
        message,
        "c.png: a PNG of colour type Rgb is not supported; convert it to grey without an alpha channel"
    );
}
