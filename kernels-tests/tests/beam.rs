//! The signal behind materials against sums over all bins of the spectrum in double precision, on the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use kerma::{
    engine::{Control, Device, Extent, Graph, Plan},
    kernels::{beam::signal, pointwise::line_integral},
    physics::{Layer, Material, Quadrature, Tube},
};
use kerma_kernels_tests::Seeded;

/// Half a unit in the last place of a number between 1 and 2.
const U: f64 = 1.0 / (1 << 24) as f64;
/// What single precision may cost −ln T, and what it may differ from the sum over bins.
const PRECISION: f64 = 1e-5;
const TOLERANCE: f64 = 1e-4;
/// Transmission that nothing which is measured falls below.
const FLOOR: f32 = 1e-30;

/// −ln T by the kernels, of pixels with so many mm of each material.
fn computed(quadrature: &Quadrature, pixels: &[Vec<f32>]) -> Vec<f32> {
    // One row: each material's row behind the other.
    let rows: Vec<f32> = (0..quadrature.materials().len()).flat_map(|m| pixels.iter().map(move |mm| mm[m])).collect();
    let mut graph = Graph::new();
    let thickness = graph.upload("thickness", Extent::new(1, 1, rows.len()), &rows);
    let signal = signal::record(&mut graph, quadrature, thickness);
    let integrals = line_integral::record(&mut graph, FLOOR, signal);
    let output = graph.result(integrals);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

fn bins(kvp: f64, filter: &[&str], materials: &[&str]) -> Quadrature {
    let filter = filter.iter().map(|layer| Layer::parse(layer, &[]).unwrap()).collect();
    let spectrum = Tube::new(kvp, 12.0, filter).unwrap().spectrum().unwrap();
    let materials: Vec<Material> = materials.iter().map(|name| Material::by_name(name).unwrap()).collect();
    Quadrature::of_bins(&spectrum, spectrum.energies_kev(), &materials).unwrap()
}

/// Largest difference of the kernels' −ln T and that of a quadrature in double precision, over what single precision may cost,
/// and largest difference from the bins'.
fn errors(bins: &Quadrature, quadrature: &Quadrature, pixels: &[Vec<f32>]) -> [f64; 2] {
    let mut worst = [0.0_f64; 2];
    for (mm, got) in pixels.iter().zip(computed(quadrature, pixels)) {
        let mm: Vec<f64> = mm.iter().map(|mm| f64::from(*mm)).collect();
        let [reduced, full] = [quadrature, bins].map(|of| -of.transmission(&mm).ln());
        // Each coefficient, product and sum of the exponent; exponential, weights and logarithm.
        let bound = (mm.len() as f64 + 6.0) * U * full + 1e-6;
        assert!(
            (f64::from(got) - reduced).abs() <= bound.min(PRECISION),
            "{mm:?}: {got}, want {reduced} within {bound}"
        );
        worst[0] = worst[0].max((f64::from(got) - reduced).abs());
        worst[1] = worst[1].max((f64::from(got) - full).abs());
    }
    worst
}

#[test]
fn the_signal_behind_water_and_bone_is_the_sum_over_all_bins() {
    let pixels: Vec<Vec<f32>> =
        (0..81 * 51).map(|i| vec![(i % 81) as f32 * 400.0 / 80.0, (i / 81) as f32 * 50.0 / 50.0]).collect();
    for filter in [&["al:2.5"][..], &["al:3", "cu:0.1"]] {
        for kvp in [40.0, 70.0, 120.0, 150.0] {
            let bins = bins(kvp, filter, &["water", "cortical-bone"]);
            let (reduced, _) = bins.reduced(&[400.0, 50.0]).unwrap();
            let [precision, total] = errors(&bins, &reduced, &pixels);
            println!("{kvp} kV, {filter:?}: {} energies, {precision:.1e}, {total:.1e}", reduced.nodes().len());
            assert!(total <= TOLERANCE, "{kvp} kV, {filter:?}: {total}");
            assert_eq!(computed(&reduced, &pixels[..1]), [0.0], "nothing weakens nothing");
        }
    }
    // The control: the energies of a beam 2 kV softer.
    let all = bins(120.0, &["al:2.5"], &["water", "cortical-bone"]);
    let (coarse, _) = bins(118.0, &["al:2.5"], &["water", "cortical-bone"]).reduced(&[400.0, 50.0]).unwrap();
    let [_, total] = errors(&all, &coarse, &pixels[..1000]);
    assert!(total > TOLERANCE);
}

#[test]
fn the_signal_behind_many_materials_is_the_sum_over_all_bins() {
    const MATERIALS: [(&str, f32); 7] = [
        ("air", 1500.0),
        ("lung", 300.0),
        ("adipose", 200.0),
        ("water", 300.0),
        ("cortical-bone", 50.0),
        ("I", 0.5),
        ("Ti", 5.0),
    ];
    let longest = MATERIALS.map(|(_, mm)| f64::from(mm));
    let bins = bins(120.0, &["al:2.5"], &MATERIALS.map(|(name, _)| name));
    let (reduced, _) = bins.reduced(&longest).unwrap();
    let mut seeded = Seeded::new(7);
    let mut pixel = || MATERIALS.map(|(_, mm)| seeded.between(-f64::from(mm), mm.into()).max(0.0) as f32).to_vec();
    let pixels: Vec<Vec<f32>> = (0..5000).map(|_| pixel()).collect();
    let [precision, total] = errors(&bins, &reduced, &pixels);
    println!("{} energies, {precision:.1e}, {total:.1e}", reduced.nodes().len());
    assert!(total <= TOLERANCE, "{total}");
}
