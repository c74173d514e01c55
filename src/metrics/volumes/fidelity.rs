use super::{
    Plane,
    inside::{check_alike, no_voxel, slice_sums, sums_inside},
};
use crate::{
    body::mask::INSIDE,
    data::Volume,
    metrics::{
        Form, MetricError,
        pair::{check_range, check_sides},
        windows::Constants,
    },
    parallel::*,
};

/// Peak signal-to-noise ratio over the voxels of a mask, in decibels; infinity where both are equal.
///
/// ```text
/// PSNR = 20·log₁₀(R / √((1/n)·Σ (yᵢ − xᵢ)²))
/// ```
/// where x is the truth and y the output, i runs over the n voxels of the mask, and R is the range of possible values in their
/// unit: 1400 HU for volumes that are seen as (HU + 1000)/1400 with R = 1.
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, the mask is empty or the range is not positive.
pub fn psnr(truth: &Volume, output: &Volume, mask: &Volume, range: f64) -> Result<f64, MetricError> {
    check_range(range)?;
    check_alike([("truth", truth), ("output", output), ("mask", mask)])?;
    let (count, [squares]) = sums_inside([truth, output], mask, |x, y| [(y - x).powi(2)]);
    if count == 0 {
        return Err(no_voxel("PSNR"));
    }
    Ok(20.0 * (range / (squares / count as f64).sqrt()).log10())
}

/// Mean over the slices of one plane of their structural similarity in a mask: 1 for equal volumes.
///
/// In each slice it is the mean over the windows that lie within the slice and have their middle in the mask; slices without
/// such a window do not count, all others count alike. Windows reach beyond the mask by 5 pixels or, uniform ones, 3. Formula and
/// windows: [`crate::metrics::ssim`].
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, slices are smaller than a window, no window has its middle in the
/// mask, or the range is not positive.
pub fn ssim(
    truth: &Volume,
    output: &Volume,
    mask: &Volume,
    plane: Plane,
    range: f64,
    form: Form,
) -> Result<f64, MetricError> {
    check_range(range)?;
    check_alike([("truth", truth), ("output", output), ("mask", mask)])?;
    let [columns, rows, count] = plane.extent(truth);
    check_sides("SSIM", [columns, rows], form.taps())?;
    let (window, constants) = (form.window(), Constants::of_range(range));
    let of_slice = |index: usize| {
        let [x, y] = [truth, output].map(|volume| plane.slice(volume, index));
        window.ssim_within([&x, &y], [columns, rows], constants, &plane.mask(mask, index))
    };
    let slices: Vec<Option<f64>> = (0..count).into_par_iter().map(of_slice).collect();
    let values: Vec<f64> = slices.into_iter().flatten().collect();
    if values.is_empty() {
        let reason = "no window has its middle in the mask".to_owned();
        return Err(MetricError::Undefined { metric: "SSIM", reason });
    }
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// How rough an output is from slice to slice, next to its truth: 1 is ideal, more is torn, less is smeared.
///
/// ```text
/// D = Σ |y₋ − 2·y + y₊| / Σ |x₋ − 2·x + x₊|
/// ```
/// where x is the truth and y the output, and ₋ and ₊ are the voxels of the slices before and behind: the second difference along the
/// normal of `plane`, over all voxels of the mask that have both neighbours in it. Noise that has no relation to slices
/// raises it too: compare the number of one plane with that of the others.
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, no voxel has its neighbours in the mask, or the truth has no second
/// differences.
pub fn discontinuity(truth: &Volume, output: &Volume, mask: &Volume, plane: Plane) -> Result<f64, MetricError> {
    check_alike([("truth", truth), ("output", output), ("mask", mask)])?;
    let size @ [nx, ny, nz] = truth.grid().size();
    let axis = plane.normal();
    let step = [1, nx, nx * ny][axis];
    let is_inside = |at: usize| mask.values()[at] > INSIDE;
    let bend = |volume: &Volume, at: usize| {
        let [before, here, behind] = [at - step, at, at + step].map(|at| f64::from(volume.values()[at]));
        (before - 2.0 * here + behind).abs()
    };
    let [of_truth, of_output] = slice_sums(nz, |z| {
        let mut sums = [0.0; 2];
        for at in z * nx * ny..(z + 1) * nx * ny {
            let place = [at % nx, at / nx % ny, z][axis];
            let is_inner = place > 0 && place + 1 < size[axis];
            if is_inner && is_inside(at - step) && is_inside(at) && is_inside(at + step) {
                sums[0] += bend(truth, at);
                sums[1] += bend(output, at);
            }
        }
        sums
    });
    if of_truth == 0.0 {
        let reason = "the truth has no second differences in the mask".to_owned();
        return Err(MetricError::Undefined { metric: "discontinuity", reason });
    }
    Ok(of_output / of_truth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Grid, Image, Sample, Unit},
        metrics,
        phantom::random::Random,
    };

    const SIZE: [usize; 3] = [20, 16, 13];
    const RANGE_HU: f64 = 1400.0;

    fn volume(of: impl FnMut([usize; 3]) -> f64) -> Volume {
        let [nx, ny, nz] = SIZE;
        let places = (0..nx * ny * nz).map(|i| [i % nx, i / nx % ny, i / nx / ny]);
        let grid = Grid::centred(SIZE, [2.5, 4.0, 2.5]).unwrap();
        Volume::new(grid, Unit::Hounsfield, places.map(of).map(|v| v as f32).collect()).unwrap()
    }

    fn all() -> Volume {
        volume(|_| 1.0)
    }

    fn noise(seed: u64) -> Volume {
        let mut random = Random::new(seed);
        volume(|_| random.within(-500.0, 100.0))
    }

    #[test]
    fn fourteen_hu_of_fourteen_hundred_are_forty_decibels_in_the_mask_alone() {
        let truth = noise(1);
        // Whole numbers, so that the sum is exact.
        let truth = volume(|[x, y, z]| truth.values()[(z * 16 + y) * 20 + x].round().into());
        let mask = volume(|[x, ..]| if x < 10 { 1.0 } else { 0.0 });
        let output = volume(|[x, y, z]| f64::from(truth.view()[[z, y, x]]) + if x < 10 { 14.0 } else { 140.0 });
        let of = |mask: &Volume| psnr(&truth, &output, mask, RANGE_HU).unwrap();
        assert!((of(&mask) - 40.0).abs() < 1e-12, "{}", of(&mask));
        // The control: over all voxels, half of which are ten times as wrong.
        assert!((of(&all()) - 40.0 + 10.0 * 50.5_f64.log10()).abs() < 1e-12, "{}", of(&all()));
        assert_eq!(psnr(&truth, &truth, &mask, RANGE_HU), Ok(f64::INFINITY));
        let message = |mask: &Volume, range| psnr(&truth, &output, mask, range).unwrap_err().to_string();
        assert_eq!(message(&volume(|_| 0.0), 1.0), "PSNR is not defined: no voxel lies in the mask");
        assert!(message(&mask, 0.0).starts_with("range must be positive"));
    }

    #[test]
    fn similarity_of_whole_slices_is_that_of_images() {
        let (truth, output) = (noise(1), noise(2));
        for (plane, [columns, rows, count]) in Plane::ALL.into_iter().zip([[20, 16, 13], [20, 13, 16], [16, 13, 20]]) {
            let image = |volume: &Volume, index: usize| {
                let values = plane.slice(volume, index);
                Image::new([columns, rows], None, Sample::Float, Unit::Hounsfield, values).unwrap()
            };
            let one = |k| metrics::ssim(&image(&truth, k), &image(&output, k), RANGE_HU, Form::Wang).unwrap();
            let want = (0..count).map(one).sum::<f64>() / count as f64;
            let got = ssim(&truth, &output, &all(), plane, RANGE_HU, Form::Wang).unwrap();
            assert!((got - want).abs() < 1e-12 && got < 0.5, "{plane:?}: {got} instead of {want}");
        }
    }

    #[test]
    fn similarity_sees_what_lies_in_the_mask_and_no_other_slices() {
        let truth = noise(1);
        // Wrong behind x = 14; windows of 7 with their middle at x ≤ 10 do not see it.
        let output = volume(|[x, y, z]| if x > 13 { 0.0 } else { truth.view()[[z, y, x]].into() });
        let left = volume(|[x, ..]| if x <= 10 { 1.0 } else { 0.0 });
        let of = |mask: &Volume, plane| ssim(&truth, &output, mask, plane, RANGE_HU, Form::ScikitImage);
        assert_eq!(Plane::ALL.map(|plane| of(&left, plane)), [Ok(1.0), Ok(1.0), Ok(1.0)]);
        let right = volume(|[x, ..]| if x <= 11 { 1.0 } else { 0.0 });
        assert!(of(&right, Plane::Axial).unwrap() < 1.0);
        // Sagittal slices are right or wrong as wholes.
        assert_eq!(of(&right, Plane::Sagittal), Ok(1.0));
        let one_wrong = volume(|[x, ..]| if x == 12 || x == 14 { 1.0 } else { 0.0 });
        let half = of(&one_wrong, Plane::Sagittal).unwrap();
        assert!((0.5..0.55).contains(&half), "{half}");
        let edge = volume(|[x, ..]| if x < 3 { 1.0 } else { 0.0 });
        assert_eq!(
            of(&edge, Plane::Axial).unwrap_err().to_string(),
            "SSIM is not defined: no window has its middle in the mask"
        );
    }

    #[test]
    fn a_wave_of_twice_the_height_is_twice_as_rough_along_its_axis_alone() {
        let wave = |z: usize| [0.0, 10.0][z % 2];
        let truth = volume(|[x, y, z]| (x * x + y * y + z * z) as f64);
        // Second differences: 2 of the truth; ±20 of the wave, which makes 22 and 18.
        let output = volume(|[x, y, z]| (x * x + y * y + z * z) as f64 + wave(z));
        let of = |mask: &Volume, plane| discontinuity(&truth, &output, mask, plane).unwrap();
        // Of eleven inner slices six are odd, where −20 + 2 is 18.
        assert!((of(&all(), Plane::Axial) - (6.0 * 18.0 + 5.0 * 22.0) / 22.0).abs() < 1e-12);
        assert_eq!([Plane::Coronal, Plane::Sagittal].map(|plane| of(&all(), plane)), [1.0; 2]);
        assert_eq!(discontinuity(&truth, &truth, &all(), Plane::Axial), Ok(1.0));
        // One inner slice is left of three.
        let three = volume(|[.., z]| if (3..6).contains(&z) { 1.0 } else { 0.0 });
        assert_eq!(of(&three, Plane::Axial), 11.0);
        let flat = volume(|[x, ..]| x as f64);
        let message = discontinuity(&flat, &output, &all(), Plane::Axial).unwrap_err().to_string();
        assert_eq!(message, "discontinuity is not defined: the truth has no second differences in the mask");
        let two = volume(|[.., z]| if z < 2 { 1.0 } else { 0.0 });
        assert!(discontinuity(&truth, &output, &two, Plane::Axial).unwrap_err().is_undefined());
    }

    #[cfg(feature = "parallel")]
    #[test]
    fn figures_have_the_same_bits_for_any_number_of_threads() {
        let (truth, output) = (noise(3), noise(4));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mask = all();
                let of_planes = Plane::ALL.map(|plane| {
                    let similar = ssim(&truth, &output, &mask, plane, RANGE_HU, Form::Wang).unwrap();
                    [similar, discontinuity(&truth, &output, &mask, plane).unwrap()]
                });
                (psnr(&truth, &output, &mask, RANGE_HU).unwrap(), of_planes)
            })
        };
        assert_eq!([2, 3, 8].map(with), [with(1); 3]);
    }
}
