//! Real files: chest CT, radiographs, measured projections, and bodies made of CT. Set `KERMA_TEST_DATA` to the folder that holds them.
//!
//! A missing file is reported as ABSENT and never counts as a look at real data.

use std::{
    fs,
    path::{Path, PathBuf},
};

use glam::DVec3;
use kerma::{
    body::{Body, BodyError, Calibration, Cleaning, EFFECTIVE_ENERGY_KEV, Labels},
    data::{DisplayRange, Sample, Unit, Volume},
    io::{read_image, read_projections, read_volume, write_volume},
};

/// The file, unless it is missing.
fn file(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("KERMA_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    println!("ABSENT {name}");
    None
}

fn smallest_and_largest(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)))
}

fn assert_near(got: DVec3, want: DVec3) {
    assert!((got - want).abs().max_element() < 1e-4, "{got} is not {want}");
}

#[test]
fn chest_ct_applies_its_intercept_and_keeps_its_padding() {
    let Some(path) = file("ct/lidc_idri_0001_chest.nii.gz") else { return };
    let volume = read_volume(path, None).unwrap();
    let grid = volume.grid();
    assert_eq!(grid.size(), [512, 512, 133]);
    assert_near(grid.spacing_mm(), DVec3::new(0.703125, 0.703125, 2.5));
    // Stored left, anterior, superior: the first axis runs against kerma's x.
    assert_near(grid.orientation().x_axis, -DVec3::X);
    assert_near(grid.orientation().y_axis, DVec3::Y);
    assert_near(grid.orientation().z_axis, DVec3::Z);
    assert!(grid.orientation().determinant() < 0.0);
    let (low, high) = smallest_and_largest(volume.values());
    assert_eq!(low, -2048.0);
    assert!(high > 1000.0, "{high}");
    assert_eq!(volume.values()[0], -2048.0, "the corner lies outside the scanner's circle");
    // The header does not say HU, so kerma does not either.
    assert_eq!(volume.unit(), Unit::Arbitrary);
}

#[test]
fn other_ct_files_read_with_their_own_types() {
    if let Some(path) = file("ct/lidc_idri_0001_chest_small.nii.gz") {
        let small = read_volume(path, None).unwrap();
        assert_eq!(small.grid().size(), [128, 128, 133]);
        assert_near(small.grid().spacing_mm(), DVec3::new(2.8125, 2.8125, 2.5));
        assert!(smallest_and_largest(small.values()).0 >= -1024.0);
    }
    if let Some(path) = file("ct/lidc_idri_0001_labels.nii.gz") {
        let labels = read_volume(path, None).unwrap();
        assert_eq!(labels.grid().size(), [512, 512, 133]);
        assert!(labels.values().iter().all(|v| v.fract() == 0.0 && (0.0..256.0).contains(v)));
    }
    if let Some(path) = file("ct/totalseg_example_abdomen_3mm.nii.gz") {
        let abdomen = read_volume(path, None).unwrap();
        assert_eq!(abdomen.grid().size(), [122, 101, 112]);
        assert_near(abdomen.grid().spacing_mm(), DVec3::splat(3.0));
        assert!(abdomen.grid().orientation().determinant() > 0.0);
    }
}

#[test]
fn dicom_slices_are_the_slices_of_the_nifti_volume() {
    let names = [69, 70, 71].map(|n| format!("lidc_idri_0001_slice_{n:03}.dcm"));
    let (Some(ct), [Some(a), Some(b), Some(c)]) =
        (file("ct/lidc_idri_0001_chest.nii.gz"), names.each_ref().map(|n| file(&format!("ct/{n}"))))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (path, name) in [a, b, c].iter().zip(&names) {
        fs::copy(path, folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("README"), "not a slice").unwrap();
    let series = read_volume(folder.path(), None).unwrap();
    assert_eq!(series.grid().size(), [512, 512, 3]);
    assert_eq!(series.unit(), Unit::Hounsfield);
    assert_near(series.grid().spacing_mm(), DVec3::new(0.703125, 0.703125, 2.5));
    assert_near(series.grid().orientation().x_axis, -DVec3::X);
    assert_near(series.grid().orientation().y_axis, -DVec3::Y);

    let whole = read_volume(ct, None).unwrap();
    let at = |volume: &Volume, x: usize, y: usize, z: usize| volume.values()[(z * 512 + y) * 512 + x];
    // The files count downwards: 071 is the lowest. Position alone, DICOM's LPS against NIfTI's RAS, finds the slice.
    let first = whole.grid().index_of(series.grid().origin_mm());
    assert_near(first, DVec3::new(0.0, 511.0, 62.0));
    let base = first.z.round() as usize;
    for z in 0..3 {
        for y in 0..512 {
            for x in 0..512 {
                let (got, want) = (at(&series, x, y, z), at(&whole, x, 511 - y, base + z));
                assert_eq!(got, want, "voxel {x}, {y}, {z}");
            }
        }
    }

    let path = folder.path().join(&names[1]);
    let moved = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(folder.path().join("twice.dcm"), fs::read(folder.path().join(&names[0])).unwrap()).unwrap();
    let message = read_volume(folder.path(), None).unwrap_err().to_string();
    assert!(message.contains("is not one regular series: lidc_idri_0001_slice_"), "{message}");
    assert!(message.contains("lie at the same position"), "{message}");
    fs::write(folder.path().join("twice.dcm"), &moved[..moved.len() / 2]).unwrap();
    let message = read_volume(folder.path(), None).unwrap_err().to_string();
    assert!(message.contains("twice.dcm: ends early"), "{message}");
}

#[test]
fn single_slice_stands_alone_by_its_thickness() {
    let Some(path) = file("ct/lidc_idri_0001_slice_070.dcm") else { return };
    let slice = read_volume(path, None).unwrap();
    assert_near(slice.grid().origin_mm(), DVec3::new(166.0, 171.7, -182.5));
    assert_eq!(slice.grid().size(), [512, 512, 1]);
    assert_near(slice.grid().spacing_mm(), DVec3::new(0.703125, 0.703125, 2.5));
}

#[test]
fn radiograph_records_its_inversion_and_has_no_spacing() {
    let Some(path) = file("radiograph/nema_wg4_RG1_chest_cr_15bit.dcm") else { return };
    let (image, info) = read_image(path).unwrap();
    assert_eq!(image.size(), [1841, 1955]);
    assert!(info.inverted, "MONOCHROME1");
    assert_eq!(info.window, Some(DisplayRange { centre: 15_000.0, width: 30_000.0 }));
    assert_eq!(image.spacing_mm(), None, "a spacing of 0 means unknown");
    assert_eq!(image.sample(), Sample::Unsigned { bits: 15 });
    assert_eq!(smallest_and_largest(image.values()), (874.0, 26479.0));
}

#[test]
fn presentation_image_has_its_spacing() {
    let Some(path) = file("radiograph/highdicom_dx_canine_8bit.dcm") else { return };
    let (image, info) = read_image(path).unwrap();
    assert_eq!(image.size(), [211, 169]);
    assert!(info.inverted);
    // DICOM states the distance between rows first.
    let [columns, rows] = image.spacing_mm().unwrap();
    assert!((columns - 1.2012).abs() < 1e-9 && rows == 1.2, "{columns} {rows}");
    assert_eq!(image.sample(), Sample::Unsigned { bits: 8 });
}

#[test]
fn png_radiographs_are_read_or_refused_with_a_remedy() {
    for (name, size) in [
        ("nih_00000001_000.png", [512, 512]),
        ("mhh_fff13f3a.png", [640, 691]),
        ("mhh_3b46de94.png", [640, 742]),
        ("mhh_f8335316.png", [640, 633]),
    ] {
        let Some(path) = file(&format!("radiograph/{name}")) else { continue };
        match read_image(path) {
            Ok((image, _)) => {
                assert_eq!((image.size(), image.sample()), (size, Sample::Unsigned { bits: 8 }), "{name}");
            }
            Err(error) => assert!(error.to_string().contains("convert it to grey"), "{error}"),
        }
    }
}

#[test]
fn measured_projections_are_read() {
    if let Some(path) = file("projection/htc2022_ta_30deg_sinogram_f32.npy") {
        let sinogram = read_projections(path, Some([0.2, 1.0])).unwrap();
        assert_eq!((sinogram.views(), sinogram.detector()), (61, [560, 1]));
        let rms = (sinogram.values().iter().map(|v| f64::from(v * v)).sum::<f64>() / (61.0 * 560.0)).sqrt();
        assert!((rms - 1.47).abs() < 0.02, "{rms}");
    }
    if let Some(path) = file("projection/aps_tooth_data.npy") {
        let tooth = read_projections(path, Some([1.0, 1.0])).unwrap();
        assert_eq!((tooth.views(), tooth.detector()), (181, [640, 2]));
        assert!(smallest_and_largest(tooth.values()).0 > 0.0);
        if let Some(path) = file("projection/aps_tooth_parallel.h5") {
            let same = read_projections(path, Some([1.0, 1.0])).unwrap();
            assert_eq!((same.values(), same.unit()), (tooth.values(), Unit::Counts));
        }
    }
    if let Some(path) = file("projection/htc2022_solid_disc_full_recon_fbp_f32.npy") {
        let (slice, _) = read_image(path).unwrap();
        assert_eq!((slice.size(), slice.sample()), ([512, 512], Sample::Float));
    }
}

#[test]
fn real_ct_survives_every_format() {
    let Some(path) = file("ct/lidc_idri_0001_chest_small.nii.gz") else { return };
    let want = read_volume(path, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["v.nii", "v.nii.gz", "v.nrrd", "v.mha", "v.mhd"] {
        let path = folder.path().join(name);
        write_volume(&path, &want).unwrap();
        let got = read_volume(&path, None).unwrap();
        assert_eq!(got.values(), want.values(), "{name}");
        assert_near(got.grid().origin_mm(), want.grid().origin_mm());
        assert_near(got.grid().spacing_mm(), want.grid().spacing_mm());
        for axis in 0..3 {
            assert_near(got.grid().orientation().col(axis), want.grid().orientation().col(axis));
        }
    }
}

#[test]
fn real_ct_survives_dicom_to_half_a_hounsfield_unit() {
    let Some(path) = file("ct/lidc_idri_0001_chest_small.nii.gz") else { return };
    let want = read_volume(path, None).unwrap().with_unit(Unit::Hounsfield);
    let folder = tempfile::tempdir().unwrap();
    write_volume(folder.path().join("v/"), &want).unwrap();
    let got = read_volume(folder.path().join("v"), None).unwrap();
    assert_eq!((got.unit(), got.grid().size()), (Unit::Hounsfield, want.grid().size()));
    // Its axes are left-handed, so that the slices come back in the other order, each where it was.
    let [nx, ny, nz] = want.grid().size();
    for (z, slice) in got.values().chunks(nx * ny).enumerate() {
        let there = want.grid().index_of(got.grid().world_mm(DVec3::new(0.0, 0.0, z as f64)));
        assert!(there.distance(DVec3::new(0.0, 0.0, (nz - 1 - z) as f64)) < 1e-6, "{there}");
        let before = &want.values()[(nz - 1 - z) * nx * ny..][..nx * ny];
        assert!(slice.iter().zip(before).all(|(a, b)| (a - b).abs() <= 0.5), "slice {z}");
    }
}

/// A CT freed from its table, and the body in it.
fn body(ct: &Volume) -> Result<(Volume, Body), BodyError> {
    let clean = Cleaning::default().apply(ct)?;
    let body = Calibration::of_tissues(EFFECTIVE_ENERGY_KEV)?.body(&clean)?;
    Ok((clean, body))
}

#[test]
fn chest_ct_loses_its_table_and_none_of_its_organs() {
    let (Some(path), Some(labels)) = (file("ct/lidc_idri_0001_chest.nii.gz"), file("ct/lidc_idri_0001_labels.nii.gz"))
    else {
        return;
    };
    let (ct, labels) = (read_volume(path, None).unwrap(), read_volume(labels, None).unwrap());
    let (clean, body) = body(&ct).unwrap();
    // The back lies 58 mm above the lowest row; the bright shell of the table 40 mm.
    let from = ct.grid().index_of(clean.grid().origin_mm()).round().as_usizevec3();
    let [nx, ny, nz] = clean.grid().size();
    assert_eq!((from.z, nz), (0, 133));
    assert!((60..90).contains(&from.y) && ny < 390, "{} {ny}", from.y);
    let (mut kept, mut lost) = (0, 0);
    for (index, (&hu, &label)) in ct.values().iter().zip(labels.values()).enumerate() {
        let [x, y, z] = [index % 512, index / 512 % 512, index / 512 / 512];
        let is_in = y >= from.y && y < from.y + ny && x >= from.x && x < from.x + nx;
        let clean = if is_in { clean.values()[(z * ny + y - from.y) * nx + x - from.x] } else { -1000.0 };
        if label > 0.0 && hu > -1000.0 {
            if clean == hu { kept += 1 } else { lost += 1 }
        }
    }
    assert!(lost == 0 && kept > 6_000_000, "{lost} of {kept} voxels of organs are lost");
    let [air, lung, adipose, muscle, spongy, cortical] = body.mass_g()[..] else { panic!("six materials") };
    let total = air + lung + adipose + muscle + spongy + cortical;
    assert!((15e3..18e3).contains(&total), "{total} g");
    assert!((900.0..1600.0).contains(&lung) && air < 10.0 && cortical < spongy, "{lung} {air} {cortical} {spongy}");
}

#[test]
fn abdomen_ct_loses_its_table() {
    let Some(path) = file("ct/totalseg_example_abdomen_3mm.nii.gz") else { return };
    let ct = read_volume(path, None).unwrap();
    let (clean, body) = body(&ct).unwrap();
    assert!(clean.grid().size()[1] < ct.grid().size()[1]);
    let total: f64 = body.mass_g().iter().sum();
    assert!((15e3..40e3).contains(&total), "{total} g");
}

#[test]
fn a_label_map_is_a_body_and_forces_contrast_over_ct() {
    let (Some(ct), Some(labels)) = (file("ct/lidc_idri_0001_chest.nii.gz"), file("ct/lidc_idri_0001_labels.nii.gz"))
    else {
        return;
    };
    let map = read_volume(labels, None).unwrap();
    let table = Labels::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/body/totalsegmentator.toml")).unwrap();
    let organs = table.body(&map).unwrap();
    let liver = organs.materials().iter().position(|m| m.name() == "liver").unwrap();
    assert!((800.0..2500.0).contains(&organs.mass_g()[liver]), "{} g", organs.mass_g()[liver]);

    let contrast = "[[material]]\nname = \"iodine-blood\"\nmixture = { blood = 0.99, I = 0.01 }\n\
                    [[label]]\nname = \"aorta\"\nnumbers = [52]\nmaterial = \"iodine-blood\"\n";
    let (_, body) = body(&read_volume(ct, None).unwrap()).unwrap();
    let filled = Labels::from_toml(contrast).unwrap().over(body.clone(), &map).unwrap();
    let aorta = map.values().iter().filter(|&&label| label == 52.0).count();
    let changed = filled.voxels().iter().zip(body.voxels()).filter(|(a, b)| a != b).count();
    assert_eq!(changed, aorta);
}
