//! Both kernels for line integrals against sums over sorted crossings in double precision, on the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::DVec3;
use kerma::{
    data::{Grid, Volume},
    engine::{Control, Device, Extent, Graph, Plan},
    geometry::{Geometry, Scan, Source, View},
    kernels::project::{axial, reorder, siddon},
};
use kerma_kernels_tests::{
    LARGEST_NOISE, noise_volume,
    oracle::{self, Error},
};
use proptest::prelude::*;

/// Line integrals by the general kernel, or by the one for detector columns parallel to z.
fn projected_by(volume: &Volume, geometry: &Geometry, is_axial: bool) -> Vec<f32> {
    let (grid, [columns, rows]) = (volume.grid(), geometry.detector());
    let [nx, ny, nz] = grid.size();
    let mut graph = Graph::new();
    let uploaded = graph.upload("volume", Extent::new(nz, ny, nx), volume.values());
    let integrals = graph.buffer::<f32>("integrals", Extent::new(geometry.views().len(), rows, columns));
    if is_axial {
        assert!(axial::is_axial(geometry, grid));
        let reordered = graph.buffer::<f32>("reordered", reorder::extent(grid));
        reorder::record(&mut graph, grid, uploaded, reordered);
        axial::record(&mut graph, geometry, grid, reordered, integrals);
    } else {
        siddon::record(&mut graph, geometry, grid, uploaded, integrals.replace());
    }
    let output = graph.result(integrals);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

const CONE: &str = "kind = \"cone-circular\"\nsource_isocentre_mm = 1000.0\nsource_detector_mm = 1500.0\nviews = 5\n\
                    detector = [192, 192]\npitch_mm = [2.0, 2.0]\n";
const PARALLEL: &str = "kind = \"parallel\"\nviews = 5\nstart_deg = 1.0\narc_deg = 180.0\ndetector = [192, 192]\n\
                        pitch_mm = [1.5, 1.5]\n";
const HELIX: &str = "kind = \"helical\"\nsource_isocentre_mm = 500.0\nsource_detector_mm = 800.0\nviews = 5\n\
                     arc_deg = 900.0\nadvance_mm = 40.0\ndetector = [140, 90]\npitch_mm = [2.2, 1.9]\n";

/// What the two kernels for line integrals may differ by, RMS and at worst: both are as far from the truth.
const KERNELS_RMS: f64 = 5e-7;
const KERNELS_WORST: f64 = 5e-6;

#[test]
fn line_integrals_of_both_kernels_agree() {
    let noise = noise_volume("90x101x110@2x1.8x1.7".parse().unwrap());
    // Rays of up to 70° to the plane, that pass several slices in a voxel of it.
    let steep = HELIX.replace("800.0", "560.0").replace("2.2, 1.9", "1.2, 33.0");
    for (name, scan) in [("cone", CONE), ("parallel", PARALLEL), ("helix", HELIX), ("steep rays", &steep)] {
        let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
        let truth = oracle::project(&noise, &geometry);
        let [general, axial] = [false, true].map(|is_axial| projected_by(&noise, &geometry, is_axial));
        let between = Error::of(&axial, &general.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
        let [of_general, of_axial] = [&general, &axial].map(|values| Error::of(values, &truth));
        println!("{name}: general {of_general:?}, axial {of_axial:?}, between {between:?}");
        assert!(of_axial.relative_rms <= KERNELS_RMS, "{name}: {of_axial:?}");
        assert!(between.relative_rms <= KERNELS_RMS, "{name}: {between:?}");
        assert!(between.worst_of_peak <= KERNELS_WORST, "{name}: {between:?}");
    }
}

/// Error of a line integral over that of the distances between which its lengths are differences, all of the largest value: a few
/// roundings.
const ROUNDING: f64 = 1e-6;

/// A source beside or within the volume, and a detector whose columns are parallel to z or, in one of four views, are not.
fn any_view() -> impl Strategy<Value = View> {
    let place = (0.0..std::f64::consts::TAU, 20.0..600.0, -60.0..60.0, 20.0..400.0, -30.0..30.0, -60.0..60.0);
    // Most pixels are of the size of voxels; a few are as small as 10 µm, a few are decimetres.
    let pitch = || prop_oneof![4 => -0.3..0.8, 1 => -2.0..-0.3, 1 => 0.8..2.5];
    let pitches = (pitch(), pitch(), any::<bool>(), any::<bool>());
    let turn = (-0.5..0.5, -0.3..0.3, prop::option::weighted(0.25, (-0.6..0.6, -0.6..0.6)));
    (place, pitches, turn).prop_map(|(place, (u, v, is_parallel, is_down), (oblique, rise, tilt))| {
        let (angle, near, height, far, beside, level): (f64, f64, f64, f64, f64, f64) = place;
        let (outwards, across) =
            (DVec3::new(angle.sin(), -angle.cos(), 0.0), DVec3::new(angle.cos(), angle.sin(), 0.0));
        let source = near * outwards + height * DVec3::Z;
        let detector_centre = -far * outwards + beside * across + level * DVec3::Z;
        let direction = (detector_centre - source).normalize();
        let source = if is_parallel { Source::Direction(direction) } else { Source::Point(source) };
        let (along_u, along_v) =
            (across + oblique * outwards + rise * DVec3::Z, if is_down { -DVec3::Z } else { DVec3::Z });
        let along_v = tilt.map_or(along_v, |(x, y): (f64, f64)| along_v + DVec3::new(x, y, 0.0));
        View { source, detector_centre, u_step: 10_f64.powf(u) * along_u, v_step: 10_f64.powf(v) * along_v }
    })
}

/// How far from the volume's middle a ray begins to count its distances: on the plane through it that is parallel to the
/// detector, or where a parallel ray is nearest.
fn reach(view: &View, detector: [usize; 2], [column, row]: [usize; 2], grid: &Grid) -> f64 {
    let pixel = view.pixel_mm(detector, column as f64, row as f64);
    let from_middle = pixel - grid.centre_mm();
    match view.source {
        Source::Direction(direction) => from_middle.reject_from(direction).length(),
        Source::Point(source) => {
            let normal = view.u_step.cross(view.v_step);
            let ray = pixel - source;
            (from_middle - ray * (from_middle.dot(normal) / ray.dot(normal))).length()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Sizes that are no multiple of any block, one voxel, one pixel, one view, rays that all miss, pitches from a micrometre
    /// to decimetres.
    #[test]
    fn line_integrals_of_any_geometry_are_right(
        (size, spacing) in ([1_usize..40, 1_usize..40, 1_usize..80], [-0.5..0.7, -0.5..0.7, -0.5..0.7]),
        detector in [1_usize..40, 1_usize..70],
        views in prop::collection::vec(any_view(), 1..4),
    ) {
        let grid = Grid::centred(size, spacing.map(|s: f64| 10_f64.powf(s))).unwrap();
        let volume = noise_volume(grid);
        let Ok(geometry) = Geometry::new(detector, views) else { return Ok(()) };
        let truth = oracle::project(&volume, &geometry);
        for is_axial in [false, true] {
            if is_axial && !axial::is_axial(&geometry, &grid) {
                continue;
            }
            let values = projected_by(&volume, &geometry, is_axial);
            for (n, (value, truth)) in values.iter().zip(&truth).enumerate() {
                let (line, column) = (n / detector[0], n % detector[0]);
                let reach = reach(&geometry.views()[line / detector[1]], detector, [column, line % detector[1]], &grid);
                let bound = ROUNDING * f64::from(LARGEST_NOISE) * (grid.extent_mm().length() + reach);
                let error = (f64::from(*value) - truth).abs();
                prop_assert!(error <= bound, "axial: {is_axial}, value {n}: {value} for {truth}, bound {bound}");
            }
        }
    }
}
