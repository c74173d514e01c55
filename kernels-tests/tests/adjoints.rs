//! Projectors and their adjoints against each other, and Joseph's against their matrix in double precision, on the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::{DMat3, DVec3};
use kerma::{
    data::Grid,
    engine::{Control, Device, Extent, Graph, Plan},
    geometry::{DetectorAxis, Geometry, Scan, Source, View},
    kernels::{
        fdk::backproject,
        project::{
            Projector, Sampling, columns::columns, joseph, joseph_adjoint, project_back, siddon, siddon_adjoint,
        },
    },
};
use kerma_kernels_tests::{
    Narrow, Seeded,
    oracle::{self, Error},
};
use proptest::prelude::*;

/// Runs a graph of one input and one output, within limits.
fn computed(
    input: (Extent, &[f32]),
    output: Extent,
    narrow: Option<Narrow>,
    record: impl FnOnce(&mut Graph<'_>, kerma::engine::Buffer<f32>, kerma::engine::Buffer<f32>),
) -> Vec<f32> {
    let device = Device::cpu();
    let limits = narrow.map_or(device.limits(), |narrow| narrow.of(device.limits()));
    let mut graph = Graph::new();
    let from = graph.upload("from", input.0, input.1);
    let to = graph.buffer::<f32>("to", output);
    record(&mut graph, from, to);
    let result = graph.result(to);
    let plan = Plan::new(&graph, limits).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(result).unwrap()
}

fn extents(geometry: &Geometry, grid: &Grid) -> [Extent; 2] {
    let ([nx, ny, nz], [columns, rows]) = (grid.size(), geometry.detector());
    [Extent::new(nz, ny, nx), Extent::new(geometry.views().len(), rows, columns)]
}

/// A projector and its adjoint.
#[derive(Clone, Copy, Debug)]
enum Pair {
    Joseph,
    Siddon,
    /// By whichever kernels tasks take.
    Chosen(Sampling),
}

const PAIRS: [Pair; 5] = [
    Pair::Joseph,
    Pair::Siddon,
    Pair::Chosen(Sampling::Siddon),
    Pair::Chosen(Sampling::Joseph),
    Pair::Chosen(Sampling::Trilinear),
];

fn projected(pair: Pair, geometry: &Geometry, grid: &Grid, volume: &[f32], narrow: Option<Narrow>) -> Vec<f32> {
    let [voxels, pixels] = extents(geometry, grid);
    computed((voxels, volume), pixels, narrow, |graph, from, to| match pair {
        Pair::Joseph => joseph::record(graph, geometry, grid, from, to.replace()),
        Pair::Siddon => siddon::record(graph, geometry, grid, from, to.replace()),
        Pair::Chosen(sampling) => Projector::new(graph, sampling, geometry, grid, from).record(graph, geometry, to),
    })
}

fn projected_back(pair: Pair, geometry: &Geometry, grid: &Grid, integrals: &[f32], narrow: Option<Narrow>) -> Vec<f32> {
    let [voxels, pixels] = extents(geometry, grid);
    computed((pixels, integrals), voxels, narrow, |graph, from, to| match pair {
        Pair::Joseph => joseph_adjoint::record(graph, geometry, grid, from, to.replace()),
        Pair::Siddon => siddon_adjoint::record(graph, geometry, grid, from, to.replace()),
        Pair::Chosen(sampling) => project_back(graph, sampling, geometry, grid, from, to.replace()),
    })
}

/// The voxel-driven back-projection, which has other weights.
fn unmatched(geometry: &Geometry, grid: &Grid, integrals: &[f32]) -> Vec<f32> {
    let [voxels, pixels] = extents(geometry, grid);
    computed((pixels, integrals), voxels, None, |graph, from, to| {
        let matrices = backproject::matrices(geometry, DetectorAxis::U, 0, grid);
        backproject::general(graph, &matrices, (grid, grid.all_slices()), from, to.replace());
    })
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// |⟨Ax, y⟩ − ⟨x, Aᵀy⟩| / (‖Ax‖·‖y‖).
fn mismatch(ax: &[f32], y: &[f32], x: &[f32], aty: &[f32]) -> f64 {
    (dot(ax, y) - dot(x, aty)).abs() / (dot(ax, ax) * dot(y, y)).sqrt()
}

fn built(scan: &str) -> Geometry {
    Scan::from_toml(scan).unwrap().build().unwrap()
}

const MATCHED: f64 = 1e-6;

/// Every kind of scan, with voxels that are no cubes; one grid is turned.
fn scenes() -> Vec<(&'static str, Geometry, Grid)> {
    let cone = "kind = \"cone-circular\"\nsource_isocentre_mm = 300.0\nsource_detector_mm = 500.0\nviews = 7\nstart_deg = 3.0\n\
                detector = [48, 41]\npitch_mm = [1.9, 2.1]\n";
    let parallel = "kind = \"parallel\"\nviews = 7\nstart_deg = 1.0\narc_deg = 180.0\ndetector = [47, 40]\npitch_mm = [1.3, 1.7]\n";
    let fan = "kind = \"fan\"\nsource_isocentre_mm = 300.0\nsource_detector_mm = 500.0\nviews = 7\nstart_deg = 2.0\n\
               detector = [90, 1]\npitch_mm = [1.1, 1.0]\n";
    let helix = "kind = \"helical\"\nsource_isocentre_mm = 200.0\nsource_detector_mm = 320.0\nviews = 9\narc_deg = 900.0\n\
                 advance_mm = 20.0\ndetector = [40, 30]\npitch_mm = [2.2, 1.9]\n";
    let grid: Grid = "27x22x25@1.5x2.1x1.7+1,-2,3".parse().unwrap();
    let turn = DMat3::from_axis_angle(DVec3::new(1.0, -2.0, 0.5).normalize(), 0.7);
    let turned =
        Grid::new(grid.size(), grid.spacing_mm().to_array(), [0.0; 3], turn).unwrap().with_centre(grid.centre_mm());
    let steep = View {
        source: Source::Point(DVec3::new(3.0, -4.0, 90.0)),
        detector_centre: DVec3::new(0.0, 0.0, -60.0),
        u_step: DVec3::new(2.0, 0.3, 0.1),
        v_step: DVec3::new(-0.2, 2.4, 0.3),
    };
    let near = View {
        source: Source::Point(DVec3::new(-23.0, 2.0, 1.0)),
        detector_centre: DVec3::new(40.0, 0.0, 0.0),
        u_step: DVec3::new(0.1, 3.1, 0.0),
        v_step: DVec3::new(0.0, 0.2, 3.3),
    };
    vec![
        ("cone", built(cone), grid),
        ("cone, turned grid", built(cone), turned),
        ("parallel", built(parallel), grid),
        ("fan", built(fan), "40x35x1@1.5x1.4x1".parse().unwrap()),
        ("helix", built(helix), grid),
        ("along z and from nearby", Geometry::new([37, 33], vec![steep, near]).unwrap(), grid),
    ]
}

#[test]
fn josephs_are_those_of_the_matrix() {
    for (name, geometry, grid) in scenes() {
        let mut seeded = Seeded::new(7);
        let x = seeded.values(grid.voxel_count(), -1.0, 1.0);
        let y = seeded.values(geometry.value_count(), -1.0, 1.0);
        let (mut ax, mut aty) = (vec![0.0; y.len()], vec![0.0; x.len()]);
        oracle::joseph(&grid, &geometry, |pixel, voxel, weight| {
            ax[pixel] += weight * f64::from(x[voxel]);
            aty[voxel] += weight * f64::from(y[pixel]);
        });
        for pair in [Pair::Joseph, Pair::Chosen(Sampling::Joseph)] {
            let forward = Error::of(&projected(pair, &geometry, &grid, &x, None), &ax);
            let back = Error::of(&projected_back(pair, &geometry, &grid, &y, None), &aty);
            println!("{name}, {pair:?}: forward {forward:?}, back {back:?}");
            assert!(forward.relative_rms < 2e-6 && forward.worst_of_peak < 1e-5, "{name}, {pair:?}: {forward:?}");
            assert!(back.relative_rms < 2e-6 && back.worst_of_peak < 1e-5, "{name}, {pair:?}: {back:?}");
        }
    }
    let along_columns = scenes().iter().filter(|(_, geometry, grid)| columns(geometry, grid).is_some()).count();
    assert_eq!(along_columns, 3, "cone, parallel, helix");
}

#[test]
fn those_by_trilinear_samples_are_those_of_the_matrix() {
    let pair = Pair::Chosen(Sampling::Trilinear);
    for (name, geometry, grid) in scenes() {
        let mut seeded = Seeded::new(8);
        let x = seeded.values(grid.voxel_count(), -1.0, 1.0);
        let y = seeded.values(geometry.value_count(), -1.0, 1.0);
        let (mut ax, mut aty) = (vec![0.0; y.len()], vec![0.0; x.len()]);
        oracle::trilinear(&grid, &geometry, |pixel, voxel, weight| {
            ax[pixel] += weight * f64::from(x[voxel]);
            aty[voxel] += weight * f64::from(y[pixel]);
        });
        let forward = Error::of(&projected(pair, &geometry, &grid, &x, None), &ax);
        let back = Error::of(&projected_back(pair, &geometry, &grid, &y, None), &aty);
        println!("{name}: forward {forward:?}, back {back:?}");
        assert!(forward.relative_rms < 2e-6 && forward.worst_of_peak < 1e-5, "{name}: {forward:?}");
        assert!(back.relative_rms < 2e-6 && back.worst_of_peak < 1e-5, "{name}: {back:?}");
    }
}

#[test]
fn pairs_are_matched_and_the_voxel_driven_one_is_not() {
    for (name, geometry, grid) in scenes() {
        for pair in PAIRS {
            let mut seeded = Seeded::new(11);
            let x = seeded.values(grid.voxel_count(), -1.0, 1.0);
            let y = seeded.values(geometry.value_count(), -1.0, 1.0);
            let ax = projected(pair, &geometry, &grid, &x, None);
            let aty = projected_back(pair, &geometry, &grid, &y, None);
            let matched = mismatch(&ax, &y, &x, &aty);
            // The control, scaled as well as can be.
            let mut other = unmatched(&geometry, &grid, &y);
            let scale = dot(&aty, &other) / dot(&other, &other);
            other.iter_mut().for_each(|value| *value *= scale as f32);
            let unmatched = mismatch(&ax, &y, &x, &other);
            println!("{name}, {pair:?}: matched {matched:.1e}, voxel-driven {unmatched:.1e}");
            assert!(matched <= MATCHED, "{name}, {pair:?}: {matched:e}");
            assert!(unmatched > 100.0 * MATCHED, "{name}, {pair:?}: {unmatched:e}");
        }
    }
}

#[test]
fn parts_change_no_bit() {
    for (name, geometry, grid) in scenes() {
        for pair in [Pair::Joseph, Pair::Siddon, Pair::Chosen(Sampling::Joseph), Pair::Chosen(Sampling::Trilinear)] {
            let mut seeded = Seeded::new(13);
            let x = seeded.values(grid.voxel_count(), -1.0, 1.0);
            let y = seeded.values(geometry.value_count(), -1.0, 1.0);
            let [nx, ny, _] = grid.size();
            let [columns, rows] = geometry.detector();
            let slices = |count: usize, bytes: usize| Some(Narrow::binding((count * bytes) as u64));
            let whole = projected(pair, &geometry, &grid, &x, None);
            let least = (nx * ny * 4).max(columns * 32).max((nx + 1) * (grid.size()[2] + 1) * 4);
            assert_eq!(whole, projected(pair, &geometry, &grid, &x, slices(3, least)), "{name}, {pair:?}");
            assert_eq!(whole, projected(pair, &geometry, &grid, &x, Some(Narrow::dispatch(2e5))), "{name}, {pair:?}");
            let whole = projected_back(pair, &geometry, &grid, &y, None);
            assert_eq!(
                whole,
                projected_back(pair, &geometry, &grid, &y, slices(2, columns * rows * 48)),
                "{name}, {pair:?}"
            );
            assert_eq!(
                whole,
                projected_back(pair, &geometry, &grid, &y, Some(Narrow::dispatch(1e6))),
                "{name}, {pair:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// One voxel and one pixel, alone, in any place: what goes there comes back.
    #[test]
    fn single_elements_are_matched(
        (size, spacing) in ([1_usize..9, 1_usize..9, 1_usize..20], [-0.3..0.5, -0.3..0.5, -0.3..0.5]),
        (detector, pitch) in ([1_usize..14, 1_usize..24], [-0.3..0.7, -0.3..0.7]),
        (angle, tilt, near, far) in (0.0..6.3_f64, prop_oneof![Just(0.0), -1.5..1.5_f64], 1.2..8.0_f64, 0.2..4.0_f64),
        (is_parallel, voxel, pixel) in (any::<bool>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let grid = Grid::centred(size, spacing.map(|s: f64| 10_f64.powf(s))).unwrap();
        let reach = grid.extent_mm().length();
        let turn = DMat3::from_rotation_z(angle) * DMat3::from_rotation_x(tilt);
        let outwards = turn * DVec3::Y;
        let source = if is_parallel { Source::Direction(-outwards) } else { Source::Point(near * reach * outwards) };
        let [u, v] = pitch.map(|p: f64| 10_f64.powf(p));
        let (u_step, v_step) = (u * (turn * DVec3::X), v * (turn * DVec3::Z));
        let view = View { source, detector_centre: -far * reach * outwards, u_step, v_step };
        let geometry = Geometry::new(detector, vec![view]).unwrap();
        let mut x = vec![0.0; grid.voxel_count()];
        let mut y = vec![0.0; geometry.value_count()];
        let (voxel, pixel) = (voxel.index(x.len()), pixel.index(y.len()));
        (x[voxel], y[pixel]) = (1.0, 1.0);
        for pair in [Pair::Joseph, Pair::Siddon, Pair::Chosen(Sampling::Joseph), Pair::Chosen(Sampling::Trilinear)] {
            let there = projected(pair, &geometry, &grid, &x, None);
            let back = projected_back(pair, &geometry, &grid, &y, None);
            // Two roundings of each weight.
            let bound = 4e-7 * there[pixel].abs().max(back[voxel].abs()) + 1e-7 * reach as f32;
            prop_assert!((there[pixel] - back[voxel]).abs() <= bound, "{pair:?}: {} and {}", there[pixel], back[voxel]);
            let found = dot(&projected_back(pair, &geometry, &grid, &there, None), &x);
            let power = dot(&there, &there);
            prop_assert!((found - power).abs() <= MATCHED * power, "{pair:?}: {found} for {power}");
        }
    }
}
