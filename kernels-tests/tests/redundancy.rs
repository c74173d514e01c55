//! Reconstructions whose rays repeat each other unevenly, against those of plain scans of the same object.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::DVec3;
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Plan},
    geometry::{Geometry, Scan, Source, Vectors, View},
    phantom::{Phantom, SHEPP_LOGAN_RADIUS_MM, shepp_logan, tissue::WATER, water_cylinder},
    tasks::{Fdk, FdkOptions, Recorded},
};

fn cone(views: usize, arc_deg: f64, columns: usize, offset_mm: f64) -> Scan {
    Scan::from_toml(&format!(
        "kind = \"cone-circular\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1500.0\nviews = {views}\n\
         arc_deg = {arc_deg}\ndetector = [{columns}, 16]\npitch_mm = [2.0, 2.0]\noffset_mm = [{offset_mm}, 0.0]\n"
    ))
    .unwrap()
}

fn parallel(views: usize, columns: usize, offset_mm: f64) -> Scan {
    Scan::from_toml(&format!(
        "kind = \"parallel\"\nviews = {views}\narc_deg = 360.0\ndetector = [{columns}, 16]\npitch_mm = [2.0, 2.0]\n\
         offset_mm = [{offset_mm}, 0.0]\n"
    ))
    .unwrap()
}

/// The scan as explicit views, each changed.
fn explicit(scan: &Scan, change: impl Fn(&View) -> View) -> Scan {
    let geometry = scan.build().unwrap();
    let views = geometry.views().iter().map(change).collect();
    Scan::from(Vectors::from(&Geometry::new(geometry.detector(), views).unwrap()))
}

fn grid() -> Grid {
    "120x120x5@2x2x2".parse().unwrap()
}

fn reconstructed(scan: &Scan, phantom: &Phantom) -> Volume {
    volume(scan, &phantom.project(&scan.build().unwrap()).unwrap(), &grid())
}

fn volume(scan: &Scan, projections: &Projections, grid: &Grid) -> Volume {
    let task = Fdk::new(projections, scan, grid, FdkOptions::default()).unwrap();
    let device = Device::cpu();
    let plan = Plan::new(task.graph(), device.limits()).unwrap();
    let outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    task.finish(outputs).unwrap()
}

/// Worst difference as a share of the largest value.
fn worst(got: &Volume, want: &Volume) -> f64 {
    let peak = want.values().iter().fold(0.0_f32, |peak, v| peak.max(v.abs()));
    let worst = got.values().iter().zip(want.values()).fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
    f64::from(worst / peak)
}

/// Mean of a volume where `place` holds, and the RMS of the differences to another one.
fn compared(got: &Volume, want: &Volume, place: impl Fn(DVec3) -> bool) -> (f64, f64, f64) {
    let [nx, ny, _] = got.grid().size();
    let (mut sums, mut square, mut count) = ([0.0; 2], 0.0, 0.0);
    for (n, (got_value, want_value)) in got.values().iter().zip(want.values()).enumerate() {
        let index = DVec3::new((n % nx) as f64, (n / nx % ny) as f64, (n / nx / ny) as f64);
        if place(got.grid().world_mm(index)) {
            let [a, b] = [got_value, want_value].map(|v| f64::from(*v));
            sums = [sums[0] + a, sums[1] + b];
            square += (a - b).powi(2);
            count += 1.0;
        }
    }
    assert!(count > 1000.0);
    (sums[0] / count, sums[1] / count, (square / count).sqrt())
}

#[test]
fn a_short_scan_whose_columns_run_against_the_source_reads_the_same() {
    let scan = cone(120, 210.0, 160, 0.0);
    let projections = shepp_logan(90.0).unwrap().project(&scan.build().unwrap()).unwrap();
    let plain = volume(&scan, &projections, &grid());
    let flipped = explicit(&scan, |v| View { u_step: -v.u_step, ..*v });
    let mut values = projections.values().to_vec();
    values.chunks_mut(160).for_each(<[f32]>::reverse);
    let mirrored = Projections::new(120, [160, 16], projections.pitch_mm(), Unit::LineIntegral, values).unwrap();
    let difference = worst(&volume(&flipped, &mirrored, &grid()), &plain);
    assert!(difference <= 1e-4, "{difference:.2e}");
    let difference = worst(&volume(&flipped, &projections, &grid()), &plain);
    assert!(difference > 0.1, "the control: columns in the wrong order, {difference:.2e}");
}

#[test]
fn a_detector_displaced_by_a_third_reads_what_a_centred_one_does() {
    // Half the detector's 128 columns and 0.35 of their width: 217.6 mm to one side, 38.4 to the other. The cylinder's
    // shadow reaches 151 mm from the central ray, its parallel one 100 mm.
    let pairs = [
        (cone(240, 360.0, 218, 0.0), cone(240, 360.0, 128, 89.6)),
        (cone(240, 360.0, 218, 0.0), cone(240, 360.0, 128, -89.6)),
        (cone(240, -360.0, 218, 0.0), cone(240, -360.0, 128, 89.6)),
        (parallel(240, 160, 0.0), parallel(240, 96, 67.2)),
    ];
    for (centred, displaced) in pairs {
        let water = water_cylinder().unwrap();
        let (got, want) = (reconstructed(&displaced, &water), reconstructed(&centred, &water));
        // Near the axis, where rays are seen twice; across the edge of the overlap; beyond it.
        for (inner, outer) in [(0.0, 20.0), (20.0, 45.0), (45.0, 90.0)] {
            let (got, want, rms) = compared(&got, &want, |p| (inner..outer).contains(&p.truncate().length()));
            println!(
                "{}: {inner} to {outer} mm: {:.4} and {:.4} of water, RMS {:.4}",
                displaced.kind(),
                got / WATER,
                want / WATER,
                rms / WATER
            );
            assert!((got / want - 1.0).abs() <= 0.01, "{inner} to {outer} mm: {got} and {want}");
            assert!(rms / WATER <= 0.02, "{inner} to {outer} mm: RMS {rms}");
        }
    }
}

#[test]
fn a_displaced_detector_keeps_the_shepp_logan_head() {
    let head = shepp_logan(SHEPP_LOGAN_RADIUS_MM).unwrap();
    let want = reconstructed(&cone(240, 360.0, 218, 0.0), &head);
    let got = reconstructed(&cone(240, 360.0, 128, 89.6), &head);
    let (got, want, rms) = compared(&got, &want, |p| p.truncate().length() < 70.0);
    println!("{got:.5} and {want:.5}, RMS {rms:.5}");
    assert!((got / want - 1.0).abs() <= 0.01, "{got} and {want}");
    // Lines beyond the overlap are seen once, and edges sampled half as finely: half of the 0.0112 that such a scan errs.
    assert!(rms <= 0.0056, "RMS {rms}");
}

#[test]
fn a_circle_above_the_origin_keeps_the_scale() {
    // A long cylinder is the same at every height, so that the cone angle does no harm.
    let water = water_cylinder().unwrap();
    let plain = cone(120, 360.0, 160, 0.0);
    let low = reconstructed(&plain, &water);
    let lift = 200.0 * DVec3::Z;
    let shifted = |scale_down: f64| {
        move |view: &View| {
            let Source::Point(source) = view.source else { return *view };
            let centre = view.detector_centre - scale_down * lift;
            View { source: Source::Point(source + lift), detector_centre: centre, ..*view }
        }
    };
    // The detector hangs where the rays through the origin go, upright or facing the source.
    let upright = explicit(&plain, shifted(0.5));
    let facing = explicit(&plain, |view| {
        let view = shifted(0.5)(view);
        let Source::Point(source) = view.source else { return view };
        View { v_step: 2.0 * (source.cross(view.u_step)).normalize(), ..view }
    });
    // Voxels that the 16 rows see in every view.
    for (name, scan) in [("upright", upright), ("facing the source", facing)] {
        let high = reconstructed(&scan, &water);
        let (got, want, _) = compared(&high, &low, |p| p.truncate().length() < 30.0 && p.z.abs() < 2.5);
        println!("{name}: {:.4} and {:.4} of water", got / WATER, want / WATER);
        assert!((got / want - 1.0).abs() <= 0.005, "{name}: {got} and {want}");
    }
}

#[test]
fn a_displaced_detector_on_a_short_scan_reads_what_lies_within_its_short_side() {
    // 96 columns of 2 mm, displaced by 30: 65 mm to one side of the axis and 125 mm / 1.5 = 83 mm to the other.
    let head = shepp_logan(40.0).unwrap();
    let want = reconstructed(&cone(240, 360.0, 160, 0.0), &head);
    let within = |p: DVec3| p.truncate().length() < 38.0;
    for (arc_deg, offset_mm) in [(230.0, 30.0), (230.0, -30.0), (-230.0, 30.0), (300.0, 30.0)] {
        let scan = cone(200, arc_deg, 96, offset_mm);
        let (got, want, rms) = compared(&reconstructed(&scan, &head), &want, within);
        println!("{arc_deg}°, {offset_mm} mm: {got:.5} and {want:.5}, RMS {rms:.5}");
        assert!((got / want - 1.0).abs() <= 0.005, "{arc_deg}°, {offset_mm} mm: {got} and {want}");
        assert!(rms <= 0.0056, "{arc_deg}°, {offset_mm} mm: RMS {rms}");
    }
    let projections = head.project(&cone(200, 230.0, 96, 30.0).build().unwrap()).unwrap();
    let task = Fdk::new(&projections, &cone(200, 230.0, 96, 30.0), &grid(), FdkOptions::default()).unwrap();
    let remark = task.redundancy().remark().unwrap();
    assert!(remark.contains("more than 43 mm from the axis"), "{remark}");
    // The control: a quarter of a circle less does not see every line.
    let scan = cone(200, 150.0, 96, 30.0);
    let (got, want, rms) = compared(&reconstructed(&scan, &head), &want, within);
    assert!((got / want - 1.0).abs() > 0.05 || rms > 0.0056, "{got} and {want}, RMS {rms}");
}

fn helix(arc_deg: f64, advance_mm: f64, rows: usize) -> Scan {
    let views = (arc_deg.abs() / 1.5) as usize + 1;
    Scan::from_toml(&format!(
        "kind = \"helical\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1500.0\nviews = {views}\narc_deg = {arc_deg}\n\
         start_deg = 25.0\nadvance_mm = {advance_mm}\ndetector = [160, {rows}]\npitch_mm = [2.0, 2.0]\n"
    ))
    .unwrap()
}

#[test]
fn a_helix_reads_what_a_circle_does() {
    // A long cylinder is the same at every height.
    let water = water_cylinder().unwrap();
    let want = reconstructed(&cone(240, 360.0, 160, 0.0), &water);
    for (arc_deg, advance_mm) in [(1080.0, 24.0), (1080.0, -24.0), (-1080.0, 24.0)] {
        let got = reconstructed(&helix(arc_deg, advance_mm, 32), &water);
        for (inner, outer) in [(0.0, 30.0), (30.0, 60.0), (60.0, 90.0)] {
            let (got, want, rms) = compared(&got, &want, |p| (inner..outer).contains(&p.truncate().length()));
            println!("{arc_deg}°, {advance_mm} mm: {:.4} of {:.4}, RMS {:.4}", got / WATER, want / WATER, rms / WATER);
            assert!((got / want - 1.0).abs() <= 0.005, "{inner} to {outer} mm: {got} and {want}");
            assert!(rms / WATER <= 0.01, "{inner} to {outer} mm: RMS {rms}");
        }
    }
}

#[test]
fn a_helix_that_does_not_measure_a_slice_is_refused() {
    let message = |scan: &Scan, grid: &str| {
        let projections = water_cylinder().unwrap().project(&scan.build().unwrap()).unwrap();
        let task = Fdk::new(&projections, scan, &grid.parse().unwrap(), FdkOptions::default());
        task.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let grid = "60x60x5@3x3x2";
    assert_eq!(message(&helix(1080.0, 24.0, 32), grid), "");
    let fast = message(&helix(1080.0, 60.0, 32), grid);
    assert!(
        fast.starts_with("the scan does not measure the volume: a full turn around a slice reaches 34.8 mm"),
        "{fast}"
    );
    let short = message(&helix(400.0, 24.0, 32), grid);
    assert!(short.contains("slices need a full turn of the helix around them"), "{short}");
    let displaced =
        helix(1080.0, 24.0, 32).to_toml().unwrap().replace("offset_mm = [0.0, 0.0]", "offset_mm = [30.0, 0.0]");
    let displaced = message(&Scan::from_toml(&displaced).unwrap(), grid);
    assert!(displaced.contains("a helix needs a centred detector"), "{displaced}");
}
