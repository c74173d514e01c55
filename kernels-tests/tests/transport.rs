//! Photons through bodies against what is known of them: other Monte Carlo programs, closed forms, exact sums. On the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::{DMat3, DVec3};
use kerma::{
    body::Body,
    data::Grid,
    engine::{Control, Device, Graph, Limits, Plan},
    kernels::transport::{
        Class, DetectorPlane, Source, Tables, Tally,
        photons::{Histories, record},
    },
    physics::{Material, Spectrum},
};
use kerma_kernels_tests::tg195::{BEAMS, CENTRES, body_and_cubes, case_2, tissue_and_air};

fn mono(energy_kev: f64) -> Spectrum {
    Spectrum::new(vec![energy_kev], vec![1.0]).unwrap()
}

fn followed_within(
    limits: Limits,
    tables: &Tables,
    source: &Source,
    detector: Option<&DetectorPlane>,
    histories: Histories,
) -> Tally {
    let mut graph = Graph::new();
    let recorded = record(&mut graph, tables, source, detector, histories);
    let output = recorded.result(&mut graph);
    let plan = Plan::new(&graph, limits).unwrap();
    let mut outputs = pollster::block_on(Device::cpu().run(&plan, &Control::default())).unwrap();
    recorded.tally(outputs.take(output).unwrap())
}

fn followed(tables: &Tables, source: &Source, detector: Option<&DetectorPlane>, count: u32) -> Tally {
    followed_within(Device::cpu().limits(), tables, source, detector, Histories { seed: 1, first: 0, count })
}

#[test]
fn the_energy_absorbed_in_a_body_and_its_cubes_is_that_of_four_other_programs() {
    let tables = case_2();
    for (beam, count) in BEAMS.iter().zip([2_000_000, 500_000, 500_000, 500_000]) {
        let tally = followed(&tables, &beam.source(), None, count);
        let (body, cubes) = body_and_cubes(&tally);
        println!("{}: body {body:?}, want {}; {:?}", beam.name, beam.body_ev, tally.events());
        assert!((body.mean / beam.body_ev - 1.0).abs() < 0.003, "{}: {body:?}", beam.name);
        for ((got, centre), want) in cubes.iter().zip(CENTRES).zip(beam.cubes_ev) {
            println!("{centre:?}: {:.3} ± {:.3}, want {want}", got.mean, got.error);
            assert!((got.mean - want).abs() < 4.0 * got.error, "{}, {centre:?}: {got:?}, want {want}", beam.name);
        }
        assert_eq!(tally.absorbed_ev() + tally.escaped_ev(), tally.emitted_ev());
    }
    // The control: a beam from another side is none of them.
    let (_, cubes) = body_and_cubes(&followed(&tables, &BEAMS[1].source(), None, 500_000));
    assert!((cubes[0].mean - BEAMS[0].cubes_ev[0]).abs() > 4.0 * cubes[0].error);
}

/// A body of one material: a block of so many mm with its near face at z = 0, and one ray along z into its middle.
fn block(material: Material, size_mm: [f64; 3], energy_kev: f64) -> (Tables, Source) {
    let [x, y, z] = size_mm;
    let grid =
        Grid::new([2, 2, 2], size_mm.map(|mm| mm / 2.0), [-x / 4.0, -y / 4.0, z / 4.0], DMat3::IDENTITY).unwrap();
    let body = Body::new(grid, vec![material], vec![0.0, 1.0], vec![1; 8]).unwrap();
    let source = Source {
        position_mm: DVec3::new(0.1, 0.1, -500.0),
        corner_mm: DVec3::new(0.1, 0.1, 0.0),
        edges_mm: [DVec3::ZERO; 2],
        blades: Vec::new(),
        spectrum: mono(energy_kev),
    };
    (Tables::new(&body, None).unwrap(), source)
}

/// A plane behind a block, 2 m wide, that counts photons.
fn counter(z_mm: f64) -> DetectorPlane {
    let steps = [DVec3::Y * 500.0, DVec3::X * 500.0];
    DetectorPlane::new(DVec3::new(-1000.0, -1000.0, z_mm), steps, [4, 4], |_| 1.0)
}

fn sum(tally: &Tally, classes: &[Class]) -> f64 {
    tally.image(classes).iter().map(|pixel| pixel.mean).sum()
}

#[test]
fn the_primary_behind_tissue_is_the_exponential() {
    let [tissue, _] = tissue_and_air();
    let (tables, source) = block(tissue.clone(), [200.0; 3], 56.4);
    let count = 1_000_000;
    let got = sum(&followed(&tables, &source, Some(&counter(300.0)), count), &[Class::Primary]);
    let error = (got / f64::from(count)).sqrt();
    let ours = (-tissue.attenuation_per_mm(56.4).unwrap() * 200.0).exp();
    println!("{got} ± {error}, by our coefficient {ours}");
    assert!((got - ours).abs() < 4.0 * error, "{got} ± {error}, want {ours}");
    // By xraylib's coefficient of 0.20896 cm²/g.
    assert!((got - 0.013_506).abs() < 4.0 * error, "{got} ± {error}");
    // The control: tissue that is denser by a twentieth.
    let (tables, source) = block(tissue.with_density(1.08).unwrap(), [200.0; 3], 56.4);
    let denser = sum(&followed(&tables, &source, Some(&counter(300.0)), count), &[Class::Primary]);
    assert!((denser - ours).abs() > 4.0 * error);
}

#[test]
fn no_photon_passes_the_blades_and_what_they_leave_open_is_even() {
    let air = Material::by_name("air").unwrap();
    let (tables, mut source) = block(air, [400.0, 400.0, 2.0], 60.0);
    // 20 × 20 pixels of 20 mm behind a field of as many.
    source.corner_mm = DVec3::new(-200.0, -200.0, 10.0);
    source.edges_mm = [DVec3::X * 400.0, DVec3::Y * 400.0];
    source.position_mm = DVec3::Z * -4000.0;
    source.blades = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
    let steps = [DVec3::Y * 20.0, DVec3::X * 20.0];
    let detector = DetectorPlane::new(source.corner_mm, steps, [20, 20], |_| 1.0);
    let tally = followed(&tables, &source, Some(&detector), 2_000_000);
    let image = tally.image(&[Class::Primary]);
    let mut worst = 0.0_f64;
    for (at, pixel) in image.iter().enumerate() {
        let (b, a) = (at % 20, at / 20);
        match a.cmp(&b) {
            std::cmp::Ordering::Less => assert_eq!(pixel.mean, 0.0, "{a}, {b}"),
            std::cmp::Ordering::Equal => {}
            // All of half of 400 pixels, evenly to the cosine.
            std::cmp::Ordering::Greater => worst = worst.max((pixel.mean * 200.0 - 1.0).abs()),
        }
    }
    assert!(worst < 0.05, "{worst}");
    assert_eq!(tally.events().entered, 2_000_000);
}

#[test]
fn the_error_of_a_sum_of_regions_is_none_of_independent_ones() {
    // So deep that hardly any photon leaves: what one half does not get, the other does.
    let grid = Grid::new([1, 1, 2], [400.0, 400.0, 20.0], [0.0, 0.0, 10.0], DMat3::IDENTITY).unwrap();
    let bone = Material::by_name("cortical-bone").unwrap();
    let body = Body::new(grid, vec![bone.clone()], vec![0.0, 1.0], vec![1; 2]).unwrap();
    let (_, source) = block(bone, [400.0, 400.0, 40.0], 40.0);
    let tally = followed(&Tables::new(&body, Some(&[0, 1])).unwrap(), &source, None, 200_000);
    let [front, back] = [0, 1].map(|region| tally.region_ev(region));
    let both = tally.regions_ev([0, 1]);
    println!("{front:?}, {back:?}, {both:?}");
    assert!((both.mean - front.mean - back.mean).abs() < 1e-6);
    assert_eq!(both.mean, tally.absorbed_ev() as f64 / 200_000.0);
    let as_if_independent = front.error.hypot(back.error);
    assert!(both.error < 0.5 * as_if_independent, "{both:?}, {as_if_independent}");
    // The control: photons of two runs are independent.
    let histories = Histories { seed: 2, first: 0, count: 200_000 };
    let other = followed_within(Device::cpu().limits(), &Tables::new(&body, None).unwrap(), &source, None, histories);
    let difference = (other.region_ev(0).mean - both.mean).abs();
    assert!(difference < 4.0 * both.error.hypot(other.region_ev(0).error), "{difference} eV");
}

#[test]
fn what_is_expected_is_the_mean_of_what_arrives() {
    let (tables, source) = block(Material::by_name("water").unwrap(), [200.0; 3], 60.0);
    let plane =
        || DetectorPlane::new(DVec3::new(-200.0, -200.0, 250.0), [DVec3::Y * 400.0, DVec3::X * 400.0], [1, 1], |e| e);
    let arrived = followed(&tables, &source, Some(&plane()), 1_000_000);
    let expected = followed(&tables, &source, Some(&plane().of_expected()), 1_000_000);
    for class in Class::ALL {
        let [arrived, expected] = [&arrived, &expected].map(|tally| tally.image(&[class])[0]);
        println!("{class:?}: {arrived:?}, {expected:?}");
        let error = arrived.error + expected.error;
        assert!((arrived.mean - expected.mean).abs() < 4.0 * error, "{class:?}: {arrived:?}, {expected:?}");
        assert!(class == Class::Primary || expected.error < arrived.error);
    }
    assert_eq!(expected.absorbed_ev() + expected.escaped_ev(), expected.emitted_ev());
    // The control: one class is not another.
    let [compton, rayleigh] = [Class::Compton, Class::Rayleigh].map(|class| expected.image(&[class])[0]);
    assert!((compton.mean - rayleigh.mean).abs() > 4.0 * (compton.error + rayleigh.error));
}

#[test]
fn interactions_share_as_the_coefficients_do() {
    // So thin that hardly any photon interacts twice.
    let (tables, source) = block(Material::by_name("water").unwrap(), [1.0; 3], 60.0);
    let tally = followed(&tables, &source, Some(&counter(10.0)), 3_000_000);
    let events = tally.events();
    let all = (events.absorbed + events.compton + events.rayleigh) as f64;
    // xraylib, cm²/g at 60 keV.
    let total = 0.014_93 + 0.177_03 + 0.013_92;
    for (got, want) in [(events.absorbed, 0.014_93), (events.compton, 0.177_03), (events.rayleigh, 0.013_92)] {
        let (got, want) = (got as f64 / all, want / total);
        let error = (want * (1.0 - want) / all).sqrt();
        println!("{got} ± {error}, want {want}");
        assert!((got - want).abs() < 4.0 * error + 1e-3, "{got} ± {error}, want {want}");
    }
    // Nearly all photons that a scattering sends on reach the plane, as what they are.
    let of = |class: Class| sum(&tally, &[class]) * tally.histories() as f64;
    assert!(of(Class::Multiple) < 0.05 * of(Class::Compton));
    assert!((of(Class::Rayleigh) / events.rayleigh as f64 - 0.95).abs() < 0.05);
    assert!((of(Class::Compton) / events.compton as f64 - 0.55).abs() < 0.05);
}

#[test]
fn sums_are_the_same_however_the_photons_are_divided() {
    let (tables, source) = block(Material::by_name("cortical-bone").unwrap(), [80.0; 3], 100.0);
    let detector = counter(100.0);
    let histories = |first: u64, count: u32| Histories { seed: 5, first, count };
    let limits = Device::cpu().limits();
    let within =
        |limits: Limits, histories: Histories| followed_within(limits, &tables, &source, Some(&detector), histories);
    let whole = within(limits, histories(17, 30_000));
    let short = Limits { dispatch_operations: 2e7, ..limits };
    assert_eq!(within(short, histories(17, 30_000)), whole);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| within(limits, histories(17, 30_000))), whole);
    }
    let joined = within(limits, histories(17, 9_999)).joined(&within(limits, histories(10_016, 20_001)));
    assert_eq!(joined, whole);
    assert_eq!(whole.absorbed_ev() + whole.escaped_ev(), 30_000 * 100_000);
    // The control: other photons.
    assert_ne!(within(limits, histories(18, 30_000)), whole);
}

#[test]
#[ignore = "eight minutes: 200 million photons of each of four beams"]
fn the_energy_absorbed_is_that_of_four_other_programs_to_a_thousandth() {
    let tables = case_2();
    for beam in BEAMS {
        let tally = followed(&tables, &beam.source(), None, 200_000_000);
        let (body, cubes) = body_and_cubes(&tally);
        let percent = |got: f64, want: f64| 100.0 * (got / want - 1.0);
        let (name, want) = (beam.name, beam.body_ev);
        println!("{name}: body {:.1} ± {:.1}, want {want}: {:+.2} %", body.mean, body.error, percent(body.mean, want));
        assert!(percent(body.mean, want).abs() < 0.3, "{name}: {body:?}");
        for ((got, centre), want) in cubes.iter().zip(CENTRES).zip(beam.cubes_ev) {
            let far = percent(got.mean, want);
            println!("{centre:?}: {:.4} ± {:.4}, want {want}: {far:+.2} %", got.mean, got.error);
            assert!(far.abs() < 2.0, "{name}, {centre:?}: {got:?}, want {want}");
        }
    }
}
