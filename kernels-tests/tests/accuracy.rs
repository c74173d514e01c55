//! Kernels and tasks against independent truth, on the CPU backend: other devices give its bits.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::{DMat3, DQuat, DVec3};
use kerma::{
    data::{Grid, Projections, Volume},
    engine::{Control, Device, Extent, Graph, Output, Plan},
    geometry::{DetectorAxis, Geometry, Scan, Source, View},
    kernels::fdk::backproject,
    phantom::{Phantom, SHEPP_LOGAN_RADIUS_MM, shepp_logan},
    tasks::{Fdk, FdkOptions, Projection, Recorded},
};
use kerma_kernels_tests::{
    noise_volume,
    oracle::{self, Error},
};

fn run(graph: &Graph<'_>, output: Output<f32>) -> Vec<f32> {
    let device = Device::cpu();
    let plan = Plan::new(graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

fn phantom() -> Phantom {
    shepp_logan(SHEPP_LOGAN_RADIUS_MM).unwrap()
}

fn grid() -> Grid {
    "128x128x128@2x2x2".parse().unwrap()
}

fn cone(views: usize, arc_deg: f64) -> Scan {
    Scan::from_toml(&format!(
        "kind = \"cone-circular\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1500.0\nviews = {views}\n\
         arc_deg = {arc_deg}\ndetector = [192, 192]\npitch_mm = [2.0, 2.0]\n"
    ))
    .unwrap()
}

fn parallel(views: usize, start_deg: f64, arc_deg: f64) -> Scan {
    Scan::from_toml(&format!(
        "kind = \"parallel\"\nviews = {views}\nstart_deg = {start_deg}\narc_deg = {arc_deg}\n\
         detector = [192, 192]\npitch_mm = [1.5, 1.5]\n"
    ))
    .unwrap()
}

fn tomosynthesis(views: usize) -> Scan {
    Scan::from_toml(&format!(
        "kind = \"tomosynthesis-linear\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1150.0\n\
         sweep_deg = 30.0\nviews = {views}\ndetector = [192, 192]\npitch_mm = [1.7, 1.7]\n"
    ))
    .unwrap()
}

fn projected(volume: &Volume, geometry: &Geometry) -> Vec<f32> {
    let task = Projection::new(volume, geometry).unwrap();
    let device = Device::cpu();
    let plan = Plan::new(task.graph(), device.limits()).unwrap();
    let outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    task.finish(outputs).unwrap().into_values()
}

/// What single precision may cost a line integral: a few roundings of the sum of some 200 pieces, RMS and at worst.
const PATH_RMS: f64 = 2e-6;
const PATH_WORST: f64 = 1e-5;

#[test]
fn line_integrals_are_those_of_the_sorted_crossings() {
    let noise = noise_volume(grid());
    let head = phantom().voxelise(&grid(), 2);
    // Angles of a scan of 64 views among which none but the first is special; every ninth of them.
    let views = |scan: Scan| {
        let geometry = scan.build().unwrap();
        let every_ninth = geometry.views().iter().step_by(9).take(4).copied().collect();
        Geometry::new(geometry.detector(), every_ninth).unwrap()
    };
    for (name, scan) in
        [("cone", cone(64, 360.0)), ("parallel", parallel(64, 1.0, 180.0)), ("tomosynthesis", tomosynthesis(30))]
    {
        let geometry = views(scan);
        for (what, volume) in [("Shepp-Logan", &head), ("noise", &noise)] {
            let error = Error::of(&projected(volume, &geometry), &oracle::project(volume, &geometry));
            println!("{name}, {what}: {error:?}");
            assert!(error.relative_rms <= PATH_RMS && error.worst_of_peak <= PATH_WORST, "{name}, {what}: {error:?}");
        }
    }
}

/// Long products of a pixel's number and its step would lose digits: 65,536 pixels are the most that a scan may have.
#[test]
fn line_integrals_of_the_longest_detectors_are_as_right() {
    let volume = noise_volume("64x64x9@2x2x2".parse().unwrap());
    let cone = "kind = \"cone-circular\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1300.0";
    for [columns, rows] in [[8192, 2], [16_384, 2], [2, 16_384], [65_536, 1]] {
        let pitch = 180.0 / columns.max(rows) as f64;
        for kind in ["kind = \"parallel\"", cone] {
            let text = format!(
                "{kind}\nviews = 3\nstart_deg = 0.01\narc_deg = 100.0\ndetector = [{columns}, {rows}]\n\
                 pitch_mm = [{pitch}, {pitch}]\n"
            );
            let geometry = Scan::from_toml(&text).unwrap().build().unwrap();
            let error = Error::of(&projected(&volume, &geometry), &oracle::project(&volume, &geometry));
            println!("{columns} × {rows}, {kind}: {error:?}");
            assert!(
                error.relative_rms <= PATH_RMS && error.worst_of_peak <= PATH_WORST,
                "{columns} × {rows}: {error:?}"
            );
        }
    }
}

fn view(source: Source, centre: [f64; 3], u: [f64; 3], v: [f64; 3]) -> View {
    View { source, detector_centre: centre.into(), u_step: u.into(), v_step: v.into() }
}

#[test]
fn tilted_views_of_turned_voxels_are_right_and_end_at_the_pixel() {
    let turn = DMat3::from_quat(DQuat::from_axis_angle(DVec3::new(1.0, -2.0, 0.5).normalize(), 0.7));
    let grid = Grid::new([31, 29, 37], [1.9, 2.3, 1.2], [-20.0, -40.0, 5.0], turn).unwrap();
    let point = |x: f64, y: f64, z: f64| Source::Point(DVec3::new(x, y, z));
    let centre = grid.centre_mm();
    let views = [
        view(point(-200.0, 90.0, 40.0), [100.0, -60.0, 10.0], [0.3, 0.9, 0.1], [0.1, -0.2, 1.1]),
        view(point(10.0, -250.0, -90.0), [10.0, 90.0, 80.0], [1.1, 0.2, 0.0], [0.0, 0.3, 0.9]),
        // The detector stands in the middle of the volume: what lies beyond it does not count.
        view(point(0.0, 30.0, 300.0), centre.to_array(), [0.9, 0.1, 0.0], [0.0, 1.0, 0.3]),
        view(
            Source::Direction(DVec3::new(1.0, 2.0, -1.0).normalize()),
            [9.0, 3.0, 1.0],
            [1.0, -0.5, 0.1],
            [0.2, 0.3, 0.9],
        ),
    ];
    let geometry = Geometry::new([96, 90], views.to_vec()).unwrap();
    let volume = noise_volume(grid);
    let error = Error::of(&projected(&volume, &geometry), &oracle::project(&volume, &geometry));
    println!("{error:?}");
    assert!(error.relative_rms <= PATH_RMS && error.worst_of_peak <= PATH_WORST, "{error:?}");
}

#[test]
fn rays_in_faces_belong_to_the_positive_side() {
    for size in ["16x16x16@2x2x2", "15x13x11@2x2x2"] {
        let volume = noise_volume(size.parse().unwrap());
        // Pixels of half a voxel: every other ray along an axis lies in a face.
        let scan = "kind = \"parallel\"\nviews = 4\narc_deg = 270.0\ndetector = [41, 39]\npitch_mm = [1.0, 1.0]\n";
        let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
        let error = Error::of(&projected(&volume, &geometry), &oracle::project(&volume, &geometry));
        assert!(error.relative_rms <= PATH_RMS && error.worst_of_peak <= PATH_WORST, "{size}: {error:?}");
    }
}

/// Voxels blur a surface by half their size, d = 1 mm; the chord of a ray that grazes the skull, with a radius of about
/// R = 90 mm and 0.8 mm⁻¹ more than what is within, changes by as much as 2√(2Rd) = 27 mm of at most 100 mm, and one
/// ray in twenty passes that close.
const VOXEL_RMS: f64 = 0.06;
/// What all rays together measure does not change: voxels hold means.
const VOXEL_SUM: f64 = 1e-3;

#[test]
fn a_voxelised_phantom_projects_like_its_formula() {
    let volume = phantom().voxelise(&grid(), 4);
    for scan in [cone(5, 360.0), parallel(5, 10.0, 180.0), tomosynthesis(5)] {
        let geometry = scan.build().unwrap();
        let exact = phantom().project(&geometry).unwrap();
        let truth: Vec<f64> = exact.values().iter().map(|v| f64::from(*v)).collect();
        let values = projected(&volume, &geometry);
        let error = Error::of(&values, &truth);
        let sum = values.iter().map(|v| f64::from(*v)).sum::<f64>() / truth.iter().sum::<f64>() - 1.0;
        println!("{}: {error:?}, sum {sum:.1e}", scan.kind());
        assert!(error.relative_rms <= VOXEL_RMS, "{}: {error:?}", scan.kind());
        assert!(sum.abs() <= VOXEL_SUM, "{}: sum is off by {sum:.1e}", scan.kind());
    }
}

/// Eight roundings of a detector coordinate of up to 96 pixels, times the steepest slope of the test pattern, 0.4 per
/// pixel: 2·10⁻⁵ of the pattern's height in every view, and views add up to the peak.
const GATHER_WORST: f64 = 2e-5;

#[test]
fn back_projection_is_that_of_rays_in_double_precision() {
    let small: Grid = "48x40x32@5x5x5+3,-2,1".parse().unwrap();
    for scan in [cone(12, 360.0), parallel(12, 3.0, 180.0), tomosynthesis(9)] {
        let geometry = scan.build().unwrap();
        let [columns, rows] = geometry.detector();
        let pattern = |i: usize| {
            let (column, row, view) = (i % columns, i / columns % rows, i / columns / rows);
            (1.0 + 0.4 * ((column as f64 * 0.4 + view as f64).sin() + (row as f64 * 0.3).cos())) as f32
        };
        let filtered: Vec<f32> = (0..geometry.value_count()).map(pattern).collect();
        let truth = oracle::backproject(&filtered, &geometry, &small);
        // By the kernel for the geometry, and by the one for any.
        for is_general in [false, true] {
            let mut graph = Graph::new();
            let uploaded = graph.upload("filtered", Extent::new(geometry.views().len(), rows, columns), &filtered);
            let volume = graph.buffer("volume", Extent::new(32, 40, 48));
            if is_general {
                let matrices = backproject::matrices(&geometry, DetectorAxis::U, 0, &small);
                backproject::general(&mut graph, &matrices, (&small, small.all_slices()), uploaded, volume.replace());
            } else {
                backproject::record(&mut graph, &geometry, DetectorAxis::U, 0, &small, uploaded, volume.replace());
            }
            let output = graph.result(volume);
            let error = Error::of(&run(&graph, output), &truth);
            println!("{}, general {is_general}: {error:?}", scan.kind());
            assert!(error.worst_of_peak <= GATHER_WORST, "{}: {error:?}", scan.kind());
        }
    }
}

fn reconstructed(scan: &Scan, projections: &Projections, grid: &Grid) -> Volume {
    let task = Fdk::new(projections, scan, grid, FdkOptions::default()).unwrap();
    let device = Device::cpu();
    let plan = Plan::new(task.graph(), device.limits()).unwrap();
    let outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    task.finish(outputs).unwrap()
}

/// Soft tissue of the phantom's head, in mm⁻¹ times its scale.
const FLAT: f64 = 0.2;

/// RMS error in the central cylinder (r ≤ 70 mm, |z| ≤ 45 mm), and the mean where the phantom is flat in it.
fn accuracy(volume: &Volume) -> (f64, f64) {
    let grid = volume.grid();
    let truth = phantom().voxelise(grid, 4);
    let [nx, ny, nz] = grid.size();
    let at = |x: usize, y: usize, z: usize| (z * ny + y) * nx + x;
    let (mut square, mut count, mut flat_sum, mut flat_count) = (0.0, 0, 0.0, 0);
    for z in 1..nz - 1 {
        for y in 1..ny - 1 {
            for x in 1..nx - 1 {
                let place = grid.world_mm(DVec3::new(x as f64, y as f64, z as f64));
                if place.truncate().length() > 70.0 || place.z.abs() > 45.0 {
                    continue;
                }
                let (got, want) = (f64::from(volume.values()[at(x, y, z)]), f64::from(truth.values()[at(x, y, z)]));
                square += (got - want).powi(2);
                count += 1;
                let mut around = (0..27).map(|n| at(x + n % 3 - 1, y + n / 3 % 3 - 1, z + n / 9 - 1));
                if around.all(|n| (f64::from(truth.values()[n]) - FLAT).abs() < 1e-6) {
                    flat_sum += got;
                    flat_count += 1;
                }
            }
        }
    }
    assert!(flat_count > 10_000, "{flat_count} flat voxels");
    ((square / f64::from(count)).sqrt(), flat_sum / f64::from(flat_count))
}

#[test]
fn fdk_of_a_full_circle_is_accurate() {
    let scan = cone(180, 360.0);
    let projections = phantom().project(&scan.build().unwrap()).unwrap();
    let (rms, flat) = accuracy(&reconstructed(&scan, &projections, &grid()));
    println!("RMS {rms}, flat {flat}");
    assert!(rms <= 0.0112, "RMS {rms}");
    assert!((flat / FLAT - 1.0).abs() <= 0.005, "flat region {flat}");
}

#[test]
fn shorter_arcs_keep_the_scale() {
    // Half a turn and the fan: 2·atan(191/1500) = 14.5°.
    for scan in [cone(120, 200.0), parallel(120, 0.0, 180.0)] {
        let projections = phantom().project(&scan.build().unwrap()).unwrap();
        let slab: Grid = "128x128x48@2x2x2".parse().unwrap();
        let (rms, flat) = accuracy(&reconstructed(&scan, &projections, &slab));
        println!("{}: RMS {rms}, flat {flat}", scan.kind());
        assert!((flat / FLAT - 1.0).abs() <= 0.01, "{}: flat region {flat}", scan.kind());
    }
}
