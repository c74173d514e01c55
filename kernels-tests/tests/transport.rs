//! Photons through bodies against what is known of them: other Monte Carlo programs, closed forms, exact sums. On the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::{DMat3, DVec3};
use kerma::{
    body::Body,
    data::Grid,
    engine::{Control, Device, Graph, Limits, Plan},
    kernels::transport::{
        Class, DetectorPlane, Estimate, Source, Tables, Tally,
        photons::{Histories, record},
    },
    physics::{Element, Material, Spectrum},
};

fn material(name: &str, density_g_cm3: f64, percent: &[(&str, f64)]) -> Material {
    let composition = percent.iter().map(|(symbol, p)| (Element::from_symbol(symbol).unwrap(), p / 100.0));
    Material::new(name, density_g_cm3, composition).unwrap()
}

/// Soft tissue and air of AAPM Report 195.
fn tissue_and_air() -> [Material; 2] {
    const TISSUE: [(&str, f64); 9] = [
        ("H", 10.5),
        ("C", 25.6),
        ("N", 2.7),
        ("O", 60.2),
        ("Na", 0.1),
        ("P", 0.2),
        ("S", 0.3),
        ("Cl", 0.2),
        ("K", 0.2),
    ];
    const AIR: [(&str, f64); 4] = [("C", 0.0124), ("N", 75.5268), ("O", 23.1781), ("Ar", 1.2827)];
    [material("soft tissue", 1.03, &TISSUE), material("air", 0.001_205, &AIR)]
}

/// Centres of the cubes from the body's, in cm, and the energy absorbed in each, in eV for each photon sent: AAPM Report 195
/// (I. Sechopoulos et al., 2015), case 2 with 56.4 keV at 0°, mean of four Monte Carlo programs.
const CUBES: [([f64; 3], f64); 9] = [
    ([0.0, -15.0, 0.0], 27.0105),
    ([-15.0, 0.0, 0.0], 27.0031),
    ([0.0, 0.0, 0.0], 36.6674),
    ([15.0, 0.0, 0.0], 27.0083),
    ([0.0, 15.0, 0.0], 27.0080),
    ([0.0, 0.0, -6.0], 72.8588),
    ([0.0, 0.0, -3.0], 53.3451),
    ([0.0, 0.0, 3.0], 23.8321),
    ([0.0, 0.0, 6.0], 14.5952),
];
/// The same for the whole body.
const BODY_EV: f64 = 33_171.4;

/// Case 2: voxels of 30 × 30 × 5 mm, at whose faces body and cubes end. Regions: 0 air, 1 body, from 2 on the cubes.
fn case_2() -> Tables {
    let grid = Grid::new([21, 21, 360], [30.0, 30.0, 5.0], [-300.0, -300.0, 2.5], DMat3::IDENTITY).unwrap();
    let (mut voxels, mut regions) = (Vec::new(), Vec::new());
    for index in 0..grid.voxel_count() {
        let at = grid.world_mm(DVec3::new((index % 21) as f64, (index / 21 % 21) as f64, (index / 441) as f64)) / 10.0;
        let from_centre = at - DVec3::Z * 165.0;
        let is_within = |half: DVec3, centre: DVec3| (from_centre - centre).abs().cmplt(half).all();
        let is_tissue = is_within(DVec3::new(19.5, 19.5, 10.0), DVec3::ZERO);
        let cube = CUBES.iter().position(|(centre, _)| is_within(DVec3::splat(1.5), DVec3::from_array(*centre)));
        voxels.push(if is_tissue { 1 } else { 2 });
        regions.push(cube.map_or(u16::from(is_tissue), |cube| cube as u16 + 2));
    }
    let body = Body::new(grid, tissue_and_air().to_vec(), vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0], voxels).unwrap();
    Tables::new(&body, Some(&regions)).unwrap()
}

fn mono(energy_kev: f64) -> Spectrum {
    Spectrum::new(vec![energy_kev], vec![1.0]).unwrap()
}

fn source_of_case_2(spectrum: Spectrum) -> Source {
    Source {
        position_mm: DVec3::ZERO,
        corner_mm: DVec3::new(-195.0, -195.0, 1800.0),
        edges_mm: [DVec3::X * 390.0, DVec3::Y * 390.0],
        spectrum,
    }
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

/// Energy absorbed in the body, and in each of the cubes.
fn body_and_cubes(tally: &Tally) -> (Estimate, Vec<Estimate>) {
    let regions: Vec<Estimate> = (0..11).map(|region| tally.region_ev(region)).collect();
    let mean = regions[1..].iter().map(|of| of.mean).sum();
    // Regions share photons, so that errors may add up.
    let error = regions[1..].iter().map(|of| of.error).sum();
    (Estimate { mean, error }, regions[2..].to_vec())
}

#[test]
fn the_energy_absorbed_in_a_body_and_its_cubes_is_that_of_four_other_programs() {
    let tally = followed(&case_2(), &source_of_case_2(mono(56.4)), None, 2_000_000);
    let (body, cubes) = body_and_cubes(&tally);
    println!("body {body:?}, want {BODY_EV}; {:?}", tally.events());
    assert!((body.mean / BODY_EV - 1.0).abs() < 0.003, "{body:?}");
    for (got, (centre, want)) in cubes.iter().zip(CUBES) {
        println!("{centre:?}: {:.3} ± {:.3}, want {want}", got.mean, got.error);
        assert!((got.mean - want).abs() < 4.0 * got.error, "{centre:?}: {got:?}, want {want}");
    }
    assert_eq!(tally.absorbed_ev() + tally.escaped_ev(), tally.emitted_ev());
    assert_eq!(tally.emitted_ev(), 2_000_000 * 56_400);
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
#[ignore = "two minutes: 200 million photons"]
fn the_energy_absorbed_is_that_of_four_other_programs_to_a_thousandth() {
    let begin = std::time::Instant::now();
    let tally = followed(&case_2(), &source_of_case_2(mono(56.4)), None, 200_000_000);
    let (body, cubes) = body_and_cubes(&tally);
    println!("{:?}: body {:.1} ± {:.1}, want {BODY_EV}; {:?}", begin.elapsed(), body.mean, body.error, tally.events());
    assert!((body.mean / BODY_EV - 1.0).abs() < 0.003, "{body:?}");
    for (got, (centre, want)) in cubes.iter().zip(CUBES) {
        println!(
            "{centre:?}: {:.4} ± {:.4}, want {want}: {:+.2} %",
            got.mean,
            got.error,
            100.0 * (got.mean / want - 1.0)
        );
        assert!((got.mean / want - 1.0).abs() < 0.02, "{centre:?}: {got:?}, want {want}");
    }
}
