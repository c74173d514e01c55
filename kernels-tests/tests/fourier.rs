//! Reconstruction of parallel beams in frequency, against the sums over polar samples in double precision and against filtered
//! back-projection, on the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::f64::consts::TAU;

use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Extent, Graph, Plan},
    geometry::{Parallel, Scan},
    kernels::{
        fdk::ramp::{RampFilter, Window},
        fourier::{
            gather::{self, WIDTH},
            spectra::RowForm,
        },
    },
    phantom::{SHEPP_LOGAN_RADIUS_MM, shepp_logan},
    tasks::{Fdk, FdkOptions, Fourier, Task, TaskError},
};
use kerma_kernels_tests::{
    Seeded,
    oracle::{Row, polar_sum},
};

/// What a window of six points lets through of what repeats beyond the grid's period, as a share of the largest value: e^(−β) = 10⁻⁶
/// (β = 13.9) of each of some ten repetitions, times 1/ŵ² at the corners, which is up to 50 times that in the middle.
const REPEATED: f64 = 2e-4;
/// The window's table (see the kernel), and roundings of sums of some thousand numbers that add up in quadrature.
const GATHERED: f64 = 1e-5;

fn scan(views: usize, start_deg: f64, arc_deg: f64, detector: [usize; 2], offset_mm: f64) -> Parallel {
    Parallel {
        views,
        start_deg,
        arc_deg,
        angles_deg: Vec::new(),
        detector,
        pitch_mm: [1.3, 1.7],
        offset_mm: [offset_mm, 0.0],
    }
}

fn run<T: Task<Result = Volume>>(task: Result<T, TaskError>) -> Volume {
    pollster::block_on(task.unwrap().run(&Device::cpu(), &Control::default())).unwrap()
}

fn stack(scan: &Parallel, values: Vec<f32>) -> Projections {
    Projections::new(scan.views, scan.detector, scan.pitch_mm, Unit::LineIntegral, values).unwrap()
}

/// Largest error of the reconstruction on `grid` over the truth's largest value, when the truth is on `grid` moved by so many voxels along x.
/// The detector's rows are the grid's slices.
fn error(parallel: &Parallel, grid: &str, length: usize, moved: f64) -> f64 {
    let grid: Grid = grid.parse().unwrap();
    let [columns, rows] = parallel.detector;
    let values = Seeded::new(columns as u64).values(parallel.views * rows * columns, 0.0, 3.0);
    let scan = Scan::from(parallel.clone());
    let options = FdkOptions { window: Window::Cosine, cutoff: 0.9, ..FdkOptions::default() };
    let volume = run(Fourier::new(stack(parallel, values.clone()), &scan, &grid, options));

    let orbit = scan.orbit().unwrap();
    let repeated = if orbit.full_circle { 0.5 } else { 1.0 };
    let filter =
        RampFilter { pitch_mm: parallel.pitch_mm[0], window: options.window, cutoff: options.cutoff, profile: None };
    let taps = filter.taps(length / 2);
    let [nx, ny, nz] = grid.size();
    let (spacing, origin) = (grid.spacing_mm(), grid.origin_mm());
    let mut worst = 0.0_f64;
    for z in 0..nz {
        let row = |(view, angle): (usize, &f64)| {
            let weight = orbit.weights_rad[view] * repeated;
            let values = &values[(view * rows + z) * columns..][..columns];
            let per_mm = [angle.cos(), angle.sin()].map(|of| of / parallel.pitch_mm[0]);
            let column = |x: f64, y: f64| x * per_mm[0] + y * per_mm[1];
            let first = (columns as f64 - 1.0) / 2.0 - parallel.offset_mm[0] / parallel.pitch_mm[0]
                + column(origin.x + moved * spacing.x, origin.y);
            Row {
                values: values.iter().map(|value| f64::from(*value) * weight).collect(),
                form: [first, column(spacing.x, 0.0), column(0.0, spacing.y)],
            }
        };
        let views: Vec<Row> = orbit.angles_rad.iter().enumerate().map(row).collect();
        let truth = polar_sum(&views, &taps, length, [nx, ny]);
        let peak = truth.iter().fold(0.0_f64, |peak, value| peak.max(value.abs()));
        let slice = &volume.values()[z * nx * ny..][..nx * ny];
        for (value, truth) in slice.iter().zip(&truth) {
            worst = worst.max((f64::from(*value) - truth).abs() / peak);
        }
    }
    worst
}

#[test]
fn volumes_are_the_sums_over_polar_samples() {
    for (parallel, grid, length) in [
        // Half a turn, with and without its end; odd sizes, one slice and several.
        (scan(25, 0.0, 180.0, [40, 1], 0.0), "21x17x1@1.3x1.3x1.7", 128),
        (scan(24, 11.0, 172.5, [33, 3], 0.0), "16x31x3@1.3x1.3x1.7", 128),
        // A full turn, clockwise; voxels that are not square; a shifted detector.
        (scan(30, -20.0, -360.0, [50, 2], 0.65), "20x24x2@1.1x2.1x1.7", 128),
        // A grid off the axis, which asks for longer rows; voxels finer and much coarser than pixels.
        (scan(24, 0.0, 180.0, [32, 2], 0.0), "33x20x2@1.3x1.3x1.7+20,-9,0", 128),
        (scan(24, 0.0, 180.0, [64, 1], 0.0), "64x64x1@0.4x0.4x1.7", 128),
        (scan(24, 0.0, 180.0, [64, 1], 0.0), "9x8x1@6x7x1.7", 128),
    ] {
        let found = error(&parallel, grid, length, 0.0);
        assert!(found < REPEATED, "{grid}: {found}");
        let control = error(&parallel, grid, length, 0.01);
        assert!(control > REPEATED, "{grid} moved by a hundredth of a voxel: {control}");
    }
}

/// I₀ by its integral: (1/π)·∫₀^π e^(x·cos t) dt, whose trapezoids are exact to the last digits.
fn bessel(x: f64) -> f64 {
    const STEPS: u32 = 200;
    (0..STEPS).map(|k| (x * (TAU * (f64::from(k) + 0.5) / f64::from(2 * STEPS)).cos()).exp()).sum::<f64>()
        / f64::from(STEPS)
}

#[test]
fn grid_points_are_sums_over_the_samples_around_them() {
    let (n, [rows, columns]) = (32, [32_usize, 64]);
    let form = |view: u32| {
        let (sin, cos) = (0.3 + f64::from(view) / 4.0).sin_cos();
        RowForm { middle: 0.0, x: 1.2 * cos, y: 0.9 * sin }
    };
    let forms: Vec<RowForm> = (0..12).map(form).collect();
    let extent = Extent::new(2, forms.len(), 2 * n);
    let samples: Vec<[f32; 2]> =
        Seeded::new(5).values(2 * extent.elements() as usize, -1.0, 1.0).as_chunks().0.to_vec();
    let mut graph = Graph::new();
    let uploaded = graph.upload("samples", extent, &samples);
    let grid = graph.buffer::<[f32; 2]>("grid", Extent::new(2, rows, columns));
    let tables = gather::Tables::record(&mut graph, &forms, n, [rows as u32, columns as u32]);
    gather::record(&mut graph, &tables, uploaded, grid.replace());
    let output = graph.result(grid);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let values = pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap();

    let width = WIDTH as f64;
    let beta = TAU / 2.0 * ((width / 2.0 * 1.5).powi(2) - 0.8).sqrt();
    let window = |distance: f64, points: usize| {
        let points = points as f64;
        let distance = distance - points * (distance / points).round();
        let square = 1.0 - (2.0 * distance / width).powi(2);
        if square < 0.0 { 0.0 } else { bessel(beta * square.sqrt()) / bessel(beta) }
    };
    let mut errors = [0.0_f64; 2];
    for (index, value) in values.iter().enumerate() {
        let (pair, row, place) = (index / (rows * columns), index / columns % rows, index % columns);
        let bits = columns.trailing_zeros();
        let number = (0..bits).fold(0, |number, bit| number | (place >> bit & 1) << (bits - 1 - bit));
        let [a, b] = [row as f64 - rows as f64 / 2.0, number as f64];
        let mut sum = [0.0; 2];
        for (view, form) in forms.iter().enumerate() {
            for number in 0..2 * n {
                let m = number as f64 / n as f64 - 1.0;
                let weight =
                    window(a - m * form.x * rows as f64, rows) * window(b - m * form.y * columns as f64, columns);
                let [re, im] = samples[(pair * forms.len() + view) * 2 * n + number];
                sum = [sum[0] + weight * f64::from(re), sum[1] + weight * f64::from(im)];
            }
        }
        // (−i)^(a + b)
        let (sin, cos) = (-TAU / 4.0 * (a + b)).sin_cos();
        let turned = [sum[0] * cos - sum[1] * sin, sum[0] * sin + sum[1] * cos];
        for (error, truth) in errors.iter_mut().zip([turned, sum]) {
            *error = error.max((f64::from(value[0]) - truth[0]).abs()).max((f64::from(value[1]) - truth[1]).abs());
        }
    }
    // In the middle some hundred samples add up.
    assert!(errors[0] < 10.0 * GATHERED, "{errors:?}");
    assert!(errors[1] > 1.0, "sums that are not turned: {errors:?}");
}

#[test]
fn volumes_are_those_of_filtered_back_projection() {
    let parallel = Parallel { pitch_mm: [2.0, 2.0], ..scan(120, 0.0, 178.5, [128, 3], 0.0) };
    let scan = Scan::from(parallel);
    let grid: Grid = "128x128x3@2x2x2".parse().unwrap();
    let projections = shepp_logan(SHEPP_LOGAN_RADIUS_MM).unwrap().project(&scan.build().unwrap()).unwrap();
    let options = FdkOptions::default();
    let wanted = run(Fdk::new(&projections, &scan, &grid, options));
    let found = run(Fourier::new(&projections, &scan, &grid, options));
    let hann = run(Fourier::new(&projections, &scan, &grid, FdkOptions { window: Window::Hann, ..options }));
    let differences = |volume: &Volume| {
        let inside = |index: usize| {
            let at = |n: usize| (n as f64 - 63.5) * 2.0;
            at(index % 128).hypot(at(index / 128 % 128)) < 120.0
        };
        let all = volume.values().iter().zip(wanted.values()).enumerate().filter(|(index, _)| inside(*index));
        let differences: Vec<f64> = all.map(|(_, (a, b))| f64::from(a - b)).collect();
        let count = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / count;
        [(differences.iter().map(|d| d * d).sum::<f64>() / count).sqrt(), mean]
    };
    // What frequencies beyond twice that of the detector add at edges of contrast 1, and no offset.
    let [rms, mean] = differences(&found);
    assert!(rms < 5e-3 && mean.abs() < 1e-4, "{rms} {mean}");
    let [control, _] = differences(&hann);
    assert!(control > 10e-3, "another window: {control}");
}

#[test]
fn what_frequencies_cannot_do_is_refused() {
    let refusal = |toml: &str, grid: &str| {
        let scan = Scan::from_toml(toml).unwrap();
        let geometry = scan.build().unwrap();
        let values = vec![1.0; geometry.value_count()];
        let stack = Projections::new(
            geometry.views().len(),
            geometry.detector(),
            geometry.pitch_mm(),
            Unit::LineIntegral,
            values,
        );
        let task = Fourier::new(stack.unwrap(), &scan, &grid.parse().unwrap(), FdkOptions::default());
        task.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let parallel = |columns: usize| {
        format!("kind = 'parallel'\nviews = 4\narc_deg = 135\ndetector = [{columns}, 2]\npitch_mm = [1.0, 1.0]")
    };
    let cone = "kind = 'cone-circular'\nsource_isocentre_mm = 500\nsource_detector_mm = 800\nviews = 4\narc_deg = 360\n\
                detector = [8, 8]\npitch_mm = [1.0, 1.0]";
    assert!(refusal(cone, "4x4x2@1x1x1").contains("fourier needs parallel beams"));
    assert!(refusal(&parallel(1025), "4x4x2@1x1x1").contains("at most 1024 detector columns"));
    assert!(refusal(&parallel(32), "4x4x2@1x1x1+2000,0,0").contains("at most 1024 columns from the middle"));
    assert!(refusal(&parallel(32), "1025x4x2@0.1x1x1").contains("at most 1024 voxels"));
    assert_eq!(refusal(&parallel(1024), "4x4x2@1x1x1"), "");
}
