use std::path::Path;

use kerma::{
    data::Image,
    io::read_image,
    noise::{Processing, estimate, gaussian_sigma, looks_processed, noise_correlation},
};

use crate::scene::{Random, SIDE, image, radiograph};

fn raw(photons: f64, levels: f64) -> Vec<f64> {
    let mut random = Random(9);
    radiograph().iter().map(|m| (random.counts(m * photons) / photons * levels).round()).collect()
}

#[test]
fn a_detectors_own_signal_does_not_look_processed() {
    assert_eq!(looks_processed(&image(raw(300.0, 12_000.0))), None);
    let mut random = Random(4);
    assert_eq!(looks_processed(&image(radiograph().iter().map(|m| m + 0.01 * random.normal()))), None);
}

#[test]
fn each_sign_of_processing_is_told() {
    let raw = raw(1000.0, 4095.0);
    let byte = image(raw.iter().map(|v| (v / 16.0).round().min(255.0)));
    assert!(matches!(looks_processed(&byte), Some(Processing::FewLevels { levels: 2..=256 })));
    let mut random = Random(6);
    let dithered = radiograph().into_iter().map(|m| (2000.0 * m + 40.0 * random.normal()).round());
    let stretched = image(dithered.map(|v| (v * 1.7).round()));
    assert!(matches!(looks_processed(&stretched), Some(Processing::Comb { .. })), "{:?}", looks_processed(&stretched));
    let around = |i: usize, d: usize| raw[(i + d) % (SIDE * SIDE)];
    let smooth =
        image((0..SIDE * SIDE).map(|i| (around(i, 0) + around(i, 1) + around(i, SIDE) + around(i, SIDE + 1)) / 4.0));
    assert!(matches!(looks_processed(&smooth), Some(Processing::Blurred { .. })), "{:?}", looks_processed(&smooth));
    let sharp = (0..SIDE * SIDE).map(|i| {
        3.0 * around(i, SIDE + 1)
            - 0.5 * (around(i, 1) + around(i, SIDE) + around(i, SIDE + 2) + around(i, 2 * SIDE + 1))
    });
    let sharp = image(sharp);
    assert!(matches!(looks_processed(&sharp), Some(Processing::Sharpened { .. })), "{:?}", looks_processed(&sharp));
}

/// The picture, unless it is missing.
fn real(name: &str) -> Option<Image> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("KERMA_TEST_DATA").map_or_else(beside, Into::into).join("radiograph").join(name);
    if path.exists() {
        return Some(read_image(path).unwrap().0);
    }
    println!("ABSENT radiograph/{name}");
    None
}

#[test]
fn pictures_of_archives_look_processed() {
    for name in ["mhh_3b46de94.png", "mhh_f8335316.png", "mhh_fff13f3a.png", "nih_00000001_000.png"] {
        let Some(picture) = real(name) else { continue };
        let sign = looks_processed(&picture);
        println!("{name}: {sign:?}");
        report(&picture);
        assert!(matches!(sign, Some(Processing::FewLevels { levels: 2..=256 })), "{name}: {sign:?}");
    }
}

#[test]
fn real_radiographs_have_estimates() {
    for name in ["nema_wg4_RG1_chest_cr_15bit.dcm", "highdicom_dx_canine_8bit.dcm"] {
        let Some(picture) = real(name) else { continue };
        println!("{name}: {:?}", looks_processed(&picture));
        report(&picture);
    }
}

fn report(picture: &Image) {
    let noise = gaussian_sigma(picture, None).unwrap();
    let correlation = noise_correlation(picture, None).unwrap();
    println!("  {noise:?} {correlation:?} ratio {:?} {:?}", correlation.ratio(), estimate(picture).unwrap());
    assert!(noise.sigma.is_finite() && noise.sigma < 1000.0);
}
