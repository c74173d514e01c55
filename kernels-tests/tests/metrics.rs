//! Image metrics against scikit-image; the numbers are made by `goldens/metrics.py`.

#![expect(clippy::unwrap_used, reason = "a golden that cannot be read should fail")]

use kerma::{
    data::{Image, Sample, Unit},
    metrics::{Form, ms_ssim, psnr, ssim},
};
use kerma_kernels_tests::Seeded;

const GOLDENS: &str = include_str!("../goldens/metrics.csv");
/// Both sides compute in double precision; sliding sums of the other one lose a few digits.
const ALLOWED: f64 = 1e-9;

/// Bars with a slope, and the same darker by a tenth with noise of a tenth of the range on either side.
fn pair([columns, rows]: [usize; 2], top: f64) -> [Image; 2] {
    let mut random = Seeded::new((columns * rows) as u64);
    let (mut reference, mut image) = (Vec::new(), Vec::new());
    for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
        let bar = if (x / 6 + y / 9).is_multiple_of(2) { 0.25 } else { 0.0 };
        let value = (((x * 5 + y * 3) % 128) as f64 / 256.0 + bar) * top;
        let noise = (random.between(0.0, 1.0) - 0.5) * 0.2 * top;
        reference.push(value.floor() as f32);
        image.push((value.floor() * 0.9 + noise).clamp(0.0, top).floor() as f32);
    }
    [reference, image].map(|v| Image::new([columns, rows], None, Sample::Float, Unit::Arbitrary, v).unwrap())
}

#[test]
fn numbers_are_those_of_scikit_image() {
    let mut differences = Vec::new();
    for line in GOLDENS.lines().skip(1) {
        let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        let size = [0, 1].map(|i| cells[i].unwrap() as usize);
        let range = cells[2].unwrap();
        let [x, y] = pair(size, range);
        let got = [
            psnr(&x, &y, range),
            ssim(&x, &y, range, Form::ScikitImage),
            ssim(&x, &y, range, Form::Wang),
            ms_ssim(&x, &y, range),
        ];
        for (got, want) in got.iter().zip(&cells[3..]) {
            let is_equal = match (got, want) {
                (Ok(got), Some(want)) => (got - want).abs() <= ALLOWED,
                (Err(error), None) => error.is_undefined(),
                _ => false,
            };
            if !is_equal {
                differences.push(format!("{size:?}, range {range}: got {got:?}, want {want:?}"));
            }
        }
        // The control: the other form misses the golden by far more than what is allowed.
        if let Some(want) = cells[5] {
            let other = ssim(&x, &y, range, Form::ScikitImage).unwrap();
            assert!((other - want).abs() > 1e6 * ALLOWED, "{size:?}: {other} is that of Wang's form");
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
