//! Iterative reconstructions against the same formulas in double precision on Joseph's matrix, on the CPU backend and in their
//! behaviour.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;

use std::ops::ControlFlow;

use adapters::{Software, opened};
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Numerics},
    geometry::{Geometry, Scan},
    phantom::shepp_logan,
    tasks::{
        Backprojector, Task, TaskError,
        iterative::{Algorithm, Ending, Iterate, Iterated, Iterative, IterativeOptions, SubsetOrder, Weights},
    },
};
use kerma_kernels_tests::{Seeded, oracle};

/// Elements of Joseph's matrix, and what was measured of a volume with a little noise.
struct Scene {
    geometry: Geometry,
    grid: Grid,
    elements: Vec<(usize, usize, f64)>,
    truth: Volume,
    projections: Projections,
}

fn scene() -> Scene {
    let scan = "kind = \"cone-circular\"\nsource_isocentre_mm = 300.0\nsource_detector_mm = 500.0\nviews = 12\n\
                detector = [30, 21]\npitch_mm = [4.0, 4.0]\n";
    let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
    let grid: Grid = "18x16x9@4x4.5x5".parse().unwrap();
    let mut elements = Vec::new();
    oracle::joseph(&grid, &geometry, |pixel, voxel, weight| elements.push((pixel, voxel, weight)));
    let values = Seeded::new(5).values(grid.voxel_count(), 0.0, 0.04);
    let truth = Volume::new(grid, Unit::PerMillimetre, values).unwrap();
    let x: Vec<f64> = truth.values().iter().map(|v| f64::from(*v)).collect();
    let noise = Seeded::new(6).values(geometry.value_count(), -0.01, 0.01);
    let p: Vec<f32> =
        project(&elements, geometry.value_count(), &x).iter().zip(noise).map(|(p, n)| *p as f32 + n).collect();
    let views = geometry.views().len();
    let projections = Projections::new(views, geometry.detector(), geometry.pitch_mm(), Unit::LineIntegral, p).unwrap();
    Scene { geometry, grid, elements, truth, projections }
}

fn project(elements: &[(usize, usize, f64)], pixels: usize, x: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; pixels];
    elements.iter().for_each(|&(pixel, voxel, weight)| sums[pixel] += weight * x[voxel]);
    sums
}

fn gather(elements: &[(usize, usize, f64)], voxels: usize, y: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; voxels];
    elements.iter().for_each(|&(pixel, voxel, weight)| sums[voxel] += weight * y[pixel]);
    sums
}

impl Scene {
    fn forward(&self, x: &[f64]) -> Vec<f64> {
        project(&self.elements, self.geometry.value_count(), x)
    }

    fn back(&self, y: &[f64]) -> Vec<f64> {
        gather(&self.elements, self.grid.voxel_count(), y)
    }

    fn measured(&self) -> Vec<f64> {
        self.projections.values().iter().map(|p| f64::from(*p)).collect()
    }

    fn options(algorithm: Algorithm, iterations: usize) -> IterativeOptions {
        IterativeOptions { iterations, ..IterativeOptions::new(algorithm) }
    }

    fn run(&self, options: IterativeOptions) -> Iterated {
        let task = Iterative::new(&self.projections, &self.geometry, &self.grid, options).unwrap();
        let task = task.compared_with(&self.truth).unwrap();
        pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap()
    }
}

fn inverse(x: f64, least: f64) -> f64 {
    if x >= least { 1.0 / x } else { 0.0 }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn distance(values: &[f32], expected: &[f64]) -> f64 {
    let difference: Vec<f64> = values.iter().zip(expected).map(|(a, b)| f64::from(*a) - b).collect();
    norm(&difference) / norm(expected)
}

/// Least length of a ray that counts: a tenth of the smallest spacing.
const LEAST_MM: f64 = 0.4;

#[test]
fn simultaneous_iterations_are_those_of_the_formula() {
    let scene = scene();
    for (weights, bounds) in [(Weights::Even, [0.0, 0.03]), (Weights::Counts, [-1.0, 1.0])] {
        let options = IterativeOptions { weights, bounds, ..Scene::options(Algorithm::Sirt { relaxation: 1.3 }, 6) };
        let got = scene.run(options);
        let p = scene.measured();
        let lengths = scene.forward(&vec![1.0; scene.grid.voxel_count()]);
        let r: Vec<f64> = match weights {
            Weights::Even => lengths.iter().map(|l| inverse(*l, LEAST_MM)).collect(),
            Weights::Counts => {
                lengths.iter().zip(&p).map(|(l, p)| if *l >= LEAST_MM { (-p).exp() } else { 0.0 }).collect()
            }
        };
        let summed: Vec<f64> = r.iter().zip(&lengths).map(|(r, l)| r * l).collect();
        let c: Vec<f64> = scene.back(&summed).iter().map(|s| inverse(*s, LEAST_MM * 0.1)).collect();
        let mut x = vec![0.0; c.len()];
        for iterate in &got.history {
            let left: Vec<f64> = p.iter().zip(scene.forward(&x)).map(|(p, a)| p - a).collect();
            assert!((iterate.residual / (norm(&left) / norm(&p)) - 1.0).abs() < 1e-4, "{weights:?} {iterate:?}");
            let weighted: Vec<f64> = left.iter().zip(&r).map(|(l, r)| l * r).collect();
            let moves = scene.back(&weighted);
            for ((x, c), m) in x.iter_mut().zip(&c).zip(moves) {
                *x = (*x + 1.3 * c * m).clamp(bounds[0].into(), bounds[1].into());
            }
        }
        let found = distance(got.volume.values(), &x);
        println!("{weights:?}: {found:.1e}");
        assert!(found < 1e-5, "{weights:?}: {found:e}");
        assert!(got.history.windows(2).all(|w| w[1].residual < w[0].residual), "{:?}", got.history);
    }
}

#[test]
fn conjugate_gradients_are_those_of_the_textbook() {
    let scene = scene();
    let got = scene.run(Scene::options(Algorithm::Cgls, 8));
    let mut x = vec![0.0; scene.grid.voxel_count()];
    let mut r = scene.measured();
    let whole = norm(&r);
    let mut s = scene.back(&r);
    let mut d = s.clone();
    let mut gamma = norm(&s).powi(2);
    for iterate in &got.history {
        assert!((iterate.residual / (norm(&r) / whole) - 1.0).abs() < 1e-3, "{iterate:?}");
        let q = scene.forward(&d);
        let alpha = gamma / norm(&q).powi(2);
        x.iter_mut().zip(&d).for_each(|(x, d)| *x += alpha * d);
        r.iter_mut().zip(&q).for_each(|(r, q)| *r -= alpha * q);
        s = scene.back(&r);
        let next = norm(&s).powi(2);
        d.iter_mut().zip(&s).for_each(|(d, s)| *d = s + next / gamma * *d);
        gamma = next;
    }
    let found = distance(got.volume.values(), &x);
    println!("conjugate gradients: {found:.1e}");
    assert!(found < 1e-4, "{found:e}");
    assert!((got.residual.unwrap() / (norm(&r) / whole) - 1.0).abs() < 1e-3);
}

#[test]
fn expectation_maximisation_is_that_of_the_formula() {
    let scene = scene();
    let got = scene.run(Scene::options(Algorithm::Mlem, 5));
    let p: Vec<f64> = scene.measured().iter().map(|p| p.max(0.0)).collect();
    assert_eq!(got.negative, scene.projections.values().iter().filter(|p| **p < 0.0).count());
    let lengths = scene.forward(&vec![1.0; scene.grid.voxel_count()]);
    let met: Vec<f64> = lengths.iter().map(|l| f64::from(u8::from(*l >= LEAST_MM))).collect();
    let seen: f64 = p.iter().zip(&met).map(|(p, m)| p * m).sum();
    let mut x = vec![seen / lengths.iter().sum::<f64>(); scene.grid.voxel_count()];
    let sensitivity = scene.back(&met);
    for _ in 0..5 {
        let quotient: Vec<f64> = p.iter().zip(scene.forward(&x)).map(|(p, a)| p * inverse(a, 1e-6)).collect();
        let moves = scene.back(&quotient);
        x.iter_mut().zip(moves).zip(&sensitivity).for_each(|((x, m), s)| *x *= m * inverse(*s, LEAST_MM * 0.1));
    }
    let found = distance(got.volume.values(), &x);
    println!("expectation maximisation: {found:.1e}");
    assert!(found < 1e-5, "{found:e}");
    assert!(got.volume.values().iter().all(|v| *v >= 0.0));
}

#[test]
fn total_variation_reaches_what_no_small_change_makes_better() {
    let scene = scene();
    let weight = 0.02;
    let options =
        IterativeOptions { bounds: [0.0, 1.0], ..Scene::options(Algorithm::FistaTv { weight_per_mm: weight }, 150) };
    let got = scene.run(options);
    let [nx, ny, nz] = scene.grid.size();
    let spacing = scene.grid.spacing_mm();
    let objective = |x: &[f64]| {
        let p = scene.measured();
        let left: f64 = p.iter().zip(scene.forward(x)).map(|(p, a)| (p - a).powi(2)).sum();
        let mut variation = 0.0;
        for z in 0..nz {
            for y in 0..ny {
                for i in 0..nx {
                    let at = |i: usize, y: usize, z: usize| x[(z * ny + y) * nx + i];
                    let here = at(i, y, z);
                    let gx = if i + 1 < nx { (at(i + 1, y, z) - here) / spacing.x } else { 0.0 };
                    let gy = if y + 1 < ny { (at(i, y + 1, z) - here) / spacing.y } else { 0.0 };
                    let gz = if z + 1 < nz { (at(i, y, z + 1) - here) / spacing.z } else { 0.0 };
                    variation += (gx * gx + gy * gy + gz * gz).sqrt();
                }
            }
        }
        0.5 * left + weight * variation * spacing.element_product()
    };
    let found: Vec<f64> = got.volume.values().iter().map(|v| f64::from(*v)).collect();
    let least = objective(&found);
    // Towards the truth, towards nothing, towards the mean and in random directions it only becomes worse.
    let truth: Vec<f64> = scene.truth.values().iter().map(|v| f64::from(*v)).collect();
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    let random: Vec<f64> = Seeded::new(9)
        .values(found.len(), -1.0, 1.0)
        .iter()
        .zip(&found)
        .map(|(r, x)| x + 0.01 * f64::from(*r))
        .collect();
    for other in [truth, vec![0.0; found.len()], vec![mean; found.len()], random] {
        for share in [0.02, 0.1, 0.5] {
            let moved: Vec<f64> =
                found.iter().zip(&other).map(|(x, o)| ((1.0 - share) * x + share * o).clamp(0.0, 1.0)).collect();
            assert!(objective(&moved) > least * (1.0 - 1e-4), "{} below {least}", objective(&moved));
        }
    }
    // The control: least squares without it is another minimum.
    let without = scene.run(Scene::options(Algorithm::Cgls, 100));
    let without: Vec<f64> = without.volume.values().iter().map(|v| f64::from(*v)).collect();
    println!("objective {least:.4}, of least squares {:.4}", objective(&without));
    assert!(objective(&without) > 1.2 * least);
}

#[test]
fn subsets_converge_faster_and_in_either_order() {
    let scene = scene();
    let sirt = Algorithm::Sirt { relaxation: 1.0 };
    let plain = scene.run(Scene::options(sirt, 4));
    for order in [SubsetOrder::Apart, SubsetOrder::Ascending] {
        let options = IterativeOptions { subsets: 4, order, ..Scene::options(sirt, 4) };
        let some = scene.run(options);
        assert!(
            some.residual.unwrap() < 0.8 * plain.residual.unwrap(),
            "{order:?}: {:?}, {:?}",
            some.residual,
            plain.residual
        );
    }
    let em = scene.run(Scene::options(Algorithm::Mlem, 4));
    let subsets = scene.run(IterativeOptions { subsets: 4, ..Scene::options(Algorithm::Mlem, 4) });
    assert!(subsets.residual.unwrap() < 0.8 * em.residual.unwrap());
}

#[test]
fn what_is_resumed_has_the_bits_of_what_was_not() {
    let scene = scene();
    let options =
        |iterations| IterativeOptions { subsets: 3, ..Scene::options(Algorithm::Sirt { relaxation: 0.9 }, iterations) };
    let whole = scene.run(options(5));
    let first = scene.run(options(2));
    let task = Iterative::new(&scene.projections, &scene.geometry, &scene.grid, options(3)).unwrap();
    let task = task.from_volume(&first.volume).unwrap();
    let rest = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
    assert_eq!(rest.volume, whole.volume);
}

#[test]
fn software_devices_give_the_bits_of_the_cpu() {
    let scene = scene();
    let sirt = Algorithm::Sirt { relaxation: 0.8 };
    let unmatched = IterativeOptions { backprojector: Backprojector::VoxelDriven, ..Scene::options(sirt, 2) };
    let bounded = IterativeOptions { subsets: 3, bounds: [0.0, 0.03], ..Scene::options(sirt, 2) };
    let all = [
        unmatched,
        bounded,
        Scene::options(Algorithm::Cgls, 3),
        Scene::options(Algorithm::Mlem, 2),
        Scene::options(Algorithm::FistaTv { weight_per_mm: 0.02 }, 3),
    ];
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(device) = opened(adapter, Numerics::Pinned) else { continue };
        for options in all {
            let task = Iterative::new(&scene.projections, &scene.geometry, &scene.grid, options).unwrap();
            let task = task.compared_with(&scene.truth).unwrap();
            let [got, expected] = [&device, &Device::cpu()]
                .map(|device| pollster::block_on(task.run(device, &Control::default())).unwrap());
            assert_eq!((got.volume, got.history), (expected.volume, expected.history), "{adapter:?}, {options:?}");
        }
    }
}

#[test]
fn voxels_outside_a_mask_stay() {
    let scene = scene();
    let mut mask = Volume::zeros(scene.grid, Unit::Arbitrary);
    mask.values_mut().iter_mut().step_by(2).for_each(|value| *value = 1.0);
    for algorithm in [Algorithm::Sirt { relaxation: 1.0 }, Algorithm::Cgls, Algorithm::Mlem] {
        let task =
            Iterative::new(&scene.projections, &scene.geometry, &scene.grid, Scene::options(algorithm, 2)).unwrap();
        let task = task.within(&mask).unwrap();
        let got = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
        assert!(got.volume.values().iter().skip(1).step_by(2).all(|value| *value == 0.0), "{algorithm:?}");
        assert!(got.volume.values().iter().step_by(2).any(|value| *value != 0.0), "{algorithm:?}");
    }
}

#[test]
fn total_variation_takes_no_mask() {
    let scene = scene();
    let options = Scene::options(Algorithm::FistaTv { weight_per_mm: 0.02 }, 2);
    let task = Iterative::new(&scene.projections, &scene.geometry, &scene.grid, options).unwrap();
    let error = task.within(&scene.truth).err().unwrap().to_string();
    assert!(error.contains("no mask"), "{error}");
}

#[test]
fn rules_end_iterations_and_observers_see_volumes() {
    let scene = scene();
    let sirt = Algorithm::Sirt { relaxation: 1.0 };
    let still = scene.run(IterativeOptions { stop_change: Some(0.05), ..Scene::options(sirt, 200) });
    assert!(still.ending == Ending::Rule && still.history.len() < 50, "{:?}", still.history.len());
    let small = scene.run(IterativeOptions { stop_residual: Some(0.5), ..Scene::options(sirt, 200) });
    assert!(small.ending == Ending::Rule && small.history.last().unwrap().residual <= 0.5);

    let task = Iterative::new(&scene.projections, &scene.geometry, &scene.grid, Scene::options(sirt, 6)).unwrap();
    let mut seen = Vec::new();
    let mut observer = |iterate: &Iterate, volume: Option<&Volume>| {
        seen.push((iterate.number, volume.is_some()));
        if iterate.number == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (device, control) = (Device::cpu(), Control::default());
    let stopped = pollster::block_on(task.observed(&device, &control, Some(2), &mut observer)).unwrap();
    assert_eq!(seen, [(1, false), (2, true), (3, false), (4, true), (5, false)]);
    assert_eq!((stopped.ending, stopped.residual), (Ending::Stopped, None));
    assert_eq!(stopped.volume, scene.run(Scene::options(sirt, 5)).volume);
}

#[test]
fn an_object_that_is_larger_than_the_volume_is_said() {
    let scene = scene();
    assert!(scene.run(Scene::options(Algorithm::Cgls, 1)).missed < 0.01);
    let small: Grid = "8x8x9@4x4.5x5".parse().unwrap();
    let task = Iterative::new(&scene.projections, &scene.geometry, &small, Scene::options(Algorithm::Cgls, 1)).unwrap();
    let got = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
    assert!(got.missed > 0.1, "{}", got.missed);

    // All rays meet the grid, which the phantom fits in or not.
    let scan = "kind = 'parallel'\nviews = 30\narc_deg = 180\ndetector = [48, 48]\npitch_mm = [4.0, 4.0]";
    let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
    for (grid, least, most) in [("48x48x48@4x4x4", 0.0, 0.2), ("24x48x48@4x4x4", 0.5, 10.0)] {
        let projections = shepp_logan(90.0).unwrap().project(&geometry).unwrap();
        let sirt = Scene::options(Algorithm::Sirt { relaxation: 1.0 }, 10);
        let task = Iterative::new(&projections, &geometry, &grid.parse().unwrap(), sirt).unwrap();
        let got = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
        println!("{grid}: {}", got.border);
        assert!((least..most).contains(&got.border), "{grid}: {}", got.border);
    }
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    let scene = scene();
    let refused = |options: IterativeOptions| {
        let task = Iterative::new(&scene.projections, &scene.geometry, &scene.grid, options);
        task.err().unwrap().to_string()
    };
    let cgls = Scene::options(Algorithm::Cgls, 2);
    for (options, message) in [
        (IterativeOptions { backprojector: Backprojector::VoxelDriven, ..cgls }, "exact adjoint"),
        (IterativeOptions { bounds: [0.0, 1.0], ..cgls }, "takes no bounds"),
        (IterativeOptions { subsets: 2, ..cgls }, "no subsets"),
        (IterativeOptions { subsets: 13, ..Scene::options(Algorithm::Mlem, 2) }, "number of views"),
        (Scene::options(Algorithm::Sirt { relaxation: 2.0 }, 2), "below 2"),
        (Scene::options(Algorithm::FistaTv { weight_per_mm: 0.0 }, 2), "above 0 per mm"),
        (IterativeOptions { stop_change: Some(1.0), ..cgls }, "below 1"),
    ] {
        let got = refused(options);
        assert!(got.contains(message), "{got}");
    }
    let beside = scene.grid.with_centre(glam::DVec3::new(0.0, 0.0, 4000.0));
    let task = Iterative::new(&scene.projections, &scene.geometry, &beside, cgls).unwrap();
    let error = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap_err();
    assert!(error.to_string().contains("no ray"), "{error}");
}

#[test]
fn what_diverges_is_an_error() {
    // Values that no volume could give, and a relaxation near the limit with one subset per view.
    let scan = "kind = 'parallel'\nviews = 40\narc_deg = 180\ndetector = [24, 6]\npitch_mm = [8.0, 8.0]";
    let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
    let grid = Grid::centred([24, 24, 6], [8.0; 3]).unwrap();
    let projections = shepp_logan(90.0).unwrap().project(&geometry).unwrap();
    let options = IterativeOptions {
        subsets: 40,
        order: SubsetOrder::Ascending,
        backprojector: Backprojector::VoxelDriven,
        ..Scene::options(Algorithm::Sirt { relaxation: 1.99 }, 60)
    };
    let noise = Seeded::new(3).values(projections.values().len(), -3.0, 3.0);
    let noisy = Projections::new(40, [24, 6], [8.0; 2], Unit::LineIntegral, noise).unwrap();
    let task = Iterative::new(&noisy, &geometry, &grid, options).unwrap();
    let outcome = pollster::block_on(task.run(&Device::cpu(), &Control::default()));
    assert!(matches!(outcome, Err(TaskError::Diverged { .. })), "{:?}", outcome.map(|o| o.history));
}
