//! What is written is read again as it was: values, spacing, origin, orientation, unit.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod nifti2;

use std::{fs, path::Path};

use glam::{DMat3, DQuat, DVec3};
use kerma::{
    data::{Grid, Image, Sample, Unit, Volume},
    io::{IoError, VolumeFormat, decode_volume, read_image, read_projections, read_volume, write_image, write_volume},
};
use nifti2::nifti2;

/// Rounding of one position of some hundred millimetres to `f32`, which is what NIfTI holds.
const NIFTI_TOLERANCE: f64 = 2e-5;
/// Rounding of products of direction and spacing in `f64`.
const TEXT_TOLERANCE: f64 = 1e-12;
const VOLUMES: [(&str, f64); 5] = [
    ("v.nii", NIFTI_TOLERANCE),
    ("v.nii.gz", NIFTI_TOLERANCE),
    ("v.nrrd", TEXT_TOLERANCE),
    ("v.mha", TEXT_TOLERANCE),
    ("v.mhd", TEXT_TOLERANCE),
];

fn volume(orientation: DMat3, unit: Unit) -> Volume {
    let grid = Grid::new([4, 3, 2], [0.703125, 0.8, 2.5], [-179.3, 12.25, 301.7], orientation).unwrap();
    let values = (0..24).map(|i| (i as f32 - 7.0) * 1.37e-3).collect();
    Volume::new(grid, unit, values).unwrap()
}

fn assert_near(got: &Grid, want: &Grid, tolerance: f64, name: &str) {
    let far = |a: DVec3, b: DVec3| (a - b).abs().max_element();
    assert_eq!(got.size(), want.size(), "{name}");
    assert!(far(got.spacing_mm(), want.spacing_mm()) <= tolerance, "{name}: {:?}", got.spacing_mm());
    assert!(far(got.origin_mm(), want.origin_mm()) <= tolerance, "{name}: {:?}", got.origin_mm());
    for axis in 0..3 {
        let (got, want) = (got.orientation().col(axis), want.orientation().col(axis));
        assert!(far(got, want) <= tolerance, "{name}: axis {axis} {got:?} {want:?}");
    }
}

#[test]
fn volumes_keep_values_grid_and_unit() {
    let folder = tempfile::tempdir().unwrap();
    let oblique = DMat3::from_quat(DQuat::from_euler(glam::EulerRot::XYZ, 0.3, -0.5, 1.1));
    let left_handed = oblique * DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0));
    for orientation in [DMat3::IDENTITY, oblique, left_handed] {
        for unit in [Unit::Hounsfield, Unit::PerMillimetre, Unit::Arbitrary] {
            for (name, tolerance) in VOLUMES {
                let path = folder.path().join(name);
                let want = volume(orientation, unit);
                write_volume(&path, &want).unwrap();
                let got = read_volume(&path, None).unwrap();
                assert_eq!(got.values(), want.values(), "{name}");
                assert_eq!(got.unit(), unit, "{name}");
                assert_near(got.grid(), want.grid(), tolerance, name);
            }
        }
    }
}

#[test]
fn nifti_position_can_come_from_sform_qform_or_pixdim() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nii");
    let mirrored = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0))
        * DMat3::from_quat(DQuat::from_euler(glam::EulerRot::XYZ, 3.0, -0.5, 1.1));
    let want = volume(mirrored, Unit::Arbitrary);
    write_volume(&path, &want).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let decode = |bytes: &[u8]| decode_volume(VolumeFormat::Nifti, &path, bytes, None);
    bytes[254] = 0; // sform_code
    assert_near(decode(&bytes).unwrap().grid(), want.grid(), NIFTI_TOLERANCE, "qform");
    bytes[252] = 0; // qform_code
    let bare = decode(&bytes).unwrap();
    assert_eq!((bare.grid().origin_mm(), bare.grid().orientation()), (DVec3::ZERO, DMat3::IDENTITY));
    assert!((bare.grid().spacing_mm() - want.grid().spacing_mm()).length() < 1e-6);
    bytes[80..84].fill(0); // pixdim[1]
    let message = decode(&bytes).unwrap_err().to_string();
    assert!(message.ends_with("v.nii: pixdim[1] must be positive, got 0"), "{message}");
}

#[test]
fn nifti_slope_of_zero_or_nan_means_unscaled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nii");
    write_volume(&path, &volume(DMat3::IDENTITY, Unit::Arbitrary)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let first = |bytes: &[u8]| decode_volume(VolumeFormat::Nifti, &path, bytes, None).unwrap().values()[0];
    let stored = first(&bytes);
    bytes[116..120].copy_from_slice(&(-1024f32).to_le_bytes()); // scl_inter
    assert_eq!(first(&bytes), stored - 1024.0);
    for slope in [0.0, f32::NAN] {
        bytes[112..116].copy_from_slice(&slope.to_le_bytes()); // scl_slope
        assert_eq!(first(&bytes), stored);
    }
}

#[test]
fn nifti_lengths_follow_the_unit_they_are_stated_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nii");
    write_volume(&path, &volume(DMat3::IDENTITY, Unit::Arbitrary)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for (code, millimetres) in [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001)] {
        bytes[123] = code; // xyzt_units
        let got = decode_volume(VolumeFormat::Nifti, &path, &bytes, None).unwrap();
        assert!((got.grid().spacing_mm().z - 2.5 * millimetres).abs() < 1e-9);
        assert!((got.grid().origin_mm().y - 12.25 * millimetres).abs() < 1e-9);
    }
}

#[test]
fn nifti_2_reads_as_nifti_1_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nii");
    let turned = DMat3::from_quat(DQuat::from_euler(glam::EulerRot::XYZ, 0.3, -0.5, 1.1));
    let want = volume(turned, Unit::Hounsfield);
    write_volume(&path, &want).unwrap();
    let first = fs::read(&path).unwrap();
    let same = decode_volume(VolumeFormat::Nifti, &path, &first, None).unwrap();
    let decode = |bytes: &[u8]| decode_volume(VolumeFormat::Nifti, Path::new("v.nii"), bytes, None);
    for is_big in [false, true] {
        let mut bytes = nifti2(&first, is_big);
        assert_eq!(decode(&bytes).unwrap(), same, "{is_big}");
        let form_codes = [344, 348].map(|at| if is_big { at + 3 } else { at });
        bytes[form_codes[1]] = 0;
        assert_near(decode(&bytes).unwrap().grid(), want.grid(), NIFTI_TOLERANCE, "qform");
        bytes[if is_big { 503 } else { 500 }] = 3; // xyzt_units
        let spacing = decode(&bytes).unwrap().grid().spacing_mm();
        assert!((spacing * 1000.0 - want.grid().spacing_mm()).length() < 1e-6, "{spacing}");
        // Damage by a transfer of text, a size beyond all bounds, values before the header's end.
        let message = |at: usize, with: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[at..at + with.len()].copy_from_slice(with);
            if is_big {
                bytes[at..at + with.len()].reverse();
            }
            decode(&bytes).unwrap_err().to_string()
        };
        let text = message(8, if is_big { b"\n\x1a\n\n" } else { b"\n\n\x1a\n" });
        assert!(text.contains("v.nii: is not a NIfTI file: its magic is \"n+2"), "{text}");
        let size = message(24, &i64::MAX.to_le_bytes());
        assert!(size.contains("must be 1 to 65536 along x, got 9223372036854775807"), "{size}");
        assert!(
            message(168, &400_i64.to_le_bytes()).contains("vox_offset must be a whole number of at least 544, got 400")
        );
    }
}

#[test]
fn nifti_of_the_other_byte_order_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nii");
    let want = volume(DMat3::IDENTITY, Unit::Hounsfield);
    write_volume(&path, &want).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let mut swap = |start: usize, size: usize, count: usize| {
        bytes[start..start + size * count].chunks_exact_mut(size).for_each(<[u8]>::reverse);
    };
    // sizeof_hdr, dim, intent code to bitpix, pixdim to scl_inter, form codes, quaternion to srow, values.
    for (start, size, count) in
        [(0, 4, 1), (40, 2, 8), (68, 2, 3), (76, 4, 11), (252, 2, 2), (256, 4, 18), (352, 4, 24)]
    {
        swap(start, size, count);
    }
    let got = decode_volume(VolumeFormat::Nifti, &path, &bytes, None).unwrap();
    assert_eq!((got.values(), got.unit()), (want.values(), Unit::Hounsfield));
    assert_near(got.grid(), want.grid(), NIFTI_TOLERANCE, "big-endian");
}

#[test]
fn a_given_grid_keeps_the_axes_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    // Left, anterior, superior: what most NIfTI files hold.
    let axes = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0));
    let want = volume(axes, Unit::Hounsfield);
    let given: Grid = "4x3x2@1x2x3+5,6,7".parse().unwrap();
    for name in VOLUMES.map(|(name, _)| name) {
        let path = folder.path().join(name);
        write_volume(&path, &want).unwrap();
        let got = read_volume(&path, Some(given)).unwrap();
        let turned = Grid::new([4, 3, 2], [1.0, 2.0, 3.0], [6.5, 4.0, 5.5], axes).unwrap();
        assert_near(got.grid(), &turned, NIFTI_TOLERANCE, name);
        assert_eq!(got.values(), want.values(), "{name}");
    }
}

#[test]
fn a_file_without_spacing_needs_a_grid_and_keeps_its_axes() {
    let given: Grid = "2x1x1@2x3x4".parse().unwrap();
    let nrrd = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: raw\n\n\x01\x02";
    let mha = b"ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 2 1 1\nElementType = MET_UCHAR\n\
        TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementDataFile = LOCAL\n\x01\x02";
    let lps = DMat3::from_diagonal(DVec3::new(-1.0, -1.0, 1.0));
    let cases: [(_, &[u8], _); 2] = [(VolumeFormat::Nrrd, nrrd, DMat3::IDENTITY), (VolumeFormat::MetaImage, mha, lps)];
    for (format, bytes, axes) in cases {
        let message = decode_volume(format, Path::new("v"), bytes, None).unwrap_err().to_string();
        assert_eq!(message, "v: carries no spacing; give a grid, NXxNYxNZ@SXxSYxSZ");
        let got = decode_volume(format, Path::new("v"), bytes, Some(given)).unwrap();
        assert_eq!((got.grid().orientation(), got.grid().spacing_mm()), (axes, given.spacing_mm()));
        assert_eq!(got.grid().centre_mm(), DVec3::ZERO);
    }
}

#[test]
fn npy_volume_needs_a_grid_of_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.npy");
    let want = volume(DMat3::IDENTITY, Unit::Hounsfield);
    write_volume(&path, &want).unwrap();
    let got = read_volume(&path, Some(*want.grid())).unwrap();
    assert_eq!((got.values(), got.grid(), got.unit()), (want.values(), want.grid(), Unit::Arbitrary));
    let message = read_volume(&path, None).unwrap_err().to_string();
    assert!(message.ends_with("v.npy: carries no spacing; give a grid, NXxNYxNZ@SXxSYxSZ"), "{message}");
    let other = Grid::centred([2, 3, 4], [1.0; 3]).unwrap();
    let message = read_volume(&path, Some(other)).unwrap_err().to_string();
    assert!(message.ends_with("v.npy: holds 4x3x2 values, but 2x3x4 were asked for"), "{message}");
}

#[test]
fn tiff_pages_are_slices_in_one_file_or_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.tif");
    let want = volume(DMat3::IDENTITY, Unit::Hounsfield);
    write_volume(&path, &want).unwrap();
    assert_eq!(read_volume(&path, Some(*want.grid())).unwrap(), want);
    let message = read_volume(&path, None).unwrap_err().to_string();
    assert!(message.ends_with("v.tif: carries no spacing; give a grid, NXxNYxNZ@SXxSYxSZ"), "{message}");
    let other = Grid::centred([2, 3, 4], [1.0; 3]).unwrap();
    let message = read_volume(&path, Some(other)).unwrap_err().to_string();
    assert!(message.ends_with("v.tif: holds 4x3x2 values, but 2x3x4 were asked for"), "{message}");
    let message = read_image(&path).unwrap_err().to_string();
    assert!(message.contains("a TIFF of several pages is not supported"), "{message}");
    // Eleven files, whose numbers are not padded, and something else beside them.
    let pages = folder.path().join("pages");
    fs::create_dir(&pages).unwrap();
    fs::write(pages.join("notes.txt"), "angles").unwrap();
    let page = |number: usize, size: [usize; 2]| {
        let values = vec![number as f32; size[0] * size[1]];
        let image = Image::new(size, None, Sample::Unsigned { bits: 16 }, Unit::Arbitrary, values).unwrap();
        write_image(pages.join(format!("p_{number}.tif")), &image).unwrap();
    };
    (0..11).for_each(|number| page(number, [3, 2]));
    let stack = read_projections(&pages, Some([0.4, 0.7])).unwrap();
    assert_eq!((stack.views(), stack.detector(), stack.pitch_mm()), (11, [3, 2], [0.4, 0.7]));
    let first: Vec<f32> = stack.values().chunks(6).map(|view| view[0]).collect();
    assert_eq!(first, (0..11).map(|number| number as f32).collect::<Vec<_>>());
    let grid = Grid::centred([3, 2, 11], [1.0; 3]).unwrap();
    assert_eq!(read_volume(&pages, Some(grid)).unwrap().values(), stack.values());
    page(7, [2, 2]);
    let message = read_projections(&pages, Some([0.4, 0.7])).unwrap_err().to_string();
    assert!(message.ends_with("p_7.tif: size must be 3x2 as of the first one, got 2x2"), "{message}");
}

#[test]
fn compressed_metaimage_and_nrrd_are_read() {
    use std::io::Write;
    let values: Vec<u8> = (0..24u16).flat_map(|v| (v * 100).to_be_bytes()).collect();
    let pack_zlib = || {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&values).unwrap();
        packed.finish().unwrap()
    };
    let pack_gzip = || {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&values).unwrap();
        packed.finish().unwrap()
    };
    let mha = |packed: Vec<u8>, size: usize| {
        let header = format!(
            "ObjectType = Image\nNDims = 3\nBinaryDataByteOrderMSB = True\nCompressedData = True\n\
             CompressedDataSize = {size}\nElementSpacing = 1 2 3\nDimSize = 4 3 2\nElementType = MET_USHORT\n\
             ElementDataFile = LOCAL\n"
        );
        let bytes = [header.into_bytes(), packed].concat();
        decode_volume(VolumeFormat::MetaImage, Path::new("v.mha"), &bytes, None)
    };
    for packed in [pack_zlib(), pack_gzip()] {
        let size = packed.len();
        let got = mha(packed, size).unwrap();
        assert_eq!(got.values()[23], 2300.0);
        assert_eq!(got.grid().orientation(), DMat3::from_diagonal(DVec3::new(-1.0, -1.0, 1.0)));
    }
    assert!(mha(pack_zlib(), 5).unwrap_err().to_string().contains("CompressedDataSize must be the"));
    let header = "NRRD0004\ntype: unsigned short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n\
                  space directions: (0,1,0) (2,0,0) (0,0,3)\nspace origin: (5,6,7)\nendian: big\nencoding: gzip\n\n";
    let bytes = [header.as_bytes(), &pack_gzip()].concat();
    let got = decode_volume(VolumeFormat::Nrrd, Path::new("v.nrrd"), &bytes, None).unwrap();
    assert_eq!(got.values()[1], 100.0);
    assert_eq!(got.grid().origin_mm(), DVec3::new(-5.0, -6.0, 7.0));
    assert_eq!(got.grid().orientation(), DMat3::from_cols(-DVec3::Y, -DVec3::X, DVec3::Z));
    assert_eq!(got.grid().spacing_mm(), DVec3::new(1.0, 2.0, 3.0));
}

#[test]
fn detached_headers_find_their_data_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nhdr");
    let header = |file: &str| {
        format!(
            "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 1\nspacings: 1 1 2\nencoding: raw\ndata file: {file}\n"
        )
    };
    fs::write(folder.path().join("v.raw"), [1, 2, 3, 4]).unwrap();
    fs::write(&path, header("v.raw")).unwrap();
    assert_eq!(read_volume(&path, None).unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
    for outside in ["../v.raw", "/etc/passwd", ""] {
        fs::write(&path, header(outside)).unwrap();
        let message = read_volume(&path, None).unwrap_err().to_string();
        assert!(message.contains("the name of a file beside its header") || message.contains("no \": \""), "{message}");
    }
    fs::write(&path, header("gone.raw")).unwrap();
    let message = read_volume(&path, None).unwrap_err().to_string();
    assert!(message.contains("gone.raw, which cannot be read"), "{message}");
}

#[test]
fn images_keep_values_spacing_unit_and_bits() {
    let folder = tempfile::tempdir().unwrap();
    let image = |sample, scale: f32| {
        let values = (0..15).map(|i| i as f32 * scale).collect();
        Image::new([5, 3], Some([0.143, 0.2]), sample, Unit::Transmission, values).unwrap()
    };
    let cases = [
        ("i8.png", image(Sample::Unsigned { bits: 8 }, 17.0)),
        ("i12.png", image(Sample::Unsigned { bits: 12 }, 273.0)),
        ("i16.png", image(Sample::Unsigned { bits: 16 }, 4369.0)),
        ("i8.tif", image(Sample::Unsigned { bits: 8 }, 17.0)),
        ("i14.tiff", image(Sample::Unsigned { bits: 14 }, 1000.0)),
        ("f.tif", image(Sample::Float, -0.1)),
    ];
    for (name, want) in cases {
        let path = folder.path().join(name);
        write_image(&path, &want).unwrap();
        let (got, info) = read_image(&path).unwrap();
        assert_eq!(got, want, "{name}");
        assert!(!info.inverted && info.window.is_none(), "{name}");
    }
    let path = folder.path().join("f.npy");
    let want = image(Sample::Float, 0.3);
    write_image(&path, &want).unwrap();
    let (got, _) = read_image(&path).unwrap();
    assert_eq!((got.values(), got.size(), got.spacing_mm()), (want.values(), want.size(), None));
    for (bits, scale, descr, stored) in
        [(1, 0.07, "|u1", 8), (8, 17.0, "|u1", 8), (12, 273.0, "<u2", 16), (16, 4369.0, "<u2", 16)]
    {
        let want = image(Sample::Unsigned { bits }, scale);
        write_image(&path, &want).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes[10..].starts_with(format!("{{'descr': '{descr}'").as_bytes()), "{bits}");
        assert_eq!(bytes.len(), 128 + 15 * usize::from(stored / 8));
        let (got, _) = read_image(&path).unwrap();
        let rounded: Vec<f32> = want.values().iter().map(|v| v.round()).collect();
        assert_eq!((got.values(), got.sample()), (&rounded[..], Sample::Unsigned { bits: stored }));
    }
    let unfit = image(Sample::Unsigned { bits: 8 }, 20.0);
    assert!(matches!(write_image(&path, &unfit), Err(IoError::SampleRange { .. })));
}

#[test]
fn images_are_neither_clipped_nor_stretched() {
    let folder = tempfile::tempdir().unwrap();
    let image = |sample, value| Image::new([1, 1], None, sample, Unit::Arbitrary, vec![value]).unwrap();
    let twelve = Sample::Unsigned { bits: 12 };
    let write = |name: &str, image: &Image| write_image(folder.path().join(name), image);
    let message = write("a.png", &image(twelve, 4096.0)).unwrap_err().to_string();
    assert!(message.ends_with("a.png: value 4096 at index 0 does not fit 12 bits; allowed: 0 to 4095"), "{message}");
    for bad in [f32::NAN, -1.0, f32::INFINITY] {
        assert!(matches!(write("a.tif", &image(twelve, bad)), Err(IoError::SampleRange { .. })));
    }
    assert!(write("a.png", &image(twelve, -0.4)).is_ok());
    let message = write("b.png", &image(Sample::Float, 0.5)).unwrap_err().to_string();
    assert!(message.contains("a float image in PNG is not supported; map it to 8 or 16 bits first"), "{message}");
    assert!(write("c.png", &image(Sample::Unsigned { bits: 40 }, 0.5)).unwrap_err().to_string().contains("1 to 16"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn unknown_extensions_name_the_known_ones() {
    let volume = volume(DMat3::IDENTITY, Unit::Arbitrary);
    assert!(write_volume("a.dcm", &volume).unwrap_err().to_string().contains("allowed: .nii, .nii.gz, .nrrd, .mha"));
    assert!(write_volume("noext", &volume).unwrap_err().to_string().starts_with("noext: cannot write a volume"));
    assert!(write_volume("a.h5", &volume).unwrap_err().to_string().contains("for extension \"h5\"; allowed: .nii"));
    assert!(read_volume("gone.nii", None).unwrap_err().to_string().starts_with("gone.nii: cannot read: "));
}
