//! All kernels for back-projection against rays in double precision, in any geometry that they take, on the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::{DMat3, DQuat, DVec3};
use kerma::{
    data::Grid,
    engine::{Control, Device, Extent, Graph, Plan},
    geometry::{DetectorAxis, Geometry, Scan, Source, View},
    kernels::fdk::{
        axial::{self, Along},
        backproject::{self, ViewMatrix},
        parallel, transpose,
    },
};
use kerma_kernels_tests::{
    Seeded,
    oracle::{self, Meeting},
};
use proptest::prelude::*;

/// A kernel for back-projection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernel {
    General,
    Axial(Along),
    Parallel,
}

impl Kernel {
    /// Those that take a geometry, the one for any first.
    fn all(matrices: &[ViewMatrix], columns: usize, grid: &Grid) -> Vec<Self> {
        let parallel = parallel::applies(matrices, columns as u32, grid).then_some(Self::Parallel);
        let axial = axial::along_z(matrices, grid).map(Self::Axial);
        [Some(Self::General), axial, parallel].into_iter().flatten().collect()
    }

    /// Axis of the volume along which places on the detector are counted from that of the last voxel with a number that is a
    /// multiple of sixteen.
    fn axis_of_runs(self) -> Option<usize> {
        match self {
            Self::General => None,
            Self::Axial(_) => Some(2),
            Self::Parallel => Some(0),
        }
    }

    fn back_projected(self, matrices: &[ViewMatrix], grid: &Grid, extent: Extent, filtered: &[f32]) -> Vec<f32> {
        let [nx, ny, nz] = grid.size();
        let mut graph = Graph::new();
        let uploaded = graph.upload("filtered", extent, filtered);
        let volume = graph.buffer::<f32>("volume", Extent::new(nz, ny, nx));
        match self {
            Self::General => {
                backproject::general(&mut graph, matrices, (grid, grid.all_slices()), uploaded, volume.replace())
            }
            Self::Axial(along) => {
                let stack = if along == Along::Rows { transpose::record(&mut graph, uploaded) } else { uploaded };
                axial::record(&mut graph, (matrices, along), (grid, grid.all_slices()), stack, volume.replace());
            }
            Self::Parallel => {
                parallel::record(&mut graph, matrices, (grid, grid.all_slices()), uploaded, volume.replace())
            }
        }
        let output = graph.result(volume);
        let device = Device::cpu();
        let plan = Plan::new(&graph, device.limits()).unwrap();
        pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
    }
}

/// Half a unit in the last place of a number between 1 and 2.
const U: f64 = 1.0 / (1 << 24) as f64;
/// Roundings of each term of a form: coefficient, product and three sums.
const FORM: f64 = 5.0 * U;
/// Those of a quotient beside its numerator's and its denominator's: reciprocal, product and difference to the pixel before.
const QUOTIENT: f64 = 5.0 * U;
/// Those of a value of 1 between pixels that may be 2 apart, and of its weight, the square of a reciprocal.
const VALUE: f64 = 20.0 * U;
/// Largest error of a denominator that counts as small against it, and what it adds to errors of first order.
const SMALL: f64 = 0.1;
const SECOND_ORDER: f64 = 1.0 + 2.0 * SMALL;

/// Affine forms of a view in voxel indices from the volume's centre, found from rays through four of its points: numerators of
/// column and row, and the depth.
fn forms(view: &View, detector: [usize; 2], grid: &Grid) -> [[f64; 4]; 3] {
    let at = |offset: DVec3| {
        let step = grid.orientation() * (offset * grid.spacing_mm());
        let Meeting { column, row, depth } = Meeting::of(view, detector, grid.centre_mm() + step);
        [column * depth, row * depth, depth]
    };
    let (middle, ends) = (at(DVec3::ZERO), DVec3::AXES.map(at));
    [0, 1, 2].map(|form| {
        let [x, y, z] = ends.map(|end| end[form] - middle[form]);
        [x, y, z, middle[form]]
    })
}

/// What rounding may do to the sum over views of values between −1 and 1 at one voxel, to first order in every part; infinite where a
/// denominator is lost in its own rounding.
fn allowed(forms: &[[[f64; 4]; 3]], detector: [usize; 2], index: [f64; 3], axis_of_runs: Option<usize>) -> f64 {
    let (mut error, mut magnitude) = (0.0, 0.0);
    for [u, v, w] in forms {
        let value = |form: &[f64; 4]| form[3] + (0..3).map(|axis| form[axis] * index[axis]).sum::<f64>();
        let terms = |form: &[f64; 4]| form[3].abs() + (0..3).map(|axis| (form[axis] * index[axis]).abs()).sum::<f64>();
        let run = |form: &[f64; 4]| axis_of_runs.map_or(0.0, |axis| 15.0 * form[axis].abs());
        let (depth, depth_error) = (value(w), FORM * terms(w));
        if depth < -depth_error {
            continue;
        }
        if depth_error > SMALL * depth {
            return f64::INFINITY;
        }
        let (mut shift, mut is_beside, mut is_at_end) = (0.0, false, false);
        for (form, count) in [u, v].into_iter().zip(detector) {
            let place = value(form) / depth;
            let reach = place.abs() + run(form) / depth;
            let off = SECOND_ORDER * (FORM * (terms(form) + run(form)) + reach * depth_error) / depth
                + QUOTIENT * reach.max(1.0);
            let beyond = (-0.5 - place).max(place - (count as f64 - 0.5));
            is_beside |= beyond > off;
            is_at_end |= beyond.abs() <= off;
            shift += off;
        }
        if is_beside {
            continue;
        }
        let weight = depth.powi(-2);
        magnitude += weight;
        // Neighbouring pixels are 2 apart at most; at an end a voxel may see the pixel or not.
        let of_value = if is_at_end { 1.0 } else { 0.0 } + 2.0 * shift;
        error += weight * (of_value + SECOND_ORDER * 2.0 * depth_error / depth + VALUE);
    }
    error + forms.len() as f64 * U * magnitude
}

/// Rays of all views.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Beam {
    /// Parallel and perpendicular to z.
    Parallel,
    /// Of any kind, with detector columns parallel to z.
    Axial,
    Any,
}

/// A source beside or within the volume, or far away, and a detector beyond the world's origin.
fn any_view(beam: Beam) -> impl Strategy<Value = View> {
    // Quarter turns are exact, so that some terms of forms are 0.
    let quarter = prop::sample::select(vec![(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)]);
    let angle = prop_oneof![4 => (0.0..std::f64::consts::TAU).prop_map(f64::sin_cos), 1 => quarter];
    let place = (angle, 20.0..600.0, -60.0..60.0, 20.0..400.0, -30.0..30.0, -60.0..60.0);
    // Most pixels are of the size of voxels; a few are a hundredth of that, a few a hundred times as large.
    let pitch = || prop_oneof![4 => -0.3..0.8, 1 => -2.0..-0.3, 1 => 0.8..2.5];
    let pitches = (pitch(), pitch(), any::<bool>(), any::<bool>());
    let turn = (-0.5..0.5, -0.3..0.3, (-0.6..0.6, -0.6..0.6), any::<bool>(), any::<bool>());
    (place, pitches, turn).prop_map(move |(place, (u, v, is_direction, is_down), turn)| {
        let ((sin, cos), near, height, far, beside, level): ((f64, f64), f64, f64, f64, f64, f64) = place;
        let (oblique, rise, (x, y), is_flat, is_back): (f64, f64, (f64, f64), bool, bool) = turn;
        let (outwards, across) = (DVec3::new(sin, -cos, 0.0), DVec3::new(cos, sin, 0.0));
        let source = near * outwards + if beam == Beam::Parallel { level } else { height } * DVec3::Z;
        let detector_centre = -far * outwards + beside * across + level * DVec3::Z;
        let direction = (detector_centre - source).normalize();
        let source = match beam {
            Beam::Parallel => Source::Direction(direction),
            _ if is_direction => Source::Direction(direction),
            _ => Source::Point(source),
        };
        let (mut along_u, mut along_v) = (across, if is_down { -DVec3::Z } else { DVec3::Z });
        if !is_flat {
            along_u += oblique * outwards;
        }
        if !is_flat && beam != Beam::Parallel {
            along_u += rise * DVec3::Z;
        }
        if beam == Beam::Any {
            along_v += DVec3::new(x, y, 0.0);
        }
        let along_u = if is_back { -along_u } else { along_u };
        View { source, detector_centre, u_step: 10_f64.powf(u) * along_u, v_step: 10_f64.powf(v) * along_v }
    })
}

/// A stack of filtered views and the volume that it is back-projected into.
#[derive(Clone, Debug)]
struct Scene {
    geometry: Geometry,
    axis: DetectorAxis,
    margins: [usize; 2],
    grid: Grid,
}

impl Scene {
    /// The same with a detector of which the stack is all: margins are pixels, and its axis is u.
    fn of_stack(&self) -> Geometry {
        let [before, behind] = self.margins;
        let [nu, nv] = self.geometry.detector();
        let shift = (behind as f64 - before as f64) / 2.0;
        let views = self.geometry.views().iter().map(|view| {
            let (u_step, v_step) = match self.axis {
                DetectorAxis::U => (view.u_step, view.v_step),
                DetectorAxis::V => (view.v_step, view.u_step),
            };
            View { u_step, v_step, detector_centre: view.detector_centre + shift * u_step, ..*view }
        });
        let [columns, rows] = if self.axis == DetectorAxis::U { [nu, nv] } else { [nv, nu] };
        Geometry::new([before + columns + behind, rows], views.collect()).unwrap()
    }

    fn matrices(&self) -> Vec<ViewMatrix> {
        backproject::matrices(&self.geometry, self.axis, self.margins[0], &self.grid)
    }
}

/// So many of something: one, a few, or more than a tile holds.
fn any_count(few: usize, many: usize) -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..=few, 1 => Just(1), 1 => few..=many]
}

fn any_scene() -> impl Strategy<Value = Scene> {
    let beam = prop::sample::select(vec![Beam::Parallel, Beam::Axial, Beam::Any]);
    let views = beam.prop_flat_map(|beam| prop::collection::vec(any_view(beam), 1..10));
    let grid = (
        [any_count(20, 150), any_count(20, 70), any_count(40, 150)],
        [-0.5..0.7, -0.5..0.7, -0.5..0.7],
        prop_oneof![Just([0.0; 3]), [-60.0..60.0, -60.0..60.0, -60.0..60.0]],
    );
    let detector = [any_count(40, 3000), any_count(40, 3000)];
    let stack = (any::<bool>(), prop_oneof![2 => Just([0, 0]), 1 => [0_usize..20, 0_usize..20]]);
    // Everything larger or smaller, and away from the world's origin.
    let world = (-2.0..1.5, prop_oneof![3 => Just([0.0; 3]), 1 => [-500.0..500.0, -500.0..500.0, -500.0..500.0]]);
    (views, grid, detector, stack, world).prop_filter_map("a scene of moderate size", |scene| {
        let (mut views, (size, spacing, centre), detector, (is_along_u, margins), (scale, origin)) = scene;
        if size.iter().product::<usize>() > 60_000 || detector.iter().product::<usize>() > 60_000 {
            return None;
        }
        let (scale, origin) = (10_f64.powf(scale), DVec3::from_array(origin));
        for view in &mut views {
            if let Source::Point(source) = &mut view.source {
                *source = scale * (*source + origin);
            }
            view.detector_centre = scale * (view.detector_centre + origin);
            view.u_step *= scale;
            view.v_step *= scale;
        }
        let spacing = spacing.map(|s: f64| scale * 10_f64.powf(s));
        let grid = Grid::centred(size, spacing).ok()?.with_centre(scale * (DVec3::from_array(centre) + origin));
        let axis = if is_along_u { DetectorAxis::U } else { DetectorAxis::V };
        Some(Scene { geometry: Geometry::new(detector, views).ok()?, axis, margins, grid })
    })
}

/// Largest errors over what is allowed, of every kernel that takes the forms, first against the truth, then against the general
/// kernel. That two kernels may not differ by more than one is a measured bound: they share the coefficients, and differ by at
/// most 0.4 of it in 100,000 scenes.
fn errors(scene: &Scene, matrices: &[ViewMatrix]) -> Vec<(Kernel, f64, f64)> {
    let (stack, grid) = (scene.of_stack(), &scene.grid);
    let [columns, rows] = stack.detector();
    let filtered = Seeded::new(stack.value_count() as u64).values(stack.value_count(), -1.0, 1.0);
    let truth = oracle::backproject(&filtered, &stack, grid);
    let forms: Vec<_> = stack.views().iter().map(|view| forms(view, stack.detector(), grid)).collect();
    let extent = Extent::new(stack.views().len(), rows, columns);
    let [nx, ny, nz] = grid.size();
    let half = [nx, ny, nz].map(|n| (n as f64 - 1.0) / 2.0);
    let mut general = Vec::new();
    let kernels = Kernel::all(matrices, columns, grid).into_iter().map(|kernel| {
        let values = kernel.back_projected(matrices, grid, extent, &filtered);
        if kernel == Kernel::General {
            general.clone_from(&values);
        }
        let (mut of_truth, mut between) = (0.0_f64, 0.0_f64);
        for (n, (value, truth)) in values.iter().zip(&truth).enumerate() {
            let place = [n % nx, n / nx % ny, n / nx / ny];
            let index = [0, 1, 2].map(|axis| place[axis] as f64 - half[axis]);
            let allowed = allowed(&forms, [columns, rows], index, kernel.axis_of_runs());
            let over = |difference: f64| match difference.abs() {
                0.0 => 0.0,
                difference if difference.is_nan() => f64::INFINITY,
                difference => difference / allowed,
            };
            of_truth = of_truth.max(over(f64::from(*value) - truth));
            between = between.max(over(f64::from(*value) - f64::from(general[n])));
        }
        (kernel, of_truth, between)
    });
    kernels.collect()
}

/// The scene of a scan with a volume off the axis.
fn scene(scan: &str, margins: [usize; 2]) -> Scene {
    let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
    Scene { geometry, axis: DetectorAxis::U, margins, grid: "37x35x41@3x2.5x2+12,-9,5".parse().unwrap() }
}

const CONE: &str = "kind = \"cone-circular\"\nsource_isocentre_mm = 600.0\nsource_detector_mm = 1000.0\nviews = 5\n\
                    start_deg = 4.0\ndetector = [95, 90]\npitch_mm = [2.3, 2.1]\noffset_mm = [20.0, -7.0]\n";
const PARALLEL: &str = "kind = \"parallel\"\nviews = 5\nstart_deg = 1.0\narc_deg = 180.0\ndetector = [91, 89]\n\
                        pitch_mm = [1.4, 1.3]\n";

/// A shift, in pixels, that the errors allowed in all views together cannot hide.
const TOLD_APART: f32 = 1.0 / 2000.0;

#[test]
fn a_two_thousandth_of_a_pixel_is_told_apart() {
    let cone = scene(CONE, [0, 0]);
    let flipped = Scene { axis: DetectorAxis::V, ..cone.clone() };
    let turn = DMat3::from_quat(DQuat::from_axis_angle(DVec3::new(1.0, -2.0, 0.5).normalize(), 0.3));
    let Scene { grid, .. } = cone;
    let turned = Grid::new(grid.size(), grid.spacing_mm().to_array(), [-60.0, -50.0, -40.0], turn).unwrap();
    let turned = Scene { grid: turned, ..cone.clone() };
    let mut met = Vec::new();
    for scene in [cone, scene(CONE, [3, 11]), flipped, turned, scene(PARALLEL, [0, 0]), scene(PARALLEL, [3, 11])] {
        let matrices = scene.matrices();
        for (kernel, of_truth, _) in errors(&scene, &matrices) {
            assert!(of_truth <= 1.0, "{kernel:?}: {of_truth} of what is allowed");
            met.push(kernel);
        }
        type Form = fn(&mut ViewMatrix) -> &mut [f32; 4];
        let forms: [(&str, Form); 2] = [("column", |m| &mut m.u), ("row", |m| &mut m.v)];
        for (what, form) in forms {
            let mut shifted = matrices.clone();
            for matrix in &mut shifted {
                let w = matrix.w;
                form(matrix).iter_mut().zip(w).for_each(|(n, w)| *n += TOLD_APART * w);
            }
            for (kernel, of_truth, _) in errors(&scene, &shifted) {
                assert!(of_truth > 1.0, "{kernel:?}: a shifted {what} is {of_truth} of what is allowed");
            }
        }
        let scaled: Vec<ViewMatrix> = matrices
            .iter()
            .map(|&ViewMatrix { u, v, w }| {
                let [u, v, w] = [u, v, w].map(|form| form.map(|n| n * 1.0005));
                ViewMatrix { u, v, w }
            })
            .collect();
        for (kernel, of_truth, _) in errors(&scene, &scaled) {
            assert!(of_truth > 1.0, "{kernel:?}: a scaled depth is {of_truth} of what is allowed");
        }
    }
    let kernels = [Kernel::General, Kernel::Parallel, Kernel::Axial(Along::Rows), Kernel::Axial(Along::Columns)];
    assert!(kernels.iter().all(|kernel| met.contains(kernel)), "{met:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Sizes that are no multiple of any block, one voxel, one pixel, one view; pixels of micrometres to metres; volumes off
    /// centre, beside the detector, around the source and behind it; detectors shifted, turned over and with margins.
    #[test]
    fn any_geometry_is_back_projected_right(scene in any_scene()) {
        for (kernel, of_truth, between) in errors(&scene, &scene.matrices()) {
            prop_assert!(of_truth <= 1.0, "{kernel:?}: {of_truth} of what is allowed");
            prop_assert!(between <= 1.0, "{kernel:?} and the general kernel: {between} of what is allowed");
        }
    }
}
